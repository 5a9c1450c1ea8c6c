// The client against the sandbox's balenaCloud, without a socket between them.
#include <gmock/gmock.h>

#include <algorithm>

#include "balena/client.h"
#include "sandbox/balena_cloud.h"
#include "tests/support/fake_clock.h"
#include "tests/support/handler_transport.h"
#include "tests/support/listings.h"

namespace bco::balena {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr std::string_view kFleet = "acme/sensors";

class BalenaContract : public testing::Test {
 protected:
  BalenaContract() {
    EXPECT_TRUE(cloud_.addFleet({.slug = std::string(kFleet), .services = {"main", "relay"}}));
    token_ =
        shareSecret(SecretBytes(*cloud_.addToken({.name = "op", .fleets = {std::string(kFleet)}})));
  }

  std::string addDevice(std::map<std::string, std::string> tags = {}) {
    return cloud_.addDevice({.fleet = std::string(kFleet), .tags = std::move(tags)}).value();
  }
  Fleet fleet() { return client_.getFleet(std::string(kFleet)).value(); }
  std::int64_t serviceId(std::string_view name) {
    const Fleet all = fleet();
    return std::ranges::find(all.services, name, &Service::name)->id;
  }
  VariableLevel relay() { return {serviceId("relay")}; }

  const ServiceInstall& installOf(const Device& device, std::string_view service) {
    return *std::ranges::find(device.installs, serviceId(service), &ServiceInstall::serviceId);
  }
  static std::map<std::string, std::string> textsOf(const std::vector<StoredVariable>& variables) {
    std::map<std::string, std::string> texts;
    for (const auto& [name, value] : variables) texts.emplace(name, value.reveal());
    return texts;
  }
  // All four, with `path` as GCP_CLIENT_PATH.
  std::vector<Status> writeFour(const VariableParent& parent, std::string_view path, bool exist) {
    std::vector<VariableWrite> writes;
    for (const std::string_view name : kVariableNames) {
      writes.push_back(
          {std::string(name), SecretBytes(name == kClientPath ? path : "value"), exist});
    }
    return client_.writeVariables(parent, writes);
  }
  void expectWritten(const VariableParent& parent, std::string_view path, bool exist = false) {
    for (const Status& status : writeFour(parent, path, exist)) {
      EXPECT_TRUE(status) << status.error().message;
    }
  }

  test::FakeClock clock_;
  sandbox::BalenaCloud cloud_{{.now = [this] { return clock_.now(); },
                               .onDeviceUpdate = [](const std::string&, Duration) {},
                               .supervisor = nullptr}};
  test::HandlerTransport transport_{[this](const std::string&, const server::Request& request) {
    return cloud_.handle(request);
  }};
  SharedSecret token_;
  Client client_{transport_, clock_, "https://api", [this] { return token_; }};
};

TEST_F(BalenaContract, AFleetHasItsServices) {
  const auto read = client_.getFleet(std::string(kFleet));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->slug, kFleet);
  EXPECT_TRUE(read->hasRelease);
  std::vector<std::string> names;
  for (const Service& service : read->services) names.push_back(service.name);
  EXPECT_THAT(names, UnorderedElementsAre("main", "relay"));
}

