#include "sandbox/odata_lexer.h"

#include <charconv>

namespace bco::sandbox::odata {
namespace {

bool isNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c == '@';
}
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// From behind the opening quote to behind the closing one; false when it does not close.
bool readText(std::string_view input, std::size_t& at, std::string& text) {
  while (true) {
    const auto quote = input.find('\'', at);
    if (quote == std::string_view::npos) return false;
    text.append(input.substr(at, quote - at));
    at = quote + 1;
    if (at == input.size() || input[at] != '\'') return true;
    text += '\'';
    ++at;
  }
}

}  // namespace

bool tokenize(std::string_view input, std::vector<Token>& tokens) {
  tokens.reserve(input.size() / 5 + 4);
  std::size_t at = 0;
  while (at < input.size()) {
    const char c = input[at];
    if (isSpace(c)) {
      ++at;
      continue;
    }
    Token& token = tokens.emplace_back();
    const std::size_t start = at;
    if (c == '\'') {
      token.type = TokenType::kText;
      if (!readText(input, ++at, token.text)) return false;
    } else if (isNameStart(c)) {
      while (at < input.size() && (isNameStart(input[at]) || isDigit(input[at]))) ++at;
      token.type = TokenType::kName;
      token.name = input.substr(start, at - start);
      if (token.name == "datetime" && at < input.size() && input[at] == '\'') {
        token.type = TokenType::kTime;
        if (!readText(input, ++at, token.text)) return false;
        const auto time = parseRfc3339(token.text);
        if (!time) return false;
        token.time = *time;
      }
    } else if (isDigit(c) || (c == '-' && at + 1 < input.size() && isDigit(input[at + 1]))) {
      token.type = TokenType::kInteger;
      const auto [end, error] =
          std::from_chars(input.data() + at, input.data() + input.size(), token.number);
      if (error != std::errc()) return false;
      at = static_cast<std::size_t>(end - input.data());
      if (at < input.size() && (isNameStart(input[at]) || input[at] == '.')) return false;
    } else if (std::string_view("(),;/:=*").find(c) != std::string_view::npos) {
      token.type = TokenType::kSymbol;
      token.name = input.substr(at++, 1);
    } else {
      return false;
    }
  }
  tokens.emplace_back();
  return true;
}

}  // namespace bco::sandbox::odata
