// What may be written, with the API's own words for what may not. Source: the table of statuses and
// bodies measured at the real server; texts are exact.
#pragma once

#include <optional>
#include <string>

#include "sandbox/balena_schema.h"

namespace bco::sandbox {

// A refusal: a status and its text; "" stands for an empty body.
struct Refusal {
  int status = 0;
  std::string text;
};

// Of the written fields of `row` alone: names, lengths, line breaks.
[[nodiscard]] std::optional<Refusal> checkValue(const BalenaSchema& names,
                                                const odata::Field& field,
                                                const odata::Value& value);
// The text of the 409 for a second row with the same natural key.
[[nodiscard]] std::string duplicateText(const BalenaSchema& names, const odata::Resource& resource);
// The same rules as JSON, for /config/vars.
[[nodiscard]] std::string variableRules();

}  // namespace bco::sandbox
