// The text before it is YAML.
#pragma once

#include <optional>
#include <streambuf>
#include <string>
#include <string_view>

#include "yaml/document.h"

namespace bco::yaml {

// Something wrong with the text, and where. Thrown through the parser, which knows no other way to
// be stopped, and caught in parse().
struct Refused {
  Position position;
  std::string text;
};

// The text as the parser gets it.
struct Source {
  SecretBytes text;
  // What stands before the first line that the user did not write.
  std::size_t inserted = 0;

  // Both 0-based, as the parser counts.
  [[nodiscard]] Position positionOf(int line, int column) const;
  [[nodiscard]] Position positionAt(std::size_t offset) const;
};

// Drops a leading byte order mark, makes "\r\n" "\n", and puts "--- " before a text that begins
// with a bracket: the parser then does not take all of a JSON document for a possible key. Throws
// Refused on bytes that YAML does not allow: invalid UTF-8, control characters, a lone "\r",
// further byte order marks.
[[nodiscard]] Source readSource(std::string_view text);

// Feeds the parser piece by piece, and stops it when it has read far beyond what it has reported:
// it queues a whole {…} or […] that may be a key, at a hundred times its size, before the first
// event.
class BoundedInput final : public std::streambuf {
 public:
  explicit BoundedInput(const Source& source) : source_(source), text_(source.text.reveal()) {}
  // The parser got as far as this.
  void reported(std::size_t offset) { reported_ = offset; }

  static constexpr std::size_t kLookahead = 1U << 20;

 protected:
  int_type underflow() override;

 private:
  static constexpr std::size_t kPiece = 2048;

  const Source& source_;
  std::string_view text_;
  std::size_t delivered_ = 0;
  std::size_t reported_ = 0;
};

}  // namespace bco::yaml
