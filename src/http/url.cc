#include "http/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "core/text.h"

namespace bco::http {

namespace {

constexpr std::size_t kLongestDisplay = 120;

}  // namespace

std::string Url::origin() const {
  return (tls ? "https://" : "http://") + host + ":" + std::to_string(port);
}

bool isIpv4(std::string_view host) {
  in_addr address{};
  return ::inet_pton(AF_INET, std::string(host).c_str(), &address) == 1;
}

bool isLoopback(std::string_view host) {
  return host == "localhost" || (host.starts_with("127.") && isIpv4(host));
}

Result<Url> parseUrl(std::string_view text) {
  const auto invalid = [text](std::string_view why) {
    // What may be user information is not repeated, wherever a URL that is none has it.
    const bool mayHoldPassword = text.find('@') != std::string_view::npos;
    return fail(ErrorCode::kInvalid,
                (mayHoldPassword ? "a URL" : displayUrl(text)) + ": " + std::string(why));
  };
  if (!text.empty() && !isVisibleAscii(text)) {
    return fail(ErrorCode::kInvalid, "a URL holds a byte that must be escaped");
  }
  Url url;
  if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
    url.tls = false;
    url.port = 80;
  } else {
    return invalid("URLs must start with https://");
  }

  const auto end = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, end);
  const std::string_view target = text.substr(end);
  if (authority.find('@') != std::string_view::npos) {
    return fail(ErrorCode::kInvalid, "a URL must not hold user information");
  }
  if (authority.starts_with('[')) {
    return invalid("IPv6 addresses are not supported in URLs; use a host name");
  }
  if (const auto colon = authority.find(':'); colon != std::string_view::npos) {
    const std::string_view digits = authority.substr(colon + 1);
    const auto [last, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    if (error != std::errc() || last != digits.data() + digits.size() || url.port == 0) {
      return invalid("bad port");
    }
    authority = authority.substr(0, colon);
  }
  if (authority.empty()) return invalid("no host");
  if (target.find('#') != std::string_view::npos) return invalid("a fragment has no use here");
  url.host = toLower(authority);
  if (!url.tls && !isLoopback(url.host)) {
    return invalid("http:// is accepted for this machine only; use https://");
  }
  if (!target.starts_with('/')) url.target = '/';
  url.target += target;
  return url;
}

std::string displayUrl(std::string_view url) {
  url = url.substr(0, url.find('?'));
  if (url.size() <= kLongestDisplay) return std::string(url);
  return std::string(url.substr(0, kLongestDisplay)) + "…";
}

}  // namespace bco::http
