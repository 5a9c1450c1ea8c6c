// The provisioning endpoint: from an HTTP request to an answer. docs/endpoint.md;
// docs/decisions/0007.
#pragma once

#include <memory>

#include "endpoint/choice.h"
#include "endpoint/counters.h"
#include "endpoint/errands.h"
#include "endpoint/lookup.h"
#include "endpoint/rate_limiter.h"
#include "endpoint/tokens.h"
#include "endpoint/waiting.h"

namespace bco::endpoint {

struct EndpointOptions {
  bool authenticatePosts = false;  // DELETE always is
  Duration deadline = std::chrono::seconds(25);
  // Each with room for a start of many at once. Whoever comes with a token has limits of his own,
  // which nobody else can use up.
  Rate perAddress{100, 1000};
  Rate perDevice{0.5, 20};
  Rate total{1000, 2000};
  // Look-ups, for one address and for all, that find nothing to provision: who tries UUIDs uses up
  // what balena allows us. In all a quarter of that, as it is by default (callBudget); who comes
  // with a token is no stranger, nor is a device that a list of its fleet has shown.
  Rate strangers{1, 50};
  Rate allStrangers{5, 50};
  bool storeBlocks = false;  // its writes go to an API server
  std::size_t threads = 8;   // for what blocks, and for each account at balena
};

// Thread-safe. What it is given must outlive it; the server that calls it must end before it does.
class Endpoint {
 public:
  // `isReady`: nothing, or why nobody can be served yet.
  Endpoint(const Context& context, FleetSources& fleets, const EndpointOptions& options,
           std::function<std::string()> isReady);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // Never blocks. Answers at once or later, on any thread.
  void handle(server::Request request, server::Responder respond);
  // The server refuses a request before it could become one: what it is to answer.
  [[nodiscard]] server::Reply refuse(int status, const std::string& peer);

  // Replaces those that are accepted.
  void setTokens(std::vector<SecretBytes> tokens) { tokens_.replace(std::move(tokens)); }

  // Refuses what comes from now on; waits until all have their answers, and at `deadline` tells
  // those who wait for a device to come back.
  void drain(SteadyPoint deadline);

  // May outlive it: a scrape comes at any time.
  [[nodiscard]] std::shared_ptr<const Counting> counting() const { return counting_; }

 private:
  // Of callers of one kind.
  struct Limits {
    explicit Limits(const EndpointOptions& options)
        : perAddress(options.perAddress), perDevice(options.perDevice), total(options.total) {}
    RateLimiter perAddress;
    RateLimiter perDevice;
    RateLimiter total;
  };
  struct Exchange;
  using Shared = std::shared_ptr<Exchange>;

  // The answer that needs no look at the device, if any.
  [[nodiscard]] std::optional<Answer> answerEarly(const server::Request& request,
                                                  Exchange& exchange);
  [[nodiscard]] std::optional<Answer> limit(RateLimiter& limiter, const std::string& key);
  [[nodiscard]] std::optional<Answer> limitCaller(Limits& limits, const std::string& peer);
  // All that follows is for a caller who is waiting already, and may have been told that it takes
  // too long.
  void serve(const Shared& exchange);
  void lookUp(const Shared& exchange);
  [[nodiscard]] bool isKnown(const std::string& uuid) const;
  [[nodiscard]] Status mayLookUp(const std::string& address);
  void noteFruitless(const Exchange& exchange);
  void takeUp(const Shared& exchange, Result<Lookup::Found> found);
  void change(const Shared& exchange, const store::Shared<api::BalenaDevice>& object);
  void make(const Shared& exchange, api::BalenaDevice device);
  // Has `write` done and then waits for the status of the device's object in this namespace.
  void await(const Shared& exchange, const std::string& space,
             const std::function<Status()>& write);
  // Here and now if nothing of it blocks.
  void doBlocking(const Shared& exchange, const std::function<void()>& errand);
  void settle(const Shared& exchange, const Answer& answer);
  void finish(const Exchange& exchange, const Answer& answer);
  [[nodiscard]] std::string newRequestToken();

  const Context& context_;
  const EndpointOptions options_;
  const std::function<std::string()> isReady_;
  Tokens tokens_;
  Limits anybody_;
  Limits trusted_;
  RateLimiter strangers_;
  RateLimiter allStrangers_;
  const std::shared_ptr<Counting> counting_ = std::make_shared<Counting>();
  std::atomic<bool> draining_{false};
  std::atomic<std::uint64_t> open_{0};  // requests whose answer has not been handed over yet
  std::shared_ptr<Waiting> waiting_;    // the store's listener holds it too
  std::jthread deadlines_;
  Errands errands_;
  Lookup lookup_;
};

}  // namespace bco::endpoint
