// How often somebody may ask.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/time.h"

namespace bco::endpoint {

struct Rate {
  double perSecond = 0;  // 0: no limit
  double burst = 1;      // so many at once after a silence
};

// One limit for each of many keys, by the generic cell rate algorithm: a time a key. Bounded: keys
// that would be let pass anyway are forgotten, and when there are too many others, those that are
// new share one. Thread-safe.
class RateLimiter {
 public:
  explicit RateLimiter(const Rate& rate, std::size_t mostKeys = 16384)
      : rate_(rate), mostKeys_(mostKeys) {}

  // Zero: it may ask now, which counts. Else how long it is to wait; that does not count.
  [[nodiscard]] Duration take(const std::string& key, SteadyPoint now);
  // What take() would answer, without its counting.
  [[nodiscard]] Duration look(const std::string& key, SteadyPoint now) const;
  // It has asked, whether it might or not: what was too much is waited for later.
  void count(const std::string& key, SteadyPoint now);
  // Keys that are remembered.
  [[nodiscard]] std::size_t size() const;

 private:
  using Nanos = std::chrono::nanoseconds;
  // From when a bucket that leaks out at `emptyAt` has room again; of a limit that there is.
  [[nodiscard]] Duration waitFor(Nanos emptyAt, Nanos now) const;
  [[nodiscard]] Nanos each() const { return Nanos(static_cast<Nanos::rep>(1e9 / rate_.perSecond)); }
  [[nodiscard]] Nanos& emptyAt(const std::string& key, Nanos now);

  const Rate rate_;
  const std::size_t mostKeys_;
  mutable std::mutex mutex_;  // guards all below
  // When the key's bucket will have leaked out.
  std::unordered_map<std::string, Nanos> keys_;
  Nanos others_{0};
  Nanos lookedThrough_{0};
};

// What counts as one address: all of IPv4, and of IPv6 the /64 that a site gets.
[[nodiscard]] std::string addressKey(const std::string& peer);

}  // namespace bco::endpoint
