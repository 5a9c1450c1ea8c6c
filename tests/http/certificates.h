// Certificates for tests: a CA and what it signs.
#pragma once

#include <memory>
#include <string>

#include "server/http_server.h"

namespace bco::test {

// Makes its key and self-signed certificate when constructed. P-256, valid for an hour.
class TestCa {
 public:
  explicit TestCa(const std::string& name = "test CA");
  ~TestCa();

  [[nodiscard]] std::string pem() const;
  // `names` as OpenSSL writes subjectAltName: "DNS:localhost,IP:127.0.0.1"; empty for none.
  [[nodiscard]] server::TlsFiles issue(const std::string& names,
                                       const std::string& commonName = "server") const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace bco::test
