// The schemas in crds/ and the parser have the same defaults.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <string>

#include "api/files.h"
#include "tests/controller/api/documents.h"

namespace bco::api {
namespace {

using testing::HasSubstr;

const std::filesystem::path kCrds = std::filesystem::path(BCO_EXAMPLES).parent_path() / "crds";

// What must be given, by its path in spec.
using Given = std::map<std::string, std::string>;

const yaml::Node& at(const yaml::Node& node, std::initializer_list<std::string_view> path) {
  const yaml::Node* found = &node;
  for (const std::string_view key : path) {
    if (found != nullptr) found = found->find(key);
  }
  static const yaml::Node kNone;
  EXPECT_NE(found, nullptr);
  return found == nullptr ? kNone : *found;
}

std::string scalar(const yaml::Node& node) {
  const std::string text(node.scalar.reveal());
  return node.kind == yaml::Kind::kString ? '"' + text + '"' : text;
}

// A spec with what is given and every default written out, as an API server stores it.
std::string filledIn(const yaml::Node& schema, const Given& given, const std::string& path = "") {
  std::string text;
  for (const yaml::Entry& entry : at(schema, {"properties"}).entries) {
    const std::string here = path.empty() ? entry.key : path + "." + entry.key;
    const yaml::Node* byDefault = entry.value.find("default");
    const auto beneath = given.lower_bound(here + ".");
    const bool isGivenInPart = beneath != given.end() && beneath->first.starts_with(here + ".");
    std::string value;
    if (given.contains(here)) {
      value = given.at(here);
    } else if (isGivenInPart || (byDefault != nullptr && byDefault->kind == yaml::Kind::kMapping)) {
      value = filledIn(entry.value, given, here);
    } else if (byDefault != nullptr) {
      value = scalar(*byDefault);
    } else {
      continue;
    }
    text += (text.empty() ? "" : ", ") + entry.key + ": " + value;
  }
  return "{" + text + "}";
}

class Schema {
 public:
  Schema(std::string kind, const std::string& plural) : kind_(std::move(kind)) {
    const auto content = readFile(kCrds / (plural + ".yaml"), yaml::Limits{}.bytes);
    auto documents = yaml::parse(content->reveal(), plural);
    EXPECT_TRUE(documents) << documents.error().message;
    crd_ = std::move(documents->at(0));
  }

  [[nodiscard]] std::string specWith(const Given& given) const {
    const yaml::Node& version = at(crd_, {"spec", "versions"}).items.at(0);
    return filledIn(at(version, {"schema", "openAPIV3Schema", "properties", "spec"}), given);
  }
  template <class Object>
  [[nodiscard]] Object parsed(const std::string& spec) const {
    return test::parsed<Object>("apiVersion: provisioning.balena-clearblade.io/v1alpha1\nkind: " +
                                kind_ + "\nmetadata: {name: x}\nspec: " + spec + "\n");
  }

 private:
  std::string kind_;
  yaml::Node crd_;
};

TEST(SchemaDefaults, OfAFleetAreTheParsers) {
  const Schema schema("BalenaFleet", "balenafleets");
  const std::string spec = schema.specWith({{"fleet", "acme/sensors"},
                                            {"tokenSecretRef.name", "balena"},
                                            {"caSecretRef.name", "my-ca"},
                                            {"registryRef.name", "main"}});
  EXPECT_THAT(spec, HasSubstr("renewal: {maxConcurrent: 10, window: \"1h\"}"));
  EXPECT_EQ(schema.parsed<BalenaFleet>(spec).spec,
            schema
                .parsed<BalenaFleet>("{fleet: acme/sensors, tokenSecretRef: {name: balena}, "
                                     "caSecretRef: {name: my-ca}, registryRef: {name: main}}")
                .spec);
}

TEST(SchemaDefaults, OfARegistryAreTheParsers) {
  const Schema schema("ClearBladeRegistry", "clearbladeregistries");
  const std::string spec = schema.specWith({{"project", "p"},
                                            {"region", "r"},
                                            {"registry", "d"},
                                            {"serviceAccountSecretRef.name", "clearblade"},
                                            {"caSecretRef.name", "my-ca"}});
  EXPECT_THAT(spec, HasSubstr("readsPerMinute: 30000"));
  EXPECT_EQ(schema.parsed<ClearBladeRegistry>(spec).spec,
            schema
                .parsed<ClearBladeRegistry>("{project: p, region: r, registry: d, "
                                            "serviceAccountSecretRef: {name: clearblade}, "
                                            "caSecretRef: {name: my-ca}}")
                .spec);
}

TEST(SchemaDefaults, OfADeviceAreTheParsers) {
  const Schema schema("BalenaDevice", "balenadevices");
  const std::string uuid = "7cf02a69e4d34c9da573914963cf54fd";
  const std::string spec = schema.specWith({{"uuid", uuid}, {"fleetRef.name", "sensors"}});
  EXPECT_THAT(spec, HasSubstr("state: \"Present\""));
  EXPECT_EQ(schema.parsed<BalenaDevice>(spec).spec,
            schema.parsed<BalenaDevice>("{uuid: " + uuid + ", fleetRef: {name: sensors}}").spec);
}

}  // namespace
}  // namespace bco::api
