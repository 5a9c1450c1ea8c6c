// What the endpoint is, for programs: OpenAPI 3.1.
#pragma once

#include <string_view>

namespace bco::endpoint {

// The text of docs/openapi.json.
[[nodiscard]] std::string_view description();

}  // namespace bco::endpoint
