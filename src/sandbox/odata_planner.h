// Where to look for the rows that a filter may match.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "sandbox/odata_evaluator.h"

namespace bco::sandbox::odata {

// Ascending ids of every row the filter can match, and of others: each is still to be checked. An
// id may be in several lists.
class Candidates {
 public:
  Candidates() = default;
  Candidates(Candidates&&) = default;
  Candidates& operator=(Candidates&&) = default;

  // Does not own the list.
  void add(const Ids& ids);
  void add(std::int64_t id);
  void append(Candidates other);
  // Leaves ids above `low` and below `high` alone.
  void restrict(std::int64_t low, std::int64_t high);
  [[nodiscard]] std::size_t size() const;

  // Visits each id once, ascending or descending, until `visit` returns false.
  template <class Visit>
  void forEach(bool descending, Visit visit);

 private:
  struct Range {
    const std::int64_t* first;
    const std::int64_t* last;
  };
  // Takes the next id; nullopt at the end.
  std::optional<std::int64_t> next(bool descending);

  std::vector<Range> ranges_;
  std::deque<std::int64_t> single_;  // what ranges of one id point at; moves with its elements
  bool heaped_ = false;
};

template <class Visit>
void Candidates::forEach(bool descending, Visit visit) {
  std::optional<std::int64_t> last;
  while (const auto id = next(descending)) {
    if (id == last) continue;
    last = id;
    if (!visit(*id)) return;
  }
}

// Uses ids, unique texts, references, `in`, and relations to few rows; all rows when none of it
// helps. `filter` may be nullptr.
[[nodiscard]] Candidates plan(const View& view, const Resource& resource, const Expression* filter);

}  // namespace bco::sandbox::odata
