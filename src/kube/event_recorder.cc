#include "kube/event_recorder.h"

#include <algorithm>
#include <utility>

#include "core/backoff.h"
#include "kube/json.h"

namespace bco::kube {
namespace {

constexpr int kTries = 3;
// Long enough that a server's absence of half a minute costs few: the others wait in the queue.
constexpr Duration kLongestPause = std::chrono::seconds(10);
constexpr BackoffPolicy kPauses{kLongestPause, kLongestPause};

bool isWorthRepeating(const Error& error) {
  return traitsOf(error.code).transient || error.outcomeUnknown;
}

}  // namespace

EventRecorder::EventRecorder(EventSource source, Client& client, Clock& clock, Random& random,
                             telemetry::Logger& logger)
    : source_(std::move(source)),
      client_(client),
      clock_(clock),
      random_(random),
      logger_(logger),
      correlator_(random) {}

void EventRecorder::event(ObjectReference object, EventType type, std::string reason,
                          std::string_view message) {
  Event event{std::move(object), type, std::move(reason), cleanMessage(message, kMaxMessage),
              clock_.now()};
  {
    std::lock_guard lock(mutex_);
    if (queue_.size() == kCapacity) {
      queue_.pop_front();
      ++dropped_;
    }
    queue_.push_back(std::move(event));
  }
  clock_.wakeOne(changed_);
}

void EventRecorder::run(const std::stop_token& stop) {
  std::optional<SteadyPoint> end;
  while (!end || clock_.steadyNow() < *end) {
    const auto event = next(stop);
    if (!event) break;
    if (!end && stop.stop_requested()) end = clock_.steadyNow() + kLastWords;
    tell(*event, stop);
  }
  std::lock_guard lock(mutex_);
  dropped_ += queue_.size();
  queue_.clear();
}

void EventRecorder::tell(const Event& event, const std::stop_token& stop) {
  if (const auto entry = correlator_.correlate(event, clock_.steadyNow())) {
    send(event, *entry, stop);
  } else {
    ++filtered_;
  }
}

std::optional<Event> EventRecorder::next(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  waitUntil(clock_, lock, changed_, kForever, stop, [this] { return !queue_.empty(); });
  if (queue_.empty()) return std::nullopt;
  Event event = std::move(queue_.front());
  queue_.pop_front();
  return event;
}

void EventRecorder::send(const Event& event, const EventEntry& entry, const std::stop_token& stop) {
  for (int tried = 1;; ++tried) {
    const Status status = trySend(event, entry);
    if (status) {
      ++sent_;
      failing_ = false;
      return;
    }
    const Error& error = status.error();
    // A namespace that is gone takes its events along.
    if (error.code == ErrorCode::kNotFound) return;
    const Duration pause =
        std::min(error.retryAfter.value_or(backoff(kPauses, tried, random_)), kLongestPause);
    if (!isWorthRepeating(error) || tried == kTries || !sleepFor(clock_, pause, stop)) {
      giveUp(event, error);
      return;
    }
  }
}

Status EventRecorder::trySend(const Event& event, const EventEntry& entry) {
  const std::string space = spaceOf(event.object);
  if (entry.count > 1) {
    const auto patched =
        client_.mergePatch(kEvents, {space, entry.name}, "", repeatedEvent(event, entry));
    if (patched) return {};
    if (patched.error().code != ErrorCode::kNotFound) return fail(patched.error());
    // It was never made, or has been cleared away: events last an hour.
  }
  Status created = create(event, entry);
  const bool isEnding = !created && created.error().reason == kNamespaceTerminating;
  if (!isEnding || event.object.space.empty()) return created;
  const ToldEvent told = toldOfNamespace(event, entry);
  Status createdThere = create(told.event, told.entry);
  // Who serves one namespace may tell of nothing elsewhere.
  const bool isRefused = !createdThere && createdThere.error().code == ErrorCode::kForbidden;
  return isRefused ? created : createdThere;
}

Status EventRecorder::create(const Event& event, const EventEntry& entry) {
  const auto created =
      client_.create(kEvents, spaceOf(event.object), newEvent(event, entry, source_));
  // A name is given once: what is there already is ours, by a try whose answer was lost.
  if (created || created.error().code == ErrorCode::kAlreadyExists) return {};
  return fail(created.error());
}

void EventRecorder::giveUp(const Event& event, const Error& error) {
  ++failed_;
  // Once for each time of trouble: with 10,000 objects there would be no end to it.
  logger_.log(
      std::exchange(failing_, true) ? telemetry::LogLevel::kDebug : telemetry::LogLevel::kWarn,
      "an event can't be told",
      std::initializer_list<telemetry::Field>{
          {"reason", event.reason}, {"object", event.object.name}, {"error", error.message}});
}

EventCounters EventRecorder::counters() const {
  return {sent_.load(), filtered_.load(), dropped_.load(), failed_.load()};
}

}  // namespace bco::kube
