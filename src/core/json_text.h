// Writing JSON by hand: for request bodies of a few known fields, where a tree would cost more than
// the request.
#pragma once

#include <string>
#include <string_view>

namespace bco {

// Appends `text` as a JSON string, quotes included. `text` is UTF-8 and goes through as it is, but
// for what JSON wants escaped.
void appendJsonString(std::string& json, std::string_view text);

}  // namespace bco
