// Names, and references to Secrets.
#include "api/detail/specs.h"
#include "api/names.h"

namespace bco::api {
namespace {

constexpr std::string_view kNameRule =
    "expected a name of lower-case letters, digits, '-' and '.', at most 253 characters";

}  // namespace

std::string readName(MappingReader& reader, std::string_view key) {
  std::string name = reader.requiredString(key);
  if (!name.empty() && !isObjectName(name)) reader.problem(key, kNameRule);
  return name;
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

}  // namespace bco::api
