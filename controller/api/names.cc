#include "api/names.h"

#include <algorithm>

#include "core/text.h"

namespace bco::api {
namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

// Of `ends`, between its first and last character also of `others`; not empty.
bool isMadeOf(std::string_view text, std::string_view ends, std::string_view others) {
  const auto isEnd = [&](char c) { return ends.find(c) != std::string_view::npos; };
  return !text.empty() && isEnd(text.front()) && isEnd(text.back()) &&
         std::ranges::all_of(
             text, [&](char c) { return isEnd(c) || others.find(c) != std::string_view::npos; });
}

bool isNamePart(std::string_view text) {
  return text.size() <= 63 && isMadeOf(text, kLetters, "-_.");
}

}  // namespace

bool isObjectName(std::string_view text) {
  return text.size() <= 253 && std::ranges::all_of(split(text, '.'), [](std::string_view label) {
           return isMadeOf(label, kLower, "-");
         });
}

bool isNamespaceName(std::string_view text) {
  return text.size() <= 63 && isMadeOf(text, kLower, "-");
}

bool isSecretKey(std::string_view text) {
  // "..": a mounted Secret's entry is a file of this name.
  return !text.empty() && text.size() <= 253 && text != "." && !text.starts_with("..") &&
         std::ranges::all_of(text, [](char c) {
           return kLetters.find(c) != std::string_view::npos || c == '-' || c == '_' || c == '.';
         });
}

bool isQualifiedName(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return isNamePart(text);
  return isObjectName(text.substr(0, slash)) && isNamePart(text.substr(slash + 1));
}

bool isLabelValue(std::string_view text) { return text.empty() || isNamePart(text); }

}  // namespace bco::api
