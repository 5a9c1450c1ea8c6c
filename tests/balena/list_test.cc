// Listing a fleet: pages, $count and the anti-join.
#include <gmock/gmock.h>

#include "balena/client.h"
#include "tests/support/fake_clock.h"
#include "tests/support/listings.h"
#include "tests/support/scripted_transport.h"

namespace bco::balena {
namespace {

using http::Method;
using testing::Pair;
using testing::UnorderedElementsAre;

std::string uuidOf(std::int64_t id) {
  std::string digits = std::to_string(id);
  return std::string(32 - digits.size(), 'a') + digits;
}

std::string rowOf(std::int64_t id, std::string_view expansion, std::int64_t fleet = 5) {
  return R"({"id":)" + std::to_string(id) + R"(,"uuid":")" + uuidOf(id) +
         R"(","device_name":"dev","belongs_to__application":{"__id":)" + std::to_string(fleet) +
         R"(},"device_tag":[{"tag_key":"site","value":"north"}],)"
         R"("is_of__device_type":[{"slug":"raspberrypi4-64"}],)" +
         std::string(expansion) + "}";
}

const Error kTooLarge{
    .code = ErrorCode::kInternal, .message = "larger than 1 byte", .answerTooLarge = true};

constexpr std::string_view kNoVariables = R"("device_environment_variable":[])";

std::string pageOf(std::int64_t first, std::int64_t last) {
  std::string rows;
  for (std::int64_t id = first; id <= last; ++id) {
    if (!rows.empty()) rows += ',';
    rows += rowOf(id, kNoVariables);
  }
  return R"({"d":[)" + rows + "]}";
}

class FleetList : public testing::Test {
 protected:
  test::ScriptedTransport transport_;
  test::FakeClock clock_;
  SharedSecret token_ = shareSecret(SecretBytes("token"));
  Urls urls_{"http://127.0.0.1:1"};
  Client client_{transport_, clock_, "http://127.0.0.1:1", [this] { return token_; }};

