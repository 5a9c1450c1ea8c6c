#include "yaml/builder.h"

#include <algorithm>

#include "yaml/scalar.h"

namespace bco::yaml {
namespace {

// The parser's own tags for what carries none.
constexpr std::string_view kPlain = "?";
constexpr std::string_view kQuoted = "!";

// Fit for an error message: keys may be long, or hold line breaks if they are quoted.
std::string shown(std::string_view key) {
  constexpr std::size_t kLongest = 64;
  std::string text(key.substr(0, kLongest));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return "\"" + text + (key.size() > kLongest ? "…\"" : "\"");
}

// Whether the quoted scalar at the front of `text` ends.
bool isClosed(std::string_view text) {
  const char quote = text[0];
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return true;
      ++i;  // '' is one quote
    }
  }
  return false;
}

}  // namespace

void Builder::refuse(const YAML::Mark& mark, std::string text) const {
  throw Refused{positionOf(mark), std::move(text)};
}

void Builder::refuseKey(const YAML::Mark& mark, Kind kind) const {
  // At the end of the text the parser takes for a key whatever an open bracket holds.
  if (text_.find(':', static_cast<std::size_t>(mark.pos)) == std::string_view::npos) {
    refuse(mark, "a [ or { that is not closed, or a key that is " + std::string(nameOf(kind)));
  }
  refuse(mark, "a key must be a string, not " + std::string(nameOf(kind)) + ": quote it");
}

void Builder::OnDocumentStart(const YAML::Mark& mark) {
  const auto at = static_cast<std::size_t>(mark.pos);
  input_.reported(at);
  if (++documentCount_ > limits_.documents) {
    refuse(mark, "too many documents: at most " + std::to_string(limits_.documents) +
                     " in one file; spread them over several");
  }
  // What is left over after a document comes as one more, and may do so for ever.
  if (documentCount_ > 1 && text_.substr(at, 3) != "---") {
    refuse(mark, "unexpected text after the end of a document (documents are separated by ---)");
  }
}

bool Builder::begin(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
  input_.reported(static_cast<std::size_t>(mark.pos));
  if (++nodeCount_ > limits_.nodes) refuse(mark, "too many values");
  if (anchor != YAML::NullAnchor) refuse(mark, "anchors are not supported");
  if (tag != kPlain && tag != kQuoted) refuse(mark, "tags are not supported");
  return !open_.empty() && open_.back().node.kind == Kind::kMapping && !open_.back().entry;
}

void Builder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (begin(mark, std::string(kPlain), anchor)) refuseKey(mark, Kind::kNull);
  Node node;
  node.position = positionOf(mark);
  put(std::move(node));
}

void Builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t) {
  refuse(mark, "aliases are not supported");
}

void Builder::checkQuotes(const YAML::Mark& mark) const {
  const std::string_view rest = text_.substr(static_cast<std::size_t>(mark.pos));
  const char first = rest.empty() ? '\0' : rest[0];
  if (first == '|' || first == '>') return;
  if (first != '"' && first != '\'') refuse(mark, "tags are not supported");
  // The parser takes the end of the text for a closing quote: a truncated file would pass.
  if (!isClosed(rest)) refuse(mark, "a quoted text that does not end");
}

void Builder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       const std::string& value) {
  const bool isKey = begin(mark, tag, anchor);
  Node node;
  node.kind = Kind::kString;
  node.position = positionOf(mark);
  if (tag == kQuoted) {
    checkQuotes(mark);
  } else {
    const Resolved resolved = resolvePlain(value);
    if (const auto* why = std::get_if<std::string_view>(&resolved)) {
      refuse(mark, std::string(*why));
    }
    node.kind = std::get<Kind>(resolved);
  }
  if (!isKey) {
    node.scalar = SecretBytes(value);
    put(std::move(node));
    return;
  }
  if (node.kind != Kind::kString) refuseKey(mark, node.kind);
  if (tag == kPlain && value == "<<") refuse(mark, "merge keys are not supported");
  open_.back().entry = Entry{value, node.position, {}};
}

void Builder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                              YAML::EmitterStyle::value) {
  if (begin(mark, tag, anchor)) refuseKey(mark, Kind::kSequence);
  open(mark, Kind::kSequence);
}

void Builder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) {
  if (begin(mark, tag, anchor)) refuseKey(mark, Kind::kMapping);
  open(mark, Kind::kMapping);
}

void Builder::open(const YAML::Mark& mark, Kind kind) {
  if (open_.size() >= limits_.depth) refuse(mark, "nested too deeply");
  Open opened;
  opened.node.kind = kind;
  opened.node.position = positionOf(mark);
  open_.push_back(std::move(opened));
}

void Builder::OnMapEnd() {
  std::vector<const Entry*> sorted;
  for (const Entry& entry : open_.back().node.entries) sorted.push_back(&entry);
  // Equal keys stay in the order written.
  std::ranges::stable_sort(sorted, {},
                           [](const Entry* entry) { return std::string_view(entry->key); });
  const Entry* again = nullptr;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i]->key != sorted[i - 1]->key) continue;
    if (again == nullptr || sorted[i] < again) again = sorted[i];
  }
  if (again != nullptr) {
    throw Refused{again->keyPosition, "the key " + shown(again->key) + " is given twice"};
  }
  close();
}

void Builder::close() {
  Node node = std::move(open_.back().node);
  open_.pop_back();
  put(std::move(node));
}

void Builder::put(Node node) {
  if (open_.empty()) {
    if (node.kind != Kind::kNull) documents_.push_back(std::move(node));
    return;
  }
  Open& parent = open_.back();
  if (parent.node.kind == Kind::kSequence) {
    parent.node.items.push_back(std::move(node));
    return;
  }
  parent.entry->value = std::move(node);
  parent.node.entries.push_back(std::move(*parent.entry));
  parent.entry.reset();
}

}  // namespace bco::yaml
