#include "endpoint/waiting.h"

#include <gtest/gtest.h>

#include <thread>

#include "store/memory_store.h"
#include "tests/support/fake_clock.h"

namespace bco::endpoint {
namespace {

using namespace std::chrono_literals;

const std::string kWaitedFor = "7cf02a69e4d34c9da573914963cf54fd";

class WaitingTest : public testing::Test {
 protected:
  WaitingTest() {
    store_.onDeviceTouched([this](const std::string& uuid) { waiting_.changed(uuid); });
    api::BalenaDevice device;
    device.meta.key.name = "gate-1";
    device.spec.uuid = kWaitedFor;
    EXPECT_TRUE(store_.enrol(device));
  }

  Waiting::Id wait(Verb verb = Verb::kProvision) {
    const auto id = begin(verb);
    waiting_.aim(id, "default");
    return id;
  }
  Waiting::Id begin(Verb verb = Verb::kProvision) {
    return waiting_.add(verb, kWaitedFor, [this](const Answer& answer) {
      std::lock_guard lock(mutex_);
      answers_.emplace_back(nameOf(answer.outcome));
    });
  }
  std::vector<std::string> answers() {
    std::lock_guard lock(mutex_);
    return answers_;
  }
  store::Shared<api::BalenaDevice> object() { return store_.devicesByUuid(kWaitedFor).front(); }
  void demand(const std::string& request) {
    ASSERT_TRUE(store_.demand(*object(), {api::DesiredState::kPresent, request}));
  }
  // What a pass over the object as it is now would report.
  void report(api::Phase phase, const char* reason) {
    api::DeviceStatus status;
    status.observedGeneration = object()->meta.generation;
    const auto annotations = object()->meta.annotations;
    if (annotations.contains(api::kReconcileAnnotation)) {
      status.lastHandledReconcileAt = annotations.at(api::kReconcileAnnotation);
    }
    status.phase = phase;
    setCondition(status.conditions, {"Ready", phase == api::Phase::kReady, reason, "", 1, {}});
    ASSERT_TRUE(store_.devices().setStatus(object()->meta.key, object()->meta.uid, status));
  }
  void untilAnswered(std::size_t count) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (answers().size() < count) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "waited in vain";
      std::this_thread::yield();
    }
  }

  test::FakeClock clock_;
  store::MemoryStore store_{clock_, {}};
  Waiting waiting_{store_, clock_, 10s};
  std::mutex mutex_;
  std::vector<std::string> answers_;
};

TEST_F(WaitingTest, AnswersEverybodyOnceWhenTheStatusSaysHowItEnded) {
  const auto first = wait();
  const auto second = wait();
  demand("1");
  waiting_.arm(first);
  waiting_.arm(second);
  EXPECT_TRUE(answers().empty());
  report(api::Phase::kPending, "AlreadyExists");
  EXPECT_TRUE(answers().empty()) << "the pass comes again";
  report(api::Phase::kReady, "Synced");
  EXPECT_EQ(answers(), (std::vector<std::string>{"already_provisioned", "already_provisioned"}));
  report(api::Phase::kReady, "Synced");
  EXPECT_EQ(answers().size(), 2U);
  EXPECT_EQ(waiting_.size(), 0U);
}

TEST_F(WaitingTest, ConcludesNothingBeforeWhatIsAskedForHasBeenWritten) {
  report(api::Phase::kReady, "Synced");
  const auto id = wait();
  report(api::Phase::kReady, "Synced");
  EXPECT_TRUE(answers().empty());
  demand("1");
  waiting_.arm(id);
  EXPECT_TRUE(answers().empty());
  report(api::Phase::kFailed, "Unavailable");
  EXPECT_EQ(answers(), std::vector<std::string>{"unavailable"});
}

TEST_F(WaitingTest, NoticesThatAllWasDoneBeforeItWasArmed) {
  const auto id = wait();
  demand("1");
  report(api::Phase::kReady, "Synced");
  waiting_.arm(id);
  EXPECT_EQ(answers().size(), 1U);
}

