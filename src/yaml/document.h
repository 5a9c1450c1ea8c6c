// YAML as a tree that remembers where everything stood: the strict subset Kubernetes users write.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/result.h"
#include "core/secret.h"

namespace bco::yaml {

// 1-based; columns count bytes.
struct Position {
  int line = 0;
  int column = 0;
};

enum class Kind { kNull, kBool, kInteger, kFloat, kString, kSequence, kMapping };
[[nodiscard]] std::string_view nameOf(Kind kind);

class Node;
struct Entry;

// One value. Plain scalars have the type YAML 1.1 as Kubernetes reads it gives them (true/false,
// decimal integers, floats, null/~; "yes", "on", "0x1f" and "017" are refused with a hint to quote
// them); quoted scalars are always strings.
class Node {
 public:
  Kind kind = Kind::kNull;
  Position position;
  // kString: the value; kBool, kInteger, kFloat: the text as written. Wiped, for a Secret's
  // document is read like any other.
  SecretBytes scalar;
  std::vector<Node> items;     // kSequence
  std::vector<Entry> entries;  // kMapping, in the order written; keys are unique

  // The value of a key of a mapping; nullptr when absent.
  [[nodiscard]] const Node* find(std::string_view key) const;
};

struct Entry {
  std::string key;
  Position keyPosition;
  Node value;
};

struct Limits {
  std::size_t bytes = 16U << 20;
  std::size_t documents = 20000;
  std::size_t nodes = 2000000;
  std::size_t depth = 32;
};

// All documents of a text, empty ones left out. kInvalid with "FILE:LINE:COLUMN: what is wrong" on
// anything broken, and also on: anchors and aliases, tags, merge keys, duplicate keys, keys that
// are no strings, and anything beyond the limits. Never throws. Error messages quote keys, never
// values.
[[nodiscard]] Result<std::vector<Node>> parse(std::string_view text, std::string_view file,
                                              const Limits& limits = {});

}  // namespace bco::yaml
