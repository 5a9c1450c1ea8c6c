// Writes a JSON object by hand, for bodies of known fields. It is YAML too, which is what API
// servers read the body of an apply patch as. They refuse it (400) over a raw control character,
// also DEL and those above it, over a noncharacter, bad UTF-8, an escaped '/' and escaped
// surrogates, and a raw U+0085 becomes a space; so all those, and what YAML takes for line breaks,
// are escaped, and what is no UTF-8 is replaced (U+FFFD). Source: tried against
// kube-apiserver 1.34.
//
// Names are written as they are: the fields of our objects.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/time.h"

namespace bco::api {

inline constexpr TimePoint kFirstTime =
    std::chrono::sys_days(std::chrono::year(0) / std::chrono::January / 1);
inline constexpr TimePoint kLastTime =
    std::chrono::sys_days(std::chrono::year(10000) / std::chrono::January / 1) -
    std::chrono::seconds(1);

class JsonWriter {
 public:
  JsonWriter() { text_.reserve(2048); }

  // Members of the object or items of the list that is open; "" names an item. None at all is open
  // at first.
  void openObject(std::string_view name) { open(name, '{'); }
  void closeObject() { text_ += '}'; }
  void openList(std::string_view name) { open(name, '['); }
  void closeList() { text_ += ']'; }

  void text(std::string_view name, std::string_view value);
  // Left out when empty.
  void optionalText(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  void number(std::string_view name, std::int64_t value);
  void boolean(std::string_view name, bool value);
  void null(std::string_view name);
  // Whole seconds, as all of Kubernetes' times, and within the years that RFC 3339 can write.
  void time(std::string_view name, TimePoint value);
  // Left out when there is none.
  void optionalTime(std::string_view name, const std::optional<TimePoint>& value) {
    if (value) time(name, *value);
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void begin(std::string_view name);
  void open(std::string_view name, char bracket);

  std::string text_;
};

}  // namespace bco::api
