// The parts of an absolute URL that a request needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace bco::http {

struct Url {
  bool tls = true;
  std::string host;  // lower case
  std::uint16_t port = 443;
  std::string target;  // path and query, still encoded; at least "/"

  // "https://host:port"
  [[nodiscard]] std::string origin() const;
};

// kInvalid: not http(s), user info or a fragment, an IPv6 literal (the HTTP library can't connect
// to one), or http:// to anything but this machine, which would send credentials in clear text.
[[nodiscard]] Result<Url> parseUrl(std::string_view text);

// "localhost" or an address in 127.0.0.0/8.
[[nodiscard]] bool isLoopback(std::string_view host);
// An address in dotted form.
[[nodiscard]] bool isIpv4(std::string_view host);

// For logs and errors: without the query, and cut when long.
[[nodiscard]] std::string displayUrl(std::string_view url);

}  // namespace bco::http
