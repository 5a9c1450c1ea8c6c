// Whom an upstream's connections trust: certificates loaded once and shared by all of them.
#pragma once

#include <memory>
#include <string>

#include "core/result.h"

using X509_STORE = struct x509_store_st;

namespace bco::http {

struct TrustSource {
  bool system = true;    // the system's certificates
  std::string extraPem;  // and these, or with `system` unset only these
};

// A value: copies share the certificates. Loading the system's costs 24 ms and 700 kB, so load one
// for all upstreams that trust the same. Thread-safe.
class Trust {
 public:
  // kInvalid: `extraPem` holds no certificate, or nothing is to be trusted; kUnavailable: the
  // system's bundle can't be read.
  [[nodiscard]] static Result<Trust> load(const TrustSource& source);

  [[nodiscard]] X509_STORE* store() const { return store_.get(); }
  // There are copies of it.
  [[nodiscard]] bool isShared() const { return store_.use_count() > 1; }

 private:
  explicit Trust(std::shared_ptr<X509_STORE> store) : store_(std::move(store)) {}
  std::shared_ptr<X509_STORE> store_;
};

}  // namespace bco::http
