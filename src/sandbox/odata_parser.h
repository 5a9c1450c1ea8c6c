// OData as balena's API understands it (PineJS): only its grammar, no names are looked up here.
// Source: what the real server was measured to accept.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/odata_ast.h"

namespace bco::sandbox::odata {

// The text behind "/v7/" up to "?", still encoded. nullopt: malformed; also when a parenthesis, a
// comma or an equals sign of the key is percent-encoded.
[[nodiscard]] std::optional<Target> parseTarget(std::string_view path);

// The text behind "?", still encoded. Options without "$" are ignored, as are $count, $format and
// $inlinecount; of an option given twice the last one counts. nullopt: malformed.
[[nodiscard]] std::optional<Options> parseOptions(std::string_view query);

// The decoded options of a query, the last of each name.
[[nodiscard]] std::map<std::string, std::string, std::less<>> splitQuery(std::string_view query);

}  // namespace bco::sandbox::odata
