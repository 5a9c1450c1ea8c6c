#include "endpoint/choice.h"

#include <gtest/gtest.h>

namespace bco::endpoint {
namespace {

using namespace std::chrono_literals;

const std::string kUuid = "7cf02a69e4d34c9da573914963cf54fd";
const TimePoint kNow{std::chrono::hours(24 * 365 * 56)};

class Choice : public testing::Test {
 protected:
  Choice() {
    fleet_.meta.key.name = "sensors";
    fleet_.spec.service = "relay";
    device_.meta.key.name = "gate-1";
    device_.meta.generation = 1;
    device_.spec.uuid = kUuid;
    device_.spec.fleet = "sensors";
    device_.status.observedGeneration = 1;
    request_.ask = {kUuid, "relay"};
  }

  std::string chosen() {
    const auto choice =
        choose(request_, {std::make_shared<const api::BalenaDevice>(device_)}, &fleet_, kNow);
    if (const auto* answer = std::get_if<Answer>(&choice)) {
      return std::string(nameOf(answer->outcome));
    }
    return std::holds_alternative<ChangeObject>(choice) ? "change" : "look up";
  }
  // The new object's label and state, or the answer.
  std::string chosenForNew() {
    const auto choice = chooseForNew(request_, &fleet_);
    if (const auto* answer = std::get_if<Answer>(&choice)) {
      return std::string(nameOf(answer->outcome));
    }
    const api::BalenaDevice& device = std::get<MakeObject>(choice).device;
    EXPECT_EQ(device.meta.key.name, "sensors-" + kUuid);
    EXPECT_EQ(device.fleetKey(), fleet_.meta.key);
    EXPECT_NE(device.meta.isDiscovered(), device.meta.isEnrolled());
    return std::string(device.meta.isDiscovered() ? "discovered" : "enrolled") +
           (device.spec.state == api::DesiredState::kAbsent ? " absent" : "");
  }
  void beReady(Duration age) {
    device_.status.phase = api::Phase::kReady;
    device_.status.key = api::KeyStatus{};
    device_.status.key->verifiedAt = kNow - age;
  }

