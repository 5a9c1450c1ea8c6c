#include "sandbox/device_simulator.h"

#include <algorithm>
#include <charconv>

namespace bco::sandbox {
namespace {

constexpr Duration kPollJitter = std::chrono::seconds(60);
// Of the container engine, between two starts of a container that ends.
constexpr Duration kFirstRestart = std::chrono::milliseconds(100);
constexpr Duration kLongestRestart = std::chrono::minutes(1);

// The service whose container is the relay: the one named so, else the first.
std::string relayServiceOf(const TargetState& target) {
  for (const TargetService& service : target.services) {
    if (service.name.find("relay") != std::string::npos) return service.name;
  }
  return target.services.empty() ? "" : target.services.front().name;
}

std::optional<Duration> configuredInterval(const TargetState& target) {
  for (const auto& [name, value] : target.config) {
    if (!name.ends_with("_SUPERVISOR_POLL_INTERVAL")) continue;
    std::int64_t milliseconds = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), milliseconds);
    if (parsed.ec == std::errc() && milliseconds > 0) return Duration(milliseconds);
  }
  return std::nullopt;
}

}  // namespace

DeviceSimulator::DeviceSimulator(World& world, BalenaCloud& balena, ClearBladeCloud& clearBlade,
                                 Publisher publisher)
    : world_(world), balena_(balena), clearBlade_(clearBlade), publisher_(std::move(publisher)) {}

void DeviceSimulator::add(const std::string& uuid, Duration longest) {
  if (!enabled_ || devices_.contains(uuid)) return;
  devices_.emplace(uuid, std::make_unique<SimulatedDevice>());
  schedulePoll(uuid, spread(longest));
  schedulePublish(uuid, spread(settings_.publishInterval));
}

void DeviceSimulator::remove(const std::string& uuid) {
  const auto found = devices_.find(uuid);
  if (found == devices_.end()) return;
  world_.clock.cancel(found->second->pollTimer);
  world_.clock.cancel(found->second->publishTimer);
  world_.clock.cancel(found->second->startTimer);
  world_.clock.cancel(found->second->askTimer);
  devices_.erase(found);
}

const SimulatedDevice* DeviceSimulator::find(const std::string& uuid) const {
  const auto found = devices_.find(uuid);
  return found == devices_.end() ? nullptr : found->second.get();
}

SimulatedDevice* DeviceSimulator::get(const std::string& uuid) {
  const auto found = devices_.find(uuid);
  return found == devices_.end() ? nullptr : found->second.get();
}

void DeviceSimulator::notify(const std::string& uuid, Duration delay) {
  if (!enabled_) return;
  world_.clock.after(delay, [this, uuid] {
    // Sent once and never again: who is not connected now learns at its next poll.
    if (balena_.isConnected(uuid)) fetch(uuid, false);
  });
}

void DeviceSimulator::cameOnline(const std::string& uuid) { fetch(uuid, false); }

void DeviceSimulator::setUpdateLock(const std::string& uuid, bool locked) {
  SimulatedDevice* device = get(uuid);
  if (device == nullptr) return;
  device->updateLock = locked;
  if (!locked && device->postponed) fetch(uuid, false);
}

void DeviceSimulator::setLocalMode(const std::string& uuid, bool local) {
  SimulatedDevice* device = get(uuid);
  if (device == nullptr) return;
  device->localMode = local;
  if (!local) fetch(uuid, false);
}

void DeviceSimulator::setPollInterval(const std::string& uuid, std::optional<Duration> interval) {
  SimulatedDevice* device = get(uuid);
  if (device == nullptr) return;
  device->pollInterval = interval;
  schedulePoll(uuid, pollInterval(*device, std::nullopt));
}

void DeviceSimulator::configure(const DeviceSettings& settings) {
  const bool pollChanged = settings.pollInterval != settings_.pollInterval;
  const bool publishChanged = settings.publishInterval != settings_.publishInterval;
  const auto urlOf = [](const DeviceSettings& from) {
    return from.provisionUrl ? from.provisionUrl->text : std::string();
  };
  const bool urlChanged = urlOf(settings) != urlOf(settings_);
  settings_ = settings;
  for (const auto& [uuid, device] : devices_) {
    // Who has not fetched at all yet is about to.
    if (pollChanged && !device->etag.empty()) schedulePoll(uuid, spread(settings_.pollInterval));
    if (publishChanged) schedulePublish(uuid, spread(settings_.publishInterval));
    if (urlChanged) scheduleAsk(uuid, Duration(0));
  }
}

Duration DeviceSimulator::pollInterval(const SimulatedDevice& device,
                                       const std::optional<TargetState>& target) const {
  if (device.pollInterval) return *device.pollInterval;
  if (target) return configuredInterval(*target).value_or(settings_.pollInterval);
  return settings_.pollInterval;
}

void DeviceSimulator::fetch(const std::string& uuid, bool force) {
  SimulatedDevice* device = get(uuid);
  if (device == nullptr) return;
  if (!balena_.hasDevice(uuid)) {
    // Deleted in the cloud: a real one would go on with what it has, out of anybody's reach.
    schedulePoll(uuid, settings_.pollInterval);
    return;
  }
  std::optional<TargetState> target;
  if (balena_.isConnected(uuid) && !device->localMode) {
    target = balena_.targetState(uuid);
    ++device->counts.fetches;
  }
  if (target) {
    const bool changed = target->etag != device->etag;
    if (!changed) ++device->counts.notModified;
    device->etag = target->etag;
    if (changed || device->postponed) {
      device->postponed = device->updateLock && !force && !device->containers.empty();
      if (!device->postponed) apply(uuid, *device, *target);
    }
  }
  schedulePoll(uuid, pollInterval(*device, target) + spread(kPollJitter));
}

