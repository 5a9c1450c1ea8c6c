// Which proxy a request goes through, as the usual environment variables say.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/url.h"

namespace bco::http {

struct Proxy {
  std::string address;  // "http://host:port"
  std::string user;     // empty: none
  std::string password;
};

// Only https:// goes through a proxy (by CONNECT): plain http:// is accepted for this machine
// alone, which is never proxied.
class ProxySettings {
 public:
  // No proxy at all.
  ProxySettings() = default;
  // From HTTPS_PROXY and NO_PROXY, else their lower-case forms. HTTP_PROXY counts when HTTPS_PROXY
  // is not set. kInvalid: the proxy's address is not http://[user:password@]host[:port].
  [[nodiscard]] static Result<ProxySettings> fromEnvironment();
  // `variable` returns a variable's value, empty when it is not set.
  [[nodiscard]] static Result<ProxySettings> from(
      const std::function<std::string(const std::string&)>& variable);
  // For every https:// request, this machine's own ports included: for tests.
  [[nodiscard]] static ProxySettings always(Proxy proxy);

  [[nodiscard]] std::optional<Proxy> proxyFor(const Url& url) const;

 private:
  std::optional<Proxy> proxy_;
  bool loopbackToo_ = false;
  std::vector<std::string> exceptions_;  // host, .domain, host:port, CIDR or "*"
};

}  // namespace bco::http
