// Splits the decoded text of a query option or of a resource path.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace bco::sandbox::odata {

enum class TokenType { kName, kText, kInteger, kTime, kSymbol, kEnd };

struct Token {
  TokenType type = TokenType::kEnd;
  std::string_view name;  // of a name ("$select", "@u", "eq" and so on) or a symbol
  std::string text;       // of a text, unquoted
  std::int64_t number = 0;
  TimePoint time{};
};

// Ends with a kEnd token; false when something is no token. Views point into `input`.
[[nodiscard]] bool tokenize(std::string_view input, std::vector<Token>& tokens);

}  // namespace bco::sandbox::odata
