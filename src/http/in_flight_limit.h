// How many requests may be in flight at once, over all pools that draw on one account.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace bco::http {

// As small as the smallest of what limitTo() was given, while anybody holds it. Pools that find no
// place wait their turn here, each once. Thread-safe; never blocks.
class InFlightLimit {
 public:
  // Called when it is worth to try again, without a lock. False: nobody is there any more.
  using Wake = std::function<bool()>;

  // No more than `limit` have a place, for as long as others hold it.
  void limitTo(const std::shared_ptr<const std::size_t>& limit);
  [[nodiscard]] std::size_t limit() const;

  // Takes a place. If there is none, `who` is woken, through `wake`, when its turn has come.
  [[nodiscard]] bool enter(const void* who, const Wake& wake);
  // Gives a place back.
  void leave();
  // Who has been woken wants no more: the turn is the next one's.
  void passOn();

 private:
  [[nodiscard]] std::size_t smallest() const;

  mutable std::mutex mutex_;  // guards all below
  std::vector<std::weak_ptr<const std::size_t>> limits_;
  std::size_t inFlight_ = 0;
  std::deque<std::pair<const void*, Wake>> waiting_;
};

}  // namespace bco::http
