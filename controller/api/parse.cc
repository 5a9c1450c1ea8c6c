#include "api/parse.h"

#include "api/detail/specs.h"
#include "api/names.h"
#include "core/text.h"

namespace bco::api {
namespace {

void checkLabels(MappingReader& meta, const ObjectMeta& result) {
  for (const auto& [key, value] : result.labels) {
    if (!isQualifiedName(key)) meta.problem("labels", "not a label's key: " + key);
    if (!isLabelValue(value)) {
      meta.problem("labels", "the value of " + key +
                                 " must be letters, digits, '-', '_' and '.', at most 63");
    }
  }
  for (const auto& [key, value] : result.annotations) {
    if (!isQualifiedName(toLower(key))) {
      meta.problem("annotations", "not an annotation's key: " + key);
    }
  }
  for (const auto& finalizer : result.finalizers) {
    if (!isQualifiedName(finalizer)) meta.problem("finalizers", "not a finalizer: " + finalizer);
  }
}

ObjectMeta readMeta(MappingReader meta) {
  ObjectMeta result;
  result.key.name = readName(meta, "name");
  if (auto space = meta.string("namespace")) {
    if (!isNamespaceName(*space)) {
      meta.problem("namespace",
                   "expected a name of lower-case letters, digits and '-', at most 63 characters");
    }
    result.key.space = *space;
  }
  result.labels = meta.strings("labels");
  result.annotations = meta.strings("annotations");
  const auto finalizers = meta.list("finalizers");
  result.finalizers.assign(finalizers.begin(), finalizers.end());
  checkLabels(meta, result);
  // What the API server adds to objects that are read back from it.
  for (const auto* key :
       {"uid", "resourceVersion", "generation", "creationTimestamp", "selfLink", "managedFields",
        "generateName", "ownerReferences", "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    meta.ignore(key);
  }
  meta.finish();
  return result;
}

// Error messages name the key of a Secret, never its value.
Secret readSecret(MappingReader& document, const ObjectMeta& meta, yaml::Position position,
                  Problems& problems) {
  Secret secret{meta.key, {}};
  const auto readValues = [&](std::string_view field, bool base64) {
    const yaml::Node* values = document.raw(field);
    if (values == nullptr) return;
    if (values->kind != yaml::Kind::kMapping) {
      problems.add(values->position, field, "expected a mapping");
      return;
    }
    for (const yaml::Entry& entry : values->entries) {
      const std::string path = std::string(field) + "." + entry.key;
      if (entry.value.kind != yaml::Kind::kString) {
        problems.add(entry.value.position, path, "expected a string: put it in quotes");
        continue;
      }
      if (!base64) {
        secret.values[entry.key] = entry.value.scalar.clone();
      } else if (auto decoded = fromBase64(trim(entry.value.scalar.reveal()))) {
        secret.values[entry.key] = SecretBytes::take(std::move(*decoded));
      } else {
        problems.add(entry.value.position, path, "expected base64; plain text goes in stringData");
      }
    }
  };
  readValues("data", true);
  readValues("stringData", false);  // as in Kubernetes, it wins over data
  document.ignore("type");
  document.ignore("immutable");
  if (secret.values.empty()) problems.add(position, "", "the Secret holds no value");
  return secret;
}

}  // namespace

void parseSpec(const yaml::Node& node, RegistrySpec& spec, Problems& problems) {
  spec = readRegistrySpec({&node, "spec", node.position, problems});
}

void parseSpec(const yaml::Node& node, FleetSpec& spec, Problems& problems) {
  spec = readFleetSpec({&node, "spec", node.position, problems}, problems);
}

void parseSpec(const yaml::Node& node, DeviceSpec& spec, Problems& problems) {
  spec = readDeviceSpec({&node, "spec", node.position, problems});
}

std::optional<AnyObject> parseObject(const yaml::Node& document, Problems& problems) {
  MappingReader reader(&document, "", document.position, problems);
  if (!reader.present()) return std::nullopt;
  const std::string apiVersion = reader.requiredString("apiVersion");
  const std::string kind = reader.requiredString("kind");
  const bool isSecret = apiVersion == "v1" && kind == "Secret";
  const bool isOurs =
      apiVersion == kApiVersion &&
      (kind == "ClearBladeRegistry" || kind == "BalenaFleet" || kind == "BalenaDevice");
  if (!isSecret && !isOurs) {
    if (!apiVersion.empty() && !kind.empty()) {
      reader.problem("kind", "unknown kind " + kind + " of " + apiVersion +
                                 "; known: ClearBladeRegistry, BalenaFleet and BalenaDevice of " +
                                 std::string(kApiVersion) + ", Secret of v1");
    }
    return std::nullopt;
  }
  if (!reader.has("metadata")) reader.problem("metadata", "is required");
  ObjectMeta meta = readMeta(reader.mapping("metadata"));
  std::optional<AnyObject> object;
  if (isSecret) {
    object = readSecret(reader, meta, document.position, problems);
  } else {
    if (!reader.has("spec")) reader.problem("spec", "is required");
    if (kind == "ClearBladeRegistry") {
      object = ClearBladeRegistry{meta, readRegistrySpec(reader.mapping("spec")), {}};
    } else if (kind == "BalenaFleet") {
      const FleetSpec spec = readFleetSpec(reader.mapping("spec"), problems);
      if (spec.devices == DeviceSource::kAll && !isLabelValue(meta.key.name)) {
        reader.problem("metadata",
                       "with devices: All a name has at most 63 characters: it is the value of a "
                       "label of its devices");
      }
      object = BalenaFleet{meta, spec, {}};
    } else {
      object = BalenaDevice{meta, readDeviceSpec(reader.mapping("spec")), {}};
    }
    reader.ignore("status");  // written by us; in a file it is an export's
  }
  reader.finish();
  return object;
}

}  // namespace bco::api
