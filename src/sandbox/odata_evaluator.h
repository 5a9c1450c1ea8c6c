// Whether a row matches a filter.
#pragma once

#include <vector>

#include "sandbox/odata_ast.h"
#include "sandbox/odata_store.h"

namespace bco::sandbox::odata {

// Which rows the asking credential may see.
class Visibility {
 public:
  virtual ~Visibility() = default;
  [[nodiscard]] virtual bool sees(const Resource& resource, const Row& row) const = 0;
};

// What a query is asked of. `visibility` nullptr: sees all.
struct View {
  const Store& store;
  const Visibility* visibility = nullptr;

  [[nodiscard]] bool sees(const Resource& resource, const Row& row) const {
    return visibility == nullptr || visibility->sees(resource, row);
  }
  // The row a to-one relation leads to; nullptr when there is none to see.
  [[nodiscard]] const Row* follow(const Relation& relation, const Row& row) const;
};

[[nodiscard]] Value valueOf(const Store& store, const Field& field, const Row& row);

// The expression's value for this row; `expression` must be bound to the row's resource.
[[nodiscard]] Value evaluate(const View& view, const Expression& expression, const Row& row);
// SQL's logic: a filter that is null does not match.
[[nodiscard]] bool matches(const View& view, const Expression& filter, const Row& row);

}  // namespace bco::sandbox::odata
