// What a field of a row holds.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "core/json_text.h"
#include "core/time.h"

namespace bco::sandbox::odata {

// Shared, so that copying a row copies no text. Never null inside a Value.
using Text = std::shared_ptr<const std::string>;

// std::monostate is null.
using Value = std::variant<std::monostate, bool, std::int64_t, TimePoint, Text>;

[[nodiscard]] inline Value makeText(std::string_view text) {
  return std::make_shared<const std::string>(text);
}
[[nodiscard]] inline bool isNull(const Value& value) {
  return std::holds_alternative<std::monostate>(value);
}
[[nodiscard]] inline const std::string* textOf(const Value& value) {
  const auto* text = std::get_if<Text>(&value);
  return text == nullptr ? nullptr : text->get();
}
// 0 for anything but a number: no row has that id.
[[nodiscard]] inline std::int64_t idOf(const Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number == nullptr ? 0 : *number;
}

// Unordered when either is null or the types differ.
[[nodiscard]] std::partial_ordering compare(const Value& a, const Value& b);
// Null equals null.
[[nodiscard]] bool same(const Value& a, const Value& b);

using bco::appendJsonString;
void appendJson(std::string& out, const Value& value);
// "2026-11-23T07:00:00.000Z", always with milliseconds, as the API writes times.
void appendTime(std::string& out, TimePoint time);

}  // namespace bco::sandbox::odata
