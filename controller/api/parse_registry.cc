#include <algorithm>

#include "api/detail/specs.h"

namespace bco::api {
namespace {

// Part of a resource path.
std::string readSegment(MappingReader& spec, std::string_view key) {
  std::string segment = spec.requiredString(key);
  if (segment.find_first_of("/ \t\r\n") != std::string::npos) {
    spec.problem(key, "must not contain '/' or white space");
  }
  return segment;
}

}  // namespace

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

}  // namespace bco::api