TEST_F(BalenaContract, AFleetThatIsNotThereIsNotFoundAndABadTokenIsUnauthenticated) {
  EXPECT_EQ(client_.getFleet("acme/other").error().code, ErrorCode::kNotFound);
  token_ = shareSecret(SecretBytes("no-such-token"));
  EXPECT_EQ(client_.getFleet(std::string(kFleet)).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(test::listFleet(client_, 1, {}).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(client_.getDevice(std::string(32, 'a')).error().code, ErrorCode::kUnauthenticated);
}

TEST_F(BalenaContract, AFleetWithoutAReleaseSaysSo) {
  ASSERT_TRUE(cloud_.addFleet({.slug = "acme/bare", .release = false}));
  token_ = shareSecret(SecretBytes(*cloud_.addToken({.name = "all", .allFleets = true})));
  EXPECT_FALSE(client_.getFleet("acme/bare")->hasRelease);
}

TEST_F(BalenaContract, ADeviceIsReadWithBothLevels) {
  const std::string uuid = addDevice();
  ASSERT_TRUE(cloud_.setVariable(uuid, "", "GCP_PROJECT_ID", "at the device"));
  ASSERT_TRUE(cloud_.setVariable(uuid, "", "OTHER", "x"));
  ASSERT_TRUE(cloud_.setVariable(uuid, "relay", "GCP_PRIVATE_KEY", "a \"key\""));
  const auto device = client_.getDevice(uuid);
  ASSERT_TRUE(device) << device.error().message;
  EXPECT_EQ(device->uuid, uuid);
  EXPECT_EQ(device->fleetId, fleet().id);
  EXPECT_EQ(device->fleetId, fleet().id);
  EXPECT_TRUE(device->isOnline);
  EXPECT_THAT(textsOf(device->deviceVariables),
              ElementsAre(Pair("GCP_PROJECT_ID", "at the device")));
  EXPECT_EQ(device->installs.size(), 2U);
  EXPECT_EQ(installOf(*device, "relay").serviceId, serviceId("relay"));
  EXPECT_THAT(textsOf(installOf(*device, "relay").variables),
              ElementsAre(Pair("GCP_PRIVATE_KEY", "a \"key\"")));
  EXPECT_THAT(installOf(*device, "main").variables, IsEmpty());
  EXPECT_EQ(client_.getDevice(std::string(32, 'a')).error().code, ErrorCode::kNotFound);
}

TEST_F(BalenaContract, VariablesAreCreatedThenUpdatedAtEitherLevel) {
  const std::string uuid = addDevice();
  const auto device = client_.getDevice(uuid);
  expectWritten({.deviceId = device->id}, "first");
  EXPECT_EQ(cloud_.variable(uuid, "", kClientPath), "first");
  expectWritten({.deviceId = device->id}, "second", true);
  EXPECT_EQ(cloud_.variable(uuid, "", kClientPath), "second");
  const std::int64_t install = installOf(*device, "relay").id;
  expectWritten({.serviceInstallId = install}, "third");
  expectWritten({.serviceInstallId = install}, "fourth", true);
  EXPECT_EQ(cloud_.variable(uuid, "relay", kClientPath), "fourth");
  EXPECT_EQ(cloud_.variable(uuid, "", kClientPath), "second");
}

TEST_F(BalenaContract, AVariableIsReadBackByItsIdAlone) {
  const std::string uuid = addDevice();
  const auto device = client_.getDevice(uuid);
  const VariableParent parents[] = {{.deviceId = device->id},
                                    {.serviceInstallId = installOf(*device, "relay").id}};
  for (const VariableParent& parent : parents) {
    const auto has = [&](std::string_view name) {
      const auto answer = client_.hasVariable(parent, name);
      EXPECT_TRUE(answer) << answer.error().message;
      return answer.value_or(false);
    };
    EXPECT_FALSE(has(kClientPath));
    expectWritten(parent, "a value");
    EXPECT_TRUE(has(kClientPath));
    EXPECT_FALSE(has("OTHER"));
  }
  EXPECT_EQ(client_.hasVariable({}, kClientPath).error().code, ErrorCode::kInvalid);
  token_ = shareSecret(SecretBytes("no-such-token"));
  EXPECT_EQ(client_.hasVariable(parents[0], kClientPath).error().code, ErrorCode::kUnauthenticated);
}

TEST_F(BalenaContract, AVariableThatIsThereAlreadyAndAParentThatIsNotAreToldApart) {
  const std::string uuid = addDevice();
  const std::int64_t id = client_.getDevice(uuid)->id;
  const std::int64_t install = installOf(*client_.getDevice(uuid), "relay").id;
  expectWritten({.deviceId = id}, "x");
  expectWritten({.serviceInstallId = install}, "x");
  for (const VariableParent& parent :
       {VariableParent{.deviceId = id}, VariableParent{.serviceInstallId = install}}) {
    for (const Status& status : writeFour(parent, "y", false)) {
      EXPECT_EQ(status.error().code, ErrorCode::kAlreadyExists);
    }
  }
  for (const VariableParent& parent :
       {VariableParent{.deviceId = 987654321}, VariableParent{.serviceInstallId = 987654321}}) {
    for (const Status& status : writeFour(parent, "y", false)) {
      EXPECT_EQ(status.error().code, ErrorCode::kConflict);
    }
  }
}

TEST_F(BalenaContract, VariablesAreRemovedOnlyWhereTheGuardAllowsIt) {
  const std::string uuid = addDevice();
  const std::string neighbour = addDevice();
  const auto device = client_.getDevice(uuid);
  const std::int64_t fleetId = device->fleetId;
  const std::int64_t install = installOf(*device, "relay").id;
  expectWritten({.deviceId = device->id}, "ours");
  expectWritten({.serviceInstallId = install}, "ours");
  expectWritten({.deviceId = client_.getDevice(neighbour)->id}, "ours");
  ASSERT_TRUE(cloud_.setVariable(uuid, "", "OTHER", "stays"));

  const auto levels = {VariableParent{.deviceId = device->id},
                       VariableParent{.serviceInstallId = install}};
  for (const VariableParent& parent : levels) {
    for (const DeleteGuard& guard : {DeleteGuard{device->id, fleetId, "theirs"},
                                     DeleteGuard{device->id, fleetId + 1, "ours"}}) {
      EXPECT_TRUE(client_.deleteVariables(parent, guard)) << "nothing to do is no error";
    }
  }
  EXPECT_TRUE(
      client_.deleteVariables({.serviceInstallId = install}, {device->id + 1000, fleetId, "ours"}));
  EXPECT_EQ(client_.getDevice(uuid)->deviceVariables.size(), 4U);
  EXPECT_EQ(installOf(*client_.getDevice(uuid), "relay").variables.size(), 4U);

  for (const VariableParent& parent : levels) {
    EXPECT_TRUE(client_.deleteVariables(parent, {device->id, fleetId, "ours"}));
  }
  EXPECT_THAT(client_.getDevice(uuid)->deviceVariables, IsEmpty());
  EXPECT_THAT(installOf(*client_.getDevice(uuid), "relay").variables, IsEmpty());
  EXPECT_EQ(cloud_.variable(uuid, "", "OTHER"), "stays");
  EXPECT_EQ(client_.getDevice(neighbour)->deviceVariables.size(), 4U);
}

TEST_F(BalenaContract, AListShowsVariablesTagsAndWhoLacksTheKey) {
  const std::string first = addDevice({{"site", "north"}});
  const std::string second = addDevice();
  expectWritten({.deviceId = client_.getDevice(first)->id}, "path");
  const auto list = test::listFleet(client_, fleet().id, {});
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->devices.size(), 2U);
  const FleetDevice& has = list->devices[0].uuid == first ? list->devices[0] : list->devices[1];
  const FleetDevice& lacks = list->devices[0].uuid == first ? list->devices[1] : list->devices[0];
  EXPECT_THAT(has.tags, ElementsAre(Pair("site", "north")));
  EXPECT_EQ(has.deviceType, "raspberrypi4-64");
  EXPECT_TRUE(has.hasPrivateKey);
  EXPECT_THAT(has.publicVariables,
              UnorderedElementsAre(Pair(kClientPath, "path"), Pair(kDataTopicRoot, "value"),
                                   Pair(kProjectId, "value")));
  EXPECT_EQ(lacks.uuid, second);
  EXPECT_FALSE(lacks.hasPrivateKey);
  EXPECT_THAT(lacks.publicVariables, IsEmpty());
  const auto tagless = test::listFleet(client_, fleet().id, {}, false);
  ASSERT_TRUE(tagless) << tagless.error().message;
  for (const FleetDevice& device : tagless->devices) EXPECT_THAT(device.tags, IsEmpty());
}

TEST_F(BalenaContract, AListOfAServiceShowsDevicesWithoutAnInstallToo) {
  const std::string ready = addDevice();
  const std::string keyless = addDevice();
  sandbox::BalenaSettings settings = cloud_.settings();
  settings.installDelay = std::nullopt;
  cloud_.configure(settings);
  const std::string waiting = addDevice();
  const std::int64_t install = installOf(*client_.getDevice(ready), "relay").id;
  expectWritten({.serviceInstallId = install}, "path");

  const auto list = test::listFleet(client_, fleet().id, relay());
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->devices.size(), 3U);
  for (const FleetDevice& device : list->devices) {
    EXPECT_EQ(device.hasPrivateKey, device.uuid == ready);
    EXPECT_EQ(device.serviceInstallId.has_value(), device.uuid != waiting);
    EXPECT_EQ(device.publicVariables.size(), device.uuid == ready ? 3U : 0U);
  }
}

