#include "reconcile/fleet_rolls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bco {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const api::ObjectKey kOne{"default", "one"};
const api::ObjectKey kTwo{"default", "two"};

// The n-th device's UUID, of either length.
std::string listedUuid(int n, std::size_t length = 32) {
  const std::string digits = std::to_string(n);
  return std::string(length - digits.size(), '0') + digits;
}

std::vector<DeviceUuid> listOf(std::initializer_list<std::string> uuids) {
  std::vector<DeviceUuid> list;
  for (const auto& uuid : uuids) list.push_back(*DeviceUuid::parse(uuid));
  return list;
}

TimePoint secondsIn(int seconds) { return TimePoint(std::chrono::seconds(seconds)); }

TEST(FleetRolls, KeepNothingBeforeSomebodyWantsThem) {
  FleetRolls rolls;
  rolls.put(kOne, listOf({listedUuid(1)}), secondsIn(1));
  EXPECT_THAT(rolls.fleetsOf(listedUuid(1)), IsEmpty());
  rolls.want();
  EXPECT_THAT(rolls.fleetsOf(listedUuid(1)), IsEmpty());
  rolls.put(kOne, listOf({listedUuid(1)}), secondsIn(1));
  EXPECT_THAT(rolls.fleetsOf(listedUuid(1)), ElementsAre(kOne));
}

TEST(FleetRolls, KnowDevicesInAnyOrderByTheWholeUuid) {
  FleetRolls rolls;
  rolls.want();
  rolls.put(kOne, listOf({listedUuid(3), listedUuid(1, 62), listedUuid(2)}), secondsIn(1));
  rolls.put(kTwo, listOf({listedUuid(2)}), secondsIn(1));
  EXPECT_THAT(rolls.fleetsOf(listedUuid(3)), ElementsAre(kOne));
  EXPECT_THAT(rolls.fleetsOf(listedUuid(2)), ElementsAre(kOne, kTwo));
  EXPECT_THAT(rolls.fleetsOf(listedUuid(1, 62)), ElementsAre(kOne));
  EXPECT_THAT(rolls.fleetsOf(listedUuid(1)), IsEmpty());
  EXPECT_THAT(rolls.fleetsOf("no UUID"), IsEmpty());
}

TEST(FleetRolls, AreReplacedByLaterListsAlone) {
  FleetRolls rolls;
  rolls.want();
  rolls.put(kOne, listOf({listedUuid(1)}), secondsIn(2));
  rolls.put(kOne, listOf({listedUuid(2)}), secondsIn(1));
  EXPECT_THAT(rolls.fleetsOf(listedUuid(1)), ElementsAre(kOne));
  EXPECT_THAT(rolls.fleetsOf(listedUuid(2)), IsEmpty());
  rolls.put(kOne, listOf({listedUuid(2)}), secondsIn(3));
  EXPECT_THAT(rolls.fleetsOf(listedUuid(1)), IsEmpty());
  EXPECT_THAT(rolls.fleetsOf(listedUuid(2)), ElementsAre(kOne));
}

TEST(FleetRolls, LoseWhatHasGone) {
  FleetRolls rolls;
  rolls.want();
  rolls.put(kOne, listOf({listedUuid(1), listedUuid(2)}), secondsIn(1));
  rolls.strike(listedUuid(1));
  rolls.strike("no UUID");
  EXPECT_THAT(rolls.fleetsOf(listedUuid(1)), IsEmpty());
  EXPECT_THAT(rolls.fleetsOf(listedUuid(2)), ElementsAre(kOne));
  rolls.forget(kOne);
  EXPECT_THAT(rolls.fleetsOf(listedUuid(2)), IsEmpty());
}

}  // namespace
}  // namespace bco
