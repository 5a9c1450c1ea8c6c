#include "plan/key_schedule.h"

#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "core/text.h"
#include "crypto/hash.h"
#include "tests/controller/plan/builders.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using test::days;
using test::kNow;
using test::kUuid;
using test::Observed;
using testing::ElementsAre;

std::string uuidOf(int n) {
  std::string hex = "00000000" + std::to_string(n);
  return std::string(24, 'a') + hex.substr(hex.size() - 8);
}

// ---- expiry

TEST(Expiry, ComesTenMinutesAfterTheTimeTheCredentialNames) {
  EXPECT_FALSE(isExpired(kNow - 10min + 1ms, kNow, 0s));
  EXPECT_TRUE(isExpired(kNow - 10min, kNow, 0s));
}

TEST(Expiry, NeverComesForACredentialWithoutOne) {
  EXPECT_FALSE(isExpired(std::nullopt, kNow + days(10000), 0s));
}

TEST(Expiry, IsByTheClockThatIsBehind) {
  // The cloud's clock is 8 minutes behind ours: it decides.
  EXPECT_FALSE(isExpired(kNow - 18min + 1ms, kNow, -8min));
  EXPECT_TRUE(isExpired(kNow - 18min, kNow, -8min));
  // The cloud's clock is 8 minutes ahead of ours: ours decides.
  EXPECT_FALSE(isExpired(kNow - 10min + 1ms, kNow, 8min));
  EXPECT_TRUE(isExpired(kNow - 10min, kNow, 8min));
}

TEST(Expiry, StopsWhenTheClocksAreMoreThanTenMinutesApart) {
  EXPECT_TRUE(isExpired(kNow - days(1), kNow, 10min));
  EXPECT_TRUE(isExpired(kNow - days(1), kNow, -10min));
  EXPECT_FALSE(isExpired(kNow - days(1), kNow, 10min + 1ms));
  EXPECT_FALSE(isExpired(kNow - days(1), kNow, -10min - 1ms));
}

// ---- spreading

TEST(RotateAt, LiesWithinTenPercentOfRotateBeforeAndIsSpread) {
  api::KeyPolicy policy;
  std::set<TimePoint> seen;
  int early = 0;
  for (int i = 0; i < 1000; ++i) {
    const TimePoint at = rotateAt(kNow, policy, uuidOf(i));
    EXPECT_GE(at, kNow + 2160h - 720h - 72h);
    EXPECT_LE(at, kNow + 2160h - 720h + 72h);
    EXPECT_EQ(at, rotateAt(kNow, policy, uuidOf(i)));
    early += at < kNow + 1440h ? 1 : 0;
    seen.insert(at);
  }
  EXPECT_GT(seen.size(), 990U);
  EXPECT_GT(early, 400);
  EXPECT_LT(early, 600);
}

TEST(RotateAt, IsTheSameInEveryProcess) {
  // Fixed: another value would make two replicas of different versions disagree.
  api::KeyPolicy policy;
  const double fraction = [] {
    const auto digest = crypto::sha256("bco/rotate" + kUuid);
    double value = 0;
    for (std::size_t i = 6; i-- > 0;) value = (value + digest[i]) / 256;
    return value;
  }();
  const auto expected = std::chrono::duration<double, std::milli>(1440h) +
                        std::chrono::duration<double, std::milli>(720h) * (fraction * 0.2 - 0.1);
  EXPECT_NEAR(std::chrono::duration<double>(rotateAt(kNow, policy, kUuid) - kNow).count(),
              std::ceil(std::chrono::duration<double>(expected).count()), 0.01);
}

TEST(Spread, LiesWithinTenPercent) {
  std::set<Duration> seen;
  for (int i = 0; i < 1000; ++i) {
    const Duration spreadOut = spread(24h, uuidOf(i));
    EXPECT_GE(spreadOut, 1440min * 9 / 10);
    EXPECT_LE(spreadOut, 1440min * 11 / 10);
    EXPECT_EQ(spreadOut, spread(24h, uuidOf(i)));
    seen.insert(spreadOut);
  }
  EXPECT_GT(seen.size(), 990U);
}

TEST(AdoptedIssueTime, SpreadsTheFirstRotationsOverTheTimeAfterWhichKeysAreRotated) {
  const api::KeyPolicy policy;
  std::set<TimePoint> seen;
  int inTheFirstHalf = 0;
  for (int i = 0; i < 1000; ++i) {
    const TimePoint issued = adoptedIssueTime(kNow, policy, uuidOf(i));
    const TimePoint first = rotateAt(issued, policy, uuidOf(i));
    EXPECT_LE(issued, kNow);
    EXPECT_GE(first, kNow - 1s) << "none comes with the adoption";
    EXPECT_LE(first, rotateAt(kNow, policy, uuidOf(i)));
    EXPECT_EQ(issued.time_since_epoch() % 1s, 0ms);
    EXPECT_EQ(issued, adoptedIssueTime(kNow, policy, uuidOf(i)));
    inTheFirstHalf += first < kNow + 720h ? 1 : 0;
    seen.insert(first);
  }
  EXPECT_GT(seen.size(), 990U);
  EXPECT_GT(inTheFirstHalf, 400);
  EXPECT_LT(inTheFirstHalf, 600);
}

