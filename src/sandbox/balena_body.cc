#include "sandbox/balena_body.h"

#include <nlohmann/json.hpp>

namespace bco::sandbox {

const BodyField* Body::find(std::string_view name) const {
  for (const auto& field : fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

std::string Body::text(std::string_view name) const {
  const auto* field = find(name);
  const auto* value = field == nullptr ? nullptr : odata::textOf(field->value);
  return value == nullptr ? "" : *value;
}

std::optional<Body> parseBody(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  Body body;
  if (json.is_array()) {
    body.isArray = true;
    return body;
  }
  if (!json.is_object()) return std::nullopt;
  for (const auto& [name, value] : json.items()) {
    BodyField& field = body.fields.emplace_back();
    field.name = name;
    if (value.is_string()) {
      field.value = odata::makeText(value.get_ref<const std::string&>());
    } else if (value.is_boolean()) {
      field.value = value.get<bool>();
    } else if (value.is_number_integer()) {
      field.value = value.get<std::int64_t>();
    } else if (!value.is_null()) {
      field.isOther = true;
      field.json = value.dump();
    }
  }
  return body;
}

}  // namespace bco::sandbox
