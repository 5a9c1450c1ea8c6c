// A query as parsed, and with its names resolved.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/odata_schema.h"

namespace bco::sandbox::odata {

enum class Operator {
  kLiteral,  // literal
  kPath,     // names; bound: hops and field, from the row of `scope`
  kCount,    // names/$count: how many rows the relation reaches
  kAnd,
  kOr,
  kNot,
  kEqual,  // comparisons: two arguments
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kIn,    // the first argument among the others
  kCall,  // function
  kAny,   // names/any(variable: argument)
  kAll,
};

enum class Function { kStartsWith, kEndsWith, kContains, kToLower, kToUpper, kLength };

struct Expression {
  Operator op = Operator::kLiteral;
  Value literal;
  Function function = Function::kStartsWith;
  std::vector<std::string> names;
  std::string variable;
  std::vector<Expression> arguments;

  // Set by bind(). A scope is the number of a lambda around this, 0 being the resource itself.
  std::size_t scope = 0;
  std::vector<const Relation*> hops;  // all to-one, but the last of kCount, kAny and kAll
  const Field* field = nullptr;
};

struct OrderKey {
  Expression path;
  bool descending = false;
};

struct Expansion;

struct Options {
  std::vector<std::string> select;  // empty: all
  std::optional<Expression> filter;
  std::vector<OrderKey> orderBy;
  std::optional<std::int64_t> top;
  std::optional<std::int64_t> skip;
  std::vector<Expansion> expand;

  // Set by bind(): the fields to show that are not expanded.
  std::vector<const Field*> fields;
};

struct Expansion {
  std::string name;
  bool count = false;  // name/$count
  Options options;

  const Relation* relation = nullptr;  // set by bind()
};

// resource, resource(key), resource(key)/navigation, each with or without /$count.
struct Target {
  std::string resource;
  // One nameless value for an id, or a natural key.
  std::vector<std::pair<std::string, Value>> key;
  std::string navigation;
  bool count = false;
};

}  // namespace bco::sandbox::odata
