#include "sandbox/balena_cloud.h"

#include <utility>

#include "sandbox/balena_account.h"
#include "sandbox/balena_admin.h"
#include "sandbox/balena_reply.h"
#include "sandbox/balena_resources.h"
#include "sandbox/balena_state.h"

namespace bco::sandbox {
namespace {

constexpr std::size_t kMaxBodyBytes = 512 * 1024;

}  // namespace

class BalenaCloud::Impl {
 public:
  Impl(BalenaHooks givenHooks, std::uint64_t seed)
      : hooks(std::move(givenHooks)),
        store(hooks.now, seed),
        access(store),
        resources(store, access, hooks),
        account(store, access, hooks),
        admin(store, hooks) {}

  const BalenaHooks hooks;
  BalenaSettings settings;
  BalenaStore store;
  BalenaAccess access;
  BalenaResources resources;
  BalenaAccount account;
  BalenaAdmin admin;
};

BalenaCloud::BalenaCloud(BalenaHooks hooks, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(std::move(hooks), seed)) {}

BalenaCloud::~BalenaCloud() = default;

server::Reply BalenaCloud::handle(const server::Request& request) {
  impl_->store.settle();
  if (request.body.size() > kMaxBodyBytes) {
    return htmlReply(413, "PayloadTooLargeError: request entity too large");
  }
  const std::string_view target = request.target;
  const auto question = target.find('?');
  const auto path = target.substr(0, question);
  const auto query =
      question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  const Principal& principal = impl_->access.identify(request);
  const bool v6 = path.starts_with("/v6/");
  if (!v6 && !path.starts_with("/v7/")) return impl_->account.handle(request, principal, path);
  return impl_->resources.handle(request, principal, v6, path.substr(4), query);
}

Status BalenaCloud::addFleet(const FleetSpec& spec) { return impl_->admin.addFleet(spec); }

Result<std::string> BalenaCloud::addDevice(const DeviceSpec& spec) {
  impl_->store.settle();
  return impl_->admin.addDevice(spec);
}

Result<std::vector<std::string>> BalenaCloud::addDevices(std::string_view fleet,
                                                         std::size_t count) {
  std::vector<std::string> uuids;
  uuids.reserve(count);
  DeviceSpec spec;
  spec.fleet = fleet;
  while (uuids.size() < count) {
    auto uuid = addDevice(spec);
    if (!uuid) return fail(uuid.error());
    uuids.push_back(std::move(*uuid));
  }
  return uuids;
}

Status BalenaCloud::deleteDevice(std::string_view uuid) {
  const auto* device = impl_->store.findDevice(uuid);
  if (device == nullptr) return fail(ErrorCode::kNotFound, "no device " + std::string(uuid));
  impl_->store.erase(*impl_->store.names.device, device->id());
  return {};
}

Status BalenaCloud::deleteFleet(std::string_view slug) {
  const auto* fleet = impl_->store.findFleet(slug);
  if (fleet == nullptr) return fail(ErrorCode::kNotFound, "no fleet " + std::string(slug));
  impl_->store.erase(*impl_->store.names.fleet, fleet->id());
  return {};
}

Status BalenaCloud::moveDevice(std::string_view uuid, std::string_view fleet) {
  impl_->store.settle();
  return impl_->admin.moveDevice(uuid, fleet);
}

Status BalenaCloud::renameFleet(std::string_view slug, std::string_view newSlug) {
  return impl_->admin.renameFleet(slug, newSlug);
}

Status BalenaCloud::setOnline(std::string_view uuid, bool online) {
  return impl_->admin.setOnline(uuid, online);
}

Status BalenaCloud::setTag(std::string_view uuid, std::string_view key, std::string_view value) {
  return impl_->admin.setTag(uuid, key, value);
}

Status BalenaCloud::removeTag(std::string_view uuid, std::string_view key) {
  return impl_->admin.removeTag(uuid, key);
}

Status BalenaCloud::release(std::string_view fleet) {
  impl_->store.settle();
  return impl_->admin.release(fleet);
}

Status BalenaCloud::addService(std::string_view fleet, std::string_view service) {
  return impl_->admin.addService(fleet, service);
}

Status BalenaCloud::setVariable(std::string_view uuid, std::string_view service,
                                std::string_view name, std::string_view value) {
  impl_->store.settle();
  return impl_->admin.setVariable(uuid, service, name, value);
}

Status BalenaCloud::removeVariable(std::string_view uuid, std::string_view service,
                                   std::string_view name) {
  impl_->store.settle();
  return impl_->admin.removeVariable(uuid, service, name);
}

Status BalenaCloud::setFleetVariable(std::string_view fleet, std::string_view service,
                                     std::string_view name, std::string_view value) {
  return impl_->admin.setFleetVariable(fleet, service, name, value);
}

Result<std::string> BalenaCloud::addToken(const TokenSpec& spec) { return impl_->access.add(spec); }

Status BalenaCloud::revokeToken(std::string_view token) { return impl_->access.revoke(token); }

Status BalenaCloud::expireToken(std::string_view token, TimePoint when) {
  return impl_->access.expire(token, when);
}

const BalenaSettings& BalenaCloud::settings() const { return impl_->settings; }

void BalenaCloud::configure(const BalenaSettings& settings) {
  impl_->store.settle();
  impl_->settings = settings;
  impl_->store.setInstallDelay(settings.installDelay);
  impl_->store.setStaleness(settings.staleness);
}

Status BalenaCloud::setFieldAbsent(std::string_view field, bool absent) {
  const auto dot = field.find('.');
  auto* found = dot == std::string_view::npos ? nullptr
                                              : impl_->store.names.schema.findField(
                                                    field.substr(0, dot), field.substr(dot + 1));
  if (found == nullptr) return fail(ErrorCode::kNotFound, "no field " + std::string(field));
  found->absent = absent;
  return {};
}

bool BalenaCloud::hasDevice(std::string_view uuid) const {
  return impl_->store.findDevice(uuid) != nullptr;
}

bool BalenaCloud::isConnected(std::string_view uuid) const {
  const auto* device = impl_->store.findDevice(uuid);
  return device != nullptr &&
         device->values[impl_->store.names.deviceIsConnected->column] == odata::Value{true};
}

std::optional<TargetState> BalenaCloud::targetState(std::string_view uuid) {
  impl_->store.settle();
  return targetStateOf(impl_->store, uuid);
}

std::vector<std::string> BalenaCloud::deviceUuids(std::string_view fleet) const {
  const auto& store = impl_->store;
  std::vector<std::string> uuids;
  const auto* owner = store.findFleet(fleet);
  if (owner == nullptr) return uuids;
  for (const auto id : store.rows().pointingAt(*store.names.deviceFleet, owner->id())) {
    const auto* device = store.find(*store.names.device, id);
    uuids.push_back(*odata::textOf(device->values[store.names.deviceUuid->column]));
  }
  return uuids;
}

std::string BalenaCloud::variable(std::string_view uuid, std::string_view service,
                                  std::string_view name) const {
  const auto& names = impl_->store.names;
  if (!service.empty()) {
    if (const auto* row = impl_->admin.variable(uuid, service, name)) {
      return *odata::textOf(row->values[names.installVariables.value->column]);
    }
  }
  const auto* row = impl_->admin.variable(uuid, "", name);
  return row == nullptr ? "" : *odata::textOf(row->values[names.deviceVariables.value->column]);
}

std::string BalenaCloud::dump() const {
  const auto& store = impl_->store;
  std::string json = "{";
  for (const auto& resource : store.names.schema.resources()) {
    if (&resource == store.names.actor || &resource == store.names.fleetAccess) continue;
    if (json.size() > 1) json += ',';
    odata::appendJsonString(json, resource.name);
    json += ":[";
    bool first = true;
    for (const auto id : store.rows().all(resource)) {
      if (!first) json += ',';
      first = false;
      impl_->resources.appendAll(json, resource, *store.find(resource, id));
    }
    json += ']';
  }
  return json + "}";
}

std::string BalenaCloud::dumpDevice(std::string_view uuid) const {
  const auto* device = impl_->store.findDevice(uuid);
  return device == nullptr ? "" : impl_->resources.dumpDevice(*device);
}

}  // namespace bco::sandbox
