#include "api/json_writer.h"

#include <algorithm>
#include <charconv>

#include "core/utf8.h"

namespace bco::api {
namespace {

void appendEscape(std::string& json, unsigned code) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  json += "\\u";
  for (const int shift : {12, 8, 4, 0}) json += kDigits[code >> shift & 15];
}

bool isPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
}

// Whether YAML prints this character, of more than one byte, and does not take it for a line break.
bool isPrinted(std::string_view character) {
  return character > "\xc2\x9f" && character != "\u2028" && character != "\u2029" &&
         character != "\ufeff" && character != "\ufffe" && character != "\uffff";
}

unsigned codeOf(std::string_view character) {
  const auto bits = [&](std::size_t i, unsigned mask) {
    return static_cast<unsigned char>(character[i]) & mask;
  };
  if (character.size() == 1) return bits(0, 0x7f);
  if (character.size() == 2) return bits(0, 0x1f) << 6 | bits(1, 0x3f);
  return bits(0, 0x0f) << 12 | bits(1, 0x3f) << 6 | bits(2, 0x3f);  // none of four is escaped
}

void appendQuoted(std::string& json, std::string_view text) {
  json += '"';
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && isPlain(text[plain])) ++plain;
    json.append(text, 0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::string_view character = text.substr(0, utf8Size(text));
    if (character.empty()) {
      json += "\ufffd";
      text.remove_prefix(1);
      continue;
    }
    if (character == "\"" || character == "\\") {
      (json += '\\') += character;
    } else if (character == "\n") {
      json += "\\n";
    } else if (character.size() > 1 && isPrinted(character)) {
      json += character;
    } else {
      appendEscape(json, codeOf(character));
    }
    text.remove_prefix(character.size());
  }
  json += '"';
}

void appendDigits(std::string& json, unsigned value, std::size_t width) {
  char digits[4];
  for (std::size_t i = width; i-- > 0; value /= 10) digits[i] = static_cast<char>('0' + value % 10);
  json.append(digits, width);
}

}  // namespace

// Strings end in a quote, so a bracket at the end is one that was just opened.
void JsonWriter::begin(std::string_view name) {
  const bool isFirst = text_.empty() || text_.back() == '{' || text_.back() == '[';
  if (!isFirst) text_ += ',';
  if (!name.empty()) ((text_ += '"') += name) += "\":";
}

void JsonWriter::open(std::string_view name, char bracket) {
  begin(name);
  text_ += bracket;
}

void JsonWriter::text(std::string_view name, std::string_view value) {
  begin(name);
  appendQuoted(text_, value);
}

void JsonWriter::number(std::string_view name, std::int64_t value) {
  begin(name);
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  text_.append(digits, end);
}

void JsonWriter::boolean(std::string_view name, bool value) {
  begin(name);
  text_ += value ? "true" : "false";
}

void JsonWriter::null(std::string_view name) {
  begin(name);
  text_ += "null";
}

// By hand: formatting takes most of the time that a status would take otherwise.
void JsonWriter::time(std::string_view name, TimePoint value) {
  begin(name);
  value = std::clamp(value, kFirstTime, kLastTime);
  const auto midnight = std::chrono::floor<std::chrono::days>(value);
  const std::chrono::year_month_day date(midnight);
  const auto second = std::chrono::floor<std::chrono::seconds>(value - midnight).count();
  text_ += '"';
  appendDigits(text_, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  text_ += '-';
  appendDigits(text_, static_cast<unsigned>(date.month()), 2);
  text_ += '-';
  appendDigits(text_, static_cast<unsigned>(date.day()), 2);
  text_ += 'T';
  appendDigits(text_, static_cast<unsigned>(second / 3600), 2);
  text_ += ':';
  appendDigits(text_, static_cast<unsigned>(second / 60 % 60), 2);
  text_ += ':';
  appendDigits(text_, static_cast<unsigned>(second % 60), 2);
  text_ += "Z\"";
}

}  // namespace bco::api
