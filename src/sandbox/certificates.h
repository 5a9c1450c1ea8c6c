// The sandbox's own certificate authority: made at start, gone at the end.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"
#include "server/http_server.h"

namespace bco::sandbox {

struct Certificates {
  std::string authorityPem;  // what clients are to trust
  server::TlsFiles server;   // signed by it
};

// P-256 throughout, valid from a day ago for ten years. `names` are host names or IPv4 addresses.
// kInternal: OpenSSL failed.
[[nodiscard]] Result<Certificates> makeCertificates(const std::vector<std::string>& names);

}  // namespace bco::sandbox
