#include "store/packing.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace bco::store {
namespace {

// Fewer digits than these are no UUID and no fingerprint: texts of words end in some by chance.
constexpr std::size_t kFewDigits = 16;
// Where the hyphens of an RFC 4122 UUID stand.
constexpr std::array<std::size_t, 4> kHyphens = {8, 13, 18, 23};
constexpr std::size_t kUidDigits = 32;

bool isHexDigit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

int valueOfDigit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

// Of the hexadecimal digits at the end of `text`, an even number; 0 if they are few.
std::size_t digitsAtEnd(std::string_view text) {
  const auto last = std::ranges::find_if_not(text.rbegin(), text.rend(), isHexDigit);
  const auto digits = static_cast<std::size_t>(last - text.rbegin()) & ~std::size_t{1};
  return digits < kFewDigits ? 0 : digits;
}

// Its digits; empty if it hasn't this form.
std::string digitsOfUid(std::string_view text) {
  std::string digits;
  if (text.size() != kUidDigits + kHyphens.size()) return digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (std::ranges::find(kHyphens, i) != kHyphens.end()) {
      if (text[i] != '-') return {};
    } else if (isHexDigit(text[i])) {
      digits += text[i];
    } else {
      return {};
    }
  }
  return digits;
}

}  // namespace

void Packer::number(std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) bytes_ += static_cast<char>(number | 0x80);
  bytes_ += static_cast<char>(number);
}

void Packer::signedNumber(std::int64_t number) {
  const auto bits = static_cast<std::uint64_t>(number) << 1;
  this->number(number < 0 ? ~bits : bits);
}

void Packer::raw(std::string_view text) {
  number(text.size());
  bytes_ += text;
}

void Packer::digits(std::string_view hex) {
  number(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes_ += static_cast<char>(valueOfDigit(hex[i]) << 4 | valueOfDigit(hex[i + 1]));
  }
}

void Packer::text(std::string_view text) {
  const std::size_t words = text.size() - digitsAtEnd(text);
  raw(text.substr(0, words));
  digits(text.substr(words));
}

void Packer::uid(std::string_view text) {
  const std::string found = digitsOfUid(text);
  digits(found);
  if (found.empty()) raw(text);
}

void Packer::path(std::string_view text) {
  const std::size_t words = text.size() - digitsAtEnd(text);
  digits(text.substr(words));
  // Without any it may be one of many.
  if (words == text.size()) {
    raw(text);
  } else {
    common(text.substr(0, words));
  }
}

std::uint64_t Unpacker::number() {
  std::uint64_t number = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    number |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return number;
  }
}

std::int64_t Unpacker::signedNumber() {
  const std::uint64_t bits = number();
  return static_cast<std::int64_t>((bits & 1) != 0 ? ~(bits >> 1) : bits >> 1);
}

std::string_view Unpacker::raw() {
  const std::size_t size = number();
  const std::string_view text = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return text;
}

std::string Unpacker::digits() {
  const std::string_view bytes = raw();
  return toHex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::string Unpacker::takeText() {
  std::string text(raw());
  return text += digits();
}

std::string Unpacker::takeUid() {
  std::string text = digits();
  if (text.empty()) return std::string(raw());
  for (const std::size_t at : kHyphens) text.insert(at, 1, '-');
  return text;
}

std::string Unpacker::takePath() {
  const std::string end = digits();
  if (end.empty()) return std::string(raw());
  return pool_.textOf(static_cast<std::uint32_t>(number())) + end;
}

}  // namespace bco::store
