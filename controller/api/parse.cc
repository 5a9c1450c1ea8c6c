#include "api/parse.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "api/names.h"
#include "core/text.h"
#include "http/url.h"

namespace bco::api {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kNameRule =
    "expected a name of lower-case letters, digits, '-' and '.', at most 253 characters";

std::string readName(MappingReader& reader, std::string_view key) {
  std::string name = reader.requiredString(key);
  if (!name.empty() && !isObjectName(name)) reader.problem(key, kNameRule);
  return name;
}

void checkLabels(MappingReader& meta, const ObjectMeta& result) {
  for (const auto& [key, value] : result.labels) {
    if (!isQualifiedName(key)) meta.problem("labels", "not a label's key: " + key);
    if (!isLabelValue(value)) {
      meta.problem("labels", "the value of " + key +
                                 " must be letters, digits, '-', '_' and '.', at most 63");
    }
  }
  for (const auto& [key, value] : result.annotations) {
    if (!isQualifiedName(toLower(key))) {
      meta.problem("annotations", "not an annotation's key: " + key);
    }
  }
  for (const auto& finalizer : result.finalizers) {
    if (!isQualifiedName(finalizer)) meta.problem("finalizers", "not a finalizer: " + finalizer);
  }
}

ObjectMeta readMeta(MappingReader meta) {
  ObjectMeta result;
  result.key.name = readName(meta, "name");
  if (auto space = meta.string("namespace")) {
    if (!isNamespaceName(*space)) {
      meta.problem("namespace",
                   "expected a name of lower-case letters, digits and '-', at most 63 characters");
    }
    result.key.space = *space;
  }
  result.labels = meta.strings("labels");
  result.annotations = meta.strings("annotations");
  const auto finalizers = meta.list("finalizers");
  result.finalizers.assign(finalizers.begin(), finalizers.end());
  checkLabels(meta, result);
  // What the API server adds to objects that are read back from it.
  for (const auto* key :
       {"uid", "resourceVersion", "generation", "creationTimestamp", "selfLink", "managedFields",
        "generateName", "ownerReferences", "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    meta.ignore(key);
  }
  meta.finish();
  return result;
}

SecretKeyRef readSecretRef(MappingReader ref, const std::string& defaultName,
                           std::string defaultKey) {
  SecretKeyRef result{defaultName, std::move(defaultKey)};
  if (defaultName.empty()) {
    result.name = readName(ref, "name");
  } else if (auto name = ref.string("name")) {
    if (!isObjectName(*name)) ref.problem("name", kNameRule);
    result.name = std::move(*name);
  }
  if (auto key = ref.string("key")) result.key = *key;
  if (!isSecretKey(result.key)) {
    ref.problem("key", result.key.empty()
                           ? "must not be empty"
                           : "expected letters, digits, '-', '_' and '.', not beginning with '..'");
  }
  ref.finish();
  return result;
}

std::optional<SecretKeyRef> readCaRef(MappingReader& spec) {
  MappingReader ref = spec.mapping("caSecretRef");
  if (!ref.present()) return std::nullopt;
  return readSecretRef(std::move(ref), "", "ca.crt");
}

// Part of a resource path.
std::string readSegment(MappingReader& spec, std::string_view key) {
  std::string segment = spec.requiredString(key);
  if (segment.find_first_of("/ \t\r\n") != std::string::npos) {
    spec.problem(key, "must not contain '/' or white space");
  }
  return segment;
}

RegistrySpec readRegistrySpec(MappingReader spec) {
  RegistrySpec result;
  result.project = readSegment(spec, "project");
  result.region = readSegment(spec, "region");
  result.registry = readSegment(spec, "registry");
  result.serviceAccount =
      readSecretRef(spec.mapping("serviceAccountSecretRef"), "", "service-account.json");
  result.ca = readCaRef(spec);
  result.ownerId = spec.string("ownerId");
  if (result.ownerId && result.ownerId->empty()) spec.problem("ownerId", "must not be empty");
  const auto isControl = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (result.ownerId && std::ranges::any_of(*result.ownerId, isControl)) {
    spec.problem("ownerId", "must hold no control characters");
  }
  result.keySeed = readSecretRef(spec.mapping("keySeedSecretRef"), "bco-key-seed", "seed");

  MappingReader budget = spec.mapping("callBudget");
  const RegistryBudget usual;
  result.budget.createDeletePerMinute =
      budget.integer("createDeletePerMinute", 1, 10000000).value_or(usual.createDeletePerMinute);
  result.budget.updatesPerMinute =
      budget.integer("updatesPerMinute", 1, 10000000).value_or(usual.updatesPerMinute);
  result.budget.readsPerMinute =
      budget.integer("readsPerMinute", 1, 10000000).value_or(usual.readsPerMinute);
  result.budget.maxInFlight = budget.integer("maxInFlight", 1, 1000).value_or(usual.maxInFlight);
  budget.finish();
  spec.finish();
  return result;
}

bool isTimeOfDay(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return false;
  for (const std::size_t i : {0U, 1U, 3U, 4U}) {
    if (text[i] < '0' || text[i] > '9') return false;
  }
  return text.substr(0, 2) < "24" && text.substr(3) < "60";
}

// By its form alone: which zones there are differs between machines.
bool isTimeZone(std::string_view text) {
  return std::ranges::all_of(split(text, '/'), [](std::string_view part) {
    return !part.empty() && std::ranges::all_of(part, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_' || c == '+' || c == '-';
    });
  });
}

MaintenanceWindow readWindow(MappingReader window) {
  static constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu",
                                                            "Fri", "Sat", "Sun"};
  MaintenanceWindow result;
  result.days = window.list("days", kDays.size());
  for (const auto& day : result.days) {
    if (std::ranges::find(kDays, day) == kDays.end()) {
      window.problem("days", "expected Mon, Tue, Wed, Thu, Fri, Sat or Sun");
    }
  }
  result.start = window.requiredString("start");
  if (!result.start.empty() && !isTimeOfDay(result.start)) {
    window.problem("start", "expected a time of day such as \"02:00\"");
  }
  if (!window.has("duration")) window.problem("duration", "is required");
  result.duration = window.duration("duration", 1min).value_or(1h);
  result.timeZone = window.string("timeZone").value_or("UTC");
  if (!isTimeZone(result.timeZone)) {
    window.problem("timeZone", "expected a time zone such as Europe/Berlin");
  }
  window.finish();
  return result;
}

