// A device and its registration are read at the same time, and what is stored is judged by nothing
// older than it.
#include "reconcile/read_ahead.h"

#include <gmock/gmock.h>

#include <thread>

#include "tests/controller/reconcile/world.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using test::idOf;
using test::uuidOf;
using testing::ElementsAre;

class Ahead : public test::World {
 protected:
  // Device 1 is connected, and the rotation of its key is due.
  void SetUp() override {
    addDevice(1);
    apply();
    syncAll();
    sweep();  // shows its registration
    const TimePoint at = *object(1)->status.key->rotateAt;
    clock_.advance(std::chrono::ceil<std::chrono::seconds>(at) - clock_.now());
    forgetCalls();
  }
  ~Ahead() override {
    // Nobody's call may find the watchers gone.
    reader_ = {};
  }
  void startReader() {
    reader_ = std::jthread([this](const std::stop_token& stop) { readAhead_.serve(stop); });
  }
  // The device is read when its registration has been: balena is the slower one.
  void readRegistrationFirst(std::function<void()> then = {}) {
    balena().log().onCall([this, then](const std::string& call) {
      if (call != "getDevice" || isFirst_) return;
      isFirst_ = true;
      waitFor("getRegistration");
      if (then) then();
    });
  }
  // Ends a wait in vain after ten seconds.
  void waitFor(const std::string& call) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (registry().log().count(call) == 0) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "no " << call;
      std::this_thread::yield();
    }
  }
  std::uint32_t newest() {
    return readMark(registry().at(idOf(1)).metadata).mark.newest()->generation;
  }

  ReadAhead readAhead_{clock_};
  DeviceReconciler ahead_{context_, &readAhead_};
  std::atomic<bool> isFirst_{false};
  std::jthread reader_;
};

TEST_F(Ahead, TheRegistrationIsReadWhileTheDeviceIs) {
  startReader();
  readRegistrationFirst();
  ahead_.reconcile(uuidOf(1));
  EXPECT_THAT(registry().log().calls(), ElementsAre("getRegistration", "patchRegistration"));
  EXPECT_THAT(balena().log().calls(),
              ElementsAre("getDevice", "write GCP_PRIVATE_KEY", "hasVariable"));
  EXPECT_EQ(newest(), 1U);
  expectConnected(1);
}

TEST_F(Ahead, APassReadsForItselfWhereNobodyElseDoes) {
  ahead_.reconcile(uuidOf(1));
  EXPECT_THAT(registry().log().calls(), ElementsAre("getRegistration", "patchRegistration"));
  EXPECT_EQ(newest(), 1U);
  expectConnected(1);
}

// Another process rotates between the two reads: its key is not unknown, it is newer.
TEST_F(Ahead, AKeyThatTheRegistrationDoesNotListIsJudgedByANewerOne) {
  startReader();
  readRegistrationFirst([&] { reconciler_.reconcile(uuidOf(1)); });
  ahead_.reconcile(uuidOf(1));
  const std::string stored = variables(1).at("GCP_PRIVATE_KEY");
  EXPECT_EQ(newest(), 1U);
  EXPECT_THAT(registry().log().calls(), ElementsAre("getRegistration", "getRegistration",
                                                    "patchRegistration", "getRegistration"));
  EXPECT_EQ(balena().log().count("write GCP_PRIVATE_KEY"), 1) << "nothing was left to be done";
  EXPECT_EQ(object(1)->status.key->generation, 1U);
  expectConnected(1);
}

TEST_F(Ahead, AKeyThatIsUnknownToANewerRegistrationTooIsReplaced) {
  const auto foreign =
      crypto::PrivateKey::derive(SecretBytes(std::string(32, 'x')), uuidOf(1), {}, 7);
  ASSERT_TRUE(foreign);
  variables(1)["GCP_PRIVATE_KEY"] = toVariableValue(*foreign).reveal();
  startReader();
  readRegistrationFirst();
  ahead_.reconcile(uuidOf(1));
  EXPECT_EQ(registry().log().count("getRegistration"), 2);
  for (const auto& credential : registry().at(idOf(1)).credentials) {
    EXPECT_NE(credential.publicKey, foreign->publicKey().toPem()) << "never registered";
  }
  expectConnected(1);
}

TEST_F(Ahead, WhatFailsIsTheFailureOfThePass) {
  startReader();
  readRegistrationFirst();
  registry().log().failNext("getRegistration", Error{ErrorCode::kUnavailable, "down"});
  ahead_.reconcile(uuidOf(1));
  EXPECT_EQ(writes(), 0);
  EXPECT_EQ(readyOf(1).reason, "Unavailable");
  EXPECT_THAT(readyOf(1).message, testing::HasSubstr("clearblade"));
}

TEST_F(Ahead, NobodyReadsForAPassThatHasEnded) {
  balena().log().failNext("getDevice", Error{ErrorCode::kThrottled, "later"});
  ahead_.reconcile(uuidOf(1));
  const auto asked = readAhead_.ask(registry_, idOf(2));
  startReader();
  waitFor("getRegistration");
  const auto answer = readAhead_.take(asked);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error().code, ErrorCode::kNotFound);
  EXPECT_EQ(registry().log().count("getRegistration"), 1) << "for the second device alone";
}

// What is asked for and has not begun is nobody's any more once it was taken.
TEST_F(Ahead, WhatWasTakenUnreadIsNotReadLater) {
  const auto given = readAhead_.ask(registry_, idOf(1));
  EXPECT_FALSE(readAhead_.take(given));
  const auto asked = readAhead_.ask(registry_, idOf(2));
  startReader();
  waitFor("getRegistration");
  EXPECT_TRUE(readAhead_.take(asked));
  EXPECT_EQ(registry().log().count("getRegistration"), 1);
}

}  // namespace
}  // namespace bco
