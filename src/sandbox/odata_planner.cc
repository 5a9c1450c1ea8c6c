#include "sandbox/odata_planner.h"

#include <algorithm>
#include <limits>

namespace bco::sandbox::odata {
namespace {

// How many rows of a related resource are looked through to find those of this one.
constexpr std::size_t kMaxParents = 256;

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();

using Found = std::optional<Candidates>;

// `scope` is the lambda the plan is for: only paths that start there say anything about its rows.
Found planAt(const View& view, const Resource& resource, const Expression& filter,
             std::size_t scope);

// The rows whose `field` is `value`.
Found lookUp(const View& view, const Field& field, const Value& value) {
  Candidates found;
  if (field.compute || (!field.indexed && field.name != "id")) return std::nullopt;
  if (isNull(value)) return std::nullopt;
  if (field.name == "id") {
    found.add(idOf(value));
  } else if (field.type == FieldType::kReference) {
    found.add(view.store.pointingAt(field, idOf(value)));
  } else if (const auto* text = textOf(value)) {
    const Row* row = view.store.findByText(field, *text);
    if (row != nullptr) found.add(row->id());
  }
  return found;
}

// From the rows at the end of a relation to those at its beginning.
Found comeBack(const View& view, const Relation& relation, Candidates there) {
  if (relation.toMany || relation.via->compute || there.size() > kMaxParents) return std::nullopt;
  Candidates found;
  there.forEach(false, [&](std::int64_t id) {
    found.add(view.store.pointingAt(*relation.via, id));
    return true;
  });
  return found;
}

Found comeBackAll(const View& view, const Expression& path, Found found) {
  for (auto hop = path.hops.rbegin(); found && hop != path.hops.rend(); ++hop) {
    found = comeBack(view, **hop, std::move(*found));
  }
  return found;
}

Found planEquals(const View& view, const Expression& path, const Value& value, std::size_t scope) {
  if (path.op != Operator::kPath || path.scope != scope) return std::nullopt;
  return comeBackAll(view, path, lookUp(view, *path.field, value));
}

Found planIn(const View& view, const Expression& filter, std::size_t scope) {
  Candidates all;
  for (std::size_t i = 1; i < filter.arguments.size(); ++i) {
    if (filter.arguments[i].op != Operator::kLiteral) return std::nullopt;
    auto found = planEquals(view, filter.arguments[0], filter.arguments[i].literal, scope);
    if (!found) return std::nullopt;
    all.append(std::move(*found));
  }
  return all;
}

Found planAny(const View& view, const Expression& filter, std::size_t scope) {
  if (filter.scope != scope || filter.hops.back()->toMany) return std::nullopt;
  const Resource& target = *filter.hops.back()->target;
  const Expression& inner = filter.arguments[0];
  auto there = planAt(view, target, inner, scope + 1);
  if (!there && view.store.all(target).size() <= kMaxParents) {
    there.emplace();
    there->add(view.store.all(target));
  }
  if (!there || there->size() > kMaxParents) return std::nullopt;
  return comeBackAll(view, filter, std::move(there));
}

// What a comparison of the id says about its bounds.
void narrow(const Expression& filter, std::size_t scope, std::int64_t& low, std::int64_t& high) {
  if (filter.op == Operator::kAnd) {
    narrow(filter.arguments[0], scope, low, high);
    narrow(filter.arguments[1], scope, low, high);
    return;
  }
  const bool above = filter.op == Operator::kGreater || filter.op == Operator::kGreaterOrEqual;
  const bool below = filter.op == Operator::kLess || filter.op == Operator::kLessOrEqual;
  if (!above && !below) return;
  const Expression& path = filter.arguments[0];
  if (path.op != Operator::kPath || path.scope != scope || !path.hops.empty() ||
      path.field->name != "id" || filter.arguments[1].op != Operator::kLiteral) {
    return;
  }
  const std::int64_t bound = idOf(filter.arguments[1].literal);
  if (filter.op == Operator::kGreater) low = std::max(low, bound);
  if (filter.op == Operator::kGreaterOrEqual) low = std::max(low, std::max(bound, kLowest + 1) - 1);
  if (filter.op == Operator::kLess) high = std::min(high, bound);
  if (filter.op == Operator::kLessOrEqual) high = std::min(high, std::min(bound, kHighest - 1) + 1);
}

Found planAt(const View& view, const Resource& resource, const Expression& filter,
             std::size_t scope) {
  switch (filter.op) {
    case Operator::kAnd: {
      auto left = planAt(view, resource, filter.arguments[0], scope);
      auto right = planAt(view, resource, filter.arguments[1], scope);
      if (!left || !right) return left ? std::move(left) : std::move(right);
      return left->size() <= right->size() ? std::move(left) : std::move(right);
    }
    case Operator::kOr: {
      auto left = planAt(view, resource, filter.arguments[0], scope);
      if (!left) return std::nullopt;
      auto right = planAt(view, resource, filter.arguments[1], scope);
      if (!right) return std::nullopt;
      left->append(std::move(*right));
      return left;
    }
    case Operator::kEqual:
      if (filter.arguments[1].op != Operator::kLiteral) return std::nullopt;
      return planEquals(view, filter.arguments[0], filter.arguments[1].literal, scope);
    case Operator::kIn:
      return planIn(view, filter, scope);
    case Operator::kAny:
      return planAny(view, filter, scope);
    default:
      return std::nullopt;
  }
}

}  // namespace

void Candidates::add(const Ids& ids) {
  if (!ids.empty()) ranges_.push_back({ids.data(), ids.data() + ids.size()});
}

void Candidates::add(std::int64_t id) {
  single_.push_back(id);
  ranges_.push_back({&single_.back(), &single_.back() + 1});
}

void Candidates::append(Candidates other) {
  for (const auto& range : other.ranges_) {
    const bool own = range.last - range.first == 1;
    if (own) {
      add(*range.first);
    } else {
      ranges_.push_back(range);
    }
  }
}

void Candidates::restrict(std::int64_t low, std::int64_t high) {
  for (auto& range : ranges_) {
    range.first = std::upper_bound(range.first, range.last, low);
    range.last = std::lower_bound(range.first, range.last, high);
  }
}

std::size_t Candidates::size() const {
  std::size_t size = 0;
  for (const auto& range : ranges_) size += static_cast<std::size_t>(range.last - range.first);
  return size;
}

std::optional<std::int64_t> Candidates::next(bool descending) {
  // A heap of ranges by their next id. One range, the usual case, needs none.
  const auto head = [descending](const Range& range) {
    return descending ? *(range.last - 1) : *range.first;
  };
  const auto later = [&](const Range& a, const Range& b) {
    return descending ? head(a) < head(b) : head(a) > head(b);
  };
  if (!heaped_) {
    std::erase_if(ranges_, [](const Range& range) { return range.first == range.last; });
    std::make_heap(ranges_.begin(), ranges_.end(), later);
    heaped_ = true;
  }
  if (ranges_.empty()) return std::nullopt;
  if (ranges_.size() > 1) std::pop_heap(ranges_.begin(), ranges_.end(), later);
  Range& range = ranges_.back();
  const std::int64_t id = head(range);
  if (descending) {
    --range.last;
  } else {
    ++range.first;
  }
  if (range.first == range.last) {
    ranges_.pop_back();
  } else if (ranges_.size() > 1) {
    std::push_heap(ranges_.begin(), ranges_.end(), later);
  }
  return id;
}

Candidates plan(const View& view, const Resource& resource, const Expression* filter) {
  Found found = filter == nullptr ? std::nullopt : planAt(view, resource, *filter, 0);
  if (!found) {
    found.emplace();
    found->add(view.store.all(resource));
  }
  if (filter != nullptr) {
    std::int64_t low = kLowest;
    std::int64_t high = kHighest;
    narrow(*filter, 0, low, high);
    found->restrict(low, high);
  }
  return std::move(*found);
}

}  // namespace bco::sandbox::odata
