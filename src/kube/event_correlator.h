// Which events become objects in the API server: repeated ones are counted, similar ones combined,
// and what one object can bring up is limited. As client-go's EventCorrelator
// (tools/record/events_cache.go), with windows that end.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "core/random.h"
#include "kube/event.h"
#include "kube/event_lru.h"

namespace bco::kube {

inline constexpr Duration kEventWindow = std::chrono::minutes(10);
inline constexpr std::size_t kSimilarEvents = 10;
inline constexpr double kEventBurst = 25;
inline constexpr Duration kEventRefill = std::chrono::minutes(5);  // of one event
inline constexpr std::size_t kMaxMessage = 1024;                   // bytes

// An Event object, made for the first time if `count` is 1, or changed.
struct EventEntry {
  std::string name;
  std::string message;
  int count = 1;
  TimePoint first;
};

// Not thread-safe. Remembers the last 4096 of each kind of thing; who is forgotten starts anew.
class EventCorrelator {
 public:
  explicit EventCorrelator(Random& random) : random_(random) {}

  //   the same object, type, reason and message within kEventWindow of the last time: counted
  //   more than kSimilarEvents different messages of one object, type and reason, without a pause
  //     of kEventWindow: the further ones are one, "(combined from similar events): …"
  //   an object that used up its burst: nullopt, but counted, if it is told of later
  [[nodiscard]] std::optional<EventEntry> correlate(const Event& event, SteadyPoint now);

 private:
  // Events are known by 64 bits of hash: two of 4096 being confused is as good as impossible, and
  // would only make a wrong count.
  using Hash = std::uint64_t;
  static constexpr std::size_t kRemembered = 4096;

  struct Similar {
    std::array<Hash, kSimilarEvents> messages{};
    std::size_t count = 0;
    SteadyPoint last = SteadyPoint::min();
  };
  struct Told {
    std::uint64_t suffix = 0;  // of the Event object's name
    int count = 0;
    TimePoint first;
    SteadyPoint last = SteadyPoint::min();
  };
  struct Bucket {
    double tokens = kEventBurst;
    SteadyPoint filled = SteadyPoint::min();
  };

  [[nodiscard]] bool isOneTooMany(Hash kind, Hash message, SteadyPoint now);
  [[nodiscard]] EventEntry tell(const Event& event, Hash key, SteadyPoint now);
  // Later ones are greater, for lists come sorted by name and times have only seconds; the rest is
  // chance, for another replica may have told of the same object.
  [[nodiscard]] std::uint64_t nextSuffix(TimePoint at);
  [[nodiscard]] bool mayTell(Hash object, SteadyPoint now);

  Random& random_;
  std::uint64_t lastSuffix_ = 0;
  LruMap<Hash, Similar> similar_{kRemembered};  // by object, type and reason
  LruMap<Hash, Told> told_{kRemembered};        // by all of it
  LruMap<Hash, Bucket> buckets_{kRemembered};   // by object
};

}  // namespace bco::kube
