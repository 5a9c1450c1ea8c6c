// Any bytes at all are either a tree that keeps the promises of document.h or an error.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>

#include "yaml/document.h"

namespace {

using bco::yaml::Entry;
using bco::yaml::Kind;
using bco::yaml::Limits;
using bco::yaml::Node;

constexpr Limits kLimits{.bytes = 1U << 16, .documents = 50, .nodes = 5000, .depth = 16};

void expect(bool held) {
  if (!held) std::abort();
}

std::size_t checked(const Node& node, std::size_t depth) {
  expect(node.position.line >= 1 && node.position.column >= 1);
  expect(node.items.empty() || node.kind == Kind::kSequence);
  expect(node.entries.empty() || node.kind == Kind::kMapping);
  std::size_t count = 1;
  std::set<std::string_view> keys;
  for (const Node& item : node.items) count += checked(item, depth + 1);
  for (const Entry& entry : node.entries) {
    expect(keys.insert(entry.key).second);
    expect(node.find(entry.key) == &entry.value);
    count += 1 + checked(entry.value, depth + 1);
  }
  expect(depth <= kLimits.depth || (node.items.empty() && node.entries.empty()));
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto documents = bco::yaml::parse(text, "f", kLimits);
  if (!documents) {
    expect(documents.error().code == bco::ErrorCode::kInvalid);
    expect(documents.error().message.starts_with("f:"));
    return 0;
  }
  std::size_t count = 0;
  for (const Node& document : *documents) {
    expect(document.kind != Kind::kNull);
    count += checked(document, 1);
  }
  expect(count <= kLimits.nodes && documents->size() <= kLimits.documents);
  return 0;
}
