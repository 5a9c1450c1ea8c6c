// An in-memory ClearBlade IoT Core: exchange, registries, devices and the devices' HTTP bridge, as
// the research notes on ClearBlade's API have them; where those leave a question open the comment
// at the place says which answer was taken.
//
// Single-threaded: the caller holds the world's mutex around every call.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.h"
#include "core/result.h"
#include "sandbox/clearblade_model.h"
#include "sandbox/clearblade_query.h"
#include "sandbox/clearblade_reply.h"

namespace bco::sandbox {

// What a request asks for, known before anything is done.
struct ClearBladeCall {
  // From a fixed set, for counters and faults: "clearblade.device.create".
  std::string_view kind;
  std::string systemKey;
  Query query;
};

struct ClearBladeSettings {
  // How long a token of the exchange is good; nullopt: for ever (no source knows).
  std::optional<Duration> tokenLifetime;
};

class ClearBladeCloud {
 public:
  ClearBladeCloud(std::function<TimePoint()> now, Random& random);

  // nullopt: not a path of ClearBlade's. Whatever stands before /api/v/ and doubled slashes don't
  // matter, for some SDKs write such.
  [[nodiscard]] static std::optional<ClearBladeCall> classify(const server::Request& request);
  // `url`: what the exchange is to hand out as the regional plane's address.
  [[nodiscard]] server::Reply handle(const ClearBladeCall& call, const server::Request& request,
                                     const std::string& url);

  // What a device's publish over the bridge would be answered, and counts it as such. The reason
  // is "" when accepted, else from a fixed set: "signature", "expired credential", "blocked", ...
  std::string publish(CloudRegistry& registry, std::string_view deviceId, std::string_view token);

  // The administrator's side. Empty keys and tokens are generated.
  CloudRegistry& addRegistry(const std::string& project, const std::string& region,
                             const std::string& id);
  // nullptr: no such.
  [[nodiscard]] CloudRegistry* findRegistry(std::string_view project, std::string_view region,
                                            std::string_view id);
  // By path "projects/P/locations/L/registries/R".
  [[nodiscard]] CloudRegistry* findRegistry(std::string_view path);
  [[nodiscard]] const std::vector<std::unique_ptr<CloudRegistry>>& registries() const {
    return registries_;
  }
  void deleteRegistry(const CloudRegistry& registry);

  const ServiceAccount& addServiceAccount(ServiceAccount account);
  // kNotFound.
  Status removeServiceAccount(std::string_view systemKey);
  // Gives the account another token; tokens it got from the exchange stay good.
  Result<std::string> renewServiceAccount(std::string_view systemKey);
  [[nodiscard]] const std::vector<ServiceAccount>& serviceAccounts() const { return accounts_; }
  // Ends every token that the exchange handed out; returns how many.
  std::size_t revokeRegionalTokens();

  [[nodiscard]] const ClearBladeSettings& settings() const { return settings_; }
  void configure(const ClearBladeSettings& settings) { settings_ = settings; }

  // The latest refused publishes, oldest first, at most 1000.
  [[nodiscard]] const std::deque<RefusedPublish>& refusedPublishes() const { return refused_; }
  void clearRefusedPublishes() { refused_.clear(); }

  // Also used by the control API: as if by somebody else's call.
  Outcome<CloudDevice*> createDevice(CloudRegistry& registry, std::string_view body);
  Outcome<CloudDevice*> patchDevice(CloudRegistry& registry, CloudDevice& device,
                                    const std::vector<std::string>& mask, std::string_view body);
  // Fails while the device is bound to a gateway or has devices bound to it.
  Outcome<void> deleteDevice(CloudRegistry& registry, const CloudDevice& device);

 private:
  // clearblade_cloud.cc
  [[nodiscard]] server::Reply exchange(const ClearBladeCall& call, const server::Request& request,
                                       const std::string& url);
  [[nodiscard]] server::Reply regional(const ClearBladeCall& call, const server::Request& request,
                                       CloudRegistry& registry);
  [[nodiscard]] const ServiceAccount* authenticate(std::string_view systemKey,
                                                   std::string_view token) const;
  [[nodiscard]] bool isRegionalToken(const CloudRegistry& registry, std::string_view token) const;
  [[nodiscard]] std::string randomHex(std::size_t bytes);

  // clearblade_devices.cc
  [[nodiscard]] Outcome<CloudDevice*> deviceOf(const ClearBladeCall& call,
                                               CloudRegistry& registry) const;
  [[nodiscard]] Outcome<std::string> listDevices(const Query& query, CloudRegistry& registry) const;
  [[nodiscard]] std::optional<Problem> parseKeys(const CloudRegistry& registry,
                                                 const CloudDevice* existing,
                                                 std::vector<CloudCredential>& credentials) const;
  // clearblade_messages.cc
  [[nodiscard]] Outcome<std::string> modifyConfig(CloudDevice& device, std::string_view body);
  [[nodiscard]] Outcome<std::string> sendCommand(const CloudDevice& device, std::string_view body);
  [[nodiscard]] Outcome<std::string> bind(CloudRegistry& registry, std::string_view body,
                                          bool bound);
  // clearblade_registries.cc
  [[nodiscard]] server::Reply admin(const ClearBladeCall& call, const server::Request& request,
                                    const ServiceAccount& account);
  [[nodiscard]] Outcome<std::string> patchRegistry(CloudRegistry& registry, const Query& query,
                                                   std::string_view body);
  // clearblade_bridge.cc
  [[nodiscard]] server::Reply bridge(const ClearBladeCall& call, const server::Request& request,
                                     CloudRegistry& registry);
  [[nodiscard]] server::Reply showConfig(const Query& query, CloudDevice& device);
  [[nodiscard]] std::string checkToken(const CloudRegistry& registry, CloudDevice& device,
                                       std::string_view token) const;
  void recordRefusal(const CloudRegistry& registry, CloudDevice* device, std::string_view deviceId,
                     const std::string& reason);

  std::function<TimePoint()> now_;
  Random& random_;
  ClearBladeSettings settings_;
  std::vector<std::unique_ptr<CloudRegistry>> registries_;
  std::map<std::string, CloudRegistry*, std::less<>> bySystemKey_;
  std::vector<ServiceAccount> accounts_;
  std::map<std::string, RegionalToken, std::less<>> tokens_;
  std::deque<RefusedPublish> refused_;
  std::uint64_t lastDevice_ = 0;
};

// The bodies of the calls that only read.
[[nodiscard]] Outcome<std::string> showDevice(const Query& query, const CloudDevice& device);
[[nodiscard]] Outcome<std::string> listConfigs(const Query& query, const CloudDevice& device);
[[nodiscard]] Outcome<std::string> listStates(const Query& query, const CloudDevice& device);
[[nodiscard]] std::string showRegistry(const CloudRegistry& registry);

// Of "x/devices/ID" the ID, of "ID" itself. nullopt: a path that is not of this registry.
[[nodiscard]] std::optional<std::string> deviceIdOf(const CloudRegistry& registry,
                                                    const std::string& name);
// By id or, when it is all digits, by numId; nullptr: no such.
[[nodiscard]] CloudDevice* findByAnyId(const CloudRegistry& registry, const std::string& id);

}  // namespace bco::sandbox
