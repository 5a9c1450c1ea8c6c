#include "sandbox/balena_rules.h"

#include <algorithm>

namespace bco::sandbox {
namespace {

using odata::Field;
using odata::textOf;

// Characters, not bytes.
std::size_t length(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

std::string spaced(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

bool isNameCharacter(char c, bool first) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (!first && c >= '0' && c <= '9');
}

std::optional<Refusal> checkVariableName(const std::string& name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!isNameCharacter(name[i], i == 0)) {
      return Refusal{400,
                     "Environment variable names can only contain alphanumeric characters and "
                     "underscores."};
    }
  }
  if (name == "RESIN" || name == "BALENA" || name == "USER") {
    return Refusal{400, "Environment variables RESIN, BALENA, USER are reserved"};
  }
  if (name.starts_with("RESIN_") || name.starts_with("BALENA_")) {
    return Refusal{400, "Environment variables beginning with RESIN_, BALENA_ are reserved."};
  }
  return std::nullopt;
}

std::optional<Refusal> checkLength(const Field& field, const std::string& text, std::size_t most) {
  if (length(text) <= most) return std::nullopt;
  return Refusal{400, "It is necessary that each " + spaced(field.owner->name) + " has a " +
                          spaced(field.name) +
                          " that has a Length (Type) that is less than or equal to " +
                          std::to_string(most) + "."};
}

std::optional<Refusal> checkTagKey(const Field& field, const std::string& key) {
  if (key.find_first_of(" \t\r\n\v\f") != std::string::npos) {
    return Refusal{400, "Tag keys cannot contain whitespace."};
  }
  for (const char* prefix : {"io.resin.", "io.balena."}) {
    if (key.starts_with(prefix)) {
      return Refusal{400, std::string("Tag keys beginning with ") + prefix + " are reserved."};
    }
  }
  if (key.empty() || length(key) > 100) {
    return Refusal{400, "It is necessary that each " + spaced(field.owner->name) +
                            " has a tag key that has a Length (Type) that is greater than 0 and is "
                            "less than or equal to 100."};
  }
  return std::nullopt;
}

std::optional<Refusal> checkVariableValue(const Field& field, const std::string& value) {
  if (value.find_first_of("\r\n") != std::string::npos) {
    return Refusal{400, "Variable values cannot contain line break characters"};
  }
  return checkLength(field, value, 100'000);
}

}  // namespace

std::optional<Refusal> checkValue(const BalenaSchema& names, const Field& field,
                                  const odata::Value& value) {
  const auto* text = textOf(value);
  if (text == nullptr) return std::nullopt;
  for (const auto* kind : {&names.deviceVariables, &names.installVariables, &names.fleetVariables,
                           &names.serviceVariables}) {
    if (&field == kind->value) return checkVariableValue(field, *text);
    if (&field != kind->name) continue;
    if (auto refusal = checkVariableName(*text)) return refusal;
  }
  if (&field == names.tagKey) return checkTagKey(field, *text);
  if (&field == names.tagValue) return checkLength(field, *text, 10'000);
  if (field.maxLength > 0 && length(*text) > field.maxLength) return Refusal{400, ""};
  return std::nullopt;
}

std::string duplicateText(const BalenaSchema& names, const odata::Resource& resource) {
  if (&resource == names.deviceVariables.resource) {
    return "\"device\" and \"name\" must be unique.";
  }
  // Stored by device, service and name, whatever the API calls it.
  if (&resource == names.installVariables.resource) {
    return "\"device\" and \"service\" and \"name\" must be unique.";
  }
  if (&resource == names.tag) return "\"device\" and \"tag_key\" must be unique.";
  if (&resource == names.install) return "\"device\" and \"installs__service\" must be unique.";
  return "Unique key constraint violated";
}

std::string variableRules() {
  return R"({"reservedNames":["RESIN","BALENA","USER"],"reservedNamespaces":["RESIN_","BALENA_"],)"
         R"("invalidRegex":"/^\\d|\\W/","whiteListedNames":[],"whiteListedNamespaces":[],)"
         R"("blackListedNames":[],"configVarSchema":{"type":"object","properties":{}}})";
}

}  // namespace bco::sandbox
