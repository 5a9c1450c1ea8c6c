// The running whole on its own threads: which changes bring a device to a worker, and which don't.
#include <gmock/gmock.h>

#include <condition_variable>
#include <future>

#include <thread>

#include "tests/controller/reconcile/world.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using api::Phase;
using test::kFleetId;
using test::uuidOf;

class Running : public test::World {
 protected:
  ~Running() override { stop(); }

  void start() {
    thread_ = std::jthread([this](const std::stop_token& stopped) { engine_.run(stopped); });
  }
  void stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
  }
  // Gives the threads their turn until `done` and all is quiet.
  template <class Done>
  void until(Done done) {
    turnsUntil([&] { return done() && engine_.isQuiet(1min); });
  }
  // Ends a wait in vain after ten seconds, a thousand times what it needs.
  template <class Done>
  void turnsUntil(Done done) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (!done()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "waited in vain";
      std::this_thread::yield();
    }
  }
  void untilReady(int n) {
    until([&] { return object(n) != nullptr && phaseOf(n) == Phase::kReady; });
  }

  Engine engine_{context_, factory_, shareSecret(SecretBytes(std::string(32, 'f'))), {2, 1}};
  std::jthread thread_;
};

TEST_F(Running, ProvisionsADeclaredDeviceInOnePass) {
  addDevice(1);
  apply();
  start();
  untilReady(1);
  stop();
  expectConnected(1);
  EXPECT_EQ(balena().log().count("getDevice"), 1);
  EXPECT_LE(registry().log().count("getRegistration"), 1);
}

TEST_F(Running, ProvisionsADiscoveredDeviceInOnePass) {
  fleetSpec().devices = api::DeviceSource::kAll;
  balena().addDevice(uuidOf(1), kFleetId);
  apply();
  start();
  untilReady(1);
  stop();
  expectConnected(1);
  EXPECT_EQ(balena().log().count("getDevice"), 1);
}

TEST_F(Running, LooksAgainWhenAskedTo) {
  addDevice(1);
  apply();
  start();
  untilReady(1);
  forgetCalls();
  declared(1).meta.annotations[std::string(api::kReconcileAnnotation)] = "please";
  apply();
  until([&] { return object(1)->status.lastHandledReconcileAt == "please"; });
  EXPECT_EQ(balena().log().count("getDevice"), 1);
  EXPECT_EQ(writes(), 0);
}

TEST_F(Running, FollowsAChangedDevice) {
  addDevice(1);
  apply();
  start();
  untilReady(1);
  deviceSpec(1).state = api::DesiredState::kAbsent;
  apply();
  until([&] { return phaseOf(1) == Phase::kAbsent; });
  stop();
  EXPECT_EQ(registry().size(), 0U);
}

TEST_F(Running, ForgetsADeviceWhoseDocumentHasGoneWithoutTouchingIt) {
  addDevice(1);
  apply();
  start();
  untilReady(1);
  forgetCalls();
  manifests_.devices.clear();
  apply();
  until([&] { return tally_.counts().total == 0; });
  stop();
  EXPECT_EQ(writes(), 0);
  expectConnected(1);
}

TEST_F(Running, RepeatsWhatFailed) {
  addDevice(1);
  apply();
  registry().log().failNext("createRegistration", Error{ErrorCode::kUnavailable, "down"});
  start();
  // Quiet: it waits for its turn to come again.
  turnsUntil([&] { return object(1)->status.failureCount == 1 && engine_.isQuiet(0s); });
  clock_.advance(1min);
  untilReady(1);
  stop();
  expectConnected(1);
}

TEST_F(Running, RepeatsWhatFailedInAnEarlierProcess) {
  addDevice(1);
  apply();
  const auto meta = object(1)->meta;
  api::DeviceStatus failed;
  failed.observedGeneration = meta.generation;
  failed.phase = Phase::kFailed;
  failed.failureCount = 1;
  ASSERT_TRUE(store_.devices().setStatus(meta.key, meta.uid, failed));
  start();
  untilReady(1);
  stop();
  expectConnected(1);
}

// ---- without threads

TEST_F(Running, PreviewShowsWhatWouldBeDoneAndWritesNothing) {
  addDevice(1);
  apply();
  const auto previews = engine_.preview({});
  ASSERT_EQ(previews.size(), 1U);
  EXPECT_EQ(previews[0].uuid, uuidOf(1));
  EXPECT_EQ(previews[0].pass.plan.reason, Reason::kNotRegistered);
  EXPECT_EQ(writes(), 0);
}