// Of clouds on this machine, for trying and testing, keys may live for minutes.
KeyPolicy readKeyPolicy(MappingReader keys, bool isLoopback, Problems& problems) {
  const Duration anHour = isLoopback ? Duration(1min) : Duration(1h);
  const Duration aMinute = isLoopback ? Duration(1s) : Duration(1min);
  KeyPolicy result;
  result.lifetime = keys.duration("lifetime", anHour).value_or(result.lifetime);
  result.rotateBefore = keys.duration("rotateBefore", aMinute).value_or(result.rotateBefore);
  result.overlap = keys.duration("overlap", anHour).value_or(result.overlap);
  result.offlineGrace = keys.duration("offlineGrace", 0h).value_or(result.offlineGrace);
  result.verifyInterval = keys.duration("verifyInterval", aMinute).value_or(result.verifyInterval);
  result.renewAfter = keys.time("renewAfter");
  result.revokeBefore = keys.time("revokeBefore");
  if (result.rotateBefore >= result.lifetime) {
    keys.problem("rotateBefore",
                 "must be shorter than lifetime (" + formatDuration(result.lifetime) + ")");
  }
  MappingReader renewal = keys.mapping("renewal");
  result.renewal.maxConcurrent =
      renewal.integer("maxConcurrent", 1, 100000).value_or(result.renewal.maxConcurrent);
  result.renewal.window = renewal.duration("window", 0h).value_or(result.renewal.window);
  renewal.finish();
  for (const yaml::Node* window : keys.sequence("windows", 20)) {
    result.windows.push_back(
        readWindow({window, "spec.keys.windows[]", window->position, problems}));
  }
  keys.finish();
  return result;
}

