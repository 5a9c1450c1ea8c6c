// Decompression with a limit.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "http/transport.h"

namespace bco::http {

// The content of one gzip member. kInternal: not gzip, damaged, or more than `limit` bytes; memory
// stays within the limit whatever the input claims.
[[nodiscard]] Result<std::string> gunzip(std::string_view compressed, std::size_t limit);

// An answer with its body decompressed, if it is compressed. kInternal as above, and for a body of
// more than `limit` bytes that is not.
[[nodiscard]] Result<Response> unpack(Response response, std::size_t limit);

[[nodiscard]] Error tooLarge(std::size_t limit);

}  // namespace bco::http