TEST_F(Running, PreviewLooksAtSeveralDevicesAtOnceAndTellsThemInOrder) {
  for (const int n : {3, 1, 2}) addDevice(n);
  apply();
  // The first look ends when there is a second one beside it.
  std::mutex mutex;
  std::condition_variable came;
  int atWork = 0;
  balena().log().onCall([&](const std::string& call) {
    if (call != "getDevice") return;
    std::unique_lock lock(mutex);
    ++atWork;
    came.notify_all();
    EXPECT_TRUE(came.wait_for(lock, 10s, [&] { return atWork >= 2; }));
  });
  const auto previews = engine_.preview({});
  ASSERT_EQ(previews.size(), 3U);
  for (int n = 1; n <= 3; ++n) {
    const auto& preview = previews[static_cast<std::size_t>(n - 1)];
    EXPECT_EQ(preview.uuid, uuidOf(n));
    EXPECT_EQ(preview.pass.plan.reason, Reason::kNotRegistered);
  }
  EXPECT_EQ(writes(), 0);
}

TEST_F(Running, SettleProvisionsOneDevice) {
  addDevice(1);
  apply();
  EXPECT_TRUE(engine_.settle(uuidOf(1), clock_.steadyNow() + 1min, {}));
  expectConnected(1);
  EXPECT_EQ(registry().log().count("listRegistrations"), 0);
}

TEST_F(Running, SettleTriesAgainWhenTheFleetCantBeReadJustNow) {
  addDevice(1);
  apply();
  balena().log().failNext("getFleet", Error{ErrorCode::kUnavailable, "down"});
  const SteadyPoint deadline = clock_.steadyNow() + 1000h;
  auto settled =
      std::async(std::launch::async, [&] { return engine_.settle(uuidOf(1), deadline, {}); });
  turnsUntil([&] {
    clock_.advance(1s);
    return settled.wait_for(1ms) == std::future_status::ready;
  });
  EXPECT_TRUE(settled.get());
  expectConnected(1);
}

TEST_F(Running, SettleSaysWhyItCant) {
  declare(1);
  apply();
  const Status missing = engine_.settle(uuidOf(1), clock_.steadyNow() + 1min, {});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, testing::HasSubstr("DeviceNotFound"));
  EXPECT_EQ(engine_.settle(uuidOf(2), clock_.steadyNow(), {}).error().code, ErrorCode::kNotFound);
  registry().log().failAll(Error{ErrorCode::kUnavailable, "down"});
  addDevice(3);
  apply();
  const Status late = engine_.settle(uuidOf(3), clock_.steadyNow(), {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kDeadline);
  EXPECT_THAT(late.error().message, testing::HasSubstr("down"));
}

TEST_F(Running, IsTakenForDeadOnceADeviceIsInTheSameHandsForLongerThanAPassCanLast) {
  addDevice(1);
  apply();
  std::atomic<bool> isHeld{true};
  std::atomic<bool> hasBegun{false};
  balena().log().onCall([&](const std::string& call) {
    if (call != "getDevice") return;
    hasBegun = true;
    isHeld.wait(true);
  });
  start();
  turnsUntil([&] { return hasBegun.load(); });
  clock_.advance(10min);
  EXPECT_EQ(engine_.stalled(), "");
  clock_.advance(15min);
  EXPECT_EQ(engine_.stalled(), "a worker hangs");
  isHeld = false;
  isHeld.notify_all();
  turnsUntil([&] { return engine_.deviceLoad().inFlight == 0; });
  EXPECT_EQ(engine_.stalled(), "");
  stop();
}

TEST_F(Running, AVerificationComesAfterWhatIsFresh) {
  addDevice(1);
  apply();
  start();
  untilReady(1);
  EXPECT_EQ(balena().log().termsOf("getDevice").lane, Lane::kFresh);
  forgetCalls();
  clock_.advance(26h);
  turnsUntil([&] { return balena().log().count("getDevice") > 0; });
  EXPECT_EQ(balena().log().termsOf("getDevice").lane, Lane::kSweep);
  stop();
}

TEST_F(Running, SettlesADeviceOfWhichTwoNamespacesHaveObjectsByBoth) {
  addDevice(1);
  manifests_.devices[{"other", "gate-1"}] = [] {
    auto device = deviceOf(1);
    device.meta.key.space = "other";
    return device;
  }();
  apply();
  const Status settled = engine_.settle(uuidOf(1), clock_.steadyNow() + 1h, {});
  ASSERT_FALSE(settled);
  EXPECT_THAT(settled.error().message, testing::HasSubstr("there is no BalenaFleet other/sensors"));
}

TEST_F(Running, SettlingReportsWhatWasThrown) {
  addDevice(1);
  apply();
  balena().log().onCall([](const std::string&) { throw std::runtime_error("foreign code"); });
  const Status settled = engine_.settle(uuidOf(1), clock_.steadyNow() + 1h, {});
  ASSERT_FALSE(settled);
  EXPECT_EQ(settled.error().code, ErrorCode::kInternal);
  balena().log().onCall(nullptr);
}

}  // namespace
}  // namespace bco
