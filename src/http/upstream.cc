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

Upstream::Upstream(UpstreamOptions options, std::unique_ptr<PooledTransport> transport,
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

std::vector<Result<Response>> Upstream::sendAll(std::span<const Request> requests) {
  const SteadyPoint start = clock_.steadyNow();
  Duration budgetWait{0};
  std::vector<Outcome> outcomes = sendOnce(requests, std::nullopt, budgetWait);
  const SteadyPoint startBy =
      start + budgetWait + options_.totalDeadline - options_.attemptDeadline;
  for (int attempt = 1; attempt < options_.retry.attempts; ++attempt) {
    const Selection again(requests, [&](std::size_t i) {
      return outcomes[i].wasSent && isWorthRepeating(requests[i], outcomes[i].result);
    });
    if (again.positions().empty()) break;
    const Duration pause = backoff(options_.retry.backoff, attempt, random_);
    if (clock_.steadyNow() + pause > startBy) break;
    // The breaker's own refusal is not a failure to repeat: it says when to come back.
    if (breaker_.state() == Breaker::State::kOpen) break;
    if (!sleepFor(clock_, pause, closing_.get_token())) break;
    bool wasAnySent = false;
    std::vector<Outcome> repeated = sendOnce(again.requests(), startBy, budgetWait);
    for (std::size_t i = 0; i < repeated.size(); ++i) {
      // Why it was not repeated tells less than the outage that the repetition was to mend.
      if (!repeated[i].wasSent) continue;
      outcomes[again.positions()[i]] = std::move(repeated[i]);
      wasAnySent = true;
    }
    if (!wasAnySent) break;
  }
  std::vector<Result<Response>> results;
  results.reserve(outcomes.size());
  for (auto& [result, wasSent] : outcomes) {
    if (!result) result.error() = withContext(std::move(result.error()), options_.name);
    results.push_back(std::move(result));
  }
  return results;
}

std::vector<Upstream::Outcome> Upstream::sendOnce(std::span<const Request> requests,
                                                  std::optional<SteadyPoint> startBy,
                                                  Duration& budgetWait) {
  Refusals refused(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (Status may = passGate(requests[i]); !may) refused[i] = std::move(may.error());
  }
  const auto left = [&refused] {
    return std::any_of(refused.begin(), refused.end(), [](const auto& error) { return !error; });
  };
  const bool isAnyLeft = left();
  Result<Breaker::Call> allowed = Breaker::Call::kUsual;
  if (isAnyLeft) allowed = breaker_.allow();
  if (!allowed) {
    for (auto& error : refused) {
      if (!error) error = allowed.error();
    }
  } else if (isAnyLeft) {
    const SteadyPoint asked = clock_.steadyNow();
    drawBudget(requests, startBy ? *startBy - asked : Duration::max(), refused);
    budgetWait = clock_.steadyNow() - asked;
    if (!left()) breaker_.notMade(*allowed);
  }

  const Selection chosen(requests, [&](std::size_t i) { return !refused[i].has_value(); });
  std::vector<Outcome> outcomes;
  outcomes.reserve(requests.size());
  for (auto& error : refused) outcomes.push_back({fail(std::move(error).value_or(Error{})), false});
  if (chosen.positions().empty()) return outcomes;

  const SteadyPoint start = clock_.steadyNow();
  const SteadyPoint latest =
      startBy.value_or(start + std::max(options_.totalDeadline - options_.attemptDeadline,
                                        options_.attemptDeadline));
  Refusals turnedDown(chosen.positions().size());
  std::vector<Result<Response>> answers =
      transport_->sendAll(chosen.requests(), [&](std::size_t i) {
        Status may = passGate(chosen.requests()[i]);
        if (may && clock_.steadyNow() > latest) {
          may = fail(
              ErrorCode::kThrottled,
              "not sent: our other calls needed all connections (callBudget.maxInFlight) for " +
                  formatDuration(clock_.steadyNow() - start));
        }
        if (!may) turnedDown[i] = may.error();
        return may;
      });
  const Duration duration = clock_.steadyNow() - start;
  tellBreaker(*allowed, answers, turnedDown);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!turnedDown[i]) settle(chosen.requests()[i], answers[i], duration);
    outcomes[chosen.positions()[i]] = {std::move(answers[i]), !turnedDown[i]};
  }
  return outcomes;
}

Status Upstream::passGate(const Request& request) const {
  if (request.sendBefore && clock_.steadyNow() > *request.sendBefore) {
    return fail(ErrorCode::kUnavailable, "not sent: the observation it rests on is too old");
  }
  if (isWrite(request) && !request.isAnybodys && !gate_()) {
    return fail(ErrorCode::kUnavailable,
                "not sent: only who holds the lease may write, and for now that is not us");
  }
  return {};
}

void Upstream::drawBudget(std::span<const Request> requests, Duration longestWait,
                          Refusals& refused) {
  struct Share {
    std::size_t count = 0;
    Duration longestWait;
    Lane lane = Lane::kSweep;
  };
  std::map<TokenBucket*, Share> shares;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (refused[i]) continue;
    Share& share = shares.try_emplace(&bucketOf(requests[i]), Share{0, longestWait}).first->second;
    ++share.count;
    share.lane = std::min(share.lane, requests[i].lane);
    share.longestWait = std::min(share.longestWait, requests[i].maxBudgetWait);
  }
  for (const auto& [bucket, share] : shares) {
    const auto taken =
        bucket->take(share.count, share.longestWait, closing_.get_token(), share.lane);
    if (taken) continue;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (!refused[i] && &bucketOf(requests[i]) == bucket) refused[i] = taken.error();
    }
  }
}

void Upstream::tellBreaker(Breaker::Call call, std::span<const Result<Response>> answers,
                           const Refusals& refused) {
  const Result<Response>* outage = nullptr;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (refused[i]) continue;
    if (!isOutage(answers[i])) return breaker_.answered();
    outage = &answers[i];
  }
  if (outage == nullptr) return breaker_.notMade(call);
  breaker_.failed(*outage ? "status " + std::to_string((*outage)->status)
                          : outage->error().message);
}

void Upstream::settle(const Request& request, Result<Response>& result, Duration duration) {
  const std::string outcome =
      result ? std::to_string(result->status) : std::string(traitsOf(result.error().code).label);
  const bool isUnknown = result ? result->status >= 500 : result.error().outcomeUnknown;
  const bool mayLand = isWrite(request) && !request.isAnybodys && isUnknown;
  observer_.onAttempt(request.kind, outcome, duration, mayLand);
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
