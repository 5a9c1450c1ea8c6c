#include "plan/mark.h"

#include <gmock/gmock.h>

#include "tests/controller/plan/builders.h"

namespace bco {
namespace {

using testing::Contains;
using testing::IsSupersetOf;
using testing::Pair;

Mark someMark() {
  Mark mark;
  mark.owner = "site-a";
  mark.fleetId = 2000001;
  mark.incarnation = {0xab, 0xcd, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0xff};
  mark.keys = {{"0123456789abcdef", 3, *parseRfc3339("2026-11-23T07:00:00Z")},
               {"fedcba9876543210", 4, *parseRfc3339("2026-11-23T07:00:01Z")}};
  return mark;
}

TEST(Mark, IsReadBackAsItWasWritten) {
  const ReadMark read = readMark(withMark({}, someMark()));
  EXPECT_EQ(read.state, MarkState::kValid);
  EXPECT_EQ(read.mark, someMark());
}

TEST(Mark, IsWrittenAsItsDocumentationSays) {
  const clearblade::Metadata expected = {
      {"bco-manager", "balena-clearblade-operator"},
      {"bco-owner", "site-a"},
      {"bco-fleet", "2000001"},
      {"bco-incarnation", "abcd0102030405060708090a0b0c0dff"},
      {"bco-keys",
       "0123456789abcdef=3@2026-11-23T07:00:00Z;fedcba9876543210=4@2026-11-23T07:00:01Z"}};
  EXPECT_EQ(withMark({}, someMark()), expected);
}

TEST(Mark, SaysThatTheStoredKeyIsToBeVerified) {
  Mark mark = someMark();
  mark.needsVerification = true;
  const auto metadata = withMark({}, mark);
  EXPECT_THAT(metadata, Contains(Pair("bco-verify", "true")));
  EXPECT_EQ(readMark(metadata).mark, mark);
  EXPECT_EQ(readMark(withMark(metadata, someMark())).mark, someMark());
}

TEST(Mark, LeavesEveryOtherPairAlone) {
  const clearblade::Metadata foreign = {{"site", "roof"}, {"bc", "x"}, {"", "empty"}};
  EXPECT_THAT(withMark(foreign, someMark()), IsSupersetOf(foreign));
}

TEST(Mark, ReplacesAnOlderMark) {
  Mark newer = someMark();
  newer.fleetId = 7;
  newer.keys.pop_back();
  const auto metadata = withMark(withMark({{"site", "roof"}}, someMark()), newer);
  EXPECT_EQ(readMark(metadata).mark, newer);
  EXPECT_THAT(metadata, Contains(Pair("site", "roof")));
}

TEST(Mark, IsAbsentWhenNoPairIsOurs) {
  EXPECT_EQ(readMark({}).state, MarkState::kAbsent);
  EXPECT_EQ(readMark({{"site", "roof"}, {"bco", "x"}, {"BCO-owner", "x"}}).state,
            MarkState::kAbsent);
}

TEST(Mark, FindsTheNewestKeyByGenerationNotByPlace) {
  Mark mark = someMark();
  std::swap(mark.keys[0], mark.keys[1]);
  EXPECT_EQ(mark.newest()->generation, 4U);
  EXPECT_EQ(mark.find("0123456789abcdef")->generation, 3U);
  EXPECT_EQ(mark.find("0123456789abcdef" + std::string(48, '7'))->generation, 3U);
  EXPECT_EQ(mark.find("0000000000000000"), nullptr);
  EXPECT_EQ(mark.find("0123456789abcde"), nullptr);
  EXPECT_EQ(mark.find(""), nullptr) << "what is no key";
  EXPECT_EQ(Mark{}.newest(), nullptr);
}

TEST(Mark, ShortFingerprintIsTheBeginningOfTheFullOne) {
  const auto key = crypto::PublicKey::fromPem(test::testKey(1).pem);
  EXPECT_EQ(shortFingerprint(*key), test::testKey(1).fingerprint.substr(0, 16));
}

struct Broken {
  const char* what;
  const char* key;
  const char* value;  // nullptr: removed
};
class BrokenMark : public testing::TestWithParam<Broken> {};

TEST_P(BrokenMark, IsNeitherAbsentNorValid) {
  clearblade::Metadata metadata = withMark({}, someMark());
  if (GetParam().value == nullptr) {
    metadata.erase(GetParam().key);
  } else {
    metadata[GetParam().key] = GetParam().value;
  }
  const ReadMark read = readMark(metadata);
  EXPECT_EQ(read.state, MarkState::kBroken);
  EXPECT_EQ(read.mark, Mark{});
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BrokenMark,
    testing::Values(
        Broken{"NoOwner", "bco-owner", nullptr}, Broken{"EmptyOwner", "bco-owner", ""},
        Broken{"NoFleet", "bco-fleet", nullptr}, Broken{"FleetIsNoNumber", "bco-fleet", "sensors"},
        Broken{"FleetHasATail", "bco-fleet", "12 "},
        Broken{"NoIncarnation", "bco-incarnation", nullptr},
        Broken{"ShortIncarnation", "bco-incarnation", "abcd"},
        Broken{"IncarnationIsNoHex", "bco-incarnation", "zzcd0102030405060708090a0b0c0dff"},
        Broken{"NoKeys", "bco-keys", nullptr}, Broken{"EmptyKeys", "bco-keys", ""},
        Broken{"KeysAreNoKeys", "bco-keys", "hello"},
        Broken{"OddFingerprint", "bco-keys", "0123456789abcde=3@2026-11-23T07:00:00Z"},
        Broken{"FingerprintIsTooShort", "bco-keys", "0123456789abcd=3@2026-11-23T07:00:00Z"},
        Broken{"FingerprintIsNoHex", "bco-keys", "0123456789abcdeg=3@2026-11-23T07:00:00Z"},
        Broken{"NoGeneration", "bco-keys", "0123456789abcdef=@2026-11-23T07:00:00Z"},
        Broken{"NegativeGeneration", "bco-keys", "0123456789abcdef=-1@2026-11-23T07:00:00Z"},
        Broken{"HugeGeneration", "bco-keys", "0123456789abcdef=4294967296@2026-11-23T07:00:00Z"},
        Broken{"NoTime", "bco-keys", "0123456789abcdef=3"},
        Broken{"BadTime", "bco-keys", "0123456789abcdef=3@yesterday"},
        Broken{"AtBeforeEquals", "bco-keys", "0123456@89abcdef=3"},
        Broken{"TrailingSemicolon", "bco-keys", "0123456789abcdef=3@2026-11-23T07:00:00Z;"}),
    [](const auto& each) { return each.param.what; });

TEST(HandedOver, ChangesTheOwnerAndNothingElse) {
  ReadMark read{MarkState::kValid, {}};
  read.mark.owner = "old";
  read.mark.fleetId = 5;
  read.mark.incarnation = {1, 2, 3};
  read.mark.keys = {{"0123456789abcdef", 4, *parseRfc3339("2026-11-23T07:00:00Z")}};
  read.mark.needsVerification = true;
  Mark expected = read.mark;
  expected.owner = "new";
  EXPECT_EQ(handedOver(read, "old", "new", {4, 5}), expected);
  EXPECT_FALSE(handedOver(read, "older", "new", {5})) << "another owner's";
  EXPECT_FALSE(handedOver(read, "old", "new", {4})) << "of a fleet that is not ours";
  for (const MarkState state : {MarkState::kBroken, MarkState::kAbsent}) {
    EXPECT_FALSE(handedOver({state, read.mark}, "old", "new", {5}));
  }
}

}  // namespace
}  // namespace bco
