#include "tests/support/fake_clouds.h"

#include <algorithm>
#include <utility>

namespace bco::test {

// ── CallLog

void CallLog::failNext(const std::string& call, Error error, Moment moment) {
  std::lock_guard lock(mutex_);
  faults_[call].push_back({std::move(error), moment});
}

void CallLog::failAll(std::optional<Error> error) {
  std::lock_guard lock(mutex_);
  failAll_ = std::move(error);
}

void CallLog::onCall(std::function<void(const std::string&)> watcher) {
  watcher_ = std::move(watcher);
}

std::vector<std::string> CallLog::calls() const {
  std::lock_guard lock(mutex_);
  return calls_;
}

int CallLog::count(const std::string& call) const {
  std::lock_guard lock(mutex_);
  return static_cast<int>(std::ranges::count(calls_, call));
}

void CallLog::forget() {
  std::lock_guard lock(mutex_);
  calls_.clear();
}

CallTerms CallLog::termsOf(const std::string& call) const {
  std::lock_guard lock(mutex_);
  const auto found = terms_.find(call);
  return found == terms_.end() ? CallTerms{} : found->second;
}

std::optional<CallLog::Fault> CallLog::enter(const std::string& call, const CallTerms& terms) {
  if (watcher_) watcher_(call);
  std::lock_guard lock(mutex_);
  calls_.push_back(call);
  terms_[call] = terms;
  if (failAll_) return Fault{*failAll_, Moment::kBefore};
  auto& queue = faults_[call];
  if (queue.empty()) return std::nullopt;
  Fault fault = std::move(queue.front());
  queue.pop_front();
  return fault;
}

namespace {

struct Named {
  std::string name;
  CallTerms terms = {};
};

// Runs a call's effect around its fault.
template <class Value, class Effect>
Result<Value> call(CallLog& log, const Named& named, Effect effect) {
  const auto fault = log.enter(named.name, named.terms);
  if (fault && fault->moment == Moment::kBefore) return fail(fault->error);
  Result<Value> result = effect();
  if (fault) return fail(fault->error);
  return result;
}

}  // namespace

// ── FakeBalena

void FakeBalena::addFleet(std::int64_t id, const std::string& slug,
                          const std::vector<std::string>& services) {
  std::lock_guard lock(mutex_);
  balena::Fleet& fleet = fleets_[slug];
  fleet = {id, slug, {}, true};
  for (const auto& name : services) {
    fleet.services.push_back({id + 1 + static_cast<std::int64_t>(fleet.services.size()), name});
  }
}

void FakeBalena::removeFleet(const std::string& slug) {
  std::lock_guard lock(mutex_);
  fleets_.erase(slug);
}

FakeBalena::DeviceRow& FakeBalena::addDevice(const std::string& uuid, std::int64_t fleetId) {
  std::lock_guard lock(mutex_);
  DeviceRow& row = devices_[uuid];
  row.id = ++lastId_;
  row.uuid = uuid;
  row.name = "device-" + std::to_string(row.id);
  row.fleetId = fleetId;
  for (const auto& [slug, fleet] : fleets_) {
    if (fleet.id != fleetId) continue;
    for (const balena::Service& service : fleet.services) row.installs[service.id] = ++lastId_;
  }
  return row;
}

void FakeBalena::removeDevice(const std::string& uuid) {
  std::lock_guard lock(mutex_);
  devices_.erase(uuid);
}

Result<balena::Fleet> FakeBalena::getFleet(const std::string& slug) {
  return call<balena::Fleet>(log_, {"getFleet"}, [&]() -> Result<balena::Fleet> {
    std::lock_guard lock(mutex_);
    const auto found = fleets_.find(slug);
    if (found == fleets_.end()) return fail(ErrorCode::kNotFound, "no fleet " + slug);
    return found->second;
  });
}

Result<TimePoint> FakeBalena::listFleet(std::int64_t fleetId, const balena::VariableLevel& level,
                                        bool withTags, balena::FleetVisitor& visitor) {
  return call<TimePoint>(log_, {"listFleet"}, [&]() -> Result<TimePoint> {
    std::lock_guard lock(mutex_);
    std::vector<balena::FleetDevice> devices;
    for (const auto& [uuid, row] : devices_) {
      if (row.fleetId != fleetId) continue;
      balena::FleetDevice listed{row.id, uuid, row.name, row.deviceType, {}, {}, {}, false};
      if (withTags) listed.tags = row.tags;
      const Variables* variables = &row.variables;
      if (level.serviceId) {
        const auto install = row.installs.find(*level.serviceId);
        variables = nullptr;
        if (install != row.installs.end()) {
          listed.serviceInstallId = install->second;
          const auto found = row.installVariables.find(install->second);
          if (found != row.installVariables.end()) variables = &found->second;
        }
      }
      if (variables != nullptr) {
        for (const auto& [name, value] : *variables) {
          if (name == balena::kPrivateKey) {
            listed.hasPrivateKey = true;
          } else {
            listed.publicVariables.emplace(name, value);
          }
        }
      }
      devices.push_back(std::move(listed));
    }
    std::ranges::sort(devices, {}, &balena::FleetDevice::id);
    for (const auto& device : devices) visitor.visit(device);
    return clock_.now();
  });
}

Result<balena::Device> FakeBalena::getDevice(const std::string& uuid, const CallTerms& terms) {
  return call<balena::Device>(log_, {"getDevice", terms}, [&]() -> Result<balena::Device> {
    std::lock_guard lock(mutex_);
    const auto found = devices_.find(uuid);
    if (found == devices_.end()) return fail(ErrorCode::kNotFound, "no device " + uuid);
    const DeviceRow& row = found->second;
    balena::Device device;
    device.id = row.id;
    device.uuid = uuid;
    device.name = row.name;
    device.fleetId = row.fleetId;
    device.isOnline = row.isOnline;
    device.lastConnectivityEvent = row.lastConnectivityEvent;
    const auto copy = [](const Variables& variables, std::vector<balena::StoredVariable>& to) {
      for (const auto& [name, value] : variables) to.push_back({name, SecretBytes(value)});
    };
    copy(row.variables, device.deviceVariables);
    for (const auto& [serviceId, installId] : row.installs) {
      balena::ServiceInstall install{installId, serviceId, {}};
      const auto variables = row.installVariables.find(installId);
      if (variables != row.installVariables.end()) copy(variables->second, install.variables);
      device.installs.push_back(std::move(install));
    }
    return device;
  });
}

FakeBalena::Variables* FakeBalena::variablesOf(const balena::VariableParent& parent) {
  for (auto& [uuid, row] : devices_) {
    if (parent.deviceId == row.id) return &row.variables;
    for (const auto& [serviceId, installId] : row.installs) {
      if (parent.serviceInstallId == installId) return &row.installVariables[installId];
    }
  }
  return nullptr;
}

std::vector<Status> FakeBalena::writeVariables(const balena::VariableParent& parent,
                                               std::span<const balena::VariableWrite> writes,
                                               const CallTerms& terms) {
  std::vector<Status> results;
  for (const balena::VariableWrite& write : writes) {
    const auto fault = log_.enter("write " + write.name, terms);
    if (fault && fault->moment == Moment::kBefore) {
      results.push_back(fail(fault->error));
      continue;
    }
    std::lock_guard lock(mutex_);
    Variables* variables = variablesOf(parent);
    if (variables == nullptr) {
      results.push_back(fail(ErrorCode::kConflict, "the parent is not there"));
      continue;
    }
    const bool exists = variables->contains(write.name);
    if (!write.exists && exists) {
      results.push_back(fail(ErrorCode::kAlreadyExists, write.name + " exists"));
      continue;
    }
    // A PATCH that matches nothing succeeds, and nothing happens.
    if (write.exists == exists) (*variables)[write.name] = std::string(write.value.reveal());
    if (fault) {
      results.push_back(fail(fault->error));
    } else {
      results.emplace_back();
    }
  }
  return results;
}

Result<bool> FakeBalena::hasVariable(const balena::VariableParent& parent, std::string_view name,
                                     const CallTerms& terms) {
  return call<bool>(log_, {"hasVariable", terms}, [&]() -> Result<bool> {
    std::lock_guard lock(mutex_);
    const Variables* variables = variablesOf(parent);
    return variables != nullptr && variables->contains(std::string(name));
  });
}

Status FakeBalena::deleteVariables(const balena::VariableParent& parent,
                                   const balena::DeleteGuard& guard, const CallTerms& terms) {
  const auto fault = log_.enter("deleteVariables", terms);
  if (fault && fault->moment == Moment::kBefore) return fail(fault->error);
  std::lock_guard lock(mutex_);
  Variables* variables = variablesOf(parent);
  const bool guarded =
      variables != nullptr && std::ranges::any_of(devices_, [&](const auto& each) {
        return each.second.id == guard.deviceId && each.second.fleetId == guard.fleetId;
      });
  if (guarded && variables->contains(std::string(balena::kClientPath)) &&
      variables->at(std::string(balena::kClientPath)) == guard.clientPath) {
    for (const std::string_view name : balena::kVariableNames) variables->erase(std::string(name));
  }
  if (fault) return fail(fault->error);
  return {};
}

// ── FakeRegistry

clearblade::Registration& FakeRegistry::add(clearblade::NewRegistration made) {
  std::lock_guard lock(mutex_);
  clearblade::Registration& registration = registrations_[made.id];
  registration = {made.id, std::to_string(++lastNumber_), std::move(made.credentials),
                  std::move(made.metadata), false};
  return registration;
}

clearblade::Registration* FakeRegistry::byNumber(const std::string& numId) {
  for (auto& [id, registration] : registrations_) {
    if (registration.numId == numId) return &registration;
  }
  return nullptr;
}

Result<clearblade::Registry> FakeRegistry::getRegistry() {
  return call<clearblade::Registry>(log_, {"getRegistry"}, [&] {
    return clearblade::Registry{.hasCaCertificates = hasCaCertificates_};
  });
}

Result<TimePoint> FakeRegistry::listRegistrations(
    const std::function<void(const clearblade::Registration&)>& visit) {
  return call<TimePoint>(log_, {"listRegistrations"}, [&] {
    std::lock_guard lock(mutex_);
    for (const auto& [id, registration] : registrations_) visit(registration);
    return clock_.now();
  });
}

Result<clearblade::Registration> FakeRegistry::getRegistration(const std::string& id,
                                                               const CallTerms& terms) {
  return call<clearblade::Registration>(log_, {"getRegistration", terms},
                                        [&]() -> Result<clearblade::Registration> {
                                          std::lock_guard lock(mutex_);
                                          const auto found = registrations_.find(id);
                                          if (found == registrations_.end())
                                            return fail(ErrorCode::kNotFound, "no " + id);
                                          return found->second;
                                        });
}

Result<clearblade::Registration> FakeRegistry::createRegistration(
    const clearblade::NewRegistration& created, const CallTerms& terms) {
  return call<clearblade::Registration>(
      log_, {"createRegistration", terms}, [&]() -> Result<clearblade::Registration> {
        if (has(created.id)) return fail(ErrorCode::kAlreadyExists, created.id + " exists");
        return add(created);
      });
}

Result<clearblade::Registration> FakeRegistry::patchRegistration(
    const std::string& numId, const clearblade::RegistrationPatch& patch, const CallTerms& terms) {
  return call<clearblade::Registration>(
      log_, {"patchRegistration", terms}, [&]() -> Result<clearblade::Registration> {
        std::lock_guard lock(mutex_);
        clearblade::Registration* registration = byNumber(numId);
        if (registration == nullptr) return fail(ErrorCode::kNotFound, "no " + numId);
        if (patch.credentials && patch.credentials->size() > clearblade::kMaxCredentials) {
          return fail(ErrorCode::kInvalid, "too many credentials");
        }
        if (patch.credentials) registration->credentials = *patch.credentials;
        if (patch.metadata) registration->metadata = *patch.metadata;
        return *registration;
      });
}

Status FakeRegistry::deleteRegistration(const std::string& numId, const CallTerms& terms) {
  const auto fault = log_.enter("deleteRegistration", terms);
  if (fault && fault->moment == Moment::kBefore) return fail(fault->error);
  {
    std::lock_guard lock(mutex_);
    std::erase_if(registrations_, [&](const auto& each) { return each.second.numId == numId; });
  }
  if (fault) return fail(fault->error);
  return {};
}

}  // namespace bco::test
