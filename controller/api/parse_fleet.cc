#include <algorithm>
#include <cctype>

#include "api/detail/specs.h"
#include "core/text.h"
#include "http/url.h"

namespace bco::api {
namespace {

using namespace std::chrono_literals;

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

}  // namespace

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

}  // namespace bco::api
