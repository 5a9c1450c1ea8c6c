// What must hold whatever is observed, tried on many random observations.
#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "tests/controller/plan/builders.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using test::days;
using test::kNow;
using test::Observed;
using test::testKey;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  int upTo(int most) { return static_cast<int>(engine_() % static_cast<unsigned>(most + 1)); }
  bool maybe() { return upTo(1) == 1; }
  template <class T>
  T oneOf(std::initializer_list<T> values) {
    return *(values.begin() + upTo(static_cast<int>(values.size()) - 1));
  }

 private:
  std::mt19937_64 engine_;
};

Observed randomObservation(Dice& dice) {
  Observed observed;
  if (dice.maybe()) observed.hasPublicVariables();
  if (dice.upTo(3) == 0) {
    observed.offlineSince(dice.oneOf<std::optional<TimePoint>>(
        {std::nullopt, kNow - 5min, kNow - 3h, kNow - days(40)}));
  }
  switch (dice.upTo(2)) {
    case 0:
      break;
    case 1:
      observed.stores(dice.upTo(5));
      break;
    default:
      observed.storesNonsense();
  }
  if (dice.upTo(9) == 0) return observed;
  observed.registered().metadata("site", "roof").metadata("floor", "2");
  std::vector<int> keys = {0, 1, 2, 3, 4};
  for (std::size_t i = keys.size() - 1; i > 0; --i) {
    std::swap(keys[i], keys[static_cast<std::size_t>(dice.upTo(static_cast<int>(i)))]);
  }
  const int credentials = dice.upTo(3);
  for (int i = 0; i < credentials; ++i) {
    if (dice.upTo(5) == 0) {
      observed.foreignCredential();
    } else {
      observed.credential(keys[static_cast<std::size_t>(i)],
                          dice.oneOf<std::optional<TimePoint>>(
                              {std::nullopt, kNow - days(1), kNow - 5min, kNow + days(30)}));
    }
  }
  if (dice.upTo(3) > 0) {
    observed.marked(dice.upTo(9) == 0 ? "site-b" : "site-a",
                    dice.upTo(5) == 0 ? test::kOtherFleetId : test::kFleetId);
    observed.lists(4, kNow - dice.oneOf<Duration>({1min, 30min, 2h, days(80)}));
    for (int key = 0; key < 4; ++key) {
      if (dice.maybe()) observed.lists(key, kNow - dice.oneOf<Duration>({5min, 20min, days(30)}));
    }
    if (dice.maybe()) observed.derivable();
  }
  return observed.skewed(dice.oneOf<Duration>({0s, 3min, -3min, 20min, -20min}));
}

DesiredDevice randomDesire(Dice& dice) {
  DesiredDevice desired = test::desiredDevice();
  desired.present = dice.upTo(4) > 0;
  desired.adoption =
      dice.oneOf({api::Adoption::kIfKeyMatches, api::Adoption::kAlways, api::Adoption::kNever});
  if (dice.upTo(3) == 0) {
    desired.keys.revokeBefore =
        dice.oneOf<TimePoint>({kNow - days(50), kNow - 25min, kNow, kNow + 1s});
  }
  if (dice.upTo(3) == 0) {
    desired.keys.renewAfter = dice.oneOf<TimePoint>({kNow - days(50), kNow - 25min, kNow + 1h});
    desired.renewsWithFleet = dice.maybe();
  }
  if (dice.upTo(3) == 0) {
    Window window;
    window.days.set(static_cast<std::size_t>(dice.upTo(6)));
    window.duration = 8h;
    window.zone = std::make_shared<const TimeZone>();
    desired.windows = {window};
  }
  return desired;
}

bool holds(const std::vector<clearblade::Credential>& credentials, const std::string& pem) {
  return std::ranges::find(credentials, pem, &clearblade::Credential::publicKey) !=
         credentials.end();
}

// Of a revocation: one key of ours alone, new enough.
void checkRevocation(const PatchRegistration& patch, const ObservedDevice& observed,
                     const DesiredDevice& desired) {
  ASSERT_TRUE(desired.keys.revokeBefore);
  EXPECT_LE(*desired.keys.revokeBefore, kNow);
  EXPECT_EQ(patch.keep->size() + (patch.add ? 1U : 0U), 1U);
  EXPECT_EQ(patch.mark.keys.size(), patch.keep->size());
  for (const MarkedKey& key : patch.mark.keys) {
    EXPECT_GE(key.issuedAt, *desired.keys.revokeBefore);
    EXPECT_TRUE(holds(*patch.keep, testKey(static_cast<int>(key.generation)).pem));
  }
  if (patch.add) {
    EXPECT_GE(patch.add->issuedAt, *desired.keys.revokeBefore);
    EXPECT_GE(patch.add->generation, observed.mark.mark.newest()->generation);
  }
}

// No expiry comes earlier than it was.
void checkExpiries(const PatchRegistration& patch, const ObservedDevice& observed,
                   const DesiredDevice& desired) {
  for (const auto& kept : *patch.keep) {
    const auto before = std::ranges::find(observed.registration->credentials, kept.publicKey,
                                          &clearblade::Credential::publicKey);
    ASSERT_NE(before, observed.registration->credentials.end())
        << "registered a key that it did not make";
    if (before->expiresAt) {
      EXPECT_GE(kept.expiresAt, before->expiresAt);
    } else {
      EXPECT_TRUE(!kept.expiresAt || kept.expiresAt == kNow + desired.keys.overlap);
    }
  }
}

