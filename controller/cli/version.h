// What is running.
#pragma once

#include <string_view>

namespace bco::cli {

[[nodiscard]] std::string_view versionText();  // "0.1.0"

}  // namespace bco::cli
