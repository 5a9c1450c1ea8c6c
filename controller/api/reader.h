// Reads mappings strictly: every field is asked for by name, has one type, and what was not asked
// for is an error. Problems are collected, so that one run shows them all.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.h"
#include "yaml/document.h"

namespace bco::api {

// What is wrong with the input, each with "FILE:LINE:COLUMN: field: what and how to mend it".
class Problems {
 public:
  // The input is what an API server has checked by its schema, which may be of a later version than
  // we are: problems have no place, and a field that we don't know is none.
  Problems() = default;
  explicit Problems(std::string file) : file_(std::move(file)) {}
  [[nodiscard]] bool isOfFile() const { return !file_.empty(); }
  void add(yaml::Position at, std::string_view field, std::string_view text);
  [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::string file_;
  std::vector<std::string> texts_;
};

// How much of anything there may be, so that what an API server may have to check stays bounded:
// the schemas in crds/ have the same limits.
inline constexpr std::size_t kLongestText = 255;  // in characters
inline constexpr std::size_t kNoLimit = static_cast<std::size_t>(-1);
inline constexpr Duration kLongestDuration = std::chrono::hours(876000);  // 100 years

// One mapping. Getters return nullopt for an absent field, for null, and for one of the wrong type,
// which is then also a problem. finish() reports the fields nobody asked for, if it is of a file.
class MappingReader {
 public:
  // `node` may be null: an absent mapping, all of whose fields are absent. `field` is its path.
  MappingReader(const yaml::Node* node, std::string field, yaml::Position parent,
                Problems& problems);

  [[nodiscard]] std::optional<std::string> string(std::string_view key,
                                                  std::size_t longest = kLongestText);
  // Like string(), but absent or empty is a problem; "" then.
  [[nodiscard]] std::string requiredString(std::string_view key);
  [[nodiscard]] std::optional<bool> boolean(std::string_view key);
  // Within [least, most].
  [[nodiscard]] std::optional<int> integer(std::string_view key, int least, int most);
  // An integer or a decimal fraction, above zero.
  [[nodiscard]] std::optional<double> positiveNumber(std::string_view key);
  // Within [least, kLongestDuration].
  [[nodiscard]] std::optional<Duration> duration(std::string_view key, Duration least);
  [[nodiscard]] std::optional<TimePoint> time(std::string_view key);
  // At most `most` of them.
  [[nodiscard]] std::map<std::string, std::string, std::less<>> strings(
      std::string_view key, std::size_t most = kNoLimit, std::size_t longest = kNoLimit);
  [[nodiscard]] std::vector<std::string> list(std::string_view key, std::size_t most = kNoLimit);
  [[nodiscard]] std::vector<const yaml::Node*> sequence(std::string_view key,
                                                        std::size_t most = kNoLimit);
  [[nodiscard]] MappingReader mapping(std::string_view key);
  // The base64 or plain values of a Secret: copied nowhere.
  [[nodiscard]] const yaml::Node* raw(std::string_view key) { return take(key); }

  template <class Enum, std::size_t n>
  [[nodiscard]] std::optional<Enum> choice(std::string_view key,
                                           const std::pair<std::string_view, Enum> (&choices)[n]) {
    const auto text = string(key);
    if (!text) return std::nullopt;
    std::string known;
    for (const auto& [name, value] : choices) {
      if (*text == name) return value;
      known += known.empty() ? "" : ", ";
      known += name;
    }
    problem(key, "expected one of " + known);
    return std::nullopt;
  }

  void ignore(std::string_view key) { (void)take(key); }
  void problem(std::string_view key, std::string_view text);
  void finish();
  [[nodiscard]] bool present() const { return node_ != nullptr; }
  // Null counts as absent.
  [[nodiscard]] bool has(std::string_view key) const {
    const yaml::Node* value = node_ == nullptr ? nullptr : node_->find(key);
    return value != nullptr && value->kind != yaml::Kind::kNull;
  }

 private:
  // The value, marked as known; nullptr when absent or null.
  const yaml::Node* take(std::string_view key);
  // nullopt when absent, null or no number.
  [[nodiscard]] std::optional<double> numberAt(std::string_view key);
  [[nodiscard]] std::string pathOf(std::string_view key) const;

  const yaml::Node* node_;
  std::string field_;
  yaml::Position position_;
  Problems& problems_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace bco::api