TEST(AdoptedIncarnation, IsTheBeginningOfTheDigestOfUuidAndNumber) {
  const auto digest = crypto::sha256("bco/adopt" + kUuid + "4711");
  EXPECT_EQ(toHex(adoptedIncarnation(kUuid, "4711")), toHex(digest).substr(0, 32));
  EXPECT_NE(adoptedIncarnation(kUuid, "4711"), adoptedIncarnation(kUuid, "4712"));
}

// ---- room for one more credential

// The numbers of the credentials that stay; nullopt when none may go.
std::optional<std::vector<int>> roomIn(const Observed& observed, int stored) {
  const auto kept =
      makeRoom(observed.get(), stored < 0 ? "" : test::testKey(stored).fingerprint, kNow);
  if (!kept) return std::nullopt;
  std::vector<int> numbers;
  for (const auto& credential : kept->credentials) numbers.push_back(test::numberOf(credential));
  return numbers;
}

TEST(MakeRoom, KeepsAllThatIsUnexpiredWhileThereIsRoom) {
  EXPECT_THAT(*roomIn(Observed().registered().marked(), -1), ElementsAre());
  EXPECT_THAT(
      *roomIn(Observed().registered().credential(1).credential(2).marked().lists(1).lists(2), -1),
      ElementsAre(1, 2));
}

TEST(MakeRoom, DropsWhatHasExpired) {
  EXPECT_THAT(
      *roomIn(Observed().registered().credential(1, kNow - days(1)).credential(2).marked(), 1),
      ElementsAre(2));
}

TEST(MakeRoom, KeepsTheExpiredWhenTheClocksAreApart) {
  EXPECT_THAT(*roomIn(Observed()
                          .registered()
                          .credential(1, kNow - days(1))
                          .credential(2)
                          .marked()
                          .skewed(11min),
                      2),
              ElementsAre(1, 2));
}

Observed full() {
  return Observed()
      .registered()
      .credential(1)
      .credential(2)
      .credential(3)
      .marked()
      .lists(1, kNow - days(30))
      .lists(2, kNow - days(50))
      .lists(3, kNow - days(1));
}

TEST(MakeRoom, LetsTheOldestGo) { EXPECT_THAT(*roomIn(full(), -1), ElementsAre(1, 3)); }

TEST(MakeRoom, NeverLetsTheStoredOneGo) { EXPECT_THAT(*roomIn(full(), 2), ElementsAre(2, 3)); }

TEST(MakeRoom, LetsAnUnlistedOneGoFirst) {
  EXPECT_THAT(*roomIn(Observed()
                          .registered()
                          .credential(1)
                          .foreignCredential()
                          .credential(3)
                          .marked()
                          .lists(1, kNow - days(300))
                          .lists(3, kNow - days(1)),
                      3),
              ElementsAre(1, 3));
}

TEST(MakeRoom, NeverLetsOneYoungerThanTenMinutesGo) {
  const auto withAge = [](Duration age) {
    return Observed()
        .registered()
        .credential(1)
        .credential(2)
        .credential(3)
        .marked()
        .lists(1, kNow - days(3))
        .lists(2, kNow - age)
        .lists(3, kNow - 1min);
  };
  EXPECT_EQ(roomIn(withAge(10min - 1s), 1), std::nullopt);
  EXPECT_THAT(*roomIn(withAge(10min), 1), ElementsAre(1, 3));
}

TEST(MakeRoom, KeepsInTheMarkTheKeysWhoseCredentialsStay) {
  const auto kept = makeRoom(full().get(), "", kNow);
  ASSERT_TRUE(kept);
  ASSERT_EQ(kept->keys.size(), 2U);
  EXPECT_EQ(kept->keys[0].generation, 1U);
  EXPECT_EQ(kept->keys[1].generation, 3U);
}

TEST(MakeRoom, KeepsCredentialsVerbatim) {
  const auto observed = Observed().registered().foreignCredential().credential(1, kNow + 1ms).get();
  const auto kept = makeRoom(observed, "", kNow);
  ASSERT_TRUE(kept);
  ASSERT_EQ(kept->credentials.size(), 2U);
  EXPECT_EQ(kept->credentials[0].format, "RSA_PEM");
  EXPECT_EQ(kept->credentials[0].publicKey, "an RSA key");
  EXPECT_EQ(kept->credentials[0].expiresAt, std::nullopt);
  EXPECT_EQ(kept->credentials[1].expiresAt, kNow + 1ms);
}

}  // namespace
}  // namespace bco
