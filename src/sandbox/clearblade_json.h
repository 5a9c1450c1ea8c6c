// Devices as JSON, both ways: research notes on ClearBlade's API §4, §8.10, §8.11.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/clearblade_model.h"
#include "sandbox/clearblade_reply.h"

namespace bco::sandbox {

// Sets of a device's top-level fields.
using Fields = std::uint32_t;
namespace field {
inline constexpr Fields kId = 1U << 0U, kName = 1U << 1U, kNumId = 1U << 2U,
                        kCredentials = 1U << 3U, kLastHeartbeat = 1U << 4U, kLastEvent = 1U << 5U,
                        kLastState = 1U << 6U, kLastConfigAck = 1U << 7U,
                        kLastConfigSend = 1U << 8U, kBlocked = 1U << 9U, kLastErrorTime = 1U << 10U,
                        kLastErrorStatus = 1U << 11U, kConfig = 1U << 12U, kState = 1U << 13U,
                        kLogLevel = 1U << 14U, kMetadata = 1U << 15U, kGatewayConfig = 1U << 16U,
                        kAll = (1U << 17U) - 1;
}  // namespace field

// Of a fieldMask's names, in either case; a dotted name stands for its whole top-level field. id
// and numId always belong. Everything for an empty mask; a refusal for a name that is no field.
[[nodiscard]] Outcome<Fields> readFieldMask(const std::vector<std::string>& names);
// Of an updateMask's names: credentials, blocked, logLevel, metadata and
// gatewayConfig.gatewayAuthMethod. A refusal for an empty mask and any other name.
[[nodiscard]] Outcome<Fields> readUpdateMask(const std::vector<std::string>& names);

// Appends the device. `base64State`: state bytes as base64 instead of as they are.
void appendDevice(std::string& out, const CloudDevice& device, Fields fields, bool base64State);
void appendConfig(std::string& out, const ConfigVersion& config);
void appendState(std::string& out, const StateVersion& state, bool base64);

// What a request says about a device; what it does not say (or says null) is nullopt.
struct DeviceInput {
  std::optional<std::string> id;
  std::optional<std::vector<CloudCredential>> credentials;  // keys not parsed yet
  std::optional<std::map<std::string, std::string>> metadata;
  std::optional<bool> blocked;
  std::optional<std::string> logLevel;
  std::optional<std::string> gatewayType;
  std::optional<std::string> gatewayAuthMethod;
};

// Reads those of `fields` alone: the SDKs send unmasked ones that must not matter. Checks what can
// be checked without the registry: shapes, enum names, times, limits of metadata. A body that is no
// JSON object is kMalformed.
[[nodiscard]] Outcome<DeviceInput> readDevice(std::string_view body, Fields fields);

// The text of an object's key; `otherwise` when it is absent, null or no text.
[[nodiscard]] std::string textOr(const nlohmann::json& object, const char* key,
                                 const std::string& otherwise = {});

// Whether the text starts with a letter and has the characters of ids and metadata keys alone.
[[nodiscard]] bool isIdText(std::string_view text);

// A text of nanosecond precision, as in all of ClearBlade's times; "" for none.
[[nodiscard]] std::string formatNanoTime(const std::optional<TimePoint>& time);

}  // namespace bco::sandbox
