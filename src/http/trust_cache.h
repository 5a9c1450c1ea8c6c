// Certificates that several upstreams trust, loaded once.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "core/clock.h"
#include "http/trust.h"

namespace bco::http {

// Thread-safe; reads and parses without holding a lock. What nobody uses any more is dropped, but
// for the system's certificates.
class TrustCache {
 public:
  // `clock` must outlive it.
  explicit TrustCache(Clock& clock) : clock_(clock) {}

  // The certificates of `caPem` alone, or without it the system's, as its bundle is now. Of several
  // callers one loads, the others wait. Errors as Trust::load().
  [[nodiscard]] Result<Trust> get(const std::optional<std::string>& caPem);

 private:
  struct Entry {
    std::string version;  // of the system's bundle
    std::optional<Trust> trust;
    bool isLoading = false;
  };
  Clock& clock_;
  std::mutex mutex_;  // guards all below
  Condition loaded_;
  std::map<std::string, Entry> entries_;  // by PEM; the system's under ""
};

}  // namespace bco::http
