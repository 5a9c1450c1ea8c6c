// A cloud as its client sees it: a transport behind the policies that every call passes.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "core/clock.h"
#include "core/random.h"
#include "http/breaker.h"
#include "http/clock_skew.h"
#include "http/retry.h"
#include "http/token_bucket.h"
#include "http/transport.h"

namespace bco::http {

struct UpstreamOptions {
  std::string name;                 // before each error's message: "balena"
  Duration attemptDeadline{15000};  // what the pool keeps (PoolOptions)
  // For all attempts of a call, the waits for a connection and the pauses between; what the first
  // attempt waits for the budget comes on top. A call waits for its first connection as long as an
  // attempt could still end in time, and for attemptDeadline at least.
  Duration totalDeadline{40000};
  RetryPolicy retry = {};
  BreakerOptions breaker = {};
};

// The bucket of each class of calls; classes, and upstreams, may share one.
struct Budgets {
  std::shared_ptr<TokenBucket> read;
  std::shared_ptr<TokenBucket> createDelete;
  std::shared_ptr<TokenBucket> update;
  // One for all, as balena counts them.
  [[nodiscard]] static Budgets shared(const std::shared_ptr<TokenBucket>& bucket) {
    return {bucket, bucket, bucket};
  }
};

// May a write be sent now? In a cluster: is the lease ours for as long as an attempt can last.
// Called on any thread.
using WriteGate = std::function<bool()>;

// What is told of every attempt. Called on the thread that sent it; must not block.
class AttemptObserver {
 public:
  virtual ~AttemptObserver() = default;
  // `outcome` is the status ("200") or the label of the error ("deadline"). `duration` is that of
  // the batch for each request of one, waiting for a connection included.
  // `mayLand`: a write that may have taken effect, or may yet, without our knowing, and that is the
  // leader's alone to make (not Request::isAnybodys).
  virtual void onAttempt(std::string_view kind, std::string_view outcome, Duration duration,
                         bool mayLand) = 0;
};

// Thread-safe. Every call passes, outermost first:
//
//   total deadline  no attempt starts that could end after it
//   retry           retry.h: a write whose outcome is unknown is never repeated
//   gate            kUnavailable while writes are not ours to make, and after Request::sendBefore
//   breaker         kUnavailable with retryAfter while the upstream is given a rest
//   budget          kThrottled with retryAfter beyond Request::maxBudgetWait
//   a connection    kThrottled when none became free in time
//   gate            as above, after all that waiting
//   observation     each attempt's outcome and duration
//   the transport   one attempt with its deadline
//
// What is refused on that way was not sent, is not made again by us and does not count for the
// breaker, for which a batch is one call: it failed when no request of it got an answer.
// Of a repetition that is refused the result of the attempt before it stands.
// An answer 429 stops its bucket and is returned as kThrottled, so that callers see one thing.
// Other errors are the transport's, with the upstream's name before the message.
class Upstream final : public HttpTransport {
 public:
  // `observer`, `clock` and `random` must outlive it.
  Upstream(UpstreamOptions options, std::unique_ptr<PooledTransport> transport, Budgets budgets,
           WriteGate gate, AttemptObserver& observer, Clock& clock, Random& random);

  [[nodiscard]] std::vector<Result<Response>> sendAll(std::span<const Request> requests) override;
  void close() override;

  [[nodiscard]] Breaker::State breaker() const { return breaker_.state(); }
  // Their clock less ours; nullopt before the first answer.
  [[nodiscard]] std::optional<Duration> clockSkew() const { return skew_.latest(); }

 private:
  // By the position of their requests; nullopt: sent.
  using Refusals = std::vector<std::optional<Error>>;
  struct Outcome {
    Result<Response> result;
    bool wasSent;
  };

  // `startBy`: the latest start of an attempt that is not the first. `budgetWait` is set to how
  // long it waited for the budget.
  std::vector<Outcome> sendOnce(std::span<const Request> requests,
                                std::optional<SteadyPoint> startBy, Duration& budgetWait);
  // Ok unless sending it now is wrong, whatever the upstream's state is.
  [[nodiscard]] Status passGate(const Request& request) const;
  void drawBudget(std::span<const Request> requests, Duration longestWait, Refusals& refused);
  void tellBreaker(Breaker::Call call, std::span<const Result<Response>> answers,
                   const Refusals& refused);
  void settle(const Request& request, Result<Response>& result, Duration duration);
  [[nodiscard]] TokenBucket& bucketOf(const Request& request) const;

  const UpstreamOptions options_;
  const std::unique_ptr<PooledTransport> transport_;
  const Budgets budgets_;
  const WriteGate gate_;
  AttemptObserver& observer_;
  Clock& clock_;
  Random& random_;
  std::stop_source closing_;
  Breaker breaker_;
  ClockSkew skew_;
};

}  // namespace bco::http
