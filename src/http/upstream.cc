#include "http/upstream.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/retry_after.h"

namespace bco::http {

namespace {

bool isWrite(const Request& request) { return request.callClass != CallClass::kRead; }

// Some requests of a batch, and where they stand in it. The usual case, all of them, copies
// nothing.
class Selection {
 public:
  Selection(std::span<const Request> all, const std::function<bool(std::size_t)>& chosen) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (chosen(i)) positions_.push_back(i);
    }
    view_ = all;
    if (positions_.size() == all.size()) return;
    for (const std::size_t position : positions_) copies_.push_back(all[position].clone());
    view_ = copies_;
  }
  [[nodiscard]] std::span<const Request> requests() const { return view_; }
  [[nodiscard]] const std::vector<std::size_t>& positions() const { return positions_; }

 private:
  std::vector<std::size_t> positions_;
  std::vector<Request> copies_;
  std::span<const Request> view_;
};

}  // namespace

Upstream::Upstream(UpstreamOptions options, std::unique_ptr<HttpTransport> transport,
                   Budgets budgets, WriteGate gate, AttemptObserver& observer, Clock& clock,
                   Random& random)
    : options_(std::move(options)),
      transport_(std::move(transport)),
      budgets_(std::move(budgets)),
      gate_(std::move(gate)),
      observer_(observer),
      clock_(clock),
      random_(random),
      breaker_(options_.breaker, clock) {}

void Upstream::close() {
  closing_.request_stop();
  transport_->close();
}

Upstream::Results Upstream::sendAll(std::span<const Request> requests) {
  Duration budgetWait{0};
  for (const auto& request : requests) budgetWait = std::max(budgetWait, request.maxBudgetWait);
  const SteadyPoint deadline = clock_.steadyNow() + options_.totalDeadline + budgetWait;

  Results results = sendOnce(requests, Duration::max());
  for (int attempt = 1; attempt < options_.retry.attempts; ++attempt) {
    const Selection again(requests,
                          [&](std::size_t i) { return isWorthRepeating(requests[i], results[i]); });
    if (again.positions().empty()) break;
    const Duration pause = backoff(options_.retry.backoff, attempt, random_);
    const Duration spare = deadline - clock_.steadyNow() - pause - options_.attemptDeadline;
    if (spare < Duration::zero()) break;
    // The breaker's own refusal is not a failure to repeat: it says when to come back.
    if (breaker_.state() == Breaker::State::kOpen) break;
    if (!sleepFor(clock_, pause, closing_.get_token())) break;
    Results repeated = sendOnce(again.requests(), spare);
    for (std::size_t i = 0; i < repeated.size(); ++i) {
      results[again.positions()[i]] = std::move(repeated[i]);
    }
  }
  for (auto& result : results) {
    if (!result) result.error() = withContext(std::move(result.error()), options_.name);
  }
  return results;
}

Upstream::Results Upstream::sendOnce(std::span<const Request> requests,
                                     Duration longestBudgetWait) {
  std::vector<std::optional<Error>> refused(requests.size());
  refuseWrites(requests, refused);
  const auto left = [&refused] {
    return std::any_of(refused.begin(), refused.end(), [](const auto& error) { return !error; });
  };
  const bool asked = left();
  const Status allowed = asked ? breaker_.allow() : Status{};
  if (!allowed) {
    for (auto& error : refused) {
      if (!error) error = allowed.error();
    }
  } else if (asked) {
    drawBudget(requests, longestBudgetWait, refused);
    refuseWrites(requests, refused);  // waiting for the budget took time
    if (!left()) breaker_.notMade();
  }

  const Selection sent(requests, [&](std::size_t i) { return !refused[i].has_value(); });
  Results results;
  results.reserve(requests.size());
  for (auto& error : refused) results.push_back(fail(std::move(error).value_or(Error{})));
  if (sent.positions().empty()) return results;
  const SteadyPoint start = clock_.steadyNow();
  Results answers = transport_->sendAll(sent.requests());
  const Duration duration = clock_.steadyNow() - start;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    settle(sent.requests()[i], answers[i], duration);
    results[sent.positions()[i]] = std::move(answers[i]);
  }
  return results;
}

void Upstream::refuseWrites(std::span<const Request> requests,
                            std::vector<std::optional<Error>>& refused) {
  if (std::none_of(requests.begin(), requests.end(), isWrite) || gate_()) return;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (isWrite(requests[i]) && !refused[i]) {
      refused[i] = {ErrorCode::kForbidden,
                    "writes are not ours to make now: the lease is not held"};
    }
  }
}

void Upstream::drawBudget(std::span<const Request> requests, Duration longestWait,
                          std::vector<std::optional<Error>>& refused) {
  struct Share {
    std::size_t count = 0;
    Duration longestWait;
  };
  std::map<TokenBucket*, Share> shares;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (refused[i]) continue;
    Share& share = shares.try_emplace(&bucketOf(requests[i]), Share{0, longestWait}).first->second;
    ++share.count;
    share.longestWait = std::min(share.longestWait, requests[i].maxBudgetWait);
  }
  for (const auto& [bucket, share] : shares) {
    const auto taken = bucket->take(share.count, share.longestWait, closing_.get_token());
    if (taken) continue;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (!refused[i] && &bucketOf(requests[i]) == bucket) refused[i] = taken.error();
    }
  }
}

void Upstream::settle(const Request& request, Result<Response>& result, Duration duration) {
  const std::string outcome =
      result ? std::to_string(result->status) : std::string(traitsOf(result.error().code).label);
  const bool isUnknown = result ? result->status >= 500 : result.error().outcomeUnknown;
  observer_.onAttempt(request.kind, outcome, duration, isWrite(request) && isUnknown);
  if (isOutage(result)) {
    breaker_.failed(result ? "status " + outcome : result.error().message);
  } else {
    breaker_.answered();
  }
  if (!result) return;
  skew_.observe(*result, clock_.now());
  TokenBucket& bucket = bucketOf(request);
  if (result->status == 429) {
    const auto header = result->header("Retry-After");
    Error error{ErrorCode::kThrottled, "too many calls (429)"};
    error.retryAfter =
        bucket.stopFor(header ? parseRetryAfter(*header, clock_.now()) : std::nullopt);
    result = fail(std::move(error));
  } else if (result->status < 300) {
    bucket.succeeded();
  }
}

TokenBucket& Upstream::bucketOf(const Request& request) const {
  switch (request.callClass) {
    case CallClass::kRead:
      return *budgets_.read;
    case CallClass::kCreateDelete:
      return *budgets_.createDelete;
    case CallClass::kUpdate:
      return *budgets_.update;
  }
  return *budgets_.read;
}

}  // namespace bco::http