// Invariants 2 and 3 of a patch, and the part of invariant 1 that one plan can break.
void checkPatch(const PatchRegistration& patch, const ObservedDevice& observed,
                const DesiredDevice& desired, Reason reason) {
  EXPECT_TRUE(observed.registration);
  EXPECT_NE(observed.mark.state, MarkState::kBroken);
  EXPECT_TRUE(observed.mark.state == MarkState::kAbsent || observed.mark.mark.owner == "site-a");
  EXPECT_EQ(patch.numId, observed.registration->numId);
  for (const auto& [key, value] : observed.registration->metadata) {
    EXPECT_TRUE(key.starts_with("bco-") || patch.metadata.at(key) == value) << key;
  }
  EXPECT_EQ(patch.mark.owner, desired.ownerId);
  EXPECT_EQ(patch.mark.fleetId, desired.fleetId);
  if (!patch.keep) {
    EXPECT_FALSE(patch.add);
    EXPECT_FALSE(patch.mark.keys.empty());
    return;
  }
  EXPECT_LE(patch.keep->size() + (patch.add ? 1U : 0U), clearblade::kMaxCredentials);
  checkExpiries(patch, observed, desired);
  EXPECT_EQ(patch.revokes, reason == Reason::kRevoked);
  if (patch.revokes) return checkRevocation(patch, observed, desired);
  const auto& stored = observed.device->target->keyFingerprint;
  std::size_t removed = 0;
  for (std::size_t i = 0; i < observed.registration->credentials.size(); ++i) {
    const auto& credential = observed.registration->credentials[i];
    if (holds(*patch.keep, credential.publicKey)) continue;
    if (isExpired(credential.expiresAt, kNow, observed.clockSkew)) continue;
    ++removed;
    EXPECT_FALSE(stored && observed.credentialFingerprints[i] == *stored)
        << "took the stored key's credential away";
    const MarkedKey* listed = observed.mark.mark.find(observed.credentialFingerprints[i]);
    EXPECT_TRUE(listed == nullptr || listed->issuedAt <= kNow - 10min);
  }
  EXPECT_LE(removed, 1U);
  EXPECT_TRUE(patch.add || reason == Reason::kExtendedOffline);
  if (!patch.add) return;
  const MarkedKey* newest = observed.mark.mark.newest();
  if (newest != nullptr && patch.add->generation != newest->generation) {
    EXPECT_EQ(patch.add->generation, newest->generation + 1);
    EXPECT_LE(newest->issuedAt, kNow - 1h);
  }
  // The mark lists what stays registered, and nothing else.
  for (const MarkedKey& key : patch.mark.keys) {
    EXPECT_LE(key.generation, patch.add->generation);
    EXPECT_TRUE(holds(*patch.keep, testKey(static_cast<int>(key.generation)).pem));
  }
}

void check(const Plan& planned, const ObservedDevice& observed, const DesiredDevice& desired) {
  EXPECT_EQ(planned.verdict == Verdict::kAct, !planned.steps.empty());
  EXPECT_TRUE(planned.verdict == Verdict::kInSync || !planned.message.empty());
  EXPECT_GE(planned.next.value_or(kNow), kNow);
  std::size_t registrationWrites = 0;
  for (const Step& step : planned.steps) {
    if (const auto* patch = std::get_if<PatchRegistration>(&step)) {
      ++registrationWrites;
      checkPatch(*patch, observed, desired, planned.reason);
    } else if (std::holds_alternative<CreateRegistration>(step)) {
      ++registrationWrites;
      EXPECT_FALSE(observed.registration);
    } else if (const auto* gone = std::get_if<DeleteRegistration>(&step)) {
      ++registrationWrites;
      EXPECT_FALSE(desired.present);
      EXPECT_EQ(gone->numId, observed.registration->numId);
      EXPECT_EQ(observed.mark.state, MarkState::kValid);
      EXPECT_EQ(observed.mark.mark.owner, "site-a");
      // Of another fleet's mark only where balena has the device in this one.
      EXPECT_EQ(observed.device ? observed.device->fleetId : observed.mark.mark.fleetId,
                test::kFleetId);
    }
  }
  EXPECT_LE(registrationWrites, 1U);
}

TEST(PlanProperties, HoldForWhateverIsObserved) {
  int acted = 0;
  for (std::uint64_t seed = 0; seed < 50000; ++seed) {
    Dice dice(seed);
    const ObservedDevice observed = randomObservation(dice).get();
    const DesiredDevice desired = randomDesire(dice);
    const Plan planned = plan(desired, observed, kNow);
    acted += planned.verdict == Verdict::kAct ? 1 : 0;
    check(planned, observed, desired);
    EXPECT_EQ(test::outline(planned), test::outline(plan(desired, observed, kNow)));
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed << ": " << test::outline(planned);
  }
  EXPECT_GT(acted, 10000);
}

}  // namespace
}  // namespace bco
