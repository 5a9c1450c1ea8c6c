// The rows, with an index on every reference and on every unique text.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sandbox/odata_schema.h"

namespace bco::sandbox::odata {

// Sorted, ascending.
using Ids = std::vector<std::int64_t>;

// A row as it is from now on; nullopt: gone.
struct Change {
  const Resource* resource = nullptr;
  std::int64_t id = 0;
  std::optional<Row> row;
};

// Copies share their texts. Not thread-safe.
class Store {
 public:
  explicit Store(const Schema& schema);

  // nullptr when there is none. Pointers to rows are good until that row is put again or erased.
  [[nodiscard]] const Row* find(const Resource& resource, std::int64_t id) const;
  [[nodiscard]] const Row* findByText(const Field& field, std::string_view text) const;
  [[nodiscard]] const Ids& all(const Resource& resource) const;
  // The rows whose reference `field` points at `target`.
  [[nodiscard]] const Ids& pointingAt(const Field& field, std::int64_t target) const;

  void put(const Resource& resource, Row row);
  void erase(const Resource& resource, std::int64_t id);

  // Told of every change from now on, after it.
  void observe(std::function<void(Change)> observer) { observer_ = std::move(observer); }

 private:
  struct Index {
    const Field* field = nullptr;
    std::unordered_map<std::int64_t, Ids> byId;
    std::unordered_map<std::string, std::int64_t> byText;
  };
  struct Table {
    std::unordered_map<std::int64_t, Row> rows;
    Ids ids;
    std::vector<Index> indexes;        // one per indexed field
    std::vector<std::size_t> indexOf;  // by column; npos for none
  };
  static void add(Index& index, const Row& row);
  static void remove(Index& index, const Row& row);

  std::vector<Table> tables_;  // by Resource::index
  std::function<void(Change)> observer_;
};

}  // namespace bco::sandbox::odata
