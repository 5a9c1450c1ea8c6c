#include "sandbox/clearblade_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "core/text.h"
#include "sandbox/clearblade_query.h"
#include "sandbox/json_text.h"

namespace bco::sandbox {
namespace {

constexpr std::array<std::pair<std::string_view, Fields>, 17> kFieldNames = {{
    {"id", field::kId},
    {"name", field::kName},
    {"numId", field::kNumId},
    {"credentials", field::kCredentials},
    {"lastHeartbeatTime", field::kLastHeartbeat},
    {"lastEventTime", field::kLastEvent},
    {"lastStateTime", field::kLastState},
    {"lastConfigAckTime", field::kLastConfigAck},
    {"lastConfigSendTime", field::kLastConfigSend},
    {"blocked", field::kBlocked},
    {"lastErrorTime", field::kLastErrorTime},
    {"lastErrorStatus", field::kLastErrorStatus},
    {"config", field::kConfig},
    {"state", field::kState},
    {"logLevel", field::kLogLevel},
    {"metadata", field::kMetadata},
    {"gatewayConfig", field::kGatewayConfig},
}};

// Writes an object's fields, with the commas between them.
class ObjectWriter {
 public:
  ObjectWriter(std::string& out, Fields fields) : out_(out), fields_(fields) { out_ += '{'; }
  ~ObjectWriter() { out_ += '}'; }
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;

  // Begins the field if it is wanted. `key`: with its quotes and colon.
  bool begin(Fields wanted, std::string_view key) {
    if ((fields_ & wanted) == 0) return false;
    if (!first_) out_ += ',';
    first_ = false;
    out_ += key;
    return true;
  }
  void text(Fields wanted, std::string_view key, std::string_view value) {
    if (begin(wanted, key)) appendJson(out_, value);
  }
  void time(Fields wanted, std::string_view key, const std::optional<TimePoint>& value) {
    if (begin(wanted, key)) appendJson(out_, formatNanoTime(value));
  }

 private:
  std::string& out_;
  const Fields fields_;
  bool first_ = true;
};

void appendNumber(std::string& out, std::uint64_t number) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void appendCredentials(std::string& out, const CloudDevice& device) {
  out += '[';
  for (const CloudCredential& credential : device.credentials) {
    if (out.back() != '[') out += ',';
    out += R"({"publicKey":{"format":)";
    appendJson(out, credential.format);
    out += R"(,"key":)";
    appendJson(out, credential.key);
    // Always there: the Python SDK fails without it.
    out += R"(},"expirationTime":)";
    appendJson(out, credential.expirationTime);
    out += '}';
  }
  out += ']';
}

void appendMetadata(std::string& out, const CloudDevice& device) {
  out += '{';
  for (const auto& [key, value] : device.metadata) {
    if (out.back() != '{') out += ',';
    appendJson(out, key);
    out += ':';
    appendJson(out, value);
  }
  out += '}';
}

}  // namespace

std::string formatNanoTime(const std::optional<TimePoint>& time) {
  if (!time) return {};
  std::string text = formatRfc3339(*time);
  text.pop_back();  // "Z"
  const std::size_t dot = text.find('.');
  if (dot == std::string::npos) text += '.';
  const std::size_t fraction = dot == std::string::npos ? 0 : text.size() - dot - 1;
  text.append(9 - fraction, '0');
  return text + 'Z';
}

Outcome<Fields> readFieldMask(const std::vector<std::string>& names) {
  if (names.empty()) return field::kAll;
  Fields fields = field::kId | field::kNumId;
  for (const std::string& name : names) {
    const std::string top = camelCase(split(name, '.').front());
    const auto known = std::ranges::find(kFieldNames, std::string_view(top),
                                         [](const auto& entry) { return entry.first; });
    if (known == kFieldNames.end()) return invalidArgument("Invalid field mask: " + name);
    fields |= known->second;
  }
  return fields;
}

Outcome<Fields> readUpdateMask(const std::vector<std::string>& names) {
  if (names.empty()) return invalidArgument("updateMask must not be empty");
  Fields fields = 0;
  for (const std::string& name : names) {
    const std::string camel = camelCase(name);
    if (camel == "credentials") {
      fields |= field::kCredentials;
    } else if (camel == "blocked") {
      fields |= field::kBlocked;
    } else if (camel == "logLevel") {
      fields |= field::kLogLevel;
    } else if (camel == "metadata") {
      fields |= field::kMetadata;
    } else if (camel == "gatewayConfig.gatewayAuthMethod") {
      fields |= field::kGatewayConfig;
    } else {
      return invalidArgument("updateMask names a field that can't be updated: " + name);
    }
  }
  return fields;
}

void appendConfig(std::string& out, const ConfigVersion& config) {
  out += R"({"version":")";
  appendNumber(out, static_cast<std::uint64_t>(config.version));
  out += R"(","cloudUpdateTime":)";
  appendJson(out, formatNanoTime(config.cloudUpdateTime));
  out += R"(,"deviceAckTime":"","binaryData":)";
  appendJson(out, config.binaryData);
  out += '}';
}

