// What must never be let out, and whether a text holds any of it, in any form that somebody might
// write it in.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace bco::sim {

class Secrets {
 public:
  // A seed, a token: as it is, in hex and in base64.
  void add(std::string_view bytes);
  // What GCP_PRIVATE_KEY holds: the value, the lines of the PEM in it, and the number that is the
  // key, as above. Not what every key has in common, nor its public half.
  void addKey(std::string_view variableValue);

  // Whether the text holds sixteen bytes, one after another, of one of these forms; or all of a
  // shorter one.
  [[nodiscard]] bool areIn(std::string_view text) const;

 private:
  // Texts are looked up by eight bytes from every position; of the forms every eighth is known.
  static constexpr std::size_t kGram = 8;
  static constexpr std::size_t kStretch = 16;
  static constexpr int kFilterBits = 20;
  struct Place {
    std::size_t form;
    std::size_t offset;
  };
  void addForm(std::string form);
  void addBase64(std::string_view bytes);
  [[nodiscard]] static std::size_t slotOf(std::uint64_t gram) {
    return static_cast<std::size_t>((gram * 0x9e3779b97f4a7c15ULL) >> (64 - kFilterBits));
  }
  [[nodiscard]] bool isStretch(std::string_view text, std::size_t at, const Place& place) const;

  std::vector<std::string> forms_;
  std::unordered_multimap<std::uint64_t, Place> grams_;
  std::bitset<std::size_t{1} << kFilterBits> filter_;
};

}  // namespace bco::sim
