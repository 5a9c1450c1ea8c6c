#include "sandbox/odata_query.h"

#include <algorithm>
#include <limits>

namespace bco::sandbox::odata {
namespace {

std::uint64_t nextRandom(Shuffle& state) {
  // splitmix64
  std::uint64_t z = (state += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

void shuffleRows(std::vector<const Row*>& rows, Shuffle& shuffle) {
  for (std::size_t i = rows.size(); i > 1; --i) {
    std::swap(rows[i - 1], rows[nextRandom(shuffle) % i]);
  }
}

bool matchesAll(const View& view, const Resource& resource, const Options& options,
                const Row& row) {
  return view.sees(resource, row) && (!options.filter || matches(view, *options.filter, row));
}

// Postgres puts null last, and first when descending.
bool before(const Value& a, const Value& b, bool descending, bool& decided) {
  decided = true;
  if (isNull(a) != isNull(b)) return isNull(b) != descending;
  const auto order = compare(a, b);
  if (order < 0) return !descending;
  if (order > 0) return descending;
  decided = false;
  return false;
}

void sortRows(const View& view, std::vector<const Row*>& rows, const Options& options) {
  struct Keyed {
    std::vector<Value> keys;
    const Row* row;
  };
  std::vector<Keyed> keyed;
  keyed.reserve(rows.size());
  for (const auto* row : rows) {
    Keyed& entry = keyed.emplace_back(Keyed{{}, row});
    for (const auto& key : options.orderBy) entry.keys.push_back(evaluate(view, key.path, *row));
  }
  std::stable_sort(keyed.begin(), keyed.end(), [&](const Keyed& a, const Keyed& b) {
    for (std::size_t i = 0; i < options.orderBy.size(); ++i) {
      bool decided = false;
      const bool first = before(a.keys[i], b.keys[i], options.orderBy[i].descending, decided);
      if (decided) return first;
    }
    return false;
  });
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = keyed[i].row;
}

bool isById(const Options& options) {
  if (options.orderBy.empty()) return false;
  const Expression& path = options.orderBy[0].path;
  return path.op == Operator::kPath && path.hops.empty() && path.field->name == "id";
}

void cut(std::vector<const Row*>& rows, const Options& options) {
  const auto skip = std::min(rows.size(), static_cast<std::size_t>(options.skip.value_or(0)));
  rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(skip));
  if (options.top && rows.size() > static_cast<std::size_t>(*options.top)) {
    rows.resize(static_cast<std::size_t>(*options.top));
  }
}

std::vector<const Row*> orderAndCut(const View& view, std::vector<const Row*> rows,
                                    const Options& options, Shuffle& shuffle) {
  if (!isById(options)) {
    shuffleRows(rows, shuffle);
    if (!options.orderBy.empty()) sortRows(view, rows, options);
  }
  cut(rows, options);
  return rows;
}

void appendName(std::string& out, const std::string& name, bool& first) {
  out += first ? "\"" : ",\"";
  first = false;
  out += name;
  out += "\":";
}

void appendExpansion(std::string& out, const View& view, const Row& row, const Expansion& expansion,
                     Shuffle& shuffle, const Shape& shape) {
  const Relation& relation = *expansion.relation;
  std::vector<const Row*> rows;
  if (!relation.toMany) {
    const Row* there = view.follow(relation, row);
    if (there != nullptr && matchesAll(view, *relation.target, expansion.options, *there)) {
      rows.push_back(there);
    }
  } else {
    for (const auto id : view.store.pointingAt(*relation.via, row.id())) {
      const Row* there = view.store.find(*relation.target, id);
      if (matchesAll(view, *relation.target, expansion.options, *there)) rows.push_back(there);
    }
  }
  if (expansion.count) {
    out += std::to_string(rows.size());
    return;
  }
  if (rows.size() > 1) {
    const bool descending = isById(expansion.options) && expansion.options.orderBy[0].descending;
    if (descending) std::reverse(rows.begin(), rows.end());
  }
  rows = orderAndCut(view, std::move(rows), expansion.options, shuffle);
  appendRows(out, view, rows, expansion.options, shuffle, shape);
}

}  // namespace

std::vector<const Row*> select(const View& view, const Resource& resource, const Options& options,
                               Shuffle& shuffle) {
  auto candidates = plan(view, resource, options.filter ? &*options.filter : nullptr);
  // By id the first rows found are the first rows; in no order any rows will do.
  const bool byId = isById(options);
  std::size_t enough = std::numeric_limits<std::size_t>::max();
  if (options.top && (byId || options.orderBy.empty())) {
    enough =
        static_cast<std::size_t>(*options.top) + static_cast<std::size_t>(options.skip.value_or(0));
  }
  std::vector<const Row*> rows;
  const bool descending = byId ? options.orderBy[0].descending : nextRandom(shuffle) % 2 == 0;
  if (enough > 0) {
    candidates.forEach(descending, [&](std::int64_t id) {
      const Row* row = view.store.find(resource, id);
      if (row != nullptr && matchesAll(view, resource, options, *row)) rows.push_back(row);
      return rows.size() < enough;
    });
  }
  return orderAndCut(view, std::move(rows), options, shuffle);
}

std::size_t count(const View& view, const Resource& resource, const Options& options) {
  std::size_t total = 0;
  plan(view, resource, options.filter ? &*options.filter : nullptr)
      .forEach(false, [&](std::int64_t id) {
        const Row* row = view.store.find(resource, id);
        if (row != nullptr && matchesAll(view, resource, options, *row)) ++total;
        return true;
      });
  return total;
}

void appendRow(std::string& out, const View& view, const Row& row, const Options& options,
               Shuffle& shuffle, const Shape& shape) {
  out += '{';
  bool first = true;
  for (const auto* field : options.fields) {
    appendName(out, field->name, first);
    const bool reference = field->type == FieldType::kReference;
    // An actor was a plain number once.
    const bool bare = shape.v6 && field->name == "actor";
    const Value computed = field->compute ? field->compute(view.store, row) : Value{};
    const Value& value = field->compute ? computed : row.values[field->column];
    if (reference && !bare && !isNull(value)) {
      out += "{\"__id\":";
      appendJson(out, value);
      out += '}';
    } else {
      appendJson(out, value);
    }
  }
  for (const auto& expansion : options.expand) {
    appendName(out, expansion.name, first);
    appendExpansion(out, view, row, expansion, shuffle, shape);
  }
  out += '}';
}

void appendRows(std::string& out, const View& view, const std::vector<const Row*>& rows,
                const Options& options, Shuffle& shuffle, const Shape& shape) {
  out += '[';
  for (const auto* row : rows) {
    if (row != rows.front()) out += ',';
    appendRow(out, view, *row, options, shuffle, shape);
  }
  out += ']';
}

}  // namespace bco::sandbox::odata
