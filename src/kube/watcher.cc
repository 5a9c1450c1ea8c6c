#include "kube/watcher.h"

#include <algorithm>
#include <utility>

#include "kube/status.h"
#include "kube/watch_lines.h"

namespace bco::kube {
namespace {

// A server that ignores to be asked for a streaming list is found out after this at the latest.
constexpr Duration kStreamingListWatch = std::chrono::minutes(1);
constexpr Duration kAtOnce = std::chrono::seconds(1);
// Waits are between half of `initial` and `longest`.
constexpr BackoffPolicy kBackoff{.initial = Duration(1600), .longest = std::chrono::seconds(30)};
constexpr Duration kHealth = std::chrono::minutes(2);
constexpr Duration kLongestRetryAfter = std::chrono::minutes(1);
// Beyond the longest watch: the silence after it, a pause, and what the sink takes.
constexpr Duration kSlack = std::chrono::minutes(5);

}  // namespace

Watcher::Watcher(Client& client, WatcherOptions options, WatchSink& sink, Clock& clock,
                 Random& random)
    : client_(client),
      options_(std::move(options)),
      sink_(sink),
      clock_(clock),
      random_(random),
      turned_(clock.steadyNow().time_since_epoch().count()),
      heard_(clock.steadyNow()) {}

void Watcher::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    turned_ = clock_.steadyNow().time_since_epoch().count();
    pauseDue_ = false;
    auto error = state_.phase == WatchPhase::kPages ? readPage() : follow(stop);
    if (!pauseDue_ || stop.stop_requested()) continue;
    if (!error) error = {ErrorCode::kUnavailable, "the server ended the watch too early"};
    pauseAfter(*std::move(error), stop);
  }
}

std::optional<Error> Watcher::readPage() {
  if (state_.continueToken.empty()) beginList();
  auto body = client_.list(options_.resource, options_.space,
                           {.labelSelector = options_.labelSelector,
                            .fieldSelector = options_.fieldSelector,
                            .continueToken = state_.continueToken,
                            .limit = options_.pageSize});
  auto page = body ? kube::readPage(*body, [this](std::string_view item) { sink_.put(item); })
                   : Result<ListMeta>(fail(std::move(body.error())));
  if (!page) {
    happened(Failed{page.error().code});
    return std::move(page.error());
  }
  const bool isLast = page->continueToken.empty();
  happened(PageRead{std::move(page->resourceVersion), std::move(page->continueToken)});
  if (isLast) endList();
  return std::nullopt;
}

std::optional<Error> Watcher::follow(const std::stop_token& stop) {
  const bool isList = state_.phase == WatchPhase::kStreamingList;
  if (isList) beginList();
  const Duration serverTimeout =
      isList
          ? kStreamingListWatch
          : options_.shortestWatch + random_.upTo(options_.longestWatch - options_.shortestWatch);
  const SteadyPoint began = clock_.steadyNow();
  LineSplitter lines;
  std::optional<Error> error;
  bool leaves = false;  // for pages
  const Status ended = client_.watch(
      options_.resource, options_.space,
      {.labelSelector = options_.labelSelector,
       .fieldSelector = options_.fieldSelector,
       .resourceVersion = state_.resourceVersion,
       .sendInitialEvents = isList,
       .serverTimeout = serverTimeout,
       .longestSilence = [&] { return longestSilence(state_, serverTimeout); }},
      [&](std::string_view piece) {
        const auto more = lines.feed(piece, [&](std::string_view line) {
          error = onLine(line);
          leaves = state_.phase == WatchPhase::kPages;
          return !error && !leaves;
        });
        if (!more) error = more.error();
        return more.value_or(false);
      },
      stop);
  if (!error && !ended) error = ended.error();
  if (error) {
    happened(Failed{error->code});
  } else if (!leaves) {
    happened(StreamEnded{.atOnce = clock_.steadyNow() - began < kAtOnce});
  }
  return error;
}

std::optional<Error> Watcher::onLine(std::string_view line) {
  const auto event = reader_.read(line);
  if (!event) return event.error();
  std::string version(event->resourceVersion);
  switch (event->type) {
    case WatchEventType::kAdded:
    case WatchEventType::kModified:
      sink_.put(event->object);
      happened(Changed{std::move(version)});
      break;
    case WatchEventType::kDeleted:
      sink_.drop(event->object);
      happened(Changed{std::move(version)});
      break;
    case WatchEventType::kBookmark:
      if (event->endsInitialList && state_.phase == WatchPhase::kStreamingList) {
        happened(ListEnded{std::move(version)});
        endList();
      } else {
        happened(Bookmarked{std::move(version)});
      }
      break;
    case WatchEventType::kError:
      return errorOfEvent(event->object, "watching " + std::string(options_.resource.plural));
  }
  return std::nullopt;
}

void Watcher::beginList() {
  sink_.restart();
  note([](WatcherHealth& health) { ++health.lists; });
}

void Watcher::endList() {
  wasLate_ = false;
  sink_.synced();
  note([now = clock_.now()](WatcherHealth& health) {
    health.synced = true;
    health.lastSync = now;
  });
}

void Watcher::happened(const Happening& happening) {
  phaseBefore_ = state_.phase;
  auto [state, pause] = onHappening(std::move(state_), happening);
  state_ = std::move(state);
  pauseDue_ = pause;
  const bool isBad = std::holds_alternative<Failed>(happening);
  const bool isChange =
      std::holds_alternative<Changed>(happening) && state_.phase == WatchPhase::kWatching;
  note([this, isBad, isChange, now = clock_.steadyNow()](WatcherHealth& health) {
    health.phase = state_.phase;
    if (isChange) ++health.changes;
    if (isBad) return;
    heard_ = now;
    health.trouble.reset();
  });
}

void Watcher::pauseAfter(Error error, const std::stop_token& stop) {
  if (resumed_ && clock_.steadyNow() - *resumed_ >= kHealth) failures_ = 0;
  // That a version is gone is no failure of the server's, unless nothing else comes of it.
  const bool isLate = error.code == ErrorCode::kGone && !wasLate_;
  wasLate_ = wasLate_ || isLate;
  if (!isLate) ++failures_;
  Duration pause = backoff(kBackoff, isLate ? 1 : failures_, random_);
  if (error.retryAfter) pause = std::max(pause, std::min(*error.retryAfter, kLongestRetryAfter));
  note([&error](WatcherHealth& health) {
    ++health.troubles;
    health.trouble = error;
  });
  if (options_.onTrouble) options_.onTrouble({std::move(error), phaseBefore_, failures_, pause});
  sleepFor(clock_, pause, stop);
  resumed_ = clock_.steadyNow();
}

bool Watcher::turns() const {
  const SteadyPoint turned{SteadyPoint::duration(turned_.load())};
  return clock_.steadyNow() - turned <= options_.longestWatch + kSlack;
}

WatcherHealth Watcher::health() const {
  std::lock_guard lock(mutex_);
  WatcherHealth health = health_;
  health.silence = clock_.steadyNow() - heard_;
  return health;
}

template <class Change>
void Watcher::note(Change change) {
  std::lock_guard lock(mutex_);
  change(health_);
}

}  // namespace bco::kube
