// The upstreams and budgets that are in use, under names for people: for metrics.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http/upstream.h"

namespace bco::http {

// Which upstream it is. Holds no secret; several upstreams may have the same name and scope, such
// as those of two tokens at one host.
struct UpstreamLabel {
  std::string name;   // "balena"
  std::string scope;  // host, or project
};

// Thread-safe. Keeps nothing alive: what nobody uses any more is not listed.
class UpstreamDirectory {
 public:
  void add(UpstreamLabel label, const std::shared_ptr<const Upstream>& upstream);
  // `budget`: the calls it is for, "reads".
  void add(UpstreamLabel label, std::string budget,
           const std::shared_ptr<const TokenBucket>& bucket);

  struct UpstreamState {
    UpstreamLabel label;
    Breaker::State breaker;
    std::optional<Duration> clockSkew;
  };
  struct BudgetState {
    UpstreamLabel label;
    std::string budget;
    TokenBucket::Usage usage;
  };
  [[nodiscard]] std::vector<UpstreamState> upstreams() const;
  [[nodiscard]] std::vector<BudgetState> budgets() const;

 private:
  struct UpstreamEntry {
    UpstreamLabel label;
    std::weak_ptr<const Upstream> upstream;
  };
  struct BudgetEntry {
    UpstreamLabel label;
    std::string budget;
    std::weak_ptr<const TokenBucket> bucket;
  };
  mutable std::mutex mutex_;  // guards all below
  std::vector<UpstreamEntry> upstreams_;
  std::vector<BudgetEntry> budgets_;
};

}  // namespace bco::http
