#include "api/json_encode.h"

#include "api/json_writer.h"

namespace bco::api {
namespace {

// metav1.Condition's limit, in characters there.
constexpr std::size_t kLongestMessage = 32768;

std::string_view shortened(std::string_view message) {
  if (message.size() <= kLongestMessage) return message;
  std::size_t end = kLongestMessage;
  // Not within a character.
  while (end > kLongestMessage - 3 && (static_cast<unsigned char>(message[end]) & 0xC0U) == 0x80) {
    --end;
  }
  return message.substr(0, end);
}

std::string_view textOf(Adoption adoption) {
  switch (adoption) {
    case Adoption::kIfKeyMatches:
      return "IfKeyMatches";
    case Adoption::kAlways:
      return "Always";
    case Adoption::kNever:
      return "Never";
  }
  return "";
}

std::string_view textOf(DeletionPolicy policy) {
  return policy == DeletionPolicy::kDelete ? "Delete" : "Retain";
}

void writeTexts(JsonWriter& json, std::string_view name, const TextMap& texts) {
  if (texts.empty()) return;
  json.openObject(name);
  for (const auto& [key, value] : texts) json.text(key, value);
  json.closeObject();
}

void writeOwner(JsonWriter& json, const ObjectMeta& fleet) {
  json.openList("ownerReferences");
  json.openObject("");
  json.text("apiVersion", kApiVersion);
  json.text("kind", nameOf(ObjectKind::kFleet));
  json.text("name", fleet.key.name);
  json.text("uid", fleet.uid);
  json.boolean("controller", true);
  json.closeObject();
  json.closeList();
}

void writeKeys(JsonWriter& json, const KeyOverrides& keys) {
  if (!keys.lifetime && !keys.rotateBefore && !keys.renewAfter && !keys.revokeBefore) return;
  json.openObject("keys");
  if (keys.lifetime) json.text("lifetime", formatDuration(*keys.lifetime));
  if (keys.rotateBefore) json.text("rotateBefore", formatDuration(*keys.rotateBefore));
  json.optionalTime("renewAfter", keys.renewAfter);
  json.optionalTime("revokeBefore", keys.revokeBefore);
  json.closeObject();
}

void writeSpec(JsonWriter& json, const DeviceSpec& spec) {
  json.openObject("spec");
  json.text("uuid", spec.uuid);
  json.openObject("fleetRef");
  json.text("name", spec.fleet);
  json.closeObject();
  if (spec.state == DesiredState::kAbsent) json.text("state", "Absent");
  writeKeys(json, spec.keys);
  if (spec.adoption) json.text("adoption", textOf(*spec.adoption));
  if (spec.deletionPolicy) json.text("deletionPolicy", textOf(*spec.deletionPolicy));
  if (spec.suspend) json.boolean("suspend", true);
  json.closeObject();
}

void writeConditions(JsonWriter& json, const Conditions& conditions) {
  if (conditions.empty()) return;
  json.openList("conditions");
  for (const Condition& condition : conditions) {
    json.openObject("");
    json.text("type", condition.type);
    json.text("status", condition.status ? "True" : "False");
    json.text("reason", condition.reason);
    json.text("message", shortened(condition.message));
    // The schema knows none below zero, and zero is that of no object.
    if (condition.observedGeneration > 0) {
      json.number("observedGeneration", condition.observedGeneration);
    }
    json.time("lastTransitionTime", condition.lastTransition);
    json.closeObject();
  }
  json.closeList();
}

// What the three kinds have in common, at the end of a status.
template <class ObjectStatus>
void writeCommon(JsonWriter& json, const ObjectStatus& status) {
  json.number("failureCount", status.failureCount);
  json.optionalTime("lastFailureTime", status.lastFailureTime);
  json.optionalText("lastHandledReconcileAt", status.lastHandledReconcileAt);
  writeConditions(json, status.conditions);
}

void writeKey(JsonWriter& json, const KeyStatus& key) {
  json.openObject("key");
  json.optionalText("fingerprint", key.fingerprint);
  json.number("generation", key.generation);
  json.optionalTime("issuedAt", key.issuedAt);
  json.optionalTime("expiresAt", key.expiresAt);
  json.optionalTime("rotateAt", key.rotateAt);
  json.optionalTime("verifiedAt", key.verifiedAt);
  json.closeObject();
}

void writeStatus(JsonWriter& json, const DeviceStatus& status) {
  json.text("phase", nameOf(status.phase));
  json.optionalText("deviceName", status.deviceName);
  json.optionalText("registration", status.registration);
  if (status.key) writeKey(json, *status.key);
  json.optionalTime("lastSeen", status.lastSeen);
  json.optionalTime("absentSince", status.absentSince);
}

void writeCounts(JsonWriter& json, const DeviceCounts& counts) {
  json.openObject("devices");
  json.number("total", counts.total);
  json.number("ready", counts.ready);
  json.number("pending", counts.pending);
  json.number("waiting", counts.waiting);
  json.number("failed", counts.failed);
  json.number("conflict", counts.conflict);
  json.number("suspended", counts.suspended);
  json.number("stale", counts.stale);
  json.number("deprovisioning", counts.deprovisioning);
  json.closeObject();
}

void writeFailing(JsonWriter& json, const std::vector<FailingDevice>& failing) {
  if (failing.empty()) return;
  json.openList("failing");
  for (const FailingDevice& device : failing) {
    json.openObject("");
    json.text("uuid", device.uuid);
    json.text("reason", device.reason);
    json.text("message", shortened(device.message));
    json.closeObject();
  }
  json.closeList();
}

void writeRecent(JsonWriter& json, const std::vector<RemovalHour>& recent) {
  if (recent.empty()) return;
  json.openList("recent");
  for (const RemovalHour& each : recent) {
    json.openObject("");
    json.optionalTime("hour", each.hour);
    json.number("count", each.count);
    json.closeObject();
  }
  json.closeList();
}

void writeStatus(JsonWriter& json, const FleetStatus& status) {
  if (status.fleetId != 0) json.number("fleetId", status.fleetId);
  writeCounts(json, status.devices);
  if (status.lastBalenaSync || status.lastRegistrySync) {
    json.openObject("lastCompleteSync");
    json.optionalTime("balena", status.lastBalenaSync);
    json.optionalTime("registry", status.lastRegistrySync);
    json.closeObject();
  }
  writeFailing(json, status.failing);
  json.openObject("removal");
  json.boolean("halted", status.removal.halted);
  json.number("candidates", status.removal.candidates);
  json.optionalText("set", status.removal.set);
  json.optionalTime("since", status.removal.since);
  writeRecent(json, status.removal.recent);
  json.closeObject();
  json.openObject("renewal");
  json.number("requested", status.renewal.requested);
  json.number("done", status.renewal.done);
  json.closeObject();
}

void writeStatus(JsonWriter& json, const RegistryStatus& status) {
  json.optionalText("ownerId", status.ownerId);
  json.openObject("registrations");
  json.number("total", status.total);
  json.number("owned", status.owned);
  json.number("foreign", status.foreign);
  json.closeObject();
  json.optionalTime("lastCompleteSync", status.lastCompleteSync);
}

kube::Application application(ObjectKind kind, const ObjectMeta& meta) {
  return {.kind = nameOf(kind), .uid = meta.uid};
}

// No object within a status is ever empty: where the server has to remove all that an application
// named of one, it makes null of the empty object that comes instead, and refuses that (1.34).
template <class Object, class ObjectStatus>
kube::Application statusOf(const Object& object, const ObjectStatus& status, bool ifUnchanged) {
  JsonWriter json;
  json.openObject("status");
  json.number("observedGeneration", status.observedGeneration);
  writeStatus(json, status);
  writeCommon(json, status);
  json.closeObject();
  kube::Application result = application(Object::kKind, object.meta);
  if (ifUnchanged) result.resourceVersion = std::to_string(object.meta.resourceVersion);
  result.members = json.take();
  return result;
}

}  // namespace

std::string encodeDevice(const BalenaDevice& device, const ObjectMeta* owner) {
  JsonWriter json;
  json.openObject("");
  json.text("apiVersion", kApiVersion);
  json.text("kind", nameOf(ObjectKind::kDevice));
  json.openObject("metadata");
  json.text("name", device.meta.key.name);
  json.text("namespace", device.meta.key.space);
  writeTexts(json, "labels", device.meta.labels);
  writeTexts(json, "annotations", device.meta.annotations);
  if (owner != nullptr) writeOwner(json, *owner);
  json.closeObject();
  writeSpec(json, device.spec);
  json.closeObject();
  return json.take();
}

kube::Application applyStatus(const BalenaDevice& object, const DeviceStatus& status,
                              bool ifUnchanged) {
  return statusOf(object, status, ifUnchanged);
}

kube::Application applyStatus(const BalenaFleet& object, const FleetStatus& status,
                              bool ifUnchanged) {
  return statusOf(object, status, ifUnchanged);
}

kube::Application applyStatus(const ClearBladeRegistry& object, const RegistryStatus& status,
                              bool ifUnchanged) {
  return statusOf(object, status, ifUnchanged);
}

kube::Application applyFinalizer(ObjectKind kind, const ObjectMeta& meta, bool present) {
  kube::Application result = application(kind, meta);
  if (present) {
    JsonWriter json;
    json.openList("finalizers");
    json.text("", kFinalizer);
    json.closeList();
    result.metadata = json.take();
  }
  return result;
}

std::string encodeDemand(const BalenaDevice& seen, DesiredState state, std::string_view request,
                         std::optional<std::string_view> absentBy) {
  JsonWriter json;
  json.openObject("");
  json.openObject("metadata");
  json.text("uid", seen.meta.uid);
  json.openObject("annotations");
  json.text(kReconcileAnnotation, request);
  json.optionalText(kAbsentByAnnotation, absentBy.value_or(""));
  if (absentBy == "" && seen.meta.annotations.contains(kAbsentByAnnotation)) {
    json.null(kAbsentByAnnotation);
  }
  json.closeObject();
  json.closeObject();
  if (seen.spec.state != state) {
    json.openObject("spec");
    json.text("state", state == DesiredState::kAbsent ? "Absent" : "Present");
    json.closeObject();
  }
  json.closeObject();
  return json.take();
}

std::string withLabels(const ObjectMeta& meta,
                       const std::map<std::string, std::optional<std::string>>& changes) {
  JsonWriter json;
  json.openObject("");
  json.openObject("metadata");
  json.text("resourceVersion", std::to_string(meta.resourceVersion));  // no successor has it
  json.openObject("labels");
  for (const auto& [name, value] : changes) {
    if (value) {
      json.text(name, *value);
    } else {
      json.null(name);
    }
  }
  json.closeObject();
  json.closeObject();
  json.closeObject();
  return json.take();
}

std::string withoutFinalizer(const ObjectMeta& meta) {
  JsonWriter json;
  json.openObject("");
  json.openObject("metadata");
  json.text("resourceVersion", std::to_string(meta.resourceVersion));  // no successor has it
  json.openList("finalizers");
  for (const CommonText& finalizer : meta.finalizers) {
    if (finalizer != kFinalizer) json.text("", finalizer);
  }
  json.closeList();
  json.closeObject();
  json.closeObject();
  return json.take();
}

}  // namespace bco::api
