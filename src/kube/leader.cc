#include "kube/leader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/backoff.h"
#include "core/text.h"

namespace bco::kube {
namespace {

using std::chrono::seconds;

constexpr Duration kJitter{500};
constexpr Duration kHealthSlack = seconds(20);
constexpr Duration kReleasePause{500};
constexpr int kReleaseTries = 2;
constexpr SteadyPoint kNever = SteadyPoint::min();

// A leader's time runs; of those standing by nobody waits for the next second.
constexpr BackoffPolicy kLeadersPauses{seconds(2), seconds(2)};
BackoffPolicy othersPauses(const LeaderOptions& options) {
  return {seconds(1), options.retryPeriod};
}

Duration::rep ticks(SteadyPoint time) { return time.time_since_epoch().count(); }
SteadyPoint pointOf(Duration::rep ticks) { return SteadyPoint(Duration(ticks)); }

}  // namespace

Status validate(const LeaderOptions& options) {
  if (options.retryPeriod <= Duration(0)) {
    return fail(ErrorCode::kInvalid, "the lease's retry period must be longer than 0s");
  }
  if (options.renewDeadline * 5 <= options.retryPeriod * 6) {
    return fail(ErrorCode::kInvalid,
                "the lease's renew deadline must be longer than 1.2 times its retry period");
  }
  if (options.leaseDuration <= options.renewDeadline) {
    return fail(ErrorCode::kInvalid, "the lease's duration must be longer than its renew deadline");
  }
  return {};
}

std::string makeIdentity(const std::string& hostName, Random& random) {
  std::array<std::uint8_t, 8> bytes{};
  random.fill(bytes);
  return hostName + '_' + toHex(bytes);
}

LeaderElector::LeaderElector(LeaderOptions options, Client& client, Clock& clock, Random& random,
                             telemetry::Logger& logger)
    : options_(std::move(options)),
      // The leader renews every retryPeriod: who has heard nothing for a third more, asks.
      terms_{options_.leaseDuration, options_.retryPeriod, options_.retryPeriod * 4 / 3},
      client_(client),
      clock_(clock),
      random_(random),
      logger_(logger),
      renewed_(ticks(kNever)),
      mayWriteUntil_(ticks(kNever)),
      turned_(ticks(clock.steadyNow())) {}

void LeaderElector::run(const std::stop_token& stop, const std::function<void()>& onStarted,
                        const std::function<void()>& onLost) {
  while (!stop.stop_requested()) {
    turned_ = ticks(clock_.steadyNow());
    announceHolder();
    std::unique_lock lock(mutex_);
    heard_ = false;
    const auto [move, until] = decide(state_, terms_, options_.identity, clock_.steadyNow());
    if (move == LeaseMove::kWait) {
      waitUntil(clock_, lock, changed_, until, stop, [this] { return heard_; });
      continue;
    }
    // What is written replaces the record that was decided on. One observed from here on may be a
    // live holder's, and its resourceVersion would let our write through.
    const std::optional<LeaseRecord> record = state_.view.record;
    lock.unlock();
    switch (move) {
      case LeaseMove::kRead:
        read();
        break;
      case LeaseMove::kLose:
        lose();
        onLost();
        return;
      default:
        if (write(record)) onStarted();
    }
  }
}

void LeaderElector::read() {
  auto answer = client_.get(kLeases, options_.lease);
  const bool none = !answer && answer.error().code == ErrorCode::kNotFound;
  auto record = std::move(answer).and_then(parseLease);
  if (!record && !none) warn("the lease can't be read", record.error());
  std::lock_guard lock(mutex_);
  if (record) {
    look(*std::move(record));
  } else if (none) {
    look(std::nullopt);
  } else {
    pause(record.error());
  }
}

bool LeaderElector::write(const std::optional<LeaseRecord>& record) {
  // A renewal counts from before it was sent: nobody can have seen it earlier.
  const SteadyPoint sent = clock_.steadyNow();
  auto answer = record ? client_.update(kLeases, options_.lease,
                                        takenLease(*record, options_.identity,
                                                   options_.leaseDuration, clock_.now()))
                       : client_.create(kLeases, options_.lease.space,
                                        newLease(options_.lease.name, options_.identity,
                                                 options_.leaseDuration, clock_.now()));
  auto written = std::move(answer).and_then(parseLease);
  if (!written) {
    refused(record.has_value(), written.error());
    return false;
  }
  const bool starts = taken(sent, *std::move(written));
  if (starts) logger_.info("leading", {{"lease", options_.lease.name}});
  return starts;
}

bool LeaderElector::taken(SteadyPoint sent, LeaseRecord record) {
  std::lock_guard lock(mutex_);
  look(std::move(record));
  state_.doubted = false;
  failures_ = 0;
  // The answer may have come late, to a process that was stopped meanwhile.
  if (clock_.steadyNow() >= sent + options_.renewDeadline) return false;
  const bool starts = !state_.renewed;
  state_.renewed = sent;
  renewed_ = ticks(sent);
  leading_ = true;  // first: who may write, leads
  mayWriteUntil_ = ticks(sent + options_.renewDeadline);
  return starts;
}

void LeaderElector::refused(bool update, const Error& error) {
  const bool conflict =
      error.code == ErrorCode::kConflict || error.code == ErrorCode::kAlreadyExists;
  if (!conflict) {
    warn(leading_ ? "the lease can't be renewed" : "the lease can't be taken", error);
  }
  std::lock_guard lock(mutex_);
  if (update && error.code == ErrorCode::kNotFound) {
    look(std::nullopt);
    return;
  }
  // After a conflict: somebody else's write came first, or one of ours whose answer was lost. Once
  // is how it goes, and is looked at without delay.
  if (conflict || error.code == ErrorCode::kInternal) state_.view.known = false;
  if (conflict && failures_ == 0) {
    ++failures_;
  } else {
    pause(error);
  }
}

void LeaderElector::lose() {
  mayWriteUntil_ = ticks(kNever);
  leading_ = false;
  {
    std::lock_guard lock(mutex_);
    state_ = {};
    failures_ = 0;
  }
  logger_.error("the lease is lost", {{"lease", options_.lease.name}});
}

void LeaderElector::release(bool allowed) {
  mayWriteUntil_ = ticks(kNever);
  leading_ = false;
  std::optional<LeaseRecord> record;
  {
    std::lock_guard lock(mutex_);
    if (!std::exchange(state_, {}).renewed) return;
  }
  if (!allowed) {
    logger_.info("the lease is left to end by itself: a write may still take effect");
    return;
  }
  for (int i = 0; i < kReleaseTries; ++i) {
    if (i > 0) sleepFor(clock_, kReleasePause, {});
    if (releaseOnce()) return;
  }
}

bool LeaderElector::releaseOnce() {
  // Read first: the last renewal's outcome may be unknown.
  auto record = client_.get(kLeases, options_.lease).and_then(parseLease);
  if (!record) {
    warn("the lease can't be read", record.error());
    return record.error().code == ErrorCode::kNotFound;
  }
  if (record->holder != options_.identity) return true;
  const auto answer = client_.update(kLeases, options_.lease, releasedLease(*record, clock_.now()));
  if (answer) {
    logger_.info("lease released", {{"lease", options_.lease.name}});
  } else {
    warn("the lease can't be released", answer.error());
  }
  return answer.has_value();
}

bool LeaderElector::mayWrite(Duration attemptDeadline) const {
  return clock_.steadyNow() + attemptDeadline < pointOf(mayWriteUntil_);
}

std::optional<Duration> LeaderElector::renewalAge() const {
  if (!leading_) return std::nullopt;
  return clock_.steadyNow() - pointOf(renewed_);
}

bool LeaderElector::healthy() const {
  return clock_.steadyNow() - pointOf(turned_) <= options_.renewDeadline + kHealthSlack;
}

void LeaderElector::observe(std::string json) {
  auto record = parseLease(std::move(json));
  if (record) {
    hear(*std::move(record));
  } else {
    warn("the watch brought something else than the lease", record.error());
  }
}

void LeaderElector::observeGone() { hear(std::nullopt); }

void LeaderElector::hear(std::optional<LeaseRecord> record) {
  std::lock_guard lock(mutex_);
  if (!state_.renewed) {
    look(std::move(record));
  } else if (!record || record->holder != options_.identity) {
    // Perhaps old news, from before it was ours: the renewal tells.
    state_.doubted = true;
  } else {
    return;
  }
  heard_ = true;
  clock_.wakeAll(changed_);
}

void LeaderElector::look(std::optional<LeaseRecord> record) {
  const bool held = record && !record->holder.empty();
  if (held && record->holder != options_.identity) failures_ = 0;
  state_.view =
      seen(std::move(state_.view), std::move(record), clock_.steadyNow(), random_.upTo(kJitter));
  state_.pausedUntil = kNever;
}

void LeaderElector::pause(const Error& error) {
  ++failures_;
  const bool leads = state_.renewed.has_value();
  Duration pause = backoff(leads ? kLeadersPauses : othersPauses(options_), failures_, random_);
  if (!leads) pause = std::max(pause, error.retryAfter.value_or(Duration(0)));
  state_.pausedUntil = clock_.steadyNow() + pause;
}

void LeaderElector::announceHolder() {
  std::string holder;
  {
    std::lock_guard lock(mutex_);
    if (!state_.view.record || state_.view.record->holder == announced_) return;
    announced_ = holder = state_.view.record->holder;
  }
  if (holder.empty() || holder == options_.identity) return;
  logger_.info("standing by", {{"lease", options_.lease.name}, {"holder", holder}});
}

void LeaderElector::warn(std::string_view what, const Error& error) {
  logger_.warn(what, {{"lease", options_.lease.name}, {"error", error.message}});
}

}  // namespace bco::kube
