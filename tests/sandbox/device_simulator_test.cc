#include "tests/sandbox/sandbox_fixture.h"

namespace bco::sandbox {
namespace {

using crypto::PrivateKey;

class DeviceSimulation : public SandboxFixture {
 protected:
  DeviceSimulation() {
    control("PATCH", "settings",
            {{"devices", {{"pollInterval", "10m"}, {"publishInterval", "1m"}}}});
    advance("10s");  // power on, first fetch
  }
  json refused() { return runtime()["publishes"]["refused"]; }
  std::uint64_t accepted() { return runtime()["publishes"]["accepted"]; }

  PrivateKey key_ = PrivateKey::generate().value();
};

TEST_F(DeviceSimulation, StartsItsContainerOnceAndIsUnregisteredWithoutVariables) {
  EXPECT_EQ(runtime()["starts"], 1);
  EXPECT_EQ(runtime()["restarts"], 0);
  EXPECT_EQ(runtime()["relay"], "unregistered");
  advance("1h");
  EXPECT_EQ(accepted(), 0U);
  EXPECT_TRUE(refused().empty());
}

TEST_F(DeviceSimulation, FourVariablesWrittenTogetherCostOneRestartAndItPublishes) {
  registerDevice(key_);
  setVariables(key_);
  advance("5s");
  EXPECT_EQ(runtime()["restarts"], 1);
  EXPECT_EQ(runtime()["partialStarts"], 0);
  EXPECT_EQ(runtime()["relay"], "running");
  EXPECT_EQ(runtime()["key"], key_.publicKey().fingerprint());
  EXPECT_GE(runtime()["notModified"], 3);
  advance("10m");
  EXPECT_EQ(accepted(), 10U);
  EXPECT_TRUE(refused().empty());
}

TEST_F(DeviceSimulation, TakesAMomentToRestartInWhichItDoesNotPublish) {
  control("PATCH", "settings", {{"devices", {{"restartDelay", "10m"}}}});
  registerDevice(key_);
  setVariables(key_);
  advance("5s");
  EXPECT_EQ(runtime()["restarts"], 1);
  EXPECT_EQ(runtime()["relay"], "unregistered");
  advance("9m");
  EXPECT_EQ(accepted(), 0U);
  // Another change begins the restart anew.
  setVariable("GCP_PROJECT_ID", "other");
  advance("9m");
  EXPECT_EQ(runtime()["relay"], "unregistered");
  EXPECT_EQ(runtime()["restarts"], 2);
  setVariable("GCP_PROJECT_ID", "my-project");
  advance("13m");
  EXPECT_EQ(runtime()["relay"], "running");
  EXPECT_GT(accepted(), 0U);
  EXPECT_TRUE(refused().empty());
}

TEST_F(DeviceSimulation, VariablesWrittenFarApartCostARestartEachAndPartialStarts) {
  registerDevice(key_);
  const json all = variables(key_);
  for (const auto& [name, value] : all.items()) {
    setVariable(name, value);
    advance("3s");
  }
  EXPECT_EQ(runtime()["restarts"], 4);
  EXPECT_EQ(runtime()["partialStarts"], 3);
  EXPECT_EQ(runtime()["relay"], "running");
}

TEST_F(DeviceSimulation, AnUnchangedValueRestartsNothing) {
  registerDevice(key_);
  setVariables(key_);
  advance("5s");
  setVariable("GCP_PROJECT_ID", "my-project");
  advance("5s");
  EXPECT_EQ(runtime()["restarts"], 1);
}

TEST_F(DeviceSimulation, RecreatesThatContainerAloneWhoseEnvironmentChanged) {
  control("POST", "fleets", {{"slug", "acme/pumps"}, {"services", {"relay", "other"}}});
  uuid_ = control("POST", "devices", {{"fleet", "acme/pumps"}, {"count", 1}})["uuids"][0];
  advance("10s");
  EXPECT_EQ(runtime()["starts"], 2);
  setVariable("COLOUR", "red");
  advance("5s");
  EXPECT_EQ(runtime()["restarts"], 1);
  control("PUT", "devices/" + uuid_ + "/variables/COLOUR", {{"value", "blue"}});
  advance("5s");
  // The relay keeps its own value, the other container gets the device's.
  EXPECT_EQ(runtime()["restarts"], 2);
}

TEST_F(DeviceSimulation, PublishesWithItsStoredKeyAndSaysWhyItIsRefused) {
  setVariables(key_);
  advance("3m");
  EXPECT_EQ(refused(), json({{"not registered", 3}}));
  registerDevice(PrivateKey::generate().value());
  advance("1m");
  EXPECT_EQ(refused()["signature"], 1);
  EXPECT_EQ(control("GET", "refusals")["refusals"].size(), 4U);
  EXPECT_EQ(accepted(), 0U);
}

TEST_F(DeviceSimulation, AKeyThatWasRemovedIsRefusedThoughItsTokenWasGoodBefore) {
  registerDevice(key_);
  setVariables(key_);
  advance("2m");
  EXPECT_GT(accepted(), 0U);
  control("PATCH", "registrations/balena-" + uuid_, {{"credentials", json::array()}});
  advance("1m");
  EXPECT_EQ(refused()["no credentials"], 1);
}

TEST_F(DeviceSimulation, ItsTokenIsRenewedBeforeTheDayIsOver) {
  registerDevice(key_);
  setVariables(key_);
  advance("50h");
  EXPECT_TRUE(refused().empty());
  EXPECT_GE(accepted(), 2999U);
}

TEST_F(DeviceSimulation, AnOfflineOneLearnsOfAChangeWhenItIsBack) {
  registerDevice(key_);
  control("PATCH", "devices/" + uuid_, {{"online", false}});
  setVariables(key_);
  advance("1h");
  EXPECT_EQ(runtime()["relay"], "unregistered");
  control("PATCH", "devices/" + uuid_, {{"online", true}});
  advance("1s");
  EXPECT_EQ(runtime()["relay"], "running");
}

TEST_F(DeviceSimulation, WithoutANotificationItLearnsByPolling) {
  registerDevice(key_);
  control("PATCH", "devices/" + uuid_, {{"localMode", true}});
  setVariables(key_);
  advance("1h");
  EXPECT_EQ(runtime()["relay"], "unregistered");
  control("PATCH", "devices/" + uuid_, {{"localMode", false}, {"pollInterval", "20m"}});
  advance("1s");
  EXPECT_EQ(runtime()["relay"], "running");
  const std::uint64_t before = runtime()["fetches"];
  advance("61m");
  EXPECT_GE(runtime()["fetches"], before + 2);
  EXPECT_LE(runtime()["fetches"], before + 3);
}

TEST_F(DeviceSimulation, AnUpdateLockPostponesTheRestartUntilItIsReleasedOrForced) {
  registerDevice(key_);
  control("PATCH", "devices/" + uuid_, {{"updateLock", true}});
  setVariables(key_);
  advance("5s");
  EXPECT_EQ(runtime()["postponed"], true);
  EXPECT_EQ(runtime()["restarts"], 0);
  send("POST", "/supervisor/v1/update", {{"uuid", uuid_}, {"data", {{"force", true}}}},
       balenaToken());
  advance("1s");
  EXPECT_EQ(runtime()["restarts"], 1);

  setVariable("GCP_PROJECT_ID", "other");
  advance("5s");
  EXPECT_EQ(runtime()["restarts"], 1);
  control("PATCH", "devices/" + uuid_, {{"updateLock", false}});
  EXPECT_EQ(runtime()["restarts"], 2);
}

TEST_F(DeviceSimulation, TheSupervisorTellsWhenItsContainersWereCreated) {
  const auto reply = send("POST", "/supervisor/v2/state/status",
                          {{"uuid", uuid_}, {"method", "GET"}}, balenaToken());
  const json status = json::parse(reply.body);
  EXPECT_EQ(status["appState"], "applied");
  EXPECT_EQ(status["containers"][0]["serviceName"], "relay");
}

TEST(DeviceSimulator, SwitchedOffDoesNothing) {
  Sandbox sandbox({.clock = ClockMode::kManual, .simulateDevices = false});
  {
    const std::lock_guard lock(sandbox.world().mutex);
    ASSERT_TRUE(build(sandbox, defaultWorld(5)));
  }
  sandbox.world().clock.advance(std::chrono::hours(1));
  EXPECT_EQ(sandbox.world().clock.pending(), 0U);
}

}  // namespace
}  // namespace bco::sandbox
