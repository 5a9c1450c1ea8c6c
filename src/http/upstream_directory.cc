#include "http/upstream_directory.h"

namespace bco::http {

void UpstreamDirectory::add(UpstreamLabel label, const std::shared_ptr<const Upstream>& upstream) {
  std::lock_guard lock(mutex_);
  std::erase_if(upstreams_, [](const auto& entry) { return entry.upstream.expired(); });
  upstreams_.push_back({std::move(label), upstream});
}

void UpstreamDirectory::add(UpstreamLabel label, std::string budget,
                            const std::shared_ptr<const TokenBucket>& bucket) {
  std::lock_guard lock(mutex_);
  std::erase_if(budgets_, [](const auto& entry) { return entry.bucket.expired(); });
  budgets_.push_back({std::move(label), std::move(budget), bucket});
}

std::vector<UpstreamDirectory::UpstreamState> UpstreamDirectory::upstreams() const {
  std::lock_guard lock(mutex_);
  std::vector<UpstreamState> states;
  for (const auto& [label, weak] : upstreams_) {
    if (const auto upstream = weak.lock()) {
      states.push_back({label, upstream->breaker(), upstream->clockSkew()});
    }
  }
  return states;
}

std::vector<UpstreamDirectory::BudgetState> UpstreamDirectory::budgets() const {
  std::lock_guard lock(mutex_);
  std::vector<BudgetState> states;
  for (const auto& [label, budget, weak] : budgets_) {
    if (const auto bucket = weak.lock()) states.push_back({label, budget, bucket->usage()});
  }
  return states;
}

}  // namespace bco::http