constexpr std::pair<std::string_view, Adoption> kAdoptions[] = {
    {"IfKeyMatches", Adoption::kIfKeyMatches},
    {"Always", Adoption::kAlways},
    {"Never", Adoption::kNever}};
constexpr std::pair<std::string_view, DeletionPolicy> kDeletionPolicies[] = {
    {"Retain", DeletionPolicy::kRetain}, {"Delete", DeletionPolicy::kDelete}};

std::optional<std::string> readTarget(MappingReader variables) {
  enum class Target { kDevice, kService };
  static constexpr std::pair<std::string_view, Target> kTargets[] = {{"Device", Target::kDevice},
                                                                     {"Service", Target::kService}};
  const Target target = variables.choice("target", kTargets).value_or(Target::kDevice);
  const auto service = variables.string("service");
  std::optional<std::string> result;
  if (target == Target::kService) {
    if (!service || service->empty()) {
      variables.problem("service", "is required with target: Service");
    }
    result = service.value_or("");
  } else if (service) {
    variables.problem("service", "only goes with target: Service");
  }
  variables.finish();
  return result;
}

// That of an API has no query, and a path without escapes.
bool isPlainUrl(const http::Url& url) {
  const auto isOf = [](std::string_view text, std::string_view others) {
    return std::ranges::all_of(text, [&](unsigned char c) {
      return std::isalnum(c) != 0 || others.find(static_cast<char>(c)) != std::string_view::npos;
    });
  };
  return isOf(url.host, "._-") && isOf(url.target, "._~/-");
}

bool isSlug(std::string_view slug) {
  const auto parts = split(slug, '/');
  return parts.size() == 2 && !parts[0].empty() && !parts[1].empty() &&
         slug.find_first_of(" \t\r\n'\"") == std::string_view::npos;
}

