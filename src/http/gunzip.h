// Decompression with a limit.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace bco::http {

// The content of one gzip member. kInternal: not gzip, damaged, or more than `limit` bytes; memory
// stays within the limit whatever the input claims.
[[nodiscard]] Result<std::string> gunzip(std::string_view compressed, std::size_t limit);

}  // namespace bco::http
