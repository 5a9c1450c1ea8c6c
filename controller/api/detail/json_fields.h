// Reading the fields of JSON objects, with errors that name the field. For the .cc files here
// alone: it brings simdjson in, whose objects are read in one go, from front to back.
#pragma once

#include <simdjson.h>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.h"
#include "core/secret.h"
#include "core/time.h"

namespace bco::api {

namespace ondemand = simdjson::ondemand;

// Why an object is refused; simdjson throws errors of its own.
struct Refused {
  std::string field;  // its path
  std::string text;
};

// Calls `read`, whose errors get `name` before their field.
template <class Read>
void inside(std::string_view name, const Read& read) {
  try {
    read();
  } catch (const simdjson::simdjson_error& error) {
    throw Refused{std::string(name), error.what()};
  } catch (Refused& refused) {
    const bool isField = !refused.field.empty() && refused.field[0] != '[';
    refused.field = std::string(name) + (isField ? "." : "") + refused.field;
    throw;
  }
}

// Calls `read` with the name and value of every field that is not null.
template <class Read>
void eachField(ondemand::object object, const Read& read) {
  for (ondemand::field field : object) {
    const std::string_view name = field.unescaped_key();
    inside(name, [&] {
      ondemand::value value = field.value();
      if (!value.is_null()) read(name, value);
    });
  }
}

template <class Read>
void eachField(ondemand::value value, const Read& read) {
  eachField(value.get_object(), read);
}

template <class Read>
void eachItem(ondemand::value value, const Read& read) {
  std::size_t index = 0;
  for (ondemand::value item : value.get_array()) {
    try {
      read(item);
    } catch (...) {
      inside("[" + std::to_string(index) + "]", [] { throw; });
    }
    ++index;
  }
}

inline std::string_view viewOf(ondemand::value value) { return value.get_string(); }
inline std::string textOf(ondemand::value value) { return std::string(viewOf(value)); }

template <std::integral Integer>
void readInteger(ondemand::value value, Integer& result) {
  const std::int64_t number = value.get_int64();
  if (!std::in_range<Integer>(number)) throw Refused{"", "out of range"};
  result = static_cast<Integer>(number);
}

// One that we can't read is as good as none: we write it anew.
inline std::optional<TimePoint> timeOf(ondemand::value value) {
  return parseRfc3339(viewOf(value));
}

// A copy of a text with the room behind it that simdjson wants; wiped, for it may be a Secret's.
class Padded {
 public:
  explicit Padded(std::string_view text) {
    text_.reserve(text.size() + simdjson::SIMDJSON_PADDING);
    text_ = text;
  }
  ~Padded() { wipe(text_.data(), text_.size()); }
  Padded(const Padded&) = delete;
  Padded& operator=(const Padded&) = delete;

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Calls `read` with every field of the object that `json` is, then `finish`. kInvalid tells what
// was thrown.
template <class Read, class Finish>
[[nodiscard]] Status readObject(std::string_view json, const Read& read, const Finish& finish) {
  try {
    const Padded padded(json);
    // A parser kept from object to object would save nothing measurable.
    ondemand::parser parser;
    ondemand::document document = parser.iterate(padded.text());
    eachField(document.get_object(), read);
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS)
      return fail(ErrorCode::kInvalid, "there is more behind the object");
    finish();
    return {};
  } catch (const simdjson::simdjson_error& error) {
    return fail(ErrorCode::kInvalid, error.what());
  } catch (const Refused& refused) {
    return fail(ErrorCode::kInvalid,
                refused.field.empty() ? refused.text : refused.field + ": " + refused.text);
  }
}

}  // namespace bco::api
