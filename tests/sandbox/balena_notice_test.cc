// Which writes make the cloud call a device, and when.
#include "tests/sandbox/balena_fixture.h"

namespace bco::sandbox::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr Duration kOneSecond{1000};

class BalenaNotice : public BalenaTest {
 protected:
  server::Reply post(std::int64_t device, const char* name) {
    return call("POST", "device_environment_variable", variable("device", device, name, "1"));
  }
};

TEST_F(BalenaNotice, OneForEachPostASecondAfterIt) {
  ASSERT_EQ(post(deviceId, "A").status, 201);
  ASSERT_EQ(post(deviceId, "B").status, 201);
  EXPECT_THAT(notices, ElementsAre(Pair(kUuid, kOneSecond), Pair(kUuid, kOneSecond)));
}

TEST_F(BalenaNotice, OneForAPatchOverManyRowsOfADeviceAlsoOfTheSameValue) {
  post(deviceId, "A");
  post(deviceId, "B");
  notices.clear();
  call("PATCH", "device_environment_variable?$filter=device eq " + std::to_string(deviceId),
       R"({"value":"1"})");
  EXPECT_THAT(notices, ElementsAre(Pair(kUuid, kOneSecond)));
}

TEST_F(BalenaNotice, OneForADeleteOfManyRowsAlmostAtOnce) {
  post(deviceId, "A");
  post(deviceId, "B");
  notices.clear();
  call("DELETE", "device_environment_variable?$filter=name in ('A','B','C')");
  EXPECT_THAT(notices, ElementsAre(Pair(kUuid, Duration(50))));
}

TEST_F(BalenaNotice, OneForEachDeviceSpacedInTime) {
  post(deviceId, "A");
  post(otherId, "A");
  notices.clear();
  call("PATCH", "device_environment_variable?$filter=name eq 'A'", R"({"value":"2"})");
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_NE(notices[0].first, notices[1].first);
  EXPECT_EQ(notices[0].second, kOneSecond);
  EXPECT_EQ(notices[1].second, kOneSecond + Duration(50));
}

TEST_F(BalenaNotice, OneForAServiceVariable) {
  call("POST", "device_service_environment_variable",
       variable("service_install", installId, "A", "1"));
  EXPECT_THAT(notices, ElementsAre(Pair(kUuid, kOneSecond)));
  notices.clear();
  call("DELETE", "device_service_environment_variable?$filter=service_install eq " +
                     std::to_string(installId));
  EXPECT_THAT(notices, ElementsAre(Pair(kUuid, Duration(50))));
}

TEST_F(BalenaNotice, NoneForAWriteThatFailsMatchesNothingOrIsATag) {
  post(deviceId, "A");
  notices.clear();
  ASSERT_EQ(post(deviceId, "A").status, 409);
  call("PATCH", "device_environment_variable?$filter=name eq 'Z'", R"({"value":"2"})");
  call("DELETE", "device_environment_variable?$filter=name eq 'Z'");
  call("POST", "device_tag", Json{{"device", deviceId}, {"tag_key", "k"}, {"value", "v"}}.dump());
  call("PATCH", "device_tag?$filter=tag_key eq 'k'", R"({"value":"w"})");
  call("DELETE", "device_tag");
  EXPECT_THAT(notices, IsEmpty());
}

TEST_F(BalenaNotice, ForTheWholeFleetWhenItsVariablesOrReleaseChange) {
  ASSERT_TRUE(cloud.addDevices("acme/plant", 2));
  ASSERT_TRUE(cloud.setFleetVariable("acme/plant", "", "F", "1"));
  EXPECT_EQ(notices.size(), 3U);
  ASSERT_TRUE(cloud.release("acme/plant"));
  EXPECT_EQ(notices.size(), 6U);
}

TEST_F(BalenaNotice, AlsoForWhatAnAdministratorDoes) {
  ASSERT_TRUE(cloud.setVariable(kUuid, "main", "A", "1"));
  ASSERT_TRUE(cloud.setVariable(kUuid, "main", "A", "2"));
  ASSERT_TRUE(cloud.removeVariable(kUuid, "main", "A"));
  ASSERT_TRUE(cloud.setTag(kUuid, "k", "v"));
  EXPECT_THAT(notices, ElementsAre(Pair(kUuid, kOneSecond), Pair(kUuid, kOneSecond),
                                   Pair(kUuid, Duration(50))));
}

}  // namespace
}  // namespace bco::sandbox::test
