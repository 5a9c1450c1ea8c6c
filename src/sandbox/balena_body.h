// A request's JSON body, as far as the API cares.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/odata_value.h"

namespace bco::sandbox {

struct BodyField {
  std::string name;
  // Null, boolean, integer or text; null also for what `isOther` says is none of these.
  odata::Value value;
  bool isOther = false;
  std::string json;  // of what is other
};

struct Body {
  bool isArray = false;
  std::vector<BodyField> fields;

  // nullptr when there is none.
  [[nodiscard]] const BodyField* find(std::string_view name) const;
  // "" when there is none or it is no text.
  [[nodiscard]] std::string text(std::string_view name) const;
};

// nullopt: not JSON, or neither an object nor an array.
[[nodiscard]] std::optional<Body> parseBody(std::string_view text);

}  // namespace bco::sandbox