void DeviceSimulator::apply(const std::string& uuid, SimulatedDevice& device,
                            const TargetState& target) {
  const std::string relayService = relayServiceOf(target);
  bool relayStarted = relayService != device.relayService;
  device.relayService = relayService;
  std::erase_if(device.containers, [&](const auto& container) {
    return std::ranges::find(target.services, container.first, &TargetService::name) ==
           target.services.end();
  });
  for (const TargetService& service : target.services) {
    const auto running = device.containers.find(service.name);
    // Only the container whose environment differs is replaced.
    if (running != device.containers.end() && running->second.environment == service.environment) {
      continue;
    }
    ++device.counts.starts;
    if (running != device.containers.end()) ++device.counts.restarts;
    device.containers[service.name] = {service.environment, world_.clock.now()};
    relayStarted = relayStarted || service.name == relayService;
  }
  if (!relayStarted) return;
  device.relay.reset();  // killed; nothing is published until the next one is up
  world_.clock.cancel(device.startTimer);
  device.startTimer = world_.clock.after(settings_.restartDelay, [this, uuid] {
    if (SimulatedDevice* started = get(uuid)) startRelay(uuid, *started);
  });
}

void DeviceSimulator::startRelay(const std::string& uuid, SimulatedDevice& device) {
  const auto container = device.containers.find(device.relayService);
  if (container == device.containers.end()) {
    device.relay.reset();
    return;
  }
  device.relay = std::make_unique<Relay>(container->second.environment);
  if (device.relay->state() == RelayState::kPartial) ++device.counts.partialStarts;
  const std::string key = device.relay->fingerprint();
  if (!key.empty() && key != device.lastKey) {
    if (!device.lastKey.empty()) ++device.counts.keyChanges;
    device.lastKey = key;
  }
  device.relayRestarts = 0;
  scheduleAsk(uuid, Duration(0));
}

// The relay ends after each of its questions, and the container engine starts it again: at once the
// first time, then later and later.
void DeviceSimulator::scheduleAsk(const std::string& uuid, Duration delay) {
  SimulatedDevice* device = get(uuid);
  if (!settings_.provisionUrl) return;
  world_.clock.cancel(device->askTimer);
  device->askTimer = world_.clock.after(delay, [this, uuid] { ask(uuid); });
}

void DeviceSimulator::ask(const std::string& uuid) {
  SimulatedDevice* device = get(uuid);
  const bool wants = device->relay && device->relay->state() == RelayState::kUnregistered;
  if (!wants || device->asking || !settings_.provisionUrl || !provisioner_ ||
      !balena_.isConnected(uuid)) {
    return;
  }
  device->asking = true;
  ++device->counts.provision.asked;
  provisioner_(*settings_.provisionUrl,
               R"({"uuid":")" + uuid + R"(","balena_service":")" + device->relayService + R"("})",
               [this, uuid](const RelayReply& reply) { answered(uuid, reply); });
}

void DeviceSimulator::answered(const std::string& uuid, const RelayReply& reply) {
  SimulatedDevice* device = get(uuid);
  if (device == nullptr) return;
  device->asking = false;
  ProvisionCounts& counts = device->counts.provision;
  if (reply.status >= 200 && reply.status < 300) {
    ++counts.provisioned;
  } else if (reply.isSix) {
    ++counts.told;
    fetch(uuid, true);
  } else {
    ++counts.refused[std::to_string(reply.status)];
  }
  scheduleAsk(uuid, std::min<Duration>(kFirstRestart * (1U << std::min(device->relayRestarts, 9U)),
                                       kLongestRestart));
  ++device->relayRestarts;
}

void DeviceSimulator::schedulePoll(const std::string& uuid, Duration delay) {
  SimulatedDevice* device = get(uuid);
  world_.clock.cancel(device->pollTimer);
  device->pollTimer = world_.clock.after(delay, [this, uuid] { fetch(uuid, false); });
}

void DeviceSimulator::schedulePublish(const std::string& uuid, Duration delay) {
  SimulatedDevice* device = get(uuid);
  world_.clock.cancel(device->publishTimer);
  device->publishTimer = world_.clock.after(delay, [this, uuid] { publish(uuid); });
}

void DeviceSimulator::publish(const std::string& uuid) {
  SimulatedDevice* device = get(uuid);
  const auto count = [this, uuid](const std::string& reason) {
    SimulatedDevice* publisher = get(uuid);
    if (publisher == nullptr) return;
    if (reason.empty()) {
      ++publisher->counts.accepted;
    } else {
      ++publisher->counts.refused[reason];
    }
  };
  if (device->relay && device->relay->state() == RelayState::kRunning &&
      balena_.isConnected(uuid)) {
    CloudRegistry* registry = clearBlade_.findRegistry(device->relay->registryPath());
    if (registry == nullptr) {
      count("no such registry");
    } else {
      publisher_(*registry, device->relay->deviceId(),
                 device->relay->token(registry->systemKey, world_.clock.now()), count);
    }
  }
  schedulePublish(uuid, settings_.publishInterval);
}

// Spreads devices over time, the same way in each run.
Duration DeviceSimulator::spread(Duration longest) {
  random_ = random_ * 6364136223846793005U + 1442695040888963407U;
  const auto range = static_cast<std::uint64_t>(longest.count()) + 1;
  return Duration(static_cast<Duration::rep>((random_ >> 33U) % range));
}

}  // namespace bco::sandbox
