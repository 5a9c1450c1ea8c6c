#include "crypto/pem.h"

#include <algorithm>

#include "core/text.h"

namespace bco::crypto {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";
constexpr std::size_t kLine = 64;
// Far above any key of ours; keeps hostile text cheap.
constexpr std::size_t kLongest = 65536;

std::string_view withoutTrailingSpace(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

// Takes the first line off `text`, without what trails on it.
std::string_view takeLine(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = withoutTrailingSpace(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

Result<PemBlock> decodePem(std::string_view text, std::string_view what) {
  const auto wrong = [what](std::string_view why) {
    return fail(ErrorCode::kInvalid,
                "not the PEM of " + std::string(what) + ": " + std::string(why));
  };
  if (text.size() > kLongest) return wrong("too long");
  text = withoutTrailingSpace(text);
  const std::string_view first = takeLine(text);
  if (!first.starts_with(kBegin) || !first.ends_with(kDashes) ||
      first.size() < kBegin.size() + kDashes.size()) {
    return wrong("it does not begin with a BEGIN line");
  }
  PemBlock block;
  block.label = first.substr(kBegin.size(), first.size() - kBegin.size() - kDashes.size());

  std::string body;
  body.reserve(text.size());  // never moved while it grows, so that no copy stays behind
  std::string_view line;
  std::string_view problem = "it has no END line";
  while (!text.empty()) {
    line = takeLine(text);
    if (line.starts_with(kDashes)) {
      problem = {};
      break;
    }
    if (line.empty() || line.find(':') != std::string_view::npos) {
      problem = "it has header fields (an encrypted key?) or empty lines";
      break;
    }
    body += line;
  }
  const SecretBytes base64 = SecretBytes::take(std::move(body));
  if (!problem.empty()) return wrong(problem);
  if (line != std::string(kEnd) + block.label + std::string(kDashes)) {
    return wrong("its END line does not match its BEGIN line");
  }
  if (!text.empty()) return wrong("something follows it");
  std::optional<std::string> der = fromBase64(base64.reveal());
  if (!der || der->empty()) return wrong("its body is not base64");
  block.der = SecretBytes::take(std::move(*der));
  return block;
}

SecretBytes encodePem(std::string_view label, std::string_view der) {
  const SecretBytes base64 = SecretBytes::take(toBase64(der));
  std::string pem;
  pem.reserve(base64.size() + base64.size() / kLine + 2 * label.size() + 64);
  const auto boundary = [&](std::string_view prefix) {
    pem += prefix;
    pem += label;
    pem += kDashes;
    pem += '\n';
  };
  boundary(kBegin);
  for (std::size_t at = 0; at < base64.size(); at += kLine) {
    pem += base64.reveal().substr(at, kLine);
    pem += '\n';
  }
  boundary(kEnd);
  return SecretBytes::take(std::move(pem));
}

}  // namespace bco::crypto
