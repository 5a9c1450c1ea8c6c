#include "yaml/scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

namespace bco::yaml {
namespace {

constexpr std::array<std::string_view, 20> kOtherBooleans = {
    "y",    "Y",    "yes",   "Yes",   "YES", "n",  "N",  "no",  "No",  "NO",
    "True", "TRUE", "False", "FALSE", "on",  "On", "ON", "off", "Off", "OFF"};
constexpr std::array<std::string_view, 12> kNotFinite = {".inf",  ".Inf",  ".INF",  "+.inf",
                                                         "+.Inf", "+.INF", "-.inf", "-.Inf",
                                                         "-.INF", ".nan",  ".NaN",  ".NAN"};

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool allOf(std::string_view text, std::string_view set) {
  return !text.empty() && text.find_first_not_of(set) == std::string_view::npos;
}

std::size_t countDigits(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), isDigit) -
                                  text.begin());
}

// Takes digits off the front; how many.
std::size_t takeDigits(std::string_view& text) {
  const std::size_t count = countDigits(text);
  text.remove_prefix(count);
  return count;
}

// Takes [eE][+-]?digits off, if that is all there is.
bool takeExponent(std::string_view& text) {
  if (text.empty() || (text[0] != 'e' && text[0] != 'E')) return false;
  text.remove_prefix(1);
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  return takeDigits(text) > 0 && text.empty();
}

// A number as JSON has it: the one notation about which nobody disagrees.
std::optional<Kind> jsonNumber(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.size() > 1 && text[0] == '0' && isDigit(text[1])) return std::nullopt;
  if (takeDigits(text) == 0) return std::nullopt;
  if (text.empty()) return Kind::kInteger;
  if (text[0] == '.') {
    text.remove_prefix(1);
    if (takeDigits(text) == 0) return std::nullopt;
    if (text.empty()) return Kind::kFloat;
  }
  if (takeExponent(text)) return Kind::kFloat;
  return std::nullopt;
}

// Anything that go-yaml, which Kubernetes uses, makes a number of.
bool looksLikeNumber(std::string_view written) {
  if (!written.empty() && (written[0] == '+' || written[0] == '-')) written.remove_prefix(1);
  if (written.empty() || (!isDigit(written[0]) && written[0] != '.')) return false;
  std::string stripped(written);
  std::erase(stripped, '_');
  std::string_view text = stripped;
  if (text.size() > 2 && text[0] == '0') {
    const std::string_view rest = text.substr(2);
    switch (text[1]) {
      case 'x':
      case 'X':
        return allOf(rest, "0123456789abcdefABCDEF");
      case 'o':
      case 'O':
        return allOf(rest, "01234567");
      case 'b':
      case 'B':
        return allOf(rest, "01");
      default:
        break;
    }
  }
  std::size_t digits = takeDigits(text);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    digits += takeDigits(text);
  }
  return digits > 0 && (text.empty() || takeExponent(text));
}

template <class Number>
bool fits(std::string_view text) {
  Number number{};
  return std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc();
}

}  // namespace

Resolved resolvePlain(std::string_view text) {
  if (text == "true" || text == "false") return Kind::kBool;
  if (std::ranges::find(kOtherBooleans, text) != kOtherBooleans.end()) {
    return "an ambiguous word: write true or false, or quote it if it is text";
  }
  if (std::ranges::find(kNotFinite, text) != kNotFinite.end()) return "not a finite number";
  if (const auto kind = jsonNumber(text)) {
    const bool held = *kind == Kind::kInteger ? fits<std::int64_t>(text) : fits<double>(text);
    if (held) return *kind;
    return "a number out of range: quote it if it is text";
  }
  if (looksLikeNumber(text)) {
    return "an ambiguous number: write it in plain decimal, or quote it if it is text";
  }
  return Kind::kString;
}

}  // namespace bco::yaml