  void expectCount(std::int64_t count) {
    transport_.expect(Method::kGet, urls_.deviceCount(5))
        .reply(200, R"({"d":)" + std::to_string(count) + "}");
  }
  void expectPage(std::int64_t after, std::string body, const VariableLevel& level = {}) {
    transport_.expect(Method::kGet, urls_.devicePage(5, level, true, after, Client::kPageSize))
        .reply(200, std::move(body));
  }
  void expectMissing(std::string body, const VariableLevel& level = {}) {
    transport_.expect(Method::kGet, urls_.missingKeyPage(5, level, 0, Client::kIdPageSize))
        .reply(200, std::move(body));
  }
};

TEST_F(FleetList, ReadsDevicesWithTheirDeviceVariables) {
  expectCount(2);
  expectMissing(R"({"d":[{"id":7}]})");
  expectPage(0, R"({"d":[)" +
                    rowOf(1, R"("device_environment_variable":[)"
                             R"({"name":"GCP_PROJECT_ID","value":"p"},)"
                             R"({"name":"GCP_CLIENT_PATH","value":"projects/p"}])") +
                    "," + rowOf(7, kNoVariables) + "]}");
  const TimePoint start = clock_.now();
  const auto fleet = test::listFleet(client_, 5, {});
  ASSERT_TRUE(fleet) << fleet.error().message;
  EXPECT_EQ(fleet->takenAt, start);
  ASSERT_EQ(fleet->devices.size(), 2U);
  const FleetDevice& first = fleet->devices[0];
  EXPECT_EQ(first.id, 1);
  EXPECT_EQ(first.uuid, uuidOf(1));
  EXPECT_EQ(first.name, "dev");
  EXPECT_EQ(first.deviceType, "raspberrypi4-64");
  EXPECT_THAT(first.tags, UnorderedElementsAre(Pair("site", "north")));
  EXPECT_THAT(first.publicVariables, UnorderedElementsAre(Pair("GCP_PROJECT_ID", "p"),
                                                          Pair("GCP_CLIENT_PATH", "projects/p")));
  EXPECT_EQ(first.serviceInstallId, std::nullopt);
  EXPECT_TRUE(first.hasPrivateKey);
  EXPECT_FALSE(fleet->devices[1].hasPrivateKey);
}

TEST_F(FleetList, ReadsServiceVariablesAndDevicesWithoutAnInstall) {
  const VariableLevel relay{77};
  expectCount(3);
  expectMissing(R"({"d":[{"id":56}]})", relay);
  expectPage(0,
             R"({"d":[)" +
                 rowOf(1, R"("service_install":[{"id":55,"device_service_environment_variable":)"
                          R"([{"name":"GCP_PROJECT_ID","value":"p"}]}])") +
                 "," +
                 rowOf(2, R"("service_install":[{"id":56,)"
                          R"("device_service_environment_variable":[]}])") +
                 "," + rowOf(3, R"("service_install":[])") + "]}",
             relay);
  const auto fleet = test::listFleet(client_, 5, relay);
  ASSERT_TRUE(fleet) << fleet.error().message;
  ASSERT_EQ(fleet->devices.size(), 3U);
  EXPECT_EQ(fleet->devices[0].serviceInstallId, 55);
  EXPECT_THAT(fleet->devices[0].publicVariables, UnorderedElementsAre(Pair("GCP_PROJECT_ID", "p")));
  EXPECT_TRUE(fleet->devices[0].hasPrivateKey);
  EXPECT_EQ(fleet->devices[1].serviceInstallId, 56);
  EXPECT_FALSE(fleet->devices[1].hasPrivateKey);
  EXPECT_EQ(fleet->devices[2].serviceInstallId, std::nullopt);
  EXPECT_FALSE(fleet->devices[2].hasPrivateKey) << "without an install there is no place for one";
}

TEST_F(FleetList, GoesOnAfterTheLastIdOfAFullPage) {
  expectCount(2500);
  expectMissing(R"({"d":[]})");
  expectPage(0, pageOf(1, 2000));
  expectPage(2000, pageOf(2001, 2500));
  const auto fleet = test::listFleet(client_, 5, {});
  ASSERT_TRUE(fleet) << fleet.error().message;
  EXPECT_EQ(fleet->devices.size(), 2500U);
  EXPECT_EQ(transport_.seen()[2].kind, "balena.device.list");
  EXPECT_EQ(transport_.seen()[2].lane, Lane::kSweep);
}

TEST_F(FleetList, AsksForFewerRowsWhenAPageIsTooLarge) {
  const auto expectRows = [&](std::int64_t after, std::size_t size) -> auto& {
    return transport_.expect(Method::kGet, urls_.devicePage(5, {}, true, after, size));
  };
  expectCount(3001);
  expectMissing(R"({"d":[]})");
  expectRows(0, 2000).fails(kTooLarge);
  expectRows(0, 1000).fails(kTooLarge);
  expectRows(0, 500).reply(200, pageOf(1, 500));
  expectRows(500, 1000).reply(200, pageOf(501, 1500));
  expectRows(1500, 2000).reply(200, pageOf(1501, 3001));
  const auto fleet = test::listFleet(client_, 5, {});
  ASSERT_TRUE(fleet) << fleet.error().message;
  EXPECT_EQ(fleet->devices.size(), 3001U);
}

TEST_F(FleetList, SaysWhichDeviceAloneIsTooLarge) {
  expectCount(2001);
  expectMissing(R"({"d":[]})");
  expectPage(0, pageOf(1, 2000));
  for (std::size_t size = Client::kPageSize; size > 0; size /= 2) {
    transport_.expect(Method::kGet, urls_.devicePage(5, {}, true, 2000, size)).fails(kTooLarge);
  }
  const auto fleet = test::listFleet(client_, 5, {});
  ASSERT_FALSE(fleet);
  EXPECT_EQ(fleet.error().code, ErrorCode::kInternal);
  EXPECT_THAT(fleet.error().message, testing::HasSubstr("after id 2000"));
  EXPECT_THAT(fleet.error().message, testing::HasSubstr("listing fleet 5"));
}

TEST_F(FleetList, AsksForTagsOnlyIfTheyAreWanted) {
  expectCount(1);
  expectMissing(R"({"d":[]})");
  transport_.expect(Method::kGet, urls_.devicePage(5, {}, false, 0, Client::kPageSize))
      .reply(200, R"({"d":[{"id":1,"uuid":")" + uuidOf(1) +
                      R"(","device_name":"dev","belongs_to__application":{"__id":5},)"
                      R"("is_of__device_type":[{"slug":"x"}],)" +
                      std::string(kNoVariables) + "}]}");
  const auto fleet = test::listFleet(client_, 5, {}, false);
  ASSERT_TRUE(fleet) << fleet.error().message;
  EXPECT_TRUE(fleet->devices[0].tags.empty());
}

