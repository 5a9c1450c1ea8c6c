#include "metrics/upstream_metrics.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace bco::metrics {
namespace {

using telemetry::Families;
using telemetry::seconds;

struct Way {
  bool isOpen = false;
  std::optional<Duration> skew;
};

Way worstOf(const Way& a, const Way& b) {
  Way worst{a.isOpen || b.isOpen, a.skew};
  if (!a.skew || (b.skew && std::chrono::abs(*b.skew) > std::chrono::abs(*a.skew))) {
    worst.skew = b.skew;
  }
  return worst;
}

double shareLeft(const http::TokenBucket::Usage& usage) {
  return usage.available / usage.limit.burst;
}

http::TokenBucket::Usage worstOf(const http::TokenBucket::Usage& a,
                                 const http::TokenBucket::Usage& b) {
  http::TokenBucket::Usage worst = shareLeft(b) < shareLeft(a) ? b : a;
  worst.isStopped = a.isStopped || b.isStopped;
  worst.refusedByBudget = a.refusedByBudget + b.refusedByBudget;
  worst.refusedByCloud = a.refusedByCloud + b.refusedByCloud;
  return worst;
}

void addWays(Families& families, const http::UpstreamDirectory& directory) {
  const auto open = families.gauge(
      "balena_clearblade_breaker_open",
      "1 while the upstream is not called, or by one probe at a time, because it did not answer.");
  const auto skew = families.gauge("balena_clearblade_clock_skew_seconds",
                                   "The upstream's clock less ours, as its latest answer had it.");
  std::map<std::pair<std::string, std::string>, Way> ways;
  for (const auto& each : directory.upstreams()) {
    const Way way{each.breaker != http::Breaker::State::kClosed, each.clockSkew};
    const auto [known, isNew] = ways.try_emplace({each.label.name, each.label.scope}, way);
    if (!isNew) known->second = worstOf(known->second, way);
  }
  for (const auto& [label, way] : ways) {
    const auto& [name, scope] = label;
    open.add({{"upstream", name}, {"scope", scope}}, way.isOpen ? 1 : 0);
    if (way.skew) skew.add({{"upstream", name}, {"scope", scope}}, seconds(*way.skew));
  }
}

void addBudgets(Families& families, const http::UpstreamDirectory& directory) {
  const auto available =
      families.gauge("balena_clearblade_budget_available_calls",
                     "Calls that the budget allows at once now; 0 while the cloud has us pause.");
  const auto burst = families.gauge("balena_clearblade_budget_burst_calls",
                                    "Calls that a full budget allows at once.");
  const auto rate = families.gauge("balena_clearblade_budget_refill_calls",
                                   "Calls by which the budget grows in a second.");
  const auto paused = families.gauge("balena_clearblade_budget_paused",
                                     "1 while the cloud has us pause: it answered 429.");
  const auto refused = families.counter(
      "balena_clearblade_throttled_calls_total",
      "Calls given back unsent: our own budget was used up, or the cloud had us pause.");
  std::map<std::tuple<std::string, std::string, std::string>, http::TokenBucket::Usage> budgets;
  for (const auto& each : directory.budgets()) {
    const auto [known, isNew] =
        budgets.try_emplace({each.label.name, each.label.scope, each.budget}, each.usage);
    if (!isNew) known->second = worstOf(known->second, each.usage);
  }
  for (const auto& [label, usage] : budgets) {
    const auto& [name, scope, budget] = label;
    const auto add = [&, &upstream = name, &of = scope, &calls = budget](
                         const Families::Samples& samples, double value) {
      samples.add({{"upstream", upstream}, {"scope", of}, {"budget", calls}}, value);
    };
    add(available, usage.available);
    add(burst, usage.limit.burst);
    add(rate, usage.limit.perSecond);
    add(paused, usage.isStopped ? 1 : 0);
    refused
        .add({{"upstream", name}, {"scope", scope}, {"budget", budget}, {"by", "budget"}},
             static_cast<double>(usage.refusedByBudget))
        .add({{"upstream", name}, {"scope", scope}, {"budget", budget}, {"by", "cloud"}},
             static_cast<double>(usage.refusedByCloud));
  }
}

}  // namespace

void addUpstreams(Families& families, const http::UpstreamDirectory& directory) {
  addWays(families, directory);
  addBudgets(families, directory);
}

}  // namespace bco::metrics
