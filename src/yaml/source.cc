#include "yaml/source.h"

#include <algorithm>

#include "core/utf8.h"

namespace bco::yaml {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool isForbidden(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n') || c == 0x7f;
}

}  // namespace

Position Source::positionOf(int line, int column) const {
  return {line + 1, (line == 0 ? column - static_cast<int>(inserted) : column) + 1};
}

Position Source::positionAt(std::size_t offset) const {
  const std::string_view before = text.reveal().substr(0, offset);
  const std::size_t lineStart = before.rfind('\n') + 1;  // npos + 1 is 0
  return positionOf(static_cast<int>(std::count(before.begin(), before.end(), '\n')),
                    static_cast<int>(before.size() - lineStart));
}

Source readSource(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Source source;
  std::string result;
  result.reserve(text.size() + 8);  // never moved, so that no copy of a secret stays behind
  if (text.starts_with('{') || text.starts_with('[')) {
    constexpr std::string_view kDocumentStart = "--- ";
    result += kDocumentStart;
    source.inserted = kDocumentStart.size();
  }
  const char* problem = nullptr;
  for (std::size_t at = 0; at < text.size() && problem == nullptr;) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("\r\n")) {
      ++at;
      continue;
    }
    const std::size_t size = utf8Size(rest);
    if (isForbidden(rest[0])) {
      problem = "a control character";
    } else if (size == 0) {
      problem = "not UTF-8";
    } else if (rest.starts_with(kByteOrderMark)) {
      problem = "a byte order mark in the middle of the text";
    } else {
      result += rest.substr(0, size);
      at += size;
    }
  }
  source.text = SecretBytes::take(std::move(result));
  if (problem != nullptr) throw Refused{source.positionAt(source.text.size()), problem};
  return source;
}

BoundedInput::int_type BoundedInput::underflow() {
  if (delivered_ - std::min(reported_, delivered_) > kLookahead) {
    throw Refused{source_.positionAt(reported_),
                  "more than 1 MiB without a complete value: use block style, or shorten it"};
  }
  const std::string_view piece = text_.substr(delivered_, kPiece);
  if (piece.empty()) return traits_type::eof();
  delivered_ += piece.size();
  // The get area is not const, but nothing writes to it.
  char* begin = const_cast<char*>(piece.data());
  setg(begin, begin, begin + piece.size());
  return traits_type::to_int_type(piece[0]);
}

}  // namespace bco::yaml
