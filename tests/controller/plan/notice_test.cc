#include "plan/notice.h"

#include <gmock/gmock.h>

#include "tests/controller/plan/builders.h"

namespace bco {
namespace {

using test::desiredDevice;
using test::kDevicePath;
using test::kFleetId;
using test::kNow;
using test::Observed;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;

Observed asItIsToBe() {
  return Observed().hasPublicVariables().stores(1).registered().credential(1).marked().lists(1);
}

std::optional<std::vector<std::string_view>> typesOf(const ObservedDevice& observed) {
  const auto notices = noticesOf(desiredDevice(), observed, kNow);
  if (!notices) return std::nullopt;
  std::vector<std::string_view> types;
  for (const Notice& notice : *notices) types.push_back(notice.type);
  return types;
}

std::string messageAt(const ObservedDevice& observed) {
  return noticesOf(desiredDevice(), observed, kNow)->at(0).message;
}

TEST(Notice, ThereIsNoneOfADeviceThatIsAsItIsToBe) {
  EXPECT_THAT(typesOf(asItIsToBe().get()), Optional(IsEmpty()));
  EXPECT_THAT(typesOf(Observed().get()), Optional(IsEmpty())) << "no registration";
}

TEST(Notice, NothingIsKnownWhereNobodyHasLooked) {
  EXPECT_EQ(typesOf(asItIsToBe().withoutDevice().get()), std::nullopt);
  EXPECT_EQ(typesOf(asItIsToBe().inFleet(kFleetId + 1).get()), std::nullopt);
  DesiredDevice absent = desiredDevice();
  absent.present = false;
  EXPECT_EQ(noticesOf(absent, asItIsToBe().otherLevel(7, kDevicePath).get(), kNow), std::nullopt)
      << "it removes the copies itself";
  EXPECT_THAT(noticesOf(absent, Observed().get(), kNow), Optional(IsEmpty()));
  ObservedDevice presumed = Observed().get();
  presumed.registrationPresumedAbsent = true;
  EXPECT_EQ(typesOf(presumed), std::nullopt);
}

TEST(Notice, TellsOfARegistrationThatIsBlocked) {
  ObservedDevice observed = asItIsToBe().get();
  observed.registration->blocked = true;
  const auto notices = noticesOf(desiredDevice(), observed, kNow);
  ASSERT_EQ(notices->size(), 1U);
  EXPECT_EQ(notices->at(0).type, "Blocked");
  EXPECT_EQ(notices->at(0).reason, "BlockedInRegistry");
}

TEST(Notice, TellsOfARegisteredKeyAtOtherLevelsAndNamesThem) {
  ObservedDevice observed = asItIsToBe().otherLevel(7, kDevicePath).get();
  EXPECT_THAT(typesOf(observed), Optional(ElementsAre("KeyElsewhere")));
  EXPECT_EQ(noticesOf(desiredDevice(), observed, kNow)->at(0).reason, "CopyOfKey");
  EXPECT_THAT(messageAt(observed), HasSubstr("also on one of its services, where"));
  observed.device->others[0].service = "main";
  EXPECT_THAT(messageAt(observed), HasSubstr("also on service main, where"));
  observed.device->others.push_back(observed.device->others[0]);
  observed.device->others[1].parent = {.deviceId = test::kDeviceId};
  EXPECT_THAT(messageAt(observed), HasSubstr("also on service main and the device, where"));
}

TEST(Notice, TellsOfAnOlderKeyThatIsStillRegistered) {
  const Observed rotated = asItIsToBe().otherLevel(7, kDevicePath).stores(2).credential(2).lists(2);
  EXPECT_THAT(typesOf(rotated.get()), Optional(ElementsAre("KeyElsewhere")));
}

TEST(Notice, IsNotOfAKeyThatOpensNothing) {
  const auto at = [](std::optional<TimePoint> end) {
    return typesOf(
        Observed().stores(1).otherLevel(7, kDevicePath).registered().credential(1, end).get());
  };
  EXPECT_THAT(at(kNow), Optional(IsEmpty())) << "it has ended";
  EXPECT_THAT(at(kNow + std::chrono::seconds(1)), Optional(ElementsAre("KeyElsewhere")));
  EXPECT_THAT(at(std::nullopt), Optional(ElementsAre("KeyElsewhere")));
  const Observed other = Observed().stores(1).otherLevel(7, kDevicePath).registered().credential(3);
  EXPECT_THAT(typesOf(other.get()), Optional(IsEmpty())) << "the registration does not list it";
  ObservedDevice unreadable = asItIsToBe().otherLevel(7, kDevicePath).get();
  unreadable.device->others[0].keyFingerprint.reset();
  EXPECT_THAT(typesOf(unreadable), Optional(IsEmpty()));
}

}  // namespace
}  // namespace bco
