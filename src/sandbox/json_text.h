// Writing JSON straight into text, for the answers that come by the thousand.
#pragma once

#include <string>
#include <string_view>

namespace bco::sandbox {

// Appends the text as a JSON string, quotes included. Bytes that are no UTF-8 become U+FFFD.
void appendJson(std::string& out, std::string_view text);

}  // namespace bco::sandbox