FleetSpec readFleetSpec(MappingReader spec, Problems& problems) {
  FleetSpec result;
  result.fleet = spec.requiredString("fleet");
  if (!result.fleet.empty() && !isSlug(result.fleet)) {
    spec.problem("fleet", "expected the fleet's slug, \"organization/fleet\"");
  }
  result.apiUrl = spec.string("apiUrl").value_or(result.apiUrl);
  while (result.apiUrl.ends_with('/')) result.apiUrl.pop_back();
  const auto url = http::parseUrl(result.apiUrl);
  if (!url) {
    spec.problem("apiUrl", url.error().message);
  } else if (url->target.ends_with("/v7")) {
    spec.problem("apiUrl",
                 "expected a URL without the API's version, which is added: leave out /v7");
  } else if (!isPlainUrl(*url)) {
    spec.problem("apiUrl", "expected a URL such as https://api.balena-cloud.com");
  }
  result.token = readSecretRef(spec.mapping("tokenSecretRef"), "", "token");
  result.ca = readCaRef(spec);
  MappingReader registry = spec.mapping("registryRef");
  result.registry = readName(registry, "name");
  registry.finish();

  static constexpr std::pair<std::string_view, Mode> kModes[] = {{"Enforce", Mode::kEnforce},
                                                                 {"Observe", Mode::kObserve}};
  result.mode = spec.choice("mode", kModes).value_or(result.mode);
  static constexpr std::pair<std::string_view, DeviceSource> kSources[] = {
      {"Declared", DeviceSource::kDeclared}, {"All", DeviceSource::kAll}};
  result.devices = spec.choice("devices", kSources).value_or(result.devices);

  constexpr std::size_t kMostTags = 100;
  constexpr std::size_t kLongestTag = 10000;  // balena's own limit
  MappingReader selector = spec.mapping("selector");
  if (selector.present() && result.devices != DeviceSource::kAll) {
    spec.problem("selector", "only goes with devices: All");
  }
  for (auto& [key, value] : selector.strings("tags", kMostTags, kLongestTag)) {
    result.selector.tags[key] = value;
  }
  for (auto& [key, value] : selector.strings("excludeTags", kMostTags, kLongestTag)) {
    result.selector.excludeTags[key] = value;
  }
  result.selector.deviceTypes = selector.list("deviceTypes", 100);
  selector.finish();

  result.service = readTarget(spec.mapping("variables"));
  result.keys = readKeyPolicy(spec.mapping("keys"), url && http::isLoopback(url->host), problems);
  result.adoption = spec.choice("adoption", kAdoptions).value_or(result.adoption);

  MappingReader stale = spec.mapping("stale");
  static constexpr std::pair<std::string_view, StalePolicy> kStalePolicies[] = {
      {"Report", StalePolicy::kReport}, {"Delete", StalePolicy::kDelete}};
  result.stale.policy = stale.choice("policy", kStalePolicies).value_or(result.stale.policy);
  result.stale.after = stale.duration("after", 0h).value_or(result.stale.after);
  result.stale.maxPerSync =
      stale.integer("maxPerSync", 0, 1000000).value_or(result.stale.maxPerSync);
  result.stale.maxPercent = stale.integer("maxPercent", 0, 100).value_or(result.stale.maxPercent);
  result.stale.maxPerDay = stale.integer("maxPerDay", 0, 1000000).value_or(result.stale.maxPerDay);
  stale.finish();

  result.deletionPolicy =
      spec.choice("deletionPolicy", kDeletionPolicies).value_or(result.deletionPolicy);
  MappingReader endpoint = spec.mapping("endpoint");
  result.enrol = endpoint.boolean("enrol").value_or(result.enrol);
  endpoint.finish();
  result.syncInterval = spec.duration("syncInterval", 1s).value_or(result.syncInterval);

  MappingReader budget = spec.mapping("callBudget");
  result.budget.requestsPerSecond =
      budget.positiveNumber("requestsPerSecond").value_or(result.budget.requestsPerSecond);
  result.budget.burst = budget.integer("burst", 1, 1000000).value_or(result.budget.burst);
  result.budget.maxInFlight =
      budget.integer("maxInFlight", 1, 1000).value_or(result.budget.maxInFlight);
  budget.finish();
  result.suspend = spec.boolean("suspend").value_or(false);
  spec.finish();
  return result;
}

DeviceSpec readDeviceSpec(MappingReader spec) {
  DeviceSpec result;
  result.uuid = spec.requiredString("uuid");
  if (!result.uuid.empty() && !isDeviceUuid(result.uuid)) {
    spec.problem("uuid", "expected the full UUID, 32 or 62 lower-case hex digits");
  }
  MappingReader fleet = spec.mapping("fleetRef");
  result.fleet = readName(fleet, "name");
  fleet.finish();
  static constexpr std::pair<std::string_view, DesiredState> kStates[] = {
      {"Present", DesiredState::kPresent}, {"Absent", DesiredState::kAbsent}};
  result.state = spec.choice("state", kStates).value_or(result.state);

  MappingReader keys = spec.mapping("keys");
  result.keys.lifetime = keys.duration("lifetime", 1h);
  result.keys.rotateBefore = keys.duration("rotateBefore", 1min);
  result.keys.renewAfter = keys.time("renewAfter");
  result.keys.revokeBefore = keys.time("revokeBefore");
  if (result.keys.lifetime && result.keys.rotateBefore &&
      *result.keys.rotateBefore >= *result.keys.lifetime) {
    keys.problem("rotateBefore", "must be shorter than lifetime");
  }
  keys.finish();
  result.adoption = spec.choice("adoption", kAdoptions);
  result.deletionPolicy = spec.choice("deletionPolicy", kDeletionPolicies);
  result.suspend = spec.boolean("suspend").value_or(false);
  spec.finish();
  return result;
}

