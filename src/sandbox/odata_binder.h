// Resolves a query's names against the schema.
#pragma once

#include "core/result.h"
#include "sandbox/odata_ast.h"

namespace bco::sandbox::odata {

// kInvalid: an unknown or absent field or relation, or a comparison of things that can't be
// compared. The API answers that with an empty 500.
[[nodiscard]] Status bind(Options& options, const Resource& resource);

// Turns a literal into a value of the field's type, numbers and times in quotes included; false
// when it is none. Null fits every field.
[[nodiscard]] bool convert(Value& literal, FieldType type);

}  // namespace bco::sandbox::odata
