#include "balena/parse.h"

#include <simdjson.h>

#include <algorithm>
#include <string_view>

#include "core/text.h"

namespace bco::balena {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;

tl::unexpected<Error> notUnderstood(std::string_view why) {
  return fail(ErrorCode::kInternal, "balena's answer is not understood: " + std::string(why));
}

// Calls `read` with the answer's "d". simdjson throws its own errors; their texts quote nothing.
template <class Read>
auto reading(std::string& body, simdjson::dom::parser& parser, Read read)
    -> decltype(read(element())) {
  try {
    // Without room behind the text the parser would copy it.
    body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
    return read(parser.parse(body)["d"].value());
  } catch (const simdjson::simdjson_error& error) {
    return notUnderstood(error.what());
  }
}

std::string textOf(element value) { return std::string(std::string_view(value)); }

// balena has null for what was never set.
std::string textOrEmpty(element value) { return value.is_null() ? "" : textOf(value); }

// A reference: {"__id":n} or null; [{…}] or [] when expanded.
std::optional<std::int64_t> referenceOf(element reference) {
  if (reference.is_null()) return std::nullopt;
  return std::int64_t(reference["__id"]);
}

std::optional<element> expandedOf(element reference) {
  const array rows = reference;
  if (rows.begin() == rows.end()) return std::nullopt;
  return rows.at(0).value();
}

void readPublicVariables(element rows, FleetDevice& device) {
  for (const element row : array(rows)) {
    device.publicVariables.emplace(textOf(row["name"]), textOf(row["value"]));
  }
}

FleetDevice readListedDevice(element row, const VariableLevel& level, bool withTags) {
  FleetDevice device;
  device.id = row["id"];
  device.uuid = textOf(row["uuid"]);
  device.name = printable(textOrEmpty(row["device_name"]));
  if (const auto type = expandedOf(row["is_of__device_type"])) {
    device.deviceType = textOf((*type)["slug"]);
  }
  if (withTags) {
    for (const element tag : array(row["device_tag"])) {
      device.tags.emplace(textOf(tag["tag_key"]), textOrEmpty(tag["value"]));
    }
  }
  if (!level.serviceId) {
    readPublicVariables(row["device_environment_variable"], device);
  } else if (const auto install = expandedOf(row["service_install"])) {
    device.serviceInstallId = std::int64_t((*install)["id"]);
    readPublicVariables((*install)["device_service_environment_variable"], device);
  }
  return device;
}

std::vector<StoredVariable> readVariables(element rows) {
  std::vector<StoredVariable> variables;
  for (const element row : array(rows)) {
    variables.push_back({textOf(row["name"]), SecretBytes(std::string_view(row["value"]))});
  }
  return variables;
}

Device readDevice(element row) {
  Device device;
  device.id = row["id"];
  device.uuid = textOf(row["uuid"]);
  device.name = printable(textOrEmpty(row["device_name"]));
  device.isOnline = !row["is_online"].is_null() && bool(row["is_online"]);
  if (const element event = row["last_connectivity_event"]; !event.is_null()) {
    device.lastConnectivityEvent = parseRfc3339(std::string_view(event));
  }
  if (const auto fleet = expandedOf(row["belongs_to__application"])) {
    device.fleetId = (*fleet)["id"];
  }
  device.deviceVariables = readVariables(row["device_environment_variable"]);
  for (const element installed : array(row["service_install"])) {
    ServiceInstall install;
    install.id = installed["id"];
    if (const auto service = expandedOf(installed["installs__service"])) {
      install.serviceId = (*service)["id"];
      element name;
      if ((*service)["service_name"].get(name) == simdjson::SUCCESS) {
        install.serviceName = printable(textOrEmpty(name));
      }
    }
    install.variables = readVariables(installed["device_service_environment_variable"]);
    device.installs.push_back(std::move(install));
  }
  return device;
}

// A parser whose copies of the answer's texts are wiped at the end.
class WipingParser {
 public:
  ~WipingParser() {
    auto& texts = parser_.doc.string_buf;
    // The size that simdjson gives it: see dom::document::allocate().
    if (texts) wipe(texts.get(), 5 * parser_.doc.capacity() / 3);
  }
  simdjson::dom::parser& get() { return parser_; }