// Error messages name the key of a Secret, never its value.
Secret readSecret(MappingReader& document, const ObjectMeta& meta, yaml::Position position,
                  Problems& problems) {
  Secret secret{meta.key, {}};
  const auto readValues = [&](std::string_view field, bool base64) {
    const yaml::Node* values = document.raw(field);
    if (values == nullptr) return;
    if (values->kind != yaml::Kind::kMapping) {
      problems.add(values->position, field, "expected a mapping");
      return;
    }
    for (const yaml::Entry& entry : values->entries) {
      const std::string path = std::string(field) + "." + entry.key;
      if (entry.value.kind != yaml::Kind::kString) {
        problems.add(entry.value.position, path, "expected a string: put it in quotes");
        continue;
      }
      if (!base64) {
        secret.values[entry.key] = entry.value.scalar.clone();
      } else if (auto decoded = fromBase64(trim(entry.value.scalar.reveal()))) {
        secret.values[entry.key] = SecretBytes::take(std::move(*decoded));
      } else {
        problems.add(entry.value.position, path, "expected base64; plain text goes in stringData");
      }
    }
  };
  readValues("data", true);
  readValues("stringData", false);  // as in Kubernetes, it wins over data
  document.ignore("type");
  document.ignore("immutable");
  if (secret.values.empty()) problems.add(position, "", "the Secret holds no value");
  return secret;
}

}  // namespace

void parseSpec(const yaml::Node& node, RegistrySpec& spec, Problems& problems) {
  spec = readRegistrySpec({&node, "spec", node.position, problems});
}

void parseSpec(const yaml::Node& node, FleetSpec& spec, Problems& problems) {
  spec = readFleetSpec({&node, "spec", node.position, problems}, problems);
}

void parseSpec(const yaml::Node& node, DeviceSpec& spec, Problems& problems) {
  spec = readDeviceSpec({&node, "spec", node.position, problems});
}

std::optional<AnyObject> parseObject(const yaml::Node& document, Problems& problems) {
  MappingReader reader(&document, "", document.position, problems);
  if (!reader.present()) return std::nullopt;
  const std::string apiVersion = reader.requiredString("apiVersion");
  const std::string kind = reader.requiredString("kind");
  const bool isSecret = apiVersion == "v1" && kind == "Secret";
  const bool isOurs =
      apiVersion == kApiVersion &&
      (kind == "ClearBladeRegistry" || kind == "BalenaFleet" || kind == "BalenaDevice");
  if (!isSecret && !isOurs) {
    if (!apiVersion.empty() && !kind.empty()) {
      reader.problem("kind", "unknown kind " + kind + " of " + apiVersion +
                                 "; known: ClearBladeRegistry, BalenaFleet and BalenaDevice of " +
                                 std::string(kApiVersion) + ", Secret of v1");
    }
    return std::nullopt;
  }
  if (!reader.has("metadata")) reader.problem("metadata", "is required");
  ObjectMeta meta = readMeta(reader.mapping("metadata"));
  std::optional<AnyObject> object;
  if (isSecret) {
    object = readSecret(reader, meta, document.position, problems);
  } else {
    if (!reader.has("spec")) reader.problem("spec", "is required");
    if (kind == "ClearBladeRegistry") {
      object = ClearBladeRegistry{meta, readRegistrySpec(reader.mapping("spec")), {}};
    } else if (kind == "BalenaFleet") {
      const FleetSpec spec = readFleetSpec(reader.mapping("spec"), problems);
      if (spec.devices == DeviceSource::kAll && !isLabelValue(meta.key.name)) {
        reader.problem("metadata",
                       "with devices: All a name has at most 63 characters: it is the value of a "
                       "label of its devices");
      }
      object = BalenaFleet{meta, spec, {}};
    } else {
      object = BalenaDevice{meta, readDeviceSpec(reader.mapping("spec")), {}};
    }
    reader.ignore("status");  // written by us; in a file it is an export's
  }
  reader.finish();
  return object;
}

}  // namespace bco::api
