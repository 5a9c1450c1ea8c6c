// Names and their values, such as labels.
#pragma once

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/common_text.h"

namespace bco::api {

// A std::map of texts, as far as labels and annotations need one, that takes little memory for none
// and for a few.
class TextMap {
 public:
  using Entry = std::pair<CommonText, std::string>;
  using value_type = Entry;
  using const_iterator = std::vector<Entry>::const_iterator;

  TextMap() = default;
  TextMap(const std::map<std::string, std::string, std::less<>>& texts) {
    entries_.reserve(texts.size());
    for (const auto& [name, value] : texts) entries_.emplace_back(name, value);
  }

  [[nodiscard]] const_iterator begin() const { return entries_.begin(); }
  [[nodiscard]] const_iterator end() const { return entries_.end(); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] bool empty() const { return entries_.empty(); }

  [[nodiscard]] const_iterator find(std::string_view name) const {
    const auto at = placeOf(name);
    return at != end() && at->first == name ? at : end();
  }
  [[nodiscard]] bool contains(std::string_view name) const { return find(name) != end(); }
  // Throws std::out_of_range.
  [[nodiscard]] const std::string& at(std::string_view name) const {
    const auto found = find(name);
    if (found == end()) throw std::out_of_range("no entry of this name");
    return found->second;
  }
  std::string& operator[](std::string_view name) {
    auto at = placeOf(name);
    if (at == end() || at->first != name) at = entries_.emplace(at, name, std::string());
    return entries_[static_cast<std::size_t>(at - begin())].second;
  }
  // An entry of this name stays as it is.
  void emplace(std::string_view name, std::string_view value) {
    if (const auto at = placeOf(name); at == end() || at->first != name) {
      entries_.emplace(at, name, value);
    }
  }

  void erase(std::string_view name) {
    if (const auto at = find(name); at != end()) entries_.erase(at);
  }

  friend bool operator==(const TextMap&, const TextMap&) = default;

 private:
  // Where an entry of this name stands, or would.
  [[nodiscard]] const_iterator placeOf(std::string_view name) const {
    return std::ranges::lower_bound(entries_, name, {},
                                    [](const Entry& entry) { return entry.first.view(); });
  }

  std::vector<Entry> entries_;  // in order of their names
};

}  // namespace bco::api