TEST_F(BalenaContract, AListIsCompleteOverItsPagesAndCheap) {
  ASSERT_TRUE(cloud_.addDevices(kFleet, 2 * Client::kPageSize + 1));
  const std::int64_t id = fleet().id;
  const std::size_t before = transport_.sent();
  const auto list = test::listFleet(client_, id, {});
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->devices.size(), 2 * Client::kPageSize + 1);
  EXPECT_EQ(transport_.sent() - before, 5U) << "$count, three pages, who lacks the key";
}

TEST_F(BalenaContract, AnEmptyFleetIsAnEmptyList) {
  EXPECT_THAT(test::listFleet(client_, fleet().id, {})->devices, IsEmpty());
}

TEST_F(BalenaContract, ADeviceThatMovedAwayLosesNothingToItsOldFleet) {
  ASSERT_TRUE(cloud_.addFleet({.slug = "acme/other"}));
  token_ = shareSecret(SecretBytes(*cloud_.addToken({.name = "all", .allFleets = true})));
  const std::string uuid = addDevice();
  const auto device = client_.getDevice(uuid);
  expectWritten({.deviceId = device->id}, "ours");
  ASSERT_TRUE(cloud_.moveDevice(uuid, "acme/other"));
  EXPECT_TRUE(
      client_.deleteVariables({.deviceId = device->id}, {device->id, device->fleetId, "ours"}));
  EXPECT_EQ(client_.getDevice(uuid)->deviceVariables.size(), 4U);
  EXPECT_EQ(client_.getDevice(uuid)->fleetId, client_.getFleet("acme/other")->id);
}

TEST_F(BalenaContract, ARevokedTokenIsUnauthenticated) {
  const std::string uuid = addDevice();
  const std::int64_t id = client_.getDevice(uuid)->id;
  ASSERT_TRUE(cloud_.revokeToken(token_->reveal()));
  EXPECT_EQ(client_.getDevice(uuid).error().code, ErrorCode::kUnauthenticated);
  for (const Status& status : writeFour({.deviceId = id}, "x", false)) {
    EXPECT_EQ(status.error().code, ErrorCode::kUnauthenticated);
  }
  EXPECT_EQ(client_.deleteVariables({.deviceId = id}, {id, 1, "x"}).error().code,
            ErrorCode::kUnauthenticated);
}

}  // namespace
}  // namespace bco::balena
