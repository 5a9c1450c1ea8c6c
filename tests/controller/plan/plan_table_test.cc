// The table in plan.h, row by row.
#include <gtest/gtest.h>

#include "tests/controller/plan/builders.h"

namespace bco {
namespace {

using test::days;
using test::desiredDevice;
using test::kNow;
using test::Observed;
using test::outline;

enum class Stored { kNone, kNewest, kOlder, kExpired, kUnknown, kNonsense };

struct Row {
  const char* name;
  Observed observed;  // keys 1 (older) and 2 (newest) where a registration has any
  Stored stored;
  api::Adoption adoption;
  Verdict verdict;
  Reason reason;
  std::string steps;
};

const std::string kWriteAll =
    "write GCP_CLIENT_PATH, GCP_DATA_TOPIC_ROOT, GCP_PROJECT_ID, GCP_PRIVATE_KEY=";

Observed store(Observed observed, Stored stored) {
  if (stored != Stored::kNone) observed.hasPublicVariables();
  switch (stored) {
    case Stored::kNone:
      return observed;
    case Stored::kOlder:
      return observed.stores(1);
    case Stored::kNewest:
    case Stored::kExpired:
      return observed.stores(2);
    case Stored::kUnknown:
      return observed.stores(9);
    case Stored::kNonsense:
      return observed.storesNonsense();
  }
  return observed;
}

Observed none() { return Observed(); }
Observed bare() { return Observed().registered().credential(1).credential(2); }
Observed bareExpired() {
  return Observed().registered().credential(1).credential(2, kNow - days(1));
}
Observed registered() {
  return bare().marked().lists(1, kNow - days(80)).lists(2, kNow - days(10)).derivable();
}
Observed oursExpired() {
  return bareExpired().marked().lists(1, kNow - days(100)).lists(2, kNow - days(95)).derivable();
}
Observed anothers() { return bare().marked("site-b").lists(1).lists(2).derivable(); }
Observed anothersExpired() { return bareExpired().marked("site-b").lists(1).lists(2).derivable(); }
Observed oursInAnotherFleet() {
  return bare().marked("site-a", test::kOtherFleetId).lists(1).lists(2).derivable();
}

class PlanTable : public testing::TestWithParam<Row> {};

TEST_P(PlanTable, SaysWhatComesNext) {
  const Row& row = GetParam();
  DesiredDevice desired = desiredDevice();
  desired.adoption = row.adoption;
  const Plan planned = plan(desired, store(row.observed, row.stored).get(), kNow);
  EXPECT_EQ(nameOf(planned.verdict), nameOf(row.verdict));
  EXPECT_EQ(nameOf(planned.reason), nameOf(row.reason));
  EXPECT_EQ(outline(planned), row.steps);
  EXPECT_EQ(planned.message.empty(), row.verdict == Verdict::kInSync);
}

const auto kName = [](const auto& each) { return std::string(each.param.name); };
constexpr auto kIfMatches = api::Adoption::kIfKeyMatches;
constexpr auto kAlways = api::Adoption::kAlways;
constexpr auto kNever = api::Adoption::kNever;
constexpr auto kAct = Verdict::kAct;
constexpr auto kRefuse = Verdict::kRefuse;

INSTANTIATE_TEST_SUITE_P(
    NoRegistration, PlanTable,
    testing::Values(Row{"NoKey", none(), Stored::kNone, kNever, kAct, Reason::kNotRegistered,
                        "create key 0 | " + kWriteAll + "0"},
                    Row{"SomeKey", none(), Stored::kUnknown, kNever, kAct, Reason::kNotRegistered,
                        "create key 0 | write GCP_PRIVATE_KEY=0"},
                    Row{"Nonsense", none(), Stored::kNonsense, kNever, kAct, Reason::kNotRegistered,
                        "create key 0 | write GCP_PRIVATE_KEY=0"}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Ours, PlanTable,
    testing::Values(Row{"NoKey", registered(), Stored::kNone, kNever, kAct, Reason::kKeyMissing,
                        kWriteAll + "2"},
                    Row{"Newest", registered(), Stored::kNewest, kNever, Verdict::kInSync,
                        Reason::kSynced, ""},
                    Row{"Older", registered(), Stored::kOlder, kNever, kAct, Reason::kKeyOutdated,
                        "write GCP_PRIVATE_KEY=2"},
                    Row{"Expired", oursExpired(), Stored::kExpired, kNever, kAct,
                        Reason::kKeyExpired, "keep 1 add 3 | write GCP_PRIVATE_KEY=3"},
                    Row{"OlderOfWhichTheNewestHasExpired", oursExpired(), Stored::kOlder, kNever,
                        kAct, Reason::kKeyExpired, "keep 1 add 3 | write GCP_PRIVATE_KEY=3"},
                    Row{"Unknown", registered(), Stored::kUnknown, kNever, kAct,
                        Reason::kKeyUnknown, "write GCP_PRIVATE_KEY=2"},
                    Row{"Nonsense", registered(), Stored::kNonsense, kNever, kAct,
                        Reason::kKeyUnknown, "write GCP_PRIVATE_KEY=2"},
                    Row{"UnknownWhileTheNewestHasExpired", oursExpired(), Stored::kUnknown, kNever,
                        kAct, Reason::kKeyExpired, "keep 1 add 3 | write GCP_PRIVATE_KEY=3"}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Unmarked, PlanTable,
    testing::Values(
        Row{"NoKey", bare(), Stored::kNone, kIfMatches, kRefuse, Reason::kKeyMismatch, ""},
        Row{"NoKeyAlways", bare(), Stored::kNone, kAlways, kAct, Reason::kAdopted,
            "keep 1,2 add 0 | " + kWriteAll + "0"},
        Row{"NoKeyNever", bare(), Stored::kNone, kNever, kRefuse, Reason::kAdoptionDisabled, ""},
        Row{"Newest", bare(), Stored::kNewest, kIfMatches, kAct, Reason::kAdopted, "mark"},
        Row{"NewestAlways", bare(), Stored::kNewest, kAlways, kAct, Reason::kAdopted, "mark"},
        Row{"NewestNever", bare(), Stored::kNewest, kNever, kRefuse, Reason::kAdoptionDisabled, ""},
        Row{"Older", bare(), Stored::kOlder, kIfMatches, kAct, Reason::kAdopted, "mark"},
        Row{"Expired", bareExpired(), Stored::kExpired, kIfMatches, kRefuse, Reason::kKeyMismatch,
            ""},
        Row{"ExpiredAlways", bareExpired(), Stored::kExpired, kAlways, kAct, Reason::kAdopted,
            "keep 1 add 0 | write GCP_PRIVATE_KEY=0"},
        Row{"Unknown", bare(), Stored::kUnknown, kIfMatches, kRefuse, Reason::kKeyMismatch, ""},
        Row{"UnknownAlways", bare(), Stored::kUnknown, kAlways, kAct, Reason::kAdopted,
            "keep 1,2 add 0 | write GCP_PRIVATE_KEY=0"},
        Row{"NonsenseAlways", bare(), Stored::kNonsense, kAlways, kAct, Reason::kAdopted,
            "keep 1,2 add 0 | write GCP_PRIVATE_KEY=0"}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Anothers, PlanTable,
    testing::Values(
        Row{"NoKey", anothers(), Stored::kNone, kAlways, kRefuse, Reason::kNotOurs, ""},
        Row{"Newest", anothers(), Stored::kNewest, kAlways, kRefuse, Reason::kNotOurs, ""},
        Row{"Older", anothers(), Stored::kOlder, kAlways, kRefuse, Reason::kNotOurs, ""},
        Row{"Expired", anothersExpired(), Stored::kExpired, kAlways, kRefuse, Reason::kNotOurs, ""},
        Row{"Unknown", anothers(), Stored::kUnknown, kAlways, kRefuse, Reason::kNotOurs, ""}),
    kName);

INSTANTIATE_TEST_SUITE_P(OfAnotherFleetOfOurs, PlanTable,
                         testing::Values(Row{"NoKey", oursInAnotherFleet(), Stored::kNone, kNever,
                                             kAct, Reason::kTakenOver, "mark"},
                                         Row{"Newest", oursInAnotherFleet(), Stored::kNewest,
                                             kNever, kAct, Reason::kTakenOver, "mark"},
                                         Row{"Unknown", oursInAnotherFleet(), Stored::kUnknown,
                                             kNever, kAct, Reason::kTakenOver, "mark"}),
                         kName);

}  // namespace
}  // namespace bco
