#include "http/proxy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "core/text.h"

namespace bco::http {

namespace {

std::optional<std::uint32_t> addressOf(std::string_view host) {
  in_addr address{};
  if (::inet_pton(AF_INET, std::string(host).c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

// "10.0.0.0/8" holds "10.1.2.3".
bool inNetwork(std::string_view network, std::string_view host) {
  const auto slash = network.find('/');
  if (slash == std::string_view::npos) return false;
  const auto base = addressOf(network.substr(0, slash));
  const auto address = addressOf(host);
  unsigned bits = 0;
  const std::string_view digits = network.substr(slash + 1);
  const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (!base || !address || error != std::errc() || last != digits.data() + digits.size() ||
      bits > 32) {
    return false;
  }
  const std::uint32_t mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
  return (*base & mask) == (*address & mask);
}

// "example.com" and ".example.com" hold the domain and all below it, as curl and Go read them.
bool excepts(std::string_view exception, const Url& url) {
  if (exception == "*") return true;
  if (const auto colon = exception.rfind(':'); colon != std::string_view::npos) {
    if (exception.substr(colon + 1) != std::to_string(url.port)) return false;
    exception = exception.substr(0, colon);
  }
  if (inNetwork(exception, url.host)) return true;
  if (exception.starts_with("*.")) exception.remove_prefix(1);
  if (exception.starts_with('.')) exception.remove_prefix(1);
  if (exception.empty()) return false;
  if (url.host == exception) return true;
  return url.host.size() > exception.size() && url.host.ends_with(exception) &&
         url.host[url.host.size() - exception.size() - 1] == '.';
}

Result<Proxy> parseProxy(std::string_view text) {
  // Not repeated in the message: it may hold a password.
  const auto invalid = [] {
    return fail(ErrorCode::kInvalid, "the proxy must be given as http://[user:password@]host:port");
  };
  if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else if (text.find("://") != std::string_view::npos) {
    return invalid();
  }
  // A slash in a password must be escaped: what follows it would be the path.
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  if (text.find('@', end) != std::string_view::npos) return invalid();
  text = text.substr(0, end);
  Proxy proxy;
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    const std::string_view userInfo = text.substr(0, at);
    const auto colon = std::min(userInfo.find(':'), userInfo.size());
    const auto user = percentDecode(userInfo.substr(0, colon), false);
    const auto password =
        percentDecode(userInfo.substr(std::min(colon + 1, userInfo.size())), false);
    if (!user || !password) return invalid();
    proxy.user = *user;
    proxy.password = *password;
    text = text.substr(at + 1);
  }
  // Read as a URL is: "user:password" without a host is no address either.
  const auto colon = text.find(':');
  const std::string_view port = colon == std::string_view::npos ? "80" : text.substr(colon + 1);
  const auto address =
      parseUrl("https://" + std::string(text.substr(0, colon)) + ":" + std::string(port));
  if (!address) return invalid();
  proxy.address = "http://" + address->host + ":" + std::to_string(address->port);
  return proxy;
}

}  // namespace

Result<ProxySettings> ProxySettings::fromEnvironment() {
  return from([](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return std::string(value == nullptr ? "" : value);
  });
}

Result<ProxySettings> ProxySettings::from(
    const std::function<std::string(const std::string&)>& variable) {
  const auto either = [&variable](const std::string& name) {
    std::string value = variable(name);
    return value.empty() ? variable(toLower(name)) : value;
  };
  ProxySettings settings;
  std::string name = "HTTPS_PROXY";
  std::string address = either(name);
  if (address.empty()) address = either(name = "HTTP_PROXY");
  if (address.empty()) return settings;
  auto proxy = parseProxy(trim(address));
  if (!proxy) return fail(withContext(std::move(proxy.error()), name));
  settings.proxy_ = *std::move(proxy);
  const std::string exceptions = toLower(either("NO_PROXY"));
  for (const std::string_view exception : split(exceptions, ',')) {
    if (!trim(exception).empty()) settings.exceptions_.emplace_back(trim(exception));
  }
  return settings;
}

ProxySettings ProxySettings::always(Proxy proxy) {
  ProxySettings settings;
  settings.proxy_ = std::move(proxy);
  settings.loopbackToo_ = true;
  return settings;
}

std::optional<Proxy> ProxySettings::proxyFor(const Url& url) const {
  if (!proxy_ || !url.tls || (isLoopback(url.host) && !loopbackToo_)) return std::nullopt;
  const bool direct =
      std::any_of(exceptions_.begin(), exceptions_.end(),
                  [&url](const std::string& exception) { return excepts(exception, url); });
  return direct ? std::nullopt : proxy_;
}

}  // namespace bco::http
