#include "reconcile/handover.h"

#include <gmock/gmock.h>

#include "tests/controller/reconcile/world.h"

namespace bco {
namespace {

using test::idOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using Outcome = HandoverResult::Outcome;

class Handover : public test::World {
 protected:
  // Two devices that the owner "site-a" has provisioned; the documents say "site-b" now.
  Handover() {
    addDevice(1);
    addDevice(2);
    apply();
    syncAll();
    registry().at(idOf(1)).metadata["site"] = "roof";
    manifests_.registries.begin()->second.spec.ownerId = "site-b";
    apply();
    forgetCalls();
  }
  Result<std::vector<HandoverResult>> run(const std::string& from = "site-a", bool dryRun = false) {
    return handOver(context_, registries_, fleets_, {from, dryRun, 3}, {});
  }
  std::string ownerOf(int n) { return readMark(registry().at(idOf(n)).metadata).mark.owner; }
};

TEST_F(Handover, ChangesTheOwnerByMetadataAlone) {
  const auto credentials = registry().at(idOf(1)).credentials.front().publicKey;
  const auto results = run();
  ASSERT_TRUE(results) << results.error().message;
  ASSERT_THAT(*results, SizeIs(2));
  EXPECT_EQ((*results)[0].registration, idOf(1));
  EXPECT_EQ((*results)[0].outcome, Outcome::kHandedOver);
  EXPECT_EQ(ownerOf(1), "site-b");
  EXPECT_EQ(ownerOf(2), "site-b");
  EXPECT_THAT(registry().at(idOf(1)).metadata, Contains(Pair("site", "roof")));
  EXPECT_EQ(registry().at(idOf(1)).credentials.front().publicKey, credentials);
  clock_.advance(std::chrono::minutes(5));
  syncAll();
  EXPECT_EQ(phaseOf(1), api::Phase::kReady);
  EXPECT_THAT(*run(), IsEmpty()) << "nothing is left of the former owner";
}

TEST_F(Handover, WritesNothingInADryRun) {
  const auto results = run("site-a", true);
  ASSERT_TRUE(results);
  EXPECT_THAT(*results, SizeIs(2));
  EXPECT_EQ(writes(), 0);
  EXPECT_EQ(ownerOf(1), "site-a");
}

TEST_F(Handover, LeavesOtherOwnersAndOtherFleetsAlone) {
  Mark elsewhere = readMark(registry().at(idOf(1)).metadata).mark;
  elsewhere.fleetId = 77;
  registry().at(idOf(1)).metadata = withMark({}, elsewhere);
  Mark another = readMark(registry().at(idOf(2)).metadata).mark;
  another.owner = "site-c";
  registry().at(idOf(2)).metadata = withMark({}, another);
  const auto results = run();
  ASSERT_TRUE(results);
  ASSERT_THAT(*results, SizeIs(1));
  EXPECT_EQ((*results)[0].outcome, Outcome::kLeft);
  EXPECT_THAT((*results)[0].message, HasSubstr("fleet 77"));
  EXPECT_EQ(writes(), 0);
}

TEST_F(Handover, OfOneThatFailsStopsNoOther) {
  registry().log().failNext("patchRegistration", Error{ErrorCode::kUnavailable, "away"});
  const auto results = run();
  ASSERT_TRUE(results);
  const auto failed = std::ranges::count((*results), Outcome::kFailed, &HandoverResult::outcome);
  EXPECT_EQ(failed, 1);
  EXPECT_TRUE((ownerOf(1) == "site-b") != (ownerOf(2) == "site-b"));
}

TEST_F(Handover, ReadsEachAnewBeforeItIsWritten) {
  registry().log().onCall([&](const std::string& call) {
    if (call != "getRegistration") return;
    for (const int n : {1, 2}) registry().at(idOf(n)).metadata.clear();
  });
  const auto results = handOver(context_, registries_, fleets_, {"site-a", false, 1}, {});
  ASSERT_TRUE(results);
  for (const auto& result : *results) EXPECT_EQ(result.outcome, Outcome::kLeft);
  EXPECT_EQ(writes(), 0);
}

TEST_F(Handover, WritesNothingUnlessAllFleetsCanBeRead) {
  balena().removeFleet("acme/sensors");
  const auto results = run();
  ASSERT_FALSE(results);
  EXPECT_THAT(results.error().message, HasSubstr("sensors"));
  EXPECT_EQ(writes(), 0);
}

TEST_F(Handover, FromTheOwnerOfTheDocumentsIsAMistake) {
  const auto results = run("site-b");
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace bco
