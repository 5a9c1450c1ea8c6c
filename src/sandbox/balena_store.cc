#include "sandbox/balena_store.h"

#include <utility>

namespace bco::sandbox {

using odata::idOf;
using odata::makeText;
using odata::textOf;

BalenaStore::BalenaStore(std::function<TimePoint()> now, std::uint64_t seed)
    : now_(std::move(now)), store_(names.schema), random_(seed) {
  lastIds_.resize(names.schema.resources().size());
  // Apart from each other, so that an id of the wrong kind finds nothing.
  for (std::size_t i = 0; i < lastIds_.size(); ++i) {
    lastIds_[i] = static_cast<std::int64_t>(i + 1) * 10'000'000;
  }
}

std::uint64_t BalenaStore::random() {
  std::uint64_t z = (random_ += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

std::string BalenaStore::randomHex(std::size_t digits) {
  std::string text;
  while (text.size() < digits) text += "0123456789abcdef"[random() % 16];
  return text;
}

std::string BalenaStore::randomAlphanumeric(std::size_t characters) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string text;
  while (text.size() < characters) text += kAlphabet[random() % kAlphabet.size()];
  return text;
}

std::int64_t BalenaStore::nextId(const Resource& resource) {
  // Sequences have gaps: other people's inserts, and those that failed.
  const std::int64_t gap = random() % 8 == 0 ? 3 : 1;
  return lastIds_[resource.index] += gap;
}

BalenaStore::Row BalenaStore::newRow(const Resource& resource) {
  Row row;
  row.values.resize(resource.columns);
  row.values[0] = nextId(resource);
  row.values[1] = row.values[2] = now();
  return row;
}

void BalenaStore::put(const Resource& resource, Row row) { store_.put(resource, std::move(row)); }

void BalenaStore::update(const Resource& resource, Row row) {
  row.values[2] = now();
  store_.put(resource, std::move(row));
}

void BalenaStore::erase(const Resource& resource, std::int64_t id) {
  for (const auto* reference : names.referrers[resource.index]) {
    const odata::Ids pointing = store_.pointingAt(*reference, id);  // it shrinks while we go
    // From the end, where the indexes are cheap to shorten.
    for (auto row = pointing.rbegin(); row != pointing.rend(); ++row) {
      if (reference->cascades) {
        erase(*reference->owner, *row);
      } else if (const Row* found = store_.find(*reference->owner, *row)) {
        Row changed = *found;
        changed.values[reference->column] = {};
        store_.put(*reference->owner, std::move(changed));
      }
    }
  }
  store_.erase(resource, id);
}

const BalenaStore::Row* BalenaStore::findDevice(std::string_view uuid) const {
  return store_.findByText(*names.deviceUuid, uuid);
}

const BalenaStore::Row* BalenaStore::findFleet(std::string_view slug) const {
  return store_.findByText(*names.fleetSlug, slug);
}

const BalenaStore::Row* BalenaStore::findService(std::int64_t fleet, std::string_view name) const {
  for (const auto id : store_.pointingAt(*names.serviceFleet, fleet)) {
    const Row* row = store_.find(*names.service, id);
    if (*textOf(row->values[names.serviceName->column]) == name) return row;
  }
  return nullptr;
}

const BalenaStore::Row* BalenaStore::findInstall(std::int64_t device, std::int64_t service) const {
  for (const auto id : store_.pointingAt(*names.installDevice, device)) {
    const Row* row = store_.find(*names.install, id);
    if (idOf(row->values[names.installService->column]) == service) return row;
  }
  return nullptr;
}

const BalenaStore::Row* BalenaStore::findVariable(const BalenaSchema::Variables& kind,
                                                  std::int64_t owner, std::string_view name) const {
  for (const auto id : store_.pointingAt(*kind.owner, owner)) {
    const Row* row = store_.find(*kind.resource, id);
    if (*textOf(row->values[kind.name->column]) == name) return row;
  }
  return nullptr;
}

std::int64_t BalenaStore::fleetOf(const odata::Store& store, const Resource& resource,
                                  const Row& row) const {
  if (&resource == names.fleet) return row.id();
  const auto& path = names.pathToFleet[resource.index];
  if (path.empty()) return 0;
  const Row* at = &row;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    at = store.find(*path[i]->target, idOf(at->values[path[i]->column]));
    if (at == nullptr) return 0;
  }
  return idOf(at->values[path.back()->column]);
}

std::int64_t BalenaStore::targetReleaseOf(const Row& device) const {
  const std::int64_t pinned = idOf(device.values[names.devicePinnedRelease->column]);
  if (pinned != 0) return pinned;
  const Row* fleet = find(*names.fleet, idOf(device.values[names.deviceFleet->column]));
  return fleet == nullptr ? 0 : idOf(fleet->values[names.fleetRelease->column]);
}

std::vector<BalenaStore::Part> BalenaStore::partsOf(std::int64_t release) const {
  std::vector<Part> parts;
  for (const auto id : store_.pointingAt(*names.releaseImageRelease, release)) {
    const Row* part = store_.find(*names.releaseImage, id);
    const Row* image =
        store_.find(*names.image, idOf(part->values[names.releaseImageImage->column]));
    parts.push_back({idOf(image->values[names.imageService->column]), image->id()});
  }
  return parts;
}

void BalenaStore::assignRelease(std::int64_t device) {
  if (!installDelay_) return;
  if (installDelay_->count() == 0) return install(device);
  pendingInstalls_.emplace(now() + *installDelay_, device);
}

void BalenaStore::install(std::int64_t device) {
  const Row* row = find(*names.device, device);
  if (row == nullptr) return;
  const std::int64_t release = targetReleaseOf(*row);
  if (release == 0) return;
  const odata::Ids old = store_.pointingAt(*names.imageInstallDevice, device);
  for (const auto id : old) erase(*names.imageInstall, id);
  for (const auto& part : partsOf(release)) {
    if (findInstall(device, part.service) == nullptr) {
      Row installed = newRow(*names.install);
      installed.values[names.installDevice->column] = device;
      installed.values[names.installService->column] = part.service;
      put(*names.install, std::move(installed));
    }
    static const Value kRunning = makeText("Running");
    Row running = newRow(*names.imageInstall);
    running.values[names.imageInstallDevice->column] = device;
    running.values[names.imageInstallImage->column] = part.image;
    running.values[names.imageInstallRelease->column] = release;
    running.values[names.imageInstallStatus->column] = kRunning;
    running.values[names.imageInstallDate->column] = now();
    put(*names.imageInstall, std::move(running));
  }
  Row updated = *find(*names.device, device);
  updated.values[names.deviceRunningRelease->column] = release;
  update(*names.device, std::move(updated));
}

void BalenaStore::moveDevice(std::int64_t device, std::int64_t fleet) {
  for (const auto* reference : {names.installDevice, names.imageInstallDevice}) {
    const odata::Ids old = store_.pointingAt(*reference, device);
    for (const auto id : old) erase(*reference->owner, id);
  }
  Row moved = *find(*names.device, device);
  moved.values[names.deviceFleet->column] = fleet;
  moved.values[names.devicePinnedRelease->column] = {};
  moved.values[names.deviceRunningRelease->column] = {};
  update(*names.device, std::move(moved));
  assignRelease(device);
}

void BalenaStore::settle() {
  while (!pendingInstalls_.empty() && pendingInstalls_.begin()->first <= now()) {
    const std::int64_t device = pendingInstalls_.begin()->second;
    pendingInstalls_.erase(pendingInstalls_.begin());
    install(device);
  }
}

void BalenaStore::setStaleness(Duration staleness) {
  staleness_ = staleness;
  if (staleness.count() == 0) {
    store_.observe(nullptr);
    replica_.reset();
    pendingChanges_.clear();
  } else if (!replica_) {
    replica_ = store_;
    replica_->observe(nullptr);
    store_.observe([this](odata::Change change) {
      pendingChanges_.push_back({now() + staleness_, std::move(change)});
    });
  }
}

const odata::Store& BalenaStore::rowsForReading() {
  if (!replica_) return store_;
  while (!pendingChanges_.empty() && pendingChanges_.front().due <= now()) {
    auto& change = pendingChanges_.front().change;
    if (change.row) {
      replica_->put(*change.resource, std::move(*change.row));
    } else {
      replica_->erase(*change.resource, change.id);
    }
    pendingChanges_.pop_front();
  }
  return *replica_;
}

}  // namespace bco::sandbox
