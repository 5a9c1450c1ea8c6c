#include "sandbox/odata_store.h"

#include <algorithm>

namespace bco::sandbox::odata {
namespace {

constexpr std::size_t kNoIndex = static_cast<std::size_t>(-1);
const Ids kNone;

// New rows have the highest id: mostly this appends.
void insertSorted(Ids& ids, std::int64_t id) {
  if (ids.empty() || ids.back() < id) {
    ids.push_back(id);
  } else {
    ids.insert(std::lower_bound(ids.begin(), ids.end(), id), id);
  }
}

void eraseSorted(Ids& ids, std::int64_t id) {
  const auto at = std::lower_bound(ids.begin(), ids.end(), id);
  if (at != ids.end() && *at == id) ids.erase(at);
}

}  // namespace

Store::Store(const Schema& schema) {
  for (const auto& resource : schema.resources()) {
    Table& table = tables_.emplace_back();
    table.indexOf.assign(resource.columns, kNoIndex);
    for (const auto& field : resource.fields) {
      if (!field.indexed) continue;
      table.indexOf[field.column] = table.indexes.size();
      table.indexes.emplace_back().field = &field;
    }
  }
}

const Row* Store::find(const Resource& resource, std::int64_t id) const {
  const auto& rows = tables_[resource.index].rows;
  const auto found = rows.find(id);
  return found == rows.end() ? nullptr : &found->second;
}

const Row* Store::findByText(const Field& field, std::string_view text) const {
  const Table& table = tables_[field.owner->index];
  const auto& index = table.indexes[table.indexOf[field.column]].byText;
  const auto found = index.find(std::string(text));
  return found == index.end() ? nullptr : find(*field.owner, found->second);
}

const Ids& Store::all(const Resource& resource) const { return tables_[resource.index].ids; }

const Ids& Store::pointingAt(const Field& field, std::int64_t target) const {
  const Table& table = tables_[field.owner->index];
  const auto& index = table.indexes[table.indexOf[field.column]].byId;
  const auto found = index.find(target);
  return found == index.end() ? kNone : found->second;
}

void Store::add(Index& index, const Row& row) {
  const Value& value = row.values[index.field->column];
  if (const auto* text = textOf(value)) {
    index.byText[*text] = row.id();
  } else if (!isNull(value)) {
    insertSorted(index.byId[idOf(value)], row.id());
  }
}

void Store::remove(Index& index, const Row& row) {
  const Value& value = row.values[index.field->column];
  if (const auto* text = textOf(value)) {
    const auto found = index.byText.find(*text);
    if (found != index.byText.end() && found->second == row.id()) index.byText.erase(found);
  } else if (!isNull(value)) {
    const auto found = index.byId.find(idOf(value));
    if (found == index.byId.end()) return;
    eraseSorted(found->second, row.id());
    if (found->second.empty()) index.byId.erase(found);
  }
}

void Store::put(const Resource& resource, Row row) {
  Table& table = tables_[resource.index];
  const std::int64_t id = row.id();
  if (observer_) observer_({&resource, id, row});
  const auto [at, isNew] = table.rows.try_emplace(id);
  if (isNew) {
    insertSorted(table.ids, id);
    for (auto& index : table.indexes) add(index, row);
  } else {
    for (auto& index : table.indexes) {
      const std::size_t column = index.field->column;
      if (same(at->second.values[column], row.values[column])) continue;
      remove(index, at->second);
      add(index, row);
    }
  }
  at->second = std::move(row);
}

void Store::erase(const Resource& resource, std::int64_t id) {
  Table& table = tables_[resource.index];
  const auto found = table.rows.find(id);
  if (found == table.rows.end()) return;
  if (observer_) observer_({&resource, id, std::nullopt});
  for (auto& index : table.indexes) remove(index, found->second);
  eraseSorted(table.ids, id);
  table.rows.erase(found);
}

}  // namespace bco::sandbox::odata
