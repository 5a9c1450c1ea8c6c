// A map that forgets what was longest not asked for.
#pragma once

#include <cstddef>
#include <list>
#include <unordered_map>
#include <utility>

namespace bco::kube {

// Not thread-safe.
template <class Key, class Value>
class LruMap {
 public:
  explicit LruMap(std::size_t capacity) : capacity_(capacity) {}

  // The value of `key`, made if need be; good until the next call.
  Value& operator[](const Key& key) {
    if (const auto found = places_.find(key); found != places_.end()) {
      values_.splice(values_.begin(), values_, found->second);
    } else {
      if (values_.size() == capacity_) {
        places_.erase(values_.back().first);
        values_.pop_back();
      }
      values_.emplace_front(key, Value{});
      places_.emplace(key, values_.begin());
    }
    return values_.front().second;
  }

  [[nodiscard]] std::size_t size() const { return values_.size(); }

 private:
  using Values = std::list<std::pair<Key, Value>>;  // the last used first

  const std::size_t capacity_;
  Values values_;
  std::unordered_map<Key, typename Values::iterator> places_;
};

}  // namespace bco::kube
