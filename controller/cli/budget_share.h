// What one object allows of the budget of an account that it may share with others.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/in_flight_limit.h"
#include "http/token_bucket.h"

namespace bco::cli {

// Its limits count for as long as it lives. Thread-safe once all have been set.
class BudgetShare {
 public:
  // `field`: its name under callBudget, by whose unit `perSecond` times `unit` is counted.
  void allowCalls(std::string field, double unit, const http::BucketOptions& own,
                  const std::shared_ptr<http::TokenBucket>& bucket);
  void allowInFlight(std::size_t own, const std::shared_ptr<http::InFlightLimit>& limit);

  // What of it others don't allow: "requestsPerSecond 5, not 20; maxInFlight 2, not 8".
  [[nodiscard]] std::string smaller() const;

 private:
  struct Limit {
    std::string field;
    double own;
    std::function<double()> effective;
  };
  std::vector<std::shared_ptr<const void>> held_;
  std::vector<Limit> limits_;
};

}  // namespace bco::cli
