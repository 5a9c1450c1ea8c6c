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
  const Nanos each(static_cast<Nanos::rep>(1e9 / rate_.perSecond));
  const Nanos room(static_cast<Nanos::rep>(1e9 / rate_.perSecond * std::max(rate_.burst, 1.0)));
  std::lock_guard lock(mutex_);
  Nanos& emptyAt = this->emptyAt(key, at);
  const Nanos next = std::max(emptyAt, at) + each;
  if (next - at > room) {
    return std::max(std::chrono::ceil<Duration>(next - at - room), Duration(1));
  }
  emptyAt = next;
  return Duration::zero();
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
