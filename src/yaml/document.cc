#include "yaml/document.h"

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <istream>

#include "core/text.h"
#include "yaml/builder.h"
#include "yaml/source.h"

namespace bco::yaml {
namespace {

tl::unexpected<Error> failAt(std::string_view file, Position position, std::string_view what) {
  return fail(ErrorCode::kInvalid, std::string(file) + ":" + std::to_string(position.line) + ":" +
                                       std::to_string(position.column) + ": " + std::string(what));
}

// The parser's words, without the piece of the text that some of them end in.
std::string_view wordsOf(const YAML::Exception& error) {
  const std::string_view words = error.msg;
  return words.substr(0, words.find(':'));
}

// Of a line that tabs indent, or stand behind the signs of its list: YAML lets spaces alone do
// that, and the parser complains of whatever comes of it. In JSON they may stand there.
std::string_view cureOf(const Source& source, int line) {
  if (source.inserted > 0) return {};
  const auto lines = split(source.text.reveal(), '\n');
  if (line < 0 || static_cast<std::size_t>(line) >= lines.size()) return {};
  const std::string_view text = lines[static_cast<std::size_t>(line)];
  const std::string_view indentation = text.substr(0, text.find_first_not_of(" \t-?"));
  return indentation.find('\t') == std::string_view::npos ? ""
                                                          : "; a tab indents this line: use spaces";
}

}  // namespace

std::string_view nameOf(Kind kind) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "null", "a boolean", "an integer", "a number", "a string", "a sequence", "a mapping"};
  return kNames.at(static_cast<std::size_t>(kind));
}

const Node* Node::find(std::string_view key) const {
  const auto entry =
      std::ranges::find(entries, key, [](const Entry& e) { return std::string_view(e.key); });
  return entry == entries.end() ? nullptr : &entry->value;
}

Result<std::vector<Node>> parse(std::string_view text, std::string_view file,
                                const Limits& limits) {
  if (text.size() > limits.bytes) {
    return failAt(file, {1, 1}, "larger than " + std::to_string(limits.bytes) + " bytes");
  }
  Source source;
  try {
    source = readSource(text);
    BoundedInput input(source);
    std::istream stream(&input);
    Builder builder(source, input, limits);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.takeDocuments();
  } catch (const Refused& refused) {
    return failAt(file, refused.position, refused.text);
  } catch (const YAML::Exception& error) {
    return failAt(file, source.positionOf(error.mark.line, error.mark.column),
                  std::string(wordsOf(error)).append(cureOf(source, error.mark.line)));
  } catch (const std::exception&) {
    return failAt(file, {1, 1}, "not readable as YAML");
  }
}

}  // namespace bco::yaml
