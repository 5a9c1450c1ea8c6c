// What a plain (unquoted) scalar is.
#pragma once

#include <string_view>
#include <variant>

#include "yaml/document.h"

namespace bco::yaml {

// A kind, or the reason why it is refused. Kubernetes reads YAML 1.1 by way of JSON, where many a
// plain scalar is not what it looks like:
//
//   plain scalar                        │ Kubernetes reads │ we read
//   ────────────────────────────────────┼──────────────────┼─────────────────────
//   true false                          │ boolean          │ boolean
//   yes no on off y n True FALSE …      │ boolean          │ refused
//   12 -3 0                             │ integer          │ integer, if 64 bits hold it
//   0.5 -1e3                            │ number           │ float, if a double holds it
//   017 0x1f 0o17 0b1 1_000 +5 .5 5. 01 │ number           │ refused
//   .inf -.Inf .nan                     │ an error         │ refused
//   12:30 2026-11-23 1.2.3 other text   │ string           │ string
//
// The null scalars are not seen here: the parser tells them itself.
using Resolved = std::variant<Kind, std::string_view>;
[[nodiscard]] Resolved resolvePlain(std::string_view text);

}  // namespace bco::yaml
