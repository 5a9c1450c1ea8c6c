#include "telemetry/redact.h"

#include <algorithm>
#include <array>

namespace bco::telemetry {
namespace {

constexpr std::string_view kBegin = "-----BEGIN";
constexpr std::string_view kEnd = "-----END";
constexpr std::string_view kDashes = "-----";
constexpr std::string_view kReplacement = "[redacted]";

// What every base64 of a text with kBegin in it contains, by where in a group of three bytes that
// stands; then how the base64 of a P-256 key begins, as PKCS#8 and as SEC1.
constexpr std::array<std::string_view, 5> kEncoded = {
    "LS0tLS1CRUdJT", "0tLS0tQkVHSU", "tLS0tLUJFR0lO", "MIGHAgEAMBMGByqGSM49", "MHcCAQEEI"};

bool isBase64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/' || c == '-' || c == '_' || c == '=';
}

struct Range {
  std::size_t begin;
  std::size_t end;
};

Range blockAt(std::string_view text, std::size_t begin) {
  const std::size_t end = text.find(kEnd, begin + kBegin.size());
  if (end == std::string_view::npos) return {begin, text.size()};
  const std::size_t dashes = text.find(kDashes, end + kEnd.size());
  if (dashes == std::string_view::npos) return {begin, text.size()};
  return {begin, dashes + kDashes.size()};
}

Range runAround(std::string_view text, std::size_t at) {
  std::size_t begin = at;
  std::size_t end = at;
  while (begin > 0 && isBase64(text[begin - 1])) --begin;
  while (end < text.size() && isBase64(text[end])) ++end;
  return {begin, end};
}

// The first thing to leave out.
Range findSecret(std::string_view text) {
  Range first{std::string_view::npos, std::string_view::npos};
  if (const std::size_t at = text.find(kBegin); at != std::string_view::npos) {
    first = blockAt(text, at);
  }
  for (const std::string_view marker : kEncoded) {
    const std::size_t at = text.find(marker);
    if (at == std::string_view::npos) continue;
    const Range run = runAround(text, at);
    if (run.begin < first.begin) first = run;
  }
  return first;
}

}  // namespace

std::string redacted(std::string_view text) {
  std::string result;
  while (true) {
    const Range secret = findSecret(text);
    result += text.substr(0, secret.begin);
    if (secret.begin == std::string_view::npos) return result;
    result += kReplacement;
    text.remove_prefix(secret.end);
  }
}

}  // namespace bco::telemetry
