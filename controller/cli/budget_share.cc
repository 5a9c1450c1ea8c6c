#include "cli/budget_share.h"

#include <sstream>

namespace bco::cli {
namespace {

// Of a limit that was made by a division.
constexpr double kRounding = 1e-6;

}  // namespace

void BudgetShare::allowCalls(std::string field, double unit, const http::BucketOptions& own,
                             const std::shared_ptr<http::TokenBucket>& bucket) {
  const auto held = std::make_shared<const http::BucketOptions>(own);
  held_.push_back(held);
  bucket->limitTo(held);
  limits_.push_back({std::move(field), own.perSecond * unit,
                     [bucket, unit] { return bucket->limit().perSecond * unit; }});
}

void BudgetShare::allowInFlight(std::size_t own,
                                const std::shared_ptr<http::InFlightLimit>& limit) {
  const auto held = std::make_shared<const std::size_t>(own);
  held_.push_back(held);
  limit->limitTo(held);
  limits_.push_back({"maxInFlight", static_cast<double>(own),
                     [limit] { return static_cast<double>(limit->limit()); }});
}

std::string BudgetShare::smaller() const {
  std::ostringstream text;
  for (const Limit& limit : limits_) {
    const double effective = limit.effective();
    if (effective >= limit.own * (1 - kRounding)) continue;
    text << (text.tellp() > 0 ? "; " : "") << limit.field << ' ' << effective << ", not "
         << limit.own;
  }
  return text.str();
}

}  // namespace bco::cli
