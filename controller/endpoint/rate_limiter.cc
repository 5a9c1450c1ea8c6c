#include "endpoint/rate_limiter.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <span>

#include "core/text.h"

namespace bco::endpoint {
namespace {

// Between two searches for keys to forget, when there are too many.
constexpr std::chrono::milliseconds kLookThroughInterval{100};

}  // namespace

Duration RateLimiter::take(const std::string& key, SteadyPoint now) {
  if (rate_.perSecond <= 0) return Duration::zero();
  const Nanos at = now.time_since_epoch();
  std::lock_guard lock(mutex_);
  Nanos& emptyAt = this->emptyAt(key, at);
  const Duration wait = waitFor(emptyAt, at);
  if (wait == Duration::zero()) emptyAt = std::max(emptyAt, at) + each();
  return wait;
}

void RateLimiter::count(const std::string& key, SteadyPoint now) {
  if (rate_.perSecond <= 0) return;
  const Nanos at = now.time_since_epoch();
  std::lock_guard lock(mutex_);
  Nanos& emptyAt = this->emptyAt(key, at);
  emptyAt = std::max(emptyAt, at) + each();
}

Duration RateLimiter::look(const std::string& key, SteadyPoint now) const {
  if (rate_.perSecond <= 0) return Duration::zero();
  std::lock_guard lock(mutex_);
  const auto found = keys_.find(key);
  return found == keys_.end() ? Duration::zero() : waitFor(found->second, now.time_since_epoch());
}

Duration RateLimiter::waitFor(Nanos emptyAt, Nanos now) const {
  const Nanos room(static_cast<Nanos::rep>(1e9 / rate_.perSecond * std::max(rate_.burst, 1.0)));
  const Nanos over = std::max(emptyAt, now) + each() - now - room;
  if (over <= Nanos::zero()) return Duration::zero();
  return std::max(std::chrono::ceil<Duration>(over), Duration(1));
}

RateLimiter::Nanos& RateLimiter::emptyAt(const std::string& key, Nanos now) {
  if (const auto found = keys_.find(key); found != keys_.end()) return found->second;
  if (keys_.size() >= mostKeys_ && now - lookedThrough_ >= kLookThroughInterval) {
    lookedThrough_ = now;
    std::erase_if(keys_, [&](const auto& entry) { return entry.second <= now; });
  }
  if (keys_.size() >= mostKeys_) return others_;
  return keys_.emplace(key, Nanos(0)).first->second;
}

std::size_t RateLimiter::size() const {
  std::lock_guard lock(mutex_);
  return keys_.size();
}

std::string addressKey(const std::string& peer) {
  std::array<std::uint8_t, 16> bytes{};
  const std::string address = peer.substr(0, peer.find('%'));  // without the link's name
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) return peer;
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const std::span<const std::uint8_t> all(bytes);
  if (std::ranges::equal(all.first(12), kMapped)) return toHex(all);
  return toHex(all.first(8));
}

}  // namespace bco::endpoint