TEST_F(FleetList, AsksForNoPageBehindTheOneThatCompletesTheCount) {
  expectCount(2000);
  expectMissing(R"({"d":[]})");
  expectPage(0, pageOf(1, 2000));
  EXPECT_EQ(test::listFleet(client_, 5, {})->devices.size(), 2000U);
}

TEST_F(FleetList, OfAThousandUnchangedDevicesCostsThreeRequests) {
  expectCount(1000);
  expectMissing(R"({"d":[]})");
  expectPage(0, pageOf(1, 1000));
  EXPECT_TRUE(test::listFleet(client_, 5, {}));
  EXPECT_EQ(transport_.seen().size(), 3U);
}

TEST_F(FleetList, IsReadOnceMoreWhenItDisagreesWithItsCount) {
  expectCount(3);
  expectMissing(R"({"d":[]})");
  expectPage(0, pageOf(1, 2));
  expectCount(2);
  expectMissing(R"({"d":[]})");
  expectPage(0, pageOf(1, 2));
  EXPECT_TRUE(test::listFleet(client_, 5, {}));
}

TEST_F(FleetList, IsAnErrorWhenItDisagreesTwice) {
  for (const int count : {3, 1}) {
    expectCount(count);
    expectMissing(R"({"d":[]})");
    expectPage(0, pageOf(1, 2));
  }
  EXPECT_EQ(test::listFleet(client_, 5, {}).error().code, ErrorCode::kInternal);
}

TEST_F(FleetList, MayBeEmpty) {
  expectCount(0);
  expectPage(0, R"({"d":[]})");
  const auto fleet = test::listFleet(client_, 5, {});
  ASSERT_TRUE(fleet);
  EXPECT_TRUE(fleet->devices.empty());
}

TEST_F(FleetList, IsAnErrorWhenAPageFails) {
  expectCount(2500);
  expectMissing(R"({"d":[]})");
  expectPage(0, pageOf(1, 2000));
  transport_.expect(Method::kGet, urls_.devicePage(5, {}, true, 2000, Client::kPageSize))
      .reply(502, "<html>");
  EXPECT_EQ(test::listFleet(client_, 5, {}).error().code, ErrorCode::kUnavailable);

  expectCount(1);
  transport_.expect(Method::kGet, urls_.missingKeyPage(5, {}, 0, Client::kIdPageSize))
      .fails({ErrorCode::kDeadline, "no answer", std::nullopt, false});
  EXPECT_EQ(test::listFleet(client_, 5, {}).error().code, ErrorCode::kDeadline);
}

TEST_F(FleetList, TakesNoDeviceOfAnotherFleet) {
  expectCount(1);
  expectMissing(R"({"d":[]})");
  expectPage(0, R"({"d":[)" + rowOf(1, kNoVariables, 6) + "]}");
  EXPECT_EQ(test::listFleet(client_, 5, {}).error().code, ErrorCode::kInternal);
}

TEST_F(FleetList, TakesNoRowsOutOfOrder) {
  expectCount(2);
  expectMissing(R"({"d":[]})");
  expectPage(0, R"({"d":[)" + rowOf(2, kNoVariables) + "," + rowOf(1, kNoVariables) + "]}");
  EXPECT_EQ(test::listFleet(client_, 5, {}).error().code, ErrorCode::kInternal);
}

TEST_F(FleetList, PagesThroughThoseWhoLackTheKey) {
  const auto size = static_cast<std::int64_t>(Client::kIdPageSize);
  std::string ids;
  for (std::int64_t id = 1; id <= size; ++id) {
    if (!ids.empty()) ids += ',';
    ids += R"({"id":)" + std::to_string(id) + "}";
  }
  expectCount(1);
  expectMissing(R"({"d":[)" + ids + "]}");
  transport_.expect(Method::kGet, urls_.missingKeyPage(5, {}, size, Client::kIdPageSize))
      .reply(200, R"({"d":[{"id":)" + std::to_string(size + 5) + "}]}");
  expectPage(0, R"({"d":[)" + rowOf(size + 5, kNoVariables) + "]}");
  EXPECT_FALSE(test::listFleet(client_, 5, {})->devices[0].hasPrivateKey);
}

}  // namespace
}  // namespace bco::balena
