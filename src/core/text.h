// Encodings and small text helpers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bco {

[[nodiscard]] std::string toHex(std::span<const std::uint8_t> bytes);
// nullopt for an odd length or a character that is no hex digit.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> fromHex(std::string_view text);

// Standard alphabet with padding, on one line.
[[nodiscard]] std::string toBase64(std::string_view bytes);
// Strict: standard alphabet, padded, no white space.
[[nodiscard]] std::optional<std::string> fromBase64(std::string_view text);
// URL alphabet without padding, as JWTs use it.
[[nodiscard]] std::string toBase64Url(std::string_view bytes);
[[nodiscard]] std::optional<std::string> fromBase64Url(std::string_view text);

// Escapes all but RFC 3986's unreserved characters.
[[nodiscard]] std::string percentEncode(std::string_view text);
// nullopt for an incomplete escape. `plusIsSpace`: as in form-encoded queries.
[[nodiscard]] std::optional<std::string> percentDecode(std::string_view text, bool plusIsSpace);

[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string toLower(std::string_view text);
// `text` for a person to read, in a table, a status or an error: what would move a terminal's
// cursor or reverse its writing, and what is no UTF-8, becomes U+FFFD.
[[nodiscard]] std::string printable(std::string_view text);
// Visible ASCII alone, and some of it: what may stand in a header or a URL as it is.
[[nodiscard]] bool isVisibleAscii(std::string_view text);
// For header names.
[[nodiscard]] bool equalsIgnoreCase(std::string_view a, std::string_view b);

// A UUID of balena's: 32 or 62 lower-case hex digits.
[[nodiscard]] bool isDeviceUuid(std::string_view text);

}  // namespace bco
