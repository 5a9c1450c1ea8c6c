// Inputs for the harnesses without libFuzzer: each follows from the corpus, a seed and its round
// alone, so that any of them can be made again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bco::fuzz {

// No input is longer, so that a run's time and the line that shows a failing input stay bounded.
inline constexpr std::size_t kLongestInput = 8192;

// The quoted words of a dictionary in libFuzzer's form: a line each, "word" with \\, \" and \xHH; #
// begins a comment.
[[nodiscard]] std::vector<std::string> parseDictionary(std::string_view text);

class Mutator {
 public:
  // Seeds longer than kLongestInput are cut.
  Mutator(std::vector<std::string> corpus, std::vector<std::string> words, std::uint64_t seed);

  // The corpus as it is, then one to six changes to one of it: flipped bits, bytes, inserted,
  // erased, repeated and truncated pieces, splices with another of the corpus, words of the
  // dictionary, other numbers.
  [[nodiscard]] std::string input(std::uint64_t round) const;
  // How many rounds give the corpus itself.
  [[nodiscard]] std::uint64_t corpusRounds() const { return corpus_.size(); }

 private:
  std::vector<std::string> corpus_;  // never empty
  std::vector<std::string> words_;   // never empty
  std::uint64_t seed_;
};

}  // namespace bco::fuzz
