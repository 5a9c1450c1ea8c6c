// Answers a bound query with rows, and shows rows as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/odata_planner.h"

namespace bco::sandbox::odata {

// The state of the shuffling of what nobody put in order: the real database promises none.
using Shuffle = std::uint64_t;

// The rows that match, ordered, skipped and topped. Without an order they come in any. A page by id
// costs what its rows cost, however large the table.
[[nodiscard]] std::vector<const Row*> select(const View& view, const Resource& resource,
                                             const Options& options, Shuffle& shuffle);
[[nodiscard]] std::size_t count(const View& view, const Resource& resource, const Options& options);

// The row's selected fields and expansions, in the shape of v7, or of v6.
struct Shape {
  bool v6 = false;
};
void appendRow(std::string& out, const View& view, const Row& row, const Options& options,
               Shuffle& shuffle, const Shape& shape);
void appendRows(std::string& out, const View& view, const std::vector<const Row*>& rows,
                const Options& options, Shuffle& shuffle, const Shape& shape);

}  // namespace bco::sandbox::odata
