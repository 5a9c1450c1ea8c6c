#include "balena/urls.h"

#include <algorithm>
#include <span>

#include "core/text.h"

namespace bco::balena {
namespace {

// An OData string, ready for a URL.
std::string odataString(std::string_view text) {
  std::string doubled;
  for (const char c : text) {
    doubled += c;
    if (c == '\'') doubled += c;
  }
  return "'" + percentEncode(doubled) + "'";
}

// "name in ('A','B')"
std::string nameIn(std::span<const std::string_view> names) {
  std::string list;
  for (const std::string_view name : names) {
    if (!list.empty()) list += ',';
    list += odataString(name);
  }
  return "name in (" + list + ")";
}

std::string publicNames() { return nameIn(std::span(kVariableNames).first<3>()); }
static_assert(kVariableNames.back() == kPrivateKey, "the public ones come first");

std::string ourNames() { return nameIn(kVariableNames); }

std::string withSpacesEscaped(std::string_view text) {
  std::string url;
  url.reserve(text.size() + 128);
  for (const char c : text) {
    if (c == ' ') {
      url += "%20";
    } else {
      url += c;
    }
  }
  return url;
}

bool namesOneRow(const VariableParent& parent) {
  return parent.deviceId.has_value() != parent.serviceInstallId.has_value() &&
         parent.deviceId.value_or(1) > 0 && parent.serviceInstallId.value_or(1) > 0;
}

std::string_view resourceOf(const VariableParent& parent) {
  return parent.deviceId ? "device_environment_variable" : "device_service_environment_variable";
}

std::string page(std::int64_t afterId, std::size_t size) {
  return " and id gt " + std::to_string(afterId) + "&$orderby=id asc&$top=" + std::to_string(size);
}

}  // namespace

Urls::Urls(std::string_view apiUrl) {
  while (apiUrl.ends_with('/')) apiUrl.remove_suffix(1);
  root_ = std::string(apiUrl) + "/v7/";
  whoami_ = std::string(apiUrl) + "/actor/v1/whoami";
}

std::string Urls::whoami() const { return whoami_; }

std::string Urls::apiKeys() const { return root_ + "api_key?$select=name,expiry_date"; }

std::string Urls::fleet(std::string_view slug) const {
  // By filter, not by key: a slug's slash in a path does not survive every proxy.
  return withSpacesEscaped(root_ + "application?$filter=slug eq " + odataString(slug) +
                           "&$select=id,slug,should_be_running__release"
                           "&$expand=service($select=id,service_name)");
}

std::string Urls::deviceCount(std::int64_t fleetId) const {
  return withSpacesEscaped(root_ + "device/$count?$filter=belongs_to__application eq " +
                           std::to_string(fleetId));
}

std::string Urls::devicePage(std::int64_t fleetId, const VariableLevel& level, bool withTags,
                             std::int64_t afterId, std::size_t size) const {
  std::string variables = "environment_variable($select=name,value;$filter=" + publicNames() + ")";
  if (level.serviceId) {
    variables = "service_install($select=id;$filter=installs__service eq " +
                std::to_string(*level.serviceId) + ";$expand=device_service_" + variables + ")";
  } else {
    variables = "device_" + variables;
  }
  // The fleet is selected although it is filtered by: the reader checks that the filter held.
  return withSpacesEscaped(root_ + "device?$filter=belongs_to__application eq " +
                           std::to_string(fleetId) + page(afterId, size) +
                           "&$select=id,uuid,device_name,belongs_to__application"
                           "&$expand=" +
                           (withTags ? "device_tag($select=tag_key,value)," : "") +
                           "is_of__device_type($select=slug)," + variables);
}

std::string Urls::missingKeyPage(std::int64_t fleetId, const VariableLevel& level,
                                 std::int64_t afterId, std::size_t size) const {
  const std::string lacksKey =
      "environment_variable/any(v:v/name eq " + odataString(kPrivateKey) + "))";
  if (level.serviceId) {
    return withSpacesEscaped(root_ + "service_install?$filter=installs__service eq " +
                             std::to_string(*level.serviceId) + " and not(device_service_" +
                             lacksKey + page(afterId, size) + "&$select=id");
  }
  return withSpacesEscaped(root_ + "device?$filter=belongs_to__application eq " +
                           std::to_string(fleetId) + " and not(device_" + lacksKey +
                           page(afterId, size) + "&$select=id");
}

std::string Urls::device(std::string_view uuid) const {
  const std::string variables =
      "environment_variable($select=name,value;$filter=" + ourNames() + ")";
  return withSpacesEscaped(
      root_ + "device(uuid=" + odataString(uuid) +
      ")?$select=id,uuid,device_name,is_online,last_connectivity_event"
      "&$expand=belongs_to__application($select=id),device_" +
      variables +
      ",service_install($select=id;$expand=installs__service($select=id,service_name),"
      "device_service_" +
      variables + ")");
}

std::string Urls::newVariable(const VariableParent& parent) const {
  return root_ + std::string(resourceOf(parent)) + "?returnResource=false";
}

Result<BoundedUrl> Urls::variable(const VariableParent& parent, std::string_view name) const {
  if (!namesOneRow(parent) || name.empty()) {
    return fail(ErrorCode::kInvalid, "a variable is addressed by one parent and a name");
  }
  const std::string key = parent.deviceId
                              ? "device=" + std::to_string(*parent.deviceId)
                              : "service_install=" + std::to_string(*parent.serviceInstallId);
  return BoundedUrl(root_ + std::string(resourceOf(parent)) + "(" + key +
                    ",name=" + odataString(name) + ")");
}

Result<std::string> Urls::variableId(const VariableParent& parent, std::string_view name) const {
  const auto row = variable(parent, name);
  if (!row) return fail(row.error());
  return row->text() + "?$select=id";
}

Result<BoundedUrl> Urls::guardedVariables(const VariableParent& parent,
                                          const DeleteGuard& guard) const {
  if (!namesOneRow(parent) || guard.deviceId <= 0 || guard.fleetId <= 0 ||
      guard.clientPath.empty() || parent.deviceId.value_or(guard.deviceId) != guard.deviceId) {
    return fail(ErrorCode::kInvalid,
                "variables are removed only with their parent, device, fleet and path given");
  }
  const std::string inFleet = "d/id eq " + std::to_string(guard.deviceId) +
                              " and d/belongs_to__application eq " + std::to_string(guard.fleetId);
  const std::string holdsPath = "environment_variable/any(v:v/name eq " + odataString(kClientPath) +
                                " and v/value eq " + odataString(guard.clientPath) + ")";
  std::string filter;
  if (parent.deviceId) {
    filter = "device eq " + std::to_string(*parent.deviceId) + " and " + ourNames() +
             " and device/any(d:" + inFleet + " and d/device_" + holdsPath + ")";
  } else {
    filter = "service_install eq " + std::to_string(*parent.serviceInstallId) + " and " +
             ourNames() + " and service_install/any(si:si/device/any(d:" + inFleet +
             ") and si/device_service_" + holdsPath + ")";
  }
  return BoundedUrl(
      withSpacesEscaped(root_ + std::string(resourceOf(parent)) + "?$filter=" + filter));
}

}  // namespace bco::balena
