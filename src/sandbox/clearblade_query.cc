#include "sandbox/clearblade_query.h"

#include <cctype>
#include <optional>

#include "core/text.h"

namespace bco::sandbox {
namespace {

std::optional<char> escapeAt(std::string_view text, std::size_t i) {
  if (i + 2 >= text.size()) return std::nullopt;
  const auto byte = fromHex(text.substr(i + 1, 2));
  if (!byte) return std::nullopt;
  return static_cast<char>(byte->front());
}

}  // namespace

std::string lenientDecode(std::string_view text, bool plusIsSpace) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto escape = text[i] == '%' ? escapeAt(text, i) : std::nullopt;
    if (escape) {
      decoded += *escape;
      i += 2;
    } else {
      decoded += plusIsSpace && text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

Query::Query(std::string_view text) {
  for (const std::string_view part : split(text, '&')) {
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    values_.emplace_back(
        lenientDecode(part.substr(0, equals), true),
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
  }
}

std::string_view Query::raw(std::string_view name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) return value == "undefined" ? std::string_view() : value;
  }
  return {};
}

std::string Query::get(std::string_view name) const { return lenientDecode(raw(name), true); }

std::string Query::getKeepingPlus(std::string_view name) const {
  return lenientDecode(raw(name), false);
}

std::vector<std::string> Query::all(std::string_view name) const {
  std::vector<std::string> found;
  for (const auto& [key, value] : values_) {
    if (key == name && !value.empty()) found.push_back(lenientDecode(value, true));
  }
  return found;
}

std::vector<std::string> Query::list(std::string_view name) const {
  std::vector<std::string> found;
  for (const std::string& value : all(name)) {
    if (value == "undefined") continue;
    for (const std::string_view part : split(value, ',')) {
      if (!trim(part).empty()) found.emplace_back(trim(part));
    }
  }
  return found;
}

std::string camelCase(std::string_view name) {
  std::string camel;
  bool raise = false;
  for (const char c : name) {
    if (c == '_') {
      raise = true;
      continue;
    }
    camel += raise ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    raise = false;
  }
  return camel;
}

}  // namespace bco::sandbox
