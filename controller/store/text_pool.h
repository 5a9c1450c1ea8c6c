// Texts that many objects have in common, each kept once.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "api/common_text.h"

namespace bco::store {

// Forgets nothing: it is for names of which there are few however many the objects are, as of
// namespaces, fleets, registries and reasons. Thread-safe.
class TextPool {
 public:
  // The number by which `text` is known from now on: small ones come first.
  [[nodiscard]] std::uint32_t numberOf(std::string_view text) {
    const std::lock_guard lock(mutex_);
    const auto known = numbers_.find(text);
    if (known != numbers_.end()) return known->second;
    const auto number = static_cast<std::uint32_t>(texts_.size());
    numbers_.emplace(texts_.emplace_back(text).view(), number);
    return number;
  }

  // Of a number that numberOf() gave; good while the pool lives.
  [[nodiscard]] const api::CommonText& textOf(std::uint32_t number) const {
    const std::lock_guard lock(mutex_);
    return texts_[number];
  }

 private:
  mutable std::mutex mutex_;  // guards all below
  std::deque<api::CommonText> texts_;
  std::unordered_map<std::string_view, std::uint32_t> numbers_;  // of texts_
};

}  // namespace bco::store
