#include "tests/fuzz/mutator.h"

#include <gmock/gmock.h>

#include <set>

namespace bco::fuzz {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr std::uint64_t kRounds = 2000;

Mutator mutatorOf(std::uint64_t seed) { return {{"abc 12", "xyz"}, {"word"}, seed}; }

TEST(FuzzMutator, BeginsWithTheCorpusAndTheEmptyInput) {
  const Mutator mutator = mutatorOf(1);
  EXPECT_EQ(mutator.corpusRounds(), 3U);
  EXPECT_EQ(mutator.input(0), "abc 12");
  EXPECT_EQ(mutator.input(1), "xyz");
  EXPECT_EQ(mutator.input(2), "");
}

TEST(FuzzMutator, MakesTheSameInputOfTheSameSeedAndRoundAgain) {
  const Mutator mutator = mutatorOf(1);
  const Mutator other = mutatorOf(2);
  std::set<std::string> inputs;
  std::size_t different = 0;
  for (std::uint64_t round = 3; round < kRounds; ++round) {
    EXPECT_EQ(mutator.input(round), mutatorOf(1).input(round));
    if (mutator.input(round) != other.input(round)) ++different;
    inputs.insert(mutator.input(round));
  }
  EXPECT_GT(different, kRounds * 9 / 10);
  EXPECT_GT(inputs.size(), kRounds * 8 / 10);
}

TEST(FuzzMutator, MakesEveryKindOfChange) {
  const Mutator mutator = mutatorOf(1);
  std::set<std::string> missing = {"abc 12", "abwordc 12", "ab",     "abc 13",
                                   "abc 1",  "abz",        "xyzxyz", "abb 12"};
  for (std::uint64_t round = 3; round < 100 * kRounds; ++round) missing.erase(mutator.input(round));
  EXPECT_THAT(missing, testing::IsEmpty());
}

TEST(FuzzMutator, KeepsInputsWithinTheirLimit) {
  const Mutator mutator({std::string(2 * kLongestInput, 'a')}, {std::string(500, 'b')}, 1);
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    EXPECT_LE(mutator.input(round).size(), kLongestInput);
  }
}

TEST(FuzzDictionary, IsReadAsLibFuzzerReadsIt) {
  EXPECT_THAT(parseDictionary("# comment\n\n\"a b\"\n  \"\\x0d\\x0A\"\n\"\\\\x\\\"\"\n"),
              ElementsAre("a b", "\r\n", "\\x\""));
}

}  // namespace
}  // namespace bco::fuzz
