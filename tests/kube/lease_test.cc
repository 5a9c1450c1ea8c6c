#include "kube/lease.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bco::kube {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr TimePoint kNow{std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + 7h + 5ms};

constexpr const char* kHeld = R"({
  "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
  "metadata": {"name": "bco", "namespace": "iot", "resourceVersion": "17", "uid": "u-1",
               "labels": {"team": "field"}},
  "spec": {"holderIdentity": "a", "leaseDurationSeconds": 30, "leaseTransitions": 4,
           "acquireTime": "2026-11-23T06:00:00.000000Z",
           "renewTime": "2026-11-23T06:59:00.000000Z", "strategy": "OldestEmulationVersion"}})";

Json treeOf(const SecretBytes& body) { return Json::parse(body.reveal()); }

TEST(Lease, IsReadAsOthersWriteIt) {
  const auto record = parseLease(kHeld);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->holder, "a");
  EXPECT_EQ(record->duration, 30s);
  EXPECT_EQ(record->resourceVersion, "17");
}

TEST(Lease, IsNobodysWithoutASpecAndLastsAMinute) {
  for (const char* text :
       {R"({"metadata":{"resourceVersion":"1"}})",
        R"({"metadata":{"resourceVersion":"1"},"spec":{}})",
        R"({"metadata":{"resourceVersion":"1"},"spec":{"holderIdentity":null}})",
        R"({"metadata":{"resourceVersion":"1"},"spec":{"leaseDurationSeconds":-7}})"}) {
    const auto record = parseLease(text);
    ASSERT_TRUE(record) << text;
    EXPECT_EQ(record->holder, "") << text;
    EXPECT_EQ(record->duration, 60s) << text;
  }
}

TEST(Lease, IsRefusedWithoutAVersionToGuardWritesBy) {
  for (const char* text : {"", "[]", "{", "{}", R"({"metadata":{"resourceVersion":7}})",
                           R"({"metadata":{"resourceVersion":"1"},"spec":"mine"})"}) {
    const auto record = parseLease(text);
    ASSERT_FALSE(record) << text;
    EXPECT_EQ(record.error().code, ErrorCode::kInternal);
  }
}

TEST(Lease, StartsWithNoTransition) {
  const Json lease = treeOf(newLease("bco", "b", 60s, kNow));
  EXPECT_EQ(lease, Json::parse(R"({
    "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "bco"},
    "spec": {"holderIdentity": "b", "leaseDurationSeconds": 60, "leaseTransitions": 0,
             "acquireTime": "2026-11-23T07:00:00.005000Z",
             "renewTime": "2026-11-23T07:00:00.005000Z"}})"));
}

TEST(Lease, ChangesHandsWithItsTimesAndOneTransitionMoreAndKeepsWhatIsOthers) {
  Json expected = Json::parse(kHeld);
  expected["spec"]["holderIdentity"] = "b";
  expected["spec"]["leaseDurationSeconds"] = 60;
  expected["spec"]["leaseTransitions"] = 5;
  expected["spec"]["acquireTime"] = "2026-11-23T07:00:00.005000Z";
  expected["spec"]["renewTime"] = "2026-11-23T07:00:00.005000Z";
  EXPECT_EQ(treeOf(takenLease(*parseLease(kHeld), "b", 60s, kNow)), expected);
}

TEST(Lease, KeepsItsAcquireTimeAndTransitionsWhenRenewed) {
  Json expected = Json::parse(kHeld);
  expected["spec"]["renewTime"] = "2026-11-23T07:00:00.005000Z";
  EXPECT_EQ(treeOf(takenLease(*parseLease(kHeld), "a", 30s, kNow)), expected);
}

TEST(Lease, IsNeverRenewedWithoutAChangeThatOthersSee) {
  const auto record = parseLease(kHeld);
  const auto renewTime = parseRfc3339("2026-11-23T06:59:00Z");
  EXPECT_EQ(treeOf(takenLease(*record, "a", 30s, *renewTime))["spec"]["renewTime"],
            "2026-11-23T06:59:00.001000Z");
}

TEST(Lease, IsGivenBackAsNobodysAndOverInASecond) {
  Json expected = Json::parse(kHeld);
  expected["spec"]["holderIdentity"] = "";
  expected["spec"]["leaseDurationSeconds"] = 1;
  expected["spec"]["renewTime"] = "2026-11-23T07:00:00.005000Z";
  EXPECT_EQ(treeOf(releasedLease(*parseLease(kHeld), kNow)), expected);
}

TEST(Lease, IsWrittenWithItsKindAlsoWhenAListLeftItOut) {
  Json listed = Json::parse(kHeld);
  listed.erase("apiVersion");
  listed.erase("kind");
  const auto record = parseLease(listed.dump());
  for (const SecretBytes& body :
       {takenLease(*record, "b", 60s, kNow), releasedLease(*record, kNow)}) {
    EXPECT_EQ(treeOf(body)["apiVersion"], "coordination.k8s.io/v1");
    EXPECT_EQ(treeOf(body)["kind"], "Lease");
  }
}

TEST(Lease, SurvivesAHostNameThatIsNotUtf8) {
  EXPECT_EQ(treeOf(newLease("bco", "h\xff", 60s, kNow))["spec"]["holderIdentity"], "h\uFFFD");
}

TEST(Lease, RoundsItsDurationUpToWholeSeconds) {
  EXPECT_EQ(treeOf(newLease("bco", "b", 1500ms, kNow))["spec"]["leaseDurationSeconds"], 2);
}

TEST(MicroTime, HasSixDecimalsAlways) {
  EXPECT_EQ(formatMicroTime(kNow), "2026-11-23T07:00:00.005000Z");
  EXPECT_EQ(formatMicroTime(kNow - 5ms), "2026-11-23T07:00:00.000000Z");
  EXPECT_EQ(formatMicroTime(kNow - 6ms), "2026-11-23T06:59:59.999000Z");
}

}  // namespace
}  // namespace bco::kube
