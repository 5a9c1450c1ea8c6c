#include "plan/notice.h"

#include <gmock/gmock.h>

#include "tests/controller/plan/builders.h"

namespace bco {
namespace {

using test::kDevicePath;
using test::Observed;
using testing::HasSubstr;

Observed asItIsToBe() {
  return Observed().hasPublicVariables().stores(1).registered().credential(1).marked().lists(1);
}

std::vector<std::string_view> typesOf(const Observed& observed, bool isPresent = true) {
  std::vector<std::string_view> types;
  for (const Notice& notice : noticesOf(observed.get(), isPresent)) types.push_back(notice.type);
  return types;
}

TEST(Notice, ThereIsNoneOfADeviceThatIsAsItIsToBe) {
  EXPECT_THAT(typesOf(asItIsToBe()), testing::IsEmpty());
  EXPECT_THAT(typesOf(Observed()), testing::IsEmpty());
  EXPECT_THAT(typesOf(Observed().withoutDevice()), testing::IsEmpty());
}

TEST(Notice, TellsOfARegistrationThatIsBlocked) {
  ObservedDevice observed = asItIsToBe().get();
  observed.registration->blocked = true;
  const auto notices = noticesOf(observed, true);
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].type, "Blocked");
  EXPECT_EQ(notices[0].reason, "BlockedInRegistry");
}

TEST(Notice, TellsOfARegisteredKeyAtAnotherLevelOnceForEachPlace) {
  const auto notices =
      noticesOf(asItIsToBe().otherLevel(7, kDevicePath).otherLevel(8, kDevicePath).get(), true);
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].type, "KeyElsewhere");
  EXPECT_EQ(notices[0].reason, "CopyOfKey");
  EXPECT_THAT(notices[0].message, HasSubstr("also on one of its services, where"));
}

TEST(Notice, NamesTheDeviceAsAPlace) {
  ObservedDevice observed = asItIsToBe().otherLevel(7, kDevicePath).get();
  observed.device->others[0].parent = {.deviceId = test::kDeviceId};
  EXPECT_THAT(noticesOf(observed, true).at(0).message, HasSubstr("also on the device, where"));
}

TEST(Notice, IsNotOfAKeyThatOpensNothing) {
  // It is registered nowhere: whoever holds it can do nothing with it.
  EXPECT_THAT(typesOf(asItIsToBe().otherLevel(7, kDevicePath).stores(2).credential(2).lists(2)),
              testing::ElementsAre("KeyElsewhere"));
  ObservedDevice cut = asItIsToBe().otherLevel(7, kDevicePath).get();
  cut.credentialFingerprints = {test::testKey(3).fingerprint};
  EXPECT_THAT(noticesOf(cut, true), testing::IsEmpty());
  cut.device->others[0].keyFingerprint.reset();
  cut.credentialFingerprints = {""};
  EXPECT_THAT(noticesOf(cut, true), testing::IsEmpty());
}

TEST(Notice, IsNotOfCopiesThatAreBeingRemoved) {
  EXPECT_THAT(typesOf(asItIsToBe().otherLevel(7, kDevicePath), false), testing::IsEmpty());
}

}  // namespace
}  // namespace bco
