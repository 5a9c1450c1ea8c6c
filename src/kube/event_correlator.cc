#include "kube/event_correlator.h"

#include <algorithm>
#include <functional>
#include <span>
#include <string_view>

#include "core/text.h"

namespace bco::kube {
namespace {

// Object names are at most this long.
constexpr std::size_t kMaxName = 253;

std::uint64_t hashOf(std::uint64_t seed, std::initializer_list<std::string_view> texts) {
  std::string all = std::to_string(seed);
  for (const std::string_view text : texts) (all += '\0') += text;
  return std::hash<std::string>()(all);
}

// "<object>.<16 hex digits>", as client-go's.
std::string nameOf(const ObjectReference& object, std::uint64_t suffix) {
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(suffix >> (8 * (bytes.size() - 1 - i)));
  }
  std::string name = object.name.substr(0, kMaxName - 17);
  // A part of a name may not end with these.
  while (name.ends_with('.') || name.ends_with('-')) name.pop_back();
  return name + '.' + toHex(bytes);
}

bool isOver(SteadyPoint last, SteadyPoint now) {
  return last == SteadyPoint::min() || now - last > kEventWindow;
}

}  // namespace

std::optional<EventEntry> EventCorrelator::correlate(const Event& event, SteadyPoint now) {
  const ObjectReference& about = event.object;
  const Hash object = hashOf(0, {about.kind, about.space, about.name, about.uid});
  const Hash kind = hashOf(object, {nameOf(event.type), event.reason});
  const Hash message = hashOf(kind, {event.message});
  const bool combined = isOneTooMany(kind, message, now);
  EventEntry entry = tell(event, combined ? kind : message, now);
  entry.message =
      combined ? cleanMessage("(combined from similar events): " + event.message, kMaxMessage)
               : event.message;
  if (!mayTell(object, now)) return std::nullopt;
  return entry;
}

bool EventCorrelator::isOneTooMany(Hash kind, Hash message, SteadyPoint now) {
  Similar& similar = similar_[kind];
  if (isOver(similar.last, now)) similar.count = 0;
  similar.last = now;
  const auto known = std::span(similar.messages).first(similar.count);
  if (std::ranges::find(known, message) != known.end()) return false;
  if (similar.count == similar.messages.size()) return true;
  similar.messages[similar.count++] = message;
  return false;
}

EventEntry EventCorrelator::tell(const Event& event, Hash key, SteadyPoint now) {
  Told& told = told_[key];
  if (isOver(told.last, now)) told = {nextSuffix(event.at), 0, event.at, now};
  told.last = now;
  ++told.count;
  return {nameOf(event.object, told.suffix), "", told.count, told.first};
}

std::uint64_t EventCorrelator::nextSuffix(TimePoint at) {
  const auto milliseconds = static_cast<std::uint64_t>(at.time_since_epoch().count());
  lastSuffix_ = std::max(lastSuffix_ + 1, (milliseconds << 20) + random_.below(1U << 20));
  return lastSuffix_;
}

bool EventCorrelator::mayTell(Hash object, SteadyPoint now) {
  Bucket& bucket = buckets_[object];
  if (bucket.filled != SteadyPoint::min()) {
    const std::chrono::duration<double> passed = now - bucket.filled;
    bucket.tokens = std::min(kEventBurst, bucket.tokens + passed / kEventRefill);
  }
  bucket.filled = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

}  // namespace bco::kube
