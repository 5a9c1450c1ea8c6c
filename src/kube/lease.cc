#include "kube/lease.h"

#include <cstdint>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace bco::kube {
namespace {

using Json = nlohmann::json;

constexpr const char* kApiVersion = "coordination.k8s.io/v1";
constexpr const char* kKind = "Lease";

std::string textOf(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t integerOf(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::int64_t secondsOf(Duration duration) {
  return std::chrono::ceil<std::chrono::seconds>(duration).count();
}

SecretBytes bodyOf(const Json& lease) {
  // Never throws for a host name that is not UTF-8.
  return SecretBytes::take(lease.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// Never throws: every record was parsed once.
Json treeOf(const LeaseRecord& record) {
  Json lease = Json::parse(record.json, nullptr, false);
  // What comes from a list lacks them.
  lease["apiVersion"] = kApiVersion;
  lease["kind"] = kKind;
  return lease;
}

}  // namespace

Result<LeaseRecord> parseLease(std::string json) {
  const Json lease = Json::parse(json, nullptr, false);
  if (!lease.is_object()) return fail(ErrorCode::kInternal, "a Lease that is not a JSON object");
  const auto metadata = lease.find("metadata");
  LeaseRecord record;
  if (metadata != lease.end() && metadata->is_object()) {
    record.resourceVersion = textOf(*metadata, "resourceVersion");
  }
  if (record.resourceVersion.empty()) {
    return fail(ErrorCode::kInternal, "a Lease without a resourceVersion");
  }
  if (const auto spec = lease.find("spec"); spec != lease.end()) {
    if (!spec->is_object()) return fail(ErrorCode::kInternal, "a Lease whose spec is no object");
    record.holder = textOf(*spec, "holderIdentity");
    const std::int64_t seconds = integerOf(*spec, "leaseDurationSeconds");
    // The API's type has 32 bits and its validation refuses what is not positive.
    if (seconds > 0 && seconds <= std::numeric_limits<std::int32_t>::max()) {
      record.duration = std::chrono::seconds(seconds);
    }
  }
  record.json = std::move(json);
  return record;
}

SecretBytes newLease(const std::string& name, const std::string& identity, Duration duration,
                     TimePoint now) {
  const std::string time = formatMicroTime(now);
  return bodyOf({{"apiVersion", kApiVersion},
                 {"kind", kKind},
                 {"metadata", {{"name", name}}},
                 {"spec",
                  {{"holderIdentity", identity},
                   {"leaseDurationSeconds", secondsOf(duration)},
                   {"acquireTime", time},
                   {"renewTime", time},
                   {"leaseTransitions", 0}}}});
}

SecretBytes takenLease(const LeaseRecord& record, const std::string& identity, Duration duration,
                       TimePoint now) {
  Json lease = treeOf(record);
  Json& spec = lease["spec"];
  std::string time = formatMicroTime(now);
  if (time == textOf(spec, "renewTime")) time = formatMicroTime(now + Duration(1));
  const bool renews = record.holder == identity;
  if (!renews || !spec.contains("acquireTime")) spec["acquireTime"] = time;
  if (!renews) spec["leaseTransitions"] = integerOf(spec, "leaseTransitions") + 1;
  spec["holderIdentity"] = identity;
  spec["leaseDurationSeconds"] = secondsOf(duration);
  spec["renewTime"] = time;
  return bodyOf(lease);
}

SecretBytes releasedLease(const LeaseRecord& record, TimePoint now) {
  Json lease = treeOf(record);
  Json& spec = lease["spec"];
  spec["holderIdentity"] = "";
  spec["leaseDurationSeconds"] = 1;
  spec["renewTime"] = formatMicroTime(now);
  return bodyOf(lease);
}

std::string formatMicroTime(TimePoint time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  std::string text = formatRfc3339(second);
  text.pop_back();  // Z
  char decimals[16];
  std::snprintf(decimals, sizeof decimals, ".%03d000Z", static_cast<int>((time - second).count()));
  return text + decimals;
}

}  // namespace bco::kube
