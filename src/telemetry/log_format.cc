#include "telemetry/log_format.h"

#include <array>
#include <charconv>
#include <cmath>

#include "core/utf8.h"
#include "telemetry/redact.h"

namespace bco::telemetry {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

bool isControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Terminals obey these too: U+0080 to U+009F.
bool isC1(std::string_view character) {
  return character.size() == 2 && character[0] == '\xc2' &&
         static_cast<unsigned char>(character[1]) < 0xa0;
}

void appendByte(std::string& out, std::string_view prefix, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out += prefix;
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

// Whether `c` was one of the few that have a short escape.
bool appendShortEscape(std::string& out, char c) {
  switch (c) {
    case '\n':
      out += "\\n";
      return true;
    case '\r':
      out += "\\r";
      return true;
    case '\t':
      out += "\\t";
      return true;
    default:
      return false;
  }
}

void appendTextEscaped(std::string& out, std::string_view text, bool quoted) {
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const std::size_t size = utf8Size(rest);
    const std::string_view character = rest.substr(0, size == 0 ? 1 : size);
    at += character.size();
    if (quoted && (rest[0] == '"' || rest[0] == '\\')) {
      out += '\\';
      out += rest[0];
    } else if (appendShortEscape(out, rest[0])) {
      continue;
    } else if (size == 0 || isControl(rest[0]) || isC1(character)) {
      for (const char c : character) appendByte(out, "\\x", c);
    } else {
      out += character;
    }
  }
}

void appendJsonString(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const std::size_t size = utf8Size(rest);
    at += size == 0 ? 1 : size;
    if (size == 0) {
      out += "\\ufffd";
    } else if (rest[0] == '"' || rest[0] == '\\') {
      out += '\\';
      out += rest[0];
    } else if (appendShortEscape(out, rest[0])) {
      continue;
    } else if (isControl(rest[0])) {
      appendByte(out, "\\u00", rest[0]);
    } else {
      out += rest.substr(0, size);
    }
  }
  out += '"';
}

void appendTextValue(std::string& out, std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:/+,@#%()[]{}~*!?;";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  appendTextEscaped(out, text, true);
  out += '"';
}

std::string numberText(double number) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

// A value in the words of either format; `appendText` writes its strings.
template <class AppendText>
void appendValue(std::string& out, const Field::Value& value, AppendText appendText) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    appendText(out, redacted(*text));
  } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    out += std::to_string(*whole);
  } else if (const auto* count = std::get_if<std::uint64_t>(&value)) {
    out += std::to_string(*count);
  } else if (const auto* number = std::get_if<double>(&value)) {
    // JSON has no word for these.
    if (std::isfinite(*number)) {
      out += numberText(*number);
    } else {
      appendText(out, numberText(*number));
    }
  } else {
    out += std::get<bool>(value) ? "true" : "false";
  }
}

// Always with milliseconds, so that lines stand in columns.
std::string timeText(TimePoint time) {
  std::string text = formatRfc3339(time);
  if (text.find('.') == std::string::npos) text.insert(text.size() - 1, ".000");
  return text;
}

}  // namespace

std::string formatText(const LogEvent& event) {
  std::string line = timeText(event.time);
  line += ' ';
  line += nameOf(event.level);
  line.append(6 - nameOf(event.level).size(), ' ');
  appendTextEscaped(line, redacted(event.message), false);
  for (const Field& field : event.fields) {
    line += ' ';
    appendTextEscaped(line, field.key(), false);
    line += '=';
    appendValue(line, field.value(), appendTextValue);
  }
  return line;
}

std::string formatJson(const LogEvent& event) {
  std::string line = R"({"time":")" + timeText(event.time) + R"(","level":")";
  line += nameOf(event.level);
  line += R"(","message":)";
  appendJsonString(line, redacted(event.message));
  for (const Field& field : event.fields) {
    line += ',';
    appendJsonString(line, field.key());
    line += ':';
    appendValue(line, field.value(), appendJsonString);
  }
  line += '}';
  return line;
}

}  // namespace bco::telemetry
