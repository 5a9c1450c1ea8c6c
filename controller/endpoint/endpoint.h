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
  // Of callers without a token and of all together; each with room for a start of many at once.
  Rate perAddress{100, 1000};
  Rate perDevice{0.5, 20};
  // Look-ups for one address that find nothing to provision: who tries UUIDs uses up what balena
  // allows us.
  Rate strangers{1, 50};
  Rate total{1000, 2000};
  bool storeBlocks = false;  // its writes go to an API server
  int threads = 8;           // for what blocks
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
  struct Exchange;
  using Shared = std::shared_ptr<Exchange>;

  // The answer that needs no look at the device, if any.
  [[nodiscard]] std::optional<Answer> answerEarly(const server::Request& request,
                                                  Exchange& exchange);
  [[nodiscard]] std::optional<Answer> limit(RateLimiter& limiter, const std::string& key);
  void serve(const Shared& exchange);
  void lookUp(const Shared& exchange, const std::stop_token& stop);
  void change(const Shared& exchange, const store::Shared<api::BalenaDevice>& object);
  void make(const Shared& exchange, api::BalenaDevice device, std::optional<EarlyRead> read);
  // Registers the caller, has `write` done and then waits for the status of the device's object in
  // this namespace.
  void await(const Shared& exchange, const std::string& space,
             const std::function<Status()>& write);
  // Here and now if nothing of it blocks.
  void doBlocking(const Shared& exchange, Errands::Errand errand);
  void finish(const Exchange& exchange, const Answer& answer);
  [[nodiscard]] std::string newRequestToken();

  const Context& context_;
  const EndpointOptions options_;
  const std::function<std::string()> isReady_;
  Lookup lookup_;
  Tokens tokens_;
  RateLimiter perAddress_;
  RateLimiter perDevice_;
  RateLimiter total_;
  RateLimiter strangers_;
  const std::shared_ptr<Counting> counting_ = std::make_shared<Counting>();
  std::atomic<bool> draining_{false};
  std::atomic<std::uint64_t> open_{0};  // requests whose answer has not been handed over yet
  std::shared_ptr<Waiting> waiting_;    // the store's listener holds it too
  std::jthread deadlines_;
  Errands errands_;
};

}  // namespace bco::endpoint
