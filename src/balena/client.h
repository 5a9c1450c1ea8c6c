// BalenaApi over HTTP, version 7 of the API; the facts are in research/balena-api.md, sections 0
// to 8.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "balena/api.h"
#include "balena/urls.h"
#include "core/clock.h"
#include "http/transport.h"

namespace bco::balena {

// The API token of the moment: asked for before each call, so that a rotated one takes effect at
// once. nullptr or empty when there is none. Called from any thread.
using TokenSource = std::function<SharedSecret()>;

// Thread-safe. Needs `transport` and `clock` to outlive it.
//
// A sweep of N devices costs 2 + ⌈N / kPageSize⌉ requests when nothing is missing: $count, the
// pages, and one question for who lacks the key.
//
// 401 is overloaded at balena. Each one is confirmed by whoami with the same token:
//   whoami 401            kUnauthenticated
//   whoami 200, a read    kForbidden
//   whoami 200, a POST    kConflict: its parent is not there or not visible
//   whoami fails          its own error
// A fleet that is not found is confirmed likewise, since a bad token is answered like a guest's.
class Client final : public BalenaApi {
 public:
  // Devices of one page: about 1 MB with a few tags each. Fewer for a while after a page that is
  // too large.
  static constexpr std::size_t kPageSize = 2000;
  // Ids of one page of the anti-join: 20 bytes each.
  static constexpr std::size_t kIdPageSize = 10000;
  static constexpr std::size_t kMaxValueSize = 100000;

  Client(http::HttpTransport& transport, const Clock& clock, std::string_view apiUrl,
         TokenSource token);

  [[nodiscard]] Result<Fleet> getFleet(const std::string& slug) override;
  [[nodiscard]] Result<TimePoint> listFleet(std::int64_t fleetId, const VariableLevel& level,
                                            bool withTags, FleetVisitor& visitor) override;
  [[nodiscard]] Result<Device> getDevice(const std::string& uuid,
                                         const CallTerms& terms = {}) override;
  [[nodiscard]] std::vector<Status> writeVariables(const VariableParent& parent,
                                                   std::span<const VariableWrite> writes,
                                                   const CallTerms& terms = {}) override;
  [[nodiscard]] Result<bool> hasVariable(const VariableParent& parent, std::string_view name,
                                         const CallTerms& terms = {}) override;
  [[nodiscard]] Status deleteVariables(const VariableParent& parent, const DeleteGuard& guard,
                                       const CallTerms& terms = {}) override;
  // Once an hour.
  void learnTokenExpiry() override;
  [[nodiscard]] std::optional<TimePoint> tokenExpiry() const override;

 private:
  // The whole Authorization value, made once per token.
  [[nodiscard]] Result<SharedSecret> credential();

  // GETs `url`; the body of a 2xx answer.
  [[nodiscard]] Result<std::string> read(std::string_view kind, std::string url,
                                         const std::string& what, Duration maxBudgetWait,
                                         bool mayCompress = true, Lane lane = Lane::kSweep);
  // Judges an answer; asks whoami about a 401, unless `accepted` says already what it answers.
  [[nodiscard]] Status judge(const Result<http::Response>& answer, const http::Request& request,
                             const std::string& what, std::optional<Status>& accepted);
  [[nodiscard]] Status judge(const Result<http::Response>& answer, const http::Request& request,
                             const std::string& what);
  // Ok when balena accepts the credential.
  [[nodiscard]] Status whoami(const SharedSecret& credential, const std::string& what);

  [[nodiscard]] Result<http::Request> writeRequest(const VariableParent& parent,
                                                   const VariableWrite& write,
                                                   const SharedSecret& credential) const;

  [[nodiscard]] Result<std::int64_t> countDevices(std::int64_t fleetId);
  // What could hold a key of the fleet's and does not: ids of devices or of service installs,
  // ascending.
  [[nodiscard]] Result<std::vector<std::int64_t>> listKeyless(std::int64_t fleetId,
                                                              const VariableLevel& level);
  // How many rows there are; `expected` spares asking for a page behind the last one.
  [[nodiscard]] Result<std::int64_t> listRows(std::int64_t fleetId, const VariableLevel& level,
                                              bool withTags, std::int64_t expected,
                                              const std::function<void(FleetDevice&)>& visit);
  // One complete reading of the fleet; false when the rows disagree with $count.
  [[nodiscard]] Result<bool> listOnce(std::int64_t fleetId, const VariableLevel& level,
                                      bool withTags, FleetVisitor& visitor);

  http::HttpTransport& transport_;
  const Clock& clock_;
  const Urls urls_;
  const TokenSource token_;

  mutable std::mutex mutex_;  // guards all below
  SharedSecret lastToken_;
  SharedSecret lastCredential_;
  std::optional<TimePoint> tokenExpiry_;
  std::optional<SteadyPoint> expiryAsked_;
};

}  // namespace bco::balena