  api::BalenaFleet fleet_;
  api::BalenaDevice device_;
  Request request_;
};

TEST_F(Choice, ChangesTheObjectOfADeviceThatIsDesired) {
  EXPECT_EQ(chosen(), "change");
  request_.verb = Verb::kRemove;
  EXPECT_EQ(chosen(), "change");
}

TEST_F(Choice, TakesTheNamespaceThatHasNotFoundTheDeviceToBeNoneOfItsOwn) {
  const auto in = [&](const char* space, api::Phase phase, const char* reason) {
    api::BalenaDevice device = device_;
    device.meta.key.space = space;
    device.status.phase = phase;
    setCondition(device.status.conditions, {"Ready", false, reason, "", 1, kNow});
    return std::make_shared<const api::BalenaDevice>(std::move(device));
  };
  const auto lost = in("a", api::Phase::kWaiting, "DeviceNotFound");
  const auto owned = in("b", api::Phase::kFailed, "Unavailable");
  EXPECT_EQ(likeliest({lost, owned}), DeviceObjects{owned});
  EXPECT_EQ(likeliest({owned, lost}), DeviceObjects{owned});
  EXPECT_EQ(likeliest({lost}), DeviceObjects{lost});
  EXPECT_EQ(likeliest({}), DeviceObjects{});
}

TEST_F(Choice, LooksUpWhatNoObjectNames) {
  EXPECT_TRUE(std::holds_alternative<LookItUp>(choose(request_, {}, nullptr, kNow)));
}

TEST_F(Choice, NeverLetsTheCallerChooseWhichContainerGetsTheKey) {
  for (const Verb verb : {Verb::kProvision, Verb::kRemove}) {
    request_.verb = verb;
    request_.ask.service = "main";
    EXPECT_EQ(chosen(), "wrong_service");
    fleet_.spec.service.reset();
    request_.ask.service = "relay";
    EXPECT_EQ(chosen(), "wrong_service") << "the fleet's keys are no service's";
    request_.ask.service.clear();
    EXPECT_EQ(chosen(), "change");
    fleet_.spec.service = "relay";
    EXPECT_EQ(chosen(), "change") << "none is named";
  }
}

TEST_F(Choice, AnswersWithoutAPassWhatWasVerifiedAMomentAgo) {
  beReady(kFresh - 1ms);
  EXPECT_EQ(chosen(), "already_provisioned");
  beReady(kFresh);
  EXPECT_EQ(chosen(), "change");
  beReady(0ms);
  device_.status.failureCount = 1;
  EXPECT_EQ(chosen(), "change") << "its last pass has failed";
  device_.status.failureCount = 0;
  device_.meta.generation = 2;
  EXPECT_EQ(chosen(), "change") << "it has been changed since";
  device_.meta.generation = 1;
  request_.verb = Verb::kRemove;
  EXPECT_EQ(chosen(), "change");
}

TEST_F(Choice, LetsNobodyBringBackWhatAPersonHasDeclaredAbsent) {
  device_.spec.state = api::DesiredState::kAbsent;
  EXPECT_EQ(chosen(), "refused");
  device_.meta.labels.emplace(api::kEnrolledLabel, "true");
  EXPECT_EQ(chosen(), "refused") << "whoever has made the object";
  request_.trusted = true;
  EXPECT_EQ(chosen(), "change");
  request_.trusted = false;
  device_.meta.annotations[api::kAbsentByAnnotation] = "endpoint";
  EXPECT_EQ(chosen(), "change") << "a DELETE has";
}

TEST_F(Choice, DoesNothingForAFleetThatIsOnlyObservedOrGone) {
  fleet_.spec.mode = api::Mode::kObserve;
  EXPECT_EQ(chosen(), "refused");
  fleet_.meta.deletedAt = kNow;
  EXPECT_EQ(chosen(), "unknown_device");
}

TEST_F(Choice, WaitsForTheEndOfAnObject) {
  device_.meta.deletedAt = kNow;
  EXPECT_EQ(chosen(), "unavailable");
}

TEST_F(Choice, MakesWhatTheNextSweepWould) {
  fleet_.spec.devices = api::DeviceSource::kAll;
  EXPECT_EQ(chosenForNew(), "discovered");
  request_.verb = Verb::kRemove;
  EXPECT_EQ(chosenForNew(), "discovered absent");
}

TEST_F(Choice, MarksAsTheEndpointsDoingWhatAPersonHasNotAskedFor) {
  const auto made = [this] {
    return std::get<MakeObject>(chooseForNew(request_, &fleet_)).device.meta;
  };
  request_.verb = Verb::kRemove;
  EXPECT_EQ(made().annotations.at(api::kAbsentByAnnotation), "endpoint");
  EXPECT_TRUE(made().isEnrolled());
  request_.declares = true;
  EXPECT_FALSE(made().annotations.contains(api::kAbsentByAnnotation));
  EXPECT_FALSE(made().isEnrolled());
  request_.verb = Verb::kProvision;
  EXPECT_FALSE(made().isEnrolled()) << "whether the fleet lets anybody enrol or not";
  EXPECT_FALSE(made().isDiscovered());
  fleet_.spec.devices = api::DeviceSource::kAll;
  EXPECT_TRUE(made().isDiscovered()) << "the next sweep would make it";
}

TEST_F(Choice, GivesANewObjectItsFleetsLabelsForWhoSelectsByThem) {
  fleet_.meta.labels.emplace("shard", "a");
  for (const auto source : {api::DeviceSource::kAll, api::DeviceSource::kDeclared}) {
    fleet_.spec.devices = source;
    fleet_.spec.enrol = true;
    const auto choice = chooseForNew(request_, &fleet_);
    const api::TextMap& labels = std::get<MakeObject>(choice).device.meta.labels;
    EXPECT_EQ(labels.at("shard"), "a");
    EXPECT_EQ(labels.at(api::kFleetLabel), "sensors");
  }
}

TEST_F(Choice, AddsNoDeviceThatNobodyDesires) {
  EXPECT_EQ(chosenForNew(), "unknown_device");
  fleet_.spec.devices = api::DeviceSource::kAll;
  fleet_.spec.selector.tags = {{"site", "north"}};
  EXPECT_EQ(chosenForNew(), "unknown_device") << "whether it is selected, a sweep sees";
  fleet_.spec.enrol = true;
  EXPECT_EQ(chosenForNew(), "enrolled");
  request_.ask.service = "main";
  EXPECT_EQ(chosenForNew(), "wrong_service");
}

TEST_F(Choice, TellsAnUnknownDeviceNotFromAnothersFleet) {
  const auto unknown = chooseForNew(request_, nullptr);
  const auto others = chooseForNew(request_, &fleet_);
  request_.ask.service = "main";
  const auto withService = chooseForNew(request_, &fleet_);
  for (const auto* choice : {&others, &withService}) {
    EXPECT_EQ(toReply(std::get<Answer>(*choice)).body, toReply(std::get<Answer>(unknown)).body);
  }
}

TEST_F(Choice, KeepsAwayWhatIsRemovedThoughNobodyDesiredIt) {
  request_.verb = Verb::kRemove;
  EXPECT_EQ(chosenForNew(), "enrolled absent");
  EXPECT_EQ(nameOf(std::get<Answer>(chooseForNew(request_, nullptr)).outcome), "unknown_device");
}

}  // namespace
}  // namespace bco::endpoint
