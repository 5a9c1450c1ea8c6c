// UTF-8 (RFC 3629).
#pragma once

#include <cstddef>
#include <string_view>

namespace bco {

// The bytes of the character at the front of `text`, 1 to 4; 0 when there is none: no overlong
// forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] std::size_t utf8Size(std::string_view text);

}  // namespace bco
