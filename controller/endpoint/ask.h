// What a caller asks for: the body of a request, as balena's Cloud Relay writes it.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace bco::endpoint {

struct Ask {
  std::string uuid = {};     // whole: no prefix finds a device
  std::string service = {};  // the container that asks; empty: it names none
};

// Reads JSON, or a form if `contentType` says so. Members that nobody knows are let pass.
// kInvalid: for the caller, quoting nothing of the body.
[[nodiscard]] Result<Ask> parseAsk(std::string_view contentType, std::string_view body);

}  // namespace bco::endpoint
