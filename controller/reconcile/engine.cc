#include "reconcile/engine.h"

#include <atomic>
#include <exception>
#include <set>

#include "core/text.h"
#include "plan/key_schedule.h"
#include "reconcile/requests.h"
#include "reconcile/verification.h"

namespace bco {
namespace {

api::ObjectKey parseKey(const std::string& text) {
  const std::size_t slash = text.find('/');
  return {text.substr(0, slash), text.substr(slash + 1)};
}

// What is due while nobody was there is spread over this time.
constexpr Duration kCatchUp = std::chrono::hours(1);

// In the queue of fleets: registries that may be waiting for their fleets to go.
const std::string kRegistries;

// In the same queue, before a fleet's key: its counts have changed. They are brought up to date
// after a while, for all changes of that while.
constexpr std::string_view kCounts = "counts of ";
constexpr Duration kCountsDelay = std::chrono::seconds(3);

// In the same queue, before a registry's key: its status is to say how it is. Where fleets use it
// their sweeps say so, and this comes after them, for those that don't get so far.
constexpr std::string_view kCheckOf = "registry ";
constexpr Duration kCheckDelay = std::chrono::seconds(10);

// Threads for this many fleets' worth of workers: so many clouds may be silent before the devices
// of others wait for a thread.
constexpr int kBusyFleets = 4;

// A silent cloud holds up as many sweeps as there may be of its fleets at once, each for as long as
// a call may take: threads enough that this is nobody else's concern. They come when needed.
constexpr std::size_t kMostSweepers = 256;

// Ten calls of a pass, and a hundred pages of a sweep, that each wait as long as they may: for the
// budget, a connection and an answer.
constexpr Duration kLongestPass = std::chrono::minutes(20);
constexpr Duration kLongestSweep = std::chrono::hours(2);

// A discovered object is its sweep's to judge, until it has been looked at once; unless somebody
// waits for it.
bool isForSweep(const api::BalenaDevice& device) {
  return device.meta.isDiscovered() && device.status.observedGeneration == -1 &&
         reconcileRequest(device.meta).empty();
}

}  // namespace

Engine::Engine(const Context& context, CloudFactory& factory, SharedSecret fallbackSeed,
               const EngineOptions& options)
    : context_(context),
      options_(options),
      devices_(context.clock,
               {[this](const std::string& uuid) { return fleetOf(uuid); },
                static_cast<std::size_t>(options.workers)},
               options.deviceQueue),
      fleetQueue_(context.clock,
                  {[this](const std::string& fleet) { return upstreamsOf(fleet); },
                   static_cast<std::size_t>(options.sweepers)},
                  options.fleetQueue),
      sweepers_(kMostSweepers),
      registries_(context, factory, std::move(fallbackSeed)),
      fleets_(context, registries_, factory),
      fleetSync_(context, fleets_, registries_, devices_),
      readAhead_(context.clock),
      reconciler_(context, &readAhead_) {}

void Engine::onChange(const store::Change& change) {
  switch (change.kind) {
    case api::ObjectKind::kRegistry:
      for (const auto& fleet : context_.store.fleets().list()) {
        if (fleet->registryKey() == change.key) {
          fleetQueue_.add(toString(fleet->meta.key), Lane::kFresh);
        }
      }
      fleetQueue_.add(kRegistries, Lane::kFresh);
      scheduleCheck(change.key);
      return;
    case api::ObjectKind::kFleet:
      fleetQueue_.add(toString(change.key), Lane::kFresh);
      return;
    case api::ObjectKind::kDevice: {
      const auto device = context_.store.devices().get(change.key);
      if (device == nullptr) {
        context_.tally.remove(change.key);
        resumeDeletions();
      } else {
        context_.tally.add(*device);
      }
      const bool isAskedFor = device != nullptr && !reconcileRequest(device->meta).empty();
      if (!options_.sweeps && !isAskedFor) return;
      if (device == nullptr || (!isForSweep(*device) && !isHandled(*device))) {
        devices_.add(change.uuid, Lane::kFresh);
      }
      return;
    }
  }
}

void Engine::start() {
  context_.store.onChange([this](const store::Change& change) { onChange(change); });
  for (const auto& fleet : context_.store.fleets().list()) {
    fleetQueue_.add(toString(fleet->meta.key), Lane::kFresh);
    for (const auto& device : context_.store.devicesOfFleet(fleet->meta.key)) {
      scheduleVerification(*device, fleet->spec);
    }
  }
  for (const auto& device : context_.store.devices().list()) {
    context_.tally.set(*device, device->status);
    // The others wait for the first sweep of their fleet.
    const bool hasFleet = context_.store.fleets().get(device->fleetKey()) != nullptr;
    if (device->meta.deletedAt || !hasFleet) devices_.add(device->spec.uuid, Lane::kSweep);
  }
  fleetQueue_.add(kRegistries, Lane::kFresh);
  for (const auto& registry : context_.store.registries().list()) scheduleCheck(registry->meta.key);
}

void Engine::scheduleCheck(const api::ObjectKey& registry) {
  const Duration delay = registries_.isInUse(registry) ? kCheckDelay : Duration::zero();
  fleetQueue_.addAfter(std::string(kCheckOf) + toString(registry), delay, Lane::kFresh);
}

void Engine::run(const std::stop_token& stop) {
  start();
  context_.views.earlyReads().want(true);
  sweepers_.start([this, stop] { sweep(stop); });
  std::vector<std::jthread> threads;
  const int workers = kBusyFleets * options_.workers;
  // As many as one fleet's passes can ask for.
  const int readers = options_.workers;
  threads.reserve(static_cast<std::size_t>(workers + readers));
  for (int i = 0; i < workers; ++i) threads.emplace_back([&] { work(stop); });
  for (int i = 0; i < readers; ++i) threads.emplace_back([&] { readAhead(stop); });
  // Each loop ends by itself after a stop.
  threads.clear();
  sweepers_.join();
  context_.views.earlyReads().want(false);
}

// What an earlier process found in order is verified when it would have done so.
void Engine::scheduleVerification(const api::BalenaDevice& device, const api::FleetSpec& fleet) {
  const auto& key = device.status.key;
  if (device.status.phase != api::Phase::kReady || !key) return;
  const api::KeyPolicy keys = api::effectiveKeys(fleet, device.spec);
  const Duration interval = keys.verifyInterval;
  Duration due = firstVerification(key->issuedAt, keys, context_.clock.now(), context_.random);
  const bool isLate = key->issuedAt && due <= KeyTimes::of(keys.lifetime).firstCheck;
  const auto verifiedAt = lastVerified(key, context_.clock.now());
  if (verifiedAt && !isLate) {
    due = *verifiedAt + spread(interval, device.spec.uuid) - context_.clock.now();
    if (due <= Duration::zero()) due = context_.random.upTo(std::min(interval, kCatchUp));
  }
  devices_.addAfter(device.spec.uuid, due, Lane::kSweep);
}

// A device has gone: its fleet may have waited for the last one.
void Engine::resumeDeletions() {
  for (const auto& fleet : context_.store.fleets().list()) {
    const bool isLast = context_.tally.countsOf(fleet->meta.key).total == 0;
    if (fleet->meta.deletedAt && isLast) fleetQueue_.add(toString(fleet->meta.key), Lane::kFresh);
  }
}

std::string Engine::fleetOf(const std::string& uuid) const {
  const auto objects = context_.store.devicesByUuid(uuid);
  return objects.empty() ? std::string() : toString(objects.front()->fleetKey());
}

// Fleets that ask the same clouds with the same rights share a fate; no others may have to.
std::string Engine::upstreamsOf(const std::string& key) const {
  if (key == kRegistries || key.starts_with(kCounts)) return {};  // ask nobody
  if (key.starts_with(kCheckOf)) return key;                      // each by itself
  const auto fleet = context_.store.fleets().get(parseKey(key));
  if (fleet == nullptr) return {};
  const api::FleetSpec& spec = fleet->spec;
  return spec.apiUrl + ' ' + fleet->meta.key.space + '/' + spec.token.name + '/' + spec.token.key +
         ' ' + toString(fleet->registryKey());
}

void Engine::sweep(const std::stop_token& stop) {
  while (const auto key = fleetQueue_.take(stop)) {
    const SpareThreads::Busy busy(sweepers_);
    try {
      if (*key == kRegistries) {
        fleetSync_.finishRegistries();
      } else if (key->starts_with(kCounts)) {
        fleetSync_.refresh(parseKey(key->substr(kCounts.size())));
      } else if (key->starts_with(kCheckOf)) {
        const auto next = registries_.check(parseKey(key->substr(kCheckOf.size())), stop);
        if (next) fleetQueue_.addAfter(*key, *next, Lane::kSweep);
      } else if (const auto next = options_.sweeps ? fleetSync_.sync(parseKey(*key), stop)
                                                   : fleetSync_.look(parseKey(*key), stop)) {
        fleetQueue_.addAfter(*key, *next, Lane::kSweep);
      }
    } catch (const std::exception& error) {
      context_.log.error("sweep failed unexpectedly", {{"fleet", *key}, {"error", error.what()}});
      fleetQueue_.addAfter(*key, context_.backoff.longest, Lane::kSweep);
    }
    fleetQueue_.done(*key);
  }
}

void Engine::work(const std::stop_token& stop) {
  while (const auto uuid = devices_.take(stop)) {
    try {
      const auto objects = context_.store.devicesByUuid(*uuid);
      Lane lane = devices_.laneOf(*uuid);
      if (const auto next = reconciler_.reconcile(*uuid, lane)) {
        devices_.addAfter(*uuid, *next, lane);
      }
      for (const auto& object : objects) {
        fleetQueue_.addAfter(std::string(kCounts) + toString(object->fleetKey()), kCountsDelay,
                             Lane::kSweep);
      }
    } catch (const std::exception& error) {
      context_.log.error("device failed unexpectedly", {{"uuid", *uuid}, {"error", error.what()}});
      devices_.addAfter(*uuid, context_.backoff.longest, Lane::kSweep);
    }
    devices_.done(*uuid);
  }
}

Result<std::vector<HandoverResult>> Engine::handOver(const HandoverOptions& options,
                                                     const std::stop_token& stop) {
  return bco::handOver(context_, registries_, fleets_, options, stop);
}

bool Engine::isQuiet(Duration horizon) const {
  for (const auto& fleet : context_.store.fleets().list()) {
    const bool swept = fleet->status.observedGeneration == fleet->meta.generation;
    const bool stalled = findCondition(fleet->status.conditions, "Stalled") != nullptr;
    const bool ready = fleet->status.failureCount == 0;
    if (!swept || (!ready && !stalled)) return false;
  }
  return devices_.idle(horizon);
}

Engine::Load Engine::deviceLoad() const {
  return {devices_.depth(), devices_.inFlight(), kBusyFleets * options_.workers,
          devices_.unfinished()};
}

std::string Engine::stalled() const {
  // Without a stop each ends by itself long before, whatever the clouds do.
  if (devices_.unfinished().longest > kLongestPass) return "a worker hangs";
  if (fleetQueue_.unfinished().longest > kLongestSweep) return "a sweeper hangs";
  return {};
}

Engine::Load Engine::fleetLoad() const {
  return {fleetQueue_.depth(), fleetQueue_.inFlight(), static_cast<int>(sweepers_.size()),
          fleetQueue_.unfinished()};
}

std::vector<Engine::Preview> Engine::preview(const std::stop_token& stop) {
  std::vector<Preview> previews;
  for (const auto& fleet : context_.store.fleets().list()) {
    (void)fleetSync_.sync(fleet->meta.key, stop, SweepKind::kPreview);
  }
  // What the sweeps did not find in sync, in order of object.
  for (const auto& object : context_.store.devices().list()) {
    previews.push_back({object->spec.uuid, object, {}});
  }
  std::atomic<std::size_t> next{0};
  const auto look = [&] {
    for (std::size_t i = next++; i < previews.size(); i = next++) {
      Preview& preview = previews[i];
      if (preview.object->status.phase == api::Phase::kReady) continue;
      if (stop.stop_requested()) {
        preview.pass.error = Error{ErrorCode::kUnavailable, "not looked at: stopping"};
        continue;
      }
      try {
        preview.pass = reconciler_.preview(*preview.object);
      } catch (const std::exception& error) {
        preview.pass.error = Error{ErrorCode::kInternal, error.what()};
      }
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < options_.workers; ++i) threads.emplace_back(look);
  threads.clear();  // joins
  return previews;
}

Status Engine::settle(const std::string& uuid, SteadyPoint deadline, const std::stop_token& stop) {
  try {
    return settleDevice(uuid, deadline, stop);
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, error.what());
  }
}

Status Engine::settleDevice(const std::string& uuid, SteadyPoint deadline,
                            const std::stop_token& stop) {
  const auto objects = context_.store.devicesByUuid(uuid);
  if (objects.empty()) return fail(ErrorCode::kNotFound, "no BalenaDevice declares " + uuid);
  std::set<api::ObjectKey> fleets;
  for (const auto& object : objects) fleets.insert(object->fleetKey());
  for (const api::ObjectKey& fleet : fleets) {
    if (Status seen = lookUntilSeen(fleet, deadline, stop); !seen) return seen;
  }
  while (true) {
    const auto next = reconciler_.reconcile(uuid);
    // Each namespace's objects are looked after by themselves.
    Status worst;
    bool allComeAgain = true;
    for (const auto& each : objects) {
      const auto object = context_.store.devices().get(each->meta.key);
      if (object == nullptr) continue;
      const api::DeviceStatus& status = object->status;
      // Absent, but more is to be said of it: the next pass does.
      const bool isOver = status.phase == api::Phase::kAbsent && !next;
      if (status.phase == api::Phase::kReady || isOver) continue;
      const api::Condition* ready = findCondition(status.conditions, "Ready");
      if (worst) {
        worst = fail(ErrorCode::kConflict,
                     ready == nullptr ? "" : ready->reason + ": " + ready->message);
      }
      allComeAgain &= comesAgain(status);
    }
    if (worst || !allComeAgain || !next) return worst;
    const bool inTime = context_.clock.steadyNow() + *next < deadline;
    if (!inTime || !sleepFor(context_.clock, *next, stop)) {
      return fail(ErrorCode::kDeadline, "gave up; " + worst.error().message);
    }
  }
}

Status Engine::lookUntilSeen(const api::ObjectKey& key, SteadyPoint deadline,
                             const std::stop_token& stop) {
  const auto fleet = context_.store.fleets().get(key);
  if (fleet == nullptr) {
    return fail(ErrorCode::kNotFound, "there is no BalenaFleet " + toString(key));
  }
  for (int failures = 1;; ++failures) {
    auto view = fleets_.look(fleet);
    if (view) {
      context_.views.set(key, *view);
      return {};
    }
    const Error& error = view.error();
    const Duration wait = std::max(backoff(context_.backoff, failures, context_.random),
                                   error.retryAfter.value_or(Duration::zero()));
    const bool inTime = context_.clock.steadyNow() + wait < deadline;
    if (!traitsOf(error.code).transient || !inTime || !sleepFor(context_.clock, wait, stop)) {
      return fail(std::move(view.error()));
    }
  }
}

}  // namespace bco