TEST_F(WaitingTest, IsSatisfiedByALaterRequestOfSomebodyElse) {
  const auto id = wait();
  demand("mine");
  waiting_.arm(id);
  demand("another's");
  report(api::Phase::kReady, "Synced");
  EXPECT_EQ(answers().size(), 1U);
}

TEST_F(WaitingTest, RemembersThatTheKeyWasDeliveredThoughALaterPassConcludes) {
  const auto id = wait();
  demand("mine");
  waiting_.arm(id);
  api::DeviceStatus delivered;
  delivered.observedGeneration = object()->meta.generation;
  delivered.lastHandledReconcileAt = "mine";
  delivered.phase = api::Phase::kReady;
  delivered.key = api::KeyStatus{};
  delivered.key->verifiedAt = clock_.now();
  setCondition(delivered.conditions, {"CredentialValid", true, api::kDelivered, "", 1, {}});
  demand("another's");
  ASSERT_TRUE(store_.devices().setStatus(object()->meta.key, object()->meta.uid, delivered));
  EXPECT_TRUE(answers().empty());
  report(api::Phase::kReady, "Synced");
  EXPECT_EQ(answers(), std::vector<std::string>{"created"});
}

TEST_F(WaitingTest, SaysSoWhenTheObjectGoes) {
  const auto id = wait();
  waiting_.arm(id);
  ASSERT_TRUE(store_.devices().release(object()->meta.key, object()->meta.uid));
  EXPECT_EQ(answers(), std::vector<std::string>{"unavailable"});
}

TEST_F(WaitingTest, WaitsForAnObjectThatAnotherReplicaHasMade) {
  const auto made = *object();
  ASSERT_TRUE(store_.devices().release(made.meta.key, made.meta.uid));
  waiting_.arm(wait());
  EXPECT_TRUE(answers().empty());
  ASSERT_TRUE(store_.enrol(made));
  EXPECT_TRUE(answers().empty());
  report(api::Phase::kReady, "Synced");
  EXPECT_EQ(answers(), std::vector<std::string>{"already_provisioned"});
}

TEST_F(WaitingTest, AnswersAtTheDeadlineOfEach) {
  std::jthread deadlines([this](const std::stop_token& stop) { waiting_.run(stop); });
  (void)wait();
  clock_.advance(6s);
  const auto second = wait();
  clock_.advance(4s);
  untilAnswered(1);
  EXPECT_EQ(answers(), std::vector<std::string>{"deadline"});
  EXPECT_EQ(waiting_.size(), 1U);
  waiting_.settle(second, {Outcome::kUnavailable});
  waiting_.settle(second, {Outcome::kUnavailable});
  EXPECT_EQ(answers(), (std::vector<std::string>{"deadline", "unavailable"}));
}

TEST_F(WaitingTest, ConcludesNothingForWhomNoObjectHasBeenFound) {
  (void)begin();
  EXPECT_FALSE(waiting_.has(Verb::kProvision, "default", kWaitedFor));
  report(api::Phase::kReady, "Synced");
  EXPECT_TRUE(answers().empty());
  std::jthread deadlines([this](const std::stop_token& stop) { waiting_.run(stop); });
  clock_.advance(10s);
  untilAnswered(1);
  EXPECT_EQ(answers(), std::vector<std::string>{"deadline"});
}

TEST_F(WaitingTest, KnowsWhomALaterCallerMayJoin) {
  EXPECT_FALSE(waiting_.has(Verb::kProvision, "default", kWaitedFor));
  (void)wait();
  EXPECT_TRUE(waiting_.has(Verb::kProvision, "default", kWaitedFor));
  EXPECT_FALSE(waiting_.has(Verb::kRemove, "default", kWaitedFor));
  EXPECT_FALSE(waiting_.has(Verb::kProvision, "other", kWaitedFor));
  EXPECT_FALSE(waiting_.has(Verb::kProvision, "default", std::string(32, '0')));
}

TEST_F(WaitingTest, AnswersAllAtTheEnd) {
  (void)wait();
  (void)wait();
  waiting_.settleAll({Outcome::kStopping});
  EXPECT_EQ(answers(), (std::vector<std::string>{"stopping", "stopping"}));
  EXPECT_EQ(waiting_.size(), 0U);
}

}  // namespace
}  // namespace bco::endpoint