void appendState(std::string& out, const StateVersion& state, bool base64) {
  out += R"({"updateTime":)";
  appendJson(out, formatNanoTime(state.updateTime));
  out += R"(,"binaryData":)";
  appendJson(out, base64 ? toBase64(state.bytes) : state.bytes);
  out += '}';
}

void appendDevice(std::string& out, const CloudDevice& device, Fields fields, bool base64State) {
  ObjectWriter writer(out, fields);
  writer.text(field::kId, R"("id":)", device.id);
  writer.text(field::kName, R"("name":)", device.id);
  if (writer.begin(field::kNumId, R"("numId":")")) {
    appendNumber(out, device.numId);
    out += '"';
  }
  if (writer.begin(field::kCredentials, R"("credentials":)")) appendCredentials(out, device);
  writer.text(field::kLastHeartbeat, R"("lastHeartbeatTime":)", "");
  writer.time(field::kLastEvent, R"("lastEventTime":)", device.lastEvent);
  writer.time(field::kLastState, R"("lastStateTime":)", device.lastState);
  writer.text(field::kLastConfigAck, R"("lastConfigAckTime":)", "");
  writer.time(field::kLastConfigSend, R"("lastConfigSendTime":)", device.lastConfigSend);
  if (writer.begin(field::kBlocked, R"("blocked":)")) out += device.blocked ? "true" : "false";
  writer.time(field::kLastErrorTime, R"("lastErrorTime":)", device.lastError);
  if (writer.begin(field::kLastErrorStatus, R"("lastErrorStatus":{"code":)")) {
    appendNumber(out, static_cast<std::uint64_t>(device.lastErrorCode));
    out += R"(,"message":)";
    appendJson(out, device.lastErrorMessage);
    out += '}';
  }
  if (writer.begin(field::kConfig, R"("config":)")) appendConfig(out, device.configs.front());
  if (writer.begin(field::kState, R"("state":)")) {
    if (device.states.empty()) {
      out += R"({"updateTime":"","binaryData":""})";
    } else {
      appendState(out, device.states.front(), base64State);
    }
  }
  writer.text(field::kLogLevel, R"("logLevel":)", device.logLevel);
  if (writer.begin(field::kMetadata, R"("metadata":)")) appendMetadata(out, device);
  if (writer.begin(field::kGatewayConfig, R"("gatewayConfig":{"gatewayType":)")) {
    appendJson(out, device.gatewayType);
    out += R"(,"gatewayAuthMethod":)";
    appendJson(out, device.gatewayAuthMethod);
    out += R"(,"lastAccessedGatewayId":"","lastAccessedGatewayTime":""})";
  }
}

std::string textOr(const nlohmann::json& object, const char* key, const std::string& otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

}  // namespace bco::sandbox