 private:
  simdjson::dom::parser parser_;
};

}  // namespace

Result<std::optional<Fleet>> parseFleet(std::string body, const std::string& slug) {
  simdjson::dom::parser parser;
  return reading(body, parser, [&](element d) -> Result<std::optional<Fleet>> {
    const array rows = d;
    if (rows.size() > 1) return notUnderstood("several fleets for one slug");
    const auto row = expandedOf(d);
    if (!row) return std::nullopt;
    Fleet fleet;
    fleet.id = (*row)["id"];
    fleet.slug = textOf((*row)["slug"]);
    if (fleet.slug != slug) return notUnderstood("another fleet than the one asked for");
    fleet.hasRelease = referenceOf((*row)["should_be_running__release"]).has_value();
    for (const element service : array((*row)["service"])) {
      fleet.services.push_back({service["id"], textOf(service["service_name"])});
    }
    return fleet;
  });
}

Result<std::int64_t> parseCount(std::string body) {
  simdjson::dom::parser parser;
  return reading(body, parser, [](element d) -> Result<std::int64_t> { return std::int64_t(d); });
}

Result<std::size_t> parseDevicePage(std::string body, std::int64_t fleetId,
                                    const VariableLevel& level, bool withTags, std::int64_t afterId,
                                    const std::function<void(FleetDevice&)>& visit) {
  simdjson::dom::parser parser;
  return reading(body, parser, [&](element d) -> Result<std::size_t> {
    const array rows = d;
    for (const element row : rows) {
      if (referenceOf(row["belongs_to__application"]) != fleetId) {
        return notUnderstood("a device of another fleet");
      }
      FleetDevice device = readListedDevice(row, level, withTags);
      if (device.id <= afterId) return notUnderstood("devices out of order");
      afterId = device.id;
      visit(device);
    }
    return rows.size();
  });
}

Result<std::vector<std::int64_t>> parseIdPage(std::string body, std::int64_t afterId) {
  simdjson::dom::parser parser;
  return reading(body, parser, [&](element d) -> Result<std::vector<std::int64_t>> {
    std::vector<std::int64_t> ids;
    for (const element row : array(d)) {
      ids.push_back(row["id"]);
      if (ids.back() <= afterId) return notUnderstood("rows out of order");
      afterId = ids.back();
    }
    return ids;
  });
}

Result<std::vector<ListedKey>> parseKeys(std::string body) {
  simdjson::dom::parser parser;
  return reading(body, parser, [](element rows) -> Result<std::vector<ListedKey>> {
    std::vector<ListedKey> keys;
    for (const element row : array(rows)) {
      ListedKey key{textOrEmpty(row["name"]), std::nullopt};
      if (const element expiry = row["expiry_date"]; !expiry.is_null()) {
        key.expiresAt = parseRfc3339(std::string_view(expiry));
        if (!key.expiresAt) return notUnderstood("an expiry_date is no time");
      }
      keys.push_back(std::move(key));
    }
    return keys;
  });
}

Result<std::optional<Device>> parseDevice(std::string body, const std::string& uuid) {
  // Padded by hand: a string that grows leaves its old storage unwiped.
  std::string padded;
  padded.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  padded = body;
  wipe(body.data(), body.size());
  WipingParser parser;
  auto parsed = reading(padded, parser.get(), [&](element d) -> Result<std::optional<Device>> {
    const auto row = expandedOf(d);
    if (!row) return std::nullopt;
    Device device = readDevice(*row);
    if (device.uuid != uuid) return notUnderstood("another device than the one asked for");
    return device;
  });
  wipe(padded.data(), padded.size());
  return parsed;
}

}  // namespace bco::balena
