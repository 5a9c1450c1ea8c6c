#include "tests/fuzz/mutator.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "core/text.h"

namespace bco::fuzz {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kMostChanges = 6;
constexpr std::size_t kMostRepeats = 64;
constexpr std::size_t kLongestPiece = 8;

// SplitMix64: the distributions of <random> differ between libraries.
class Dice {
 public:
  Dice(std::uint64_t seed, std::uint64_t round) : state_(seed * 0x9e3779b97f4a7c15 + round) {
    (void)roll();
  }

  // Below `sides`, which is above 0.
  std::size_t below(std::size_t sides) { return static_cast<std::size_t>(roll() % sides); }
  char byte() { return static_cast<char>(roll() >> 56); }
  template <class Values>
  const auto& oneOf(const Values& values) {
    return values[below(values.size())];
  }

 private:
  std::uint64_t roll() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

using Piece = std::pair<std::size_t, std::size_t>;  // where it begins, how long it is

Piece pieceOf(const std::string& text, Dice& dice) {
  const std::size_t begin = dice.below(text.size());
  return {begin, 1 + dice.below(text.size() - begin)};
}

// What parsers treat differently from their neighbours.
char sharpByte(Dice& dice) {
  static constexpr std::string_view kSharp = "\0\t\n\r \"'%&,-/0:;=?[\\]{}|\x7f\x80\xbf\xc0\xff"sv;
  return dice.below(3) == 0 ? dice.byte() : dice.oneOf(kSharp);
}

// The digits at or after `from` become another number.
void changeNumber(std::string& text, Dice& dice) {
  static constexpr std::array<std::string_view, 14> kNumbers = {"0",
                                                                "1",
                                                                "-1",
                                                                "7f",
                                                                "ff",
                                                                "255",
                                                                "256",
                                                                "65536",
                                                                "1e400",
                                                                "2147483648",
                                                                "4294967296",
                                                                "9223372036854775808",
                                                                "18446744073709551615",
                                                                "ffffffffffffffff"};
  const auto isDigit = [](unsigned char c) { return std::isdigit(c) != 0; };
  const auto first = std::find_if(
      text.begin() + static_cast<std::ptrdiff_t>(dice.below(text.size())), text.end(), isDigit);
  const auto last = std::find_if_not(first, text.end(), isDigit);
  std::string number(dice.oneOf(kNumbers));
  // Most mistakes are made one beside the right number.
  if (const std::string digits(first, last);
      !digits.empty() && digits.size() < 18 && dice.below(2) == 0) {
    number = std::to_string(std::stoll(digits) + (dice.below(2) == 0 ? 1 : -1));
  }
  text.replace(first, last, number);
}

void repeatPiece(std::string& text, Dice& dice) {
  const auto [begin, size] = pieceOf(text, dice);
  const std::string piece = text.substr(begin, size);
  for (std::size_t left = 1 + dice.below(kMostRepeats); left > 0 && text.size() < kLongestInput;
       --left) {
    text.insert(begin, piece);
  }
}

}  // namespace

std::vector<std::string> parseDictionary(std::string_view text) {
  std::vector<std::string> words;
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (!line.starts_with('"') || !line.ends_with('"') || line.size() < 3) continue;
    line = line.substr(1, line.size() - 2);
    std::string word;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] != '\\' || i + 1 == line.size()) {
        word += line[i];
      } else if (line[++i] == 'x' && i + 2 < line.size()) {
        word += static_cast<char>(std::stoi(std::string(line.substr(i + 1, 2)), nullptr, 16));
        i += 2;
      } else {
        word += line[i];
      }
    }
    words.push_back(std::move(word));
  }
  return words;
}

Mutator::Mutator(std::vector<std::string> corpus, std::vector<std::string> words,
                 std::uint64_t seed)
    : corpus_(std::move(corpus)), words_(std::move(words)), seed_(seed) {
  corpus_.emplace_back();
  if (words_.empty()) words_.emplace_back("0");
  for (std::string& each : corpus_) each.resize(std::min(each.size(), kLongestInput));
}

std::string Mutator::input(std::uint64_t round) const {
  if (round < corpus_.size()) return corpus_[static_cast<std::size_t>(round)];
  Dice dice(seed_, round);
  std::string text = dice.oneOf(corpus_);
  for (std::size_t left = 1 + dice.below(kMostChanges); left > 0; --left) {
    if (text.empty()) text = dice.oneOf(words_);
    const std::size_t at = dice.below(text.size());
    switch (dice.below(10)) {
      case 0:
        text[at] = static_cast<char>(static_cast<unsigned char>(text[at]) ^ (1U << dice.below(8)));
        break;
      case 1:
        text[at] = sharpByte(dice);
        break;
      case 2:
        for (std::size_t more = 1 + dice.below(kLongestPiece); more > 0; --more)
          text.insert(at, 1, sharpByte(dice));
        break;
      case 3:
        text.erase(at, 1 + dice.below(kLongestPiece));
        break;
      case 4:
        text.resize(at);
        break;
      case 5:
        repeatPiece(text, dice);
        break;
      case 6: {
        const std::string& other = dice.oneOf(corpus_);
        if (!other.empty())
          text.replace(at, std::string::npos, other, dice.below(other.size()), std::string::npos);
        break;
      }
      case 7:
        text.insert(at, dice.oneOf(words_));
        break;
      case 8: {
        const std::string& word = dice.oneOf(words_);
        text.replace(at, word.size(), word);
        break;
      }
      default:
        changeNumber(text, dice);
    }
    text.resize(std::min(text.size(), kLongestInput));
  }
  return text;
}

}  // namespace bco::fuzz
