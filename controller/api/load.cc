#include "api/load.h"

#include <functional>
#include <initializer_list>

#include "api/files.h"
#include "core/time_zone.h"

namespace bco::api {
namespace {

namespace fs = std::filesystem;

class Loader {
 public:
  explicit Loader(const fs::path& secretsDir) : secretsDir_(secretsDir) {}

  void read(const fs::path& file) {
    const yaml::Limits limits;
    const auto content = readFile(file, limits.bytes);
    if (!content) {
      problems_.push_back(content.error().message);
      return;
    }
    const auto documents = yaml::parse(content->reveal(), file.string(), limits);
    if (!documents) {
      problems_.push_back(documents.error().message);
      return;
    }
    for (const yaml::Node& document : *documents) add(document, file.string());
  }

  tl::expected<Manifests, ProblemTexts> finish() {
    if (problems_.empty()) checkReferences();
    if (!problems_.empty()) return tl::unexpected(std::move(problems_));
    return std::move(manifests_);
  }

 private:
  // What `kubectl get -o yaml` writes for several objects.
  [[nodiscard]] static bool isList(const yaml::Node& document) {
    const yaml::Node* kind = document.find("kind");
    const yaml::Node* items = document.find("items");
    return kind != nullptr && kind->scalar.reveal() == "List" && items != nullptr &&
           items->kind == yaml::Kind::kSequence;
  }

  void add(const yaml::Node& document, const std::string& file) {
    if (isList(document)) {
      for (const yaml::Node& item : document.find("items")->items) add(item, file);
      return;
    }
    Problems problems(file);
    auto object = parseObject(document, problems);
    problems_.insert(problems_.end(), problems.texts().begin(), problems.texts().end());
    if (!object || !problems.texts().empty()) return;
    const std::string here = file + ":" + std::to_string(document.position.line);
    std::visit([&](auto& each) { insert(each, document, file, here); }, *object);
  }

  template <class Object>
  void insertUnique(std::map<ObjectKey, Object>& objects, Object& object, const ObjectKey& key,
                    const std::string& what, const yaml::Node& document, const std::string& file,
                    const std::string& here) {
    const std::string name = what + " " + toString(key);
    const auto [first, isNew] = origins_.emplace(name, here);
    if (isNew) {
      objects.emplace(key, std::move(object));
    } else {
      report(document, file, {"metadata", "name"},
             "duplicate: " + name + " stands already at " + first->second);
    }
  }

  void insert(ClearBladeRegistry& registry, const yaml::Node& document, const std::string& file,
              const std::string& here) {
    const ObjectKey key = registry.meta.key;
    if (!registry.spec.ownerId) {
      report(document, file, {"spec"},
             "ownerId: is required outside Kubernetes: choose a name for this installation and "
             "keep it");
    }
    noteSecretFiles({registry.spec.serviceAccount, registry.spec.keySeed});
    needSecret(key.space, registry.spec.serviceAccount, document, file,
               {"spec", "serviceAccountSecretRef", "name"});
    needKeyOfSecret(key.space, registry.spec.keySeed, document, file,
                    {"spec", "keySeedSecretRef", "key"});
    if (registry.spec.ca) {
      needSecret(key.space, *registry.spec.ca, document, file, {"spec", "caSecretRef", "name"});
    }
    insertUnique(manifests_.registries, registry, key, "ClearBladeRegistry", document, file, here);
  }

  void insert(BalenaFleet& fleet, const yaml::Node& document, const std::string& file,
              const std::string& here) {
    const ObjectKey key = fleet.meta.key;
    const auto [first, isNew] = fleets_.emplace(fleet.spec.apiUrl + " " + fleet.spec.fleet, here);
    if (!isNew && !origins_.contains("BalenaFleet " + toString(key))) {
      report(document, file, {"spec", "fleet"},
             "duplicate: this fleet is described already at " + first->second);
    }
    noteSecretFiles({fleet.spec.token});
    needSecret(key.space, fleet.spec.token, document, file, {"spec", "tokenSecretRef", "name"});
    if (fleet.spec.ca) {
      needSecret(key.space, *fleet.spec.ca, document, file, {"spec", "caSecretRef", "name"});
    }
    checkTimeZones(fleet, document, file);
    checks_.push_back([this, key, registry = fleet.registryKey(),
                       report = reporter(document, file, {"spec", "registryRef", "name"})] {
      if (!manifests_.registries.contains(registry)) {
        report("there is no ClearBladeRegistry " + toString(registry));
      }
    });
    insertUnique(manifests_.fleets, fleet, key, "BalenaFleet", document, file, here);
  }

  void insert(BalenaDevice& device, const yaml::Node& document, const std::string& file,
              const std::string& here) {
    const ObjectKey key = device.meta.key;
    const auto [first, isNew] = uuids_.emplace(key.space + " " + device.spec.uuid, here);
    if (!isNew) {
      report(document, file, {"spec", "uuid"},
             "duplicate: this device is declared already at " + first->second);
    }
    checks_.push_back([this, fleetKey = device.fleetKey(), spec = device.spec,
                       report = reporter(document, file, {"spec", "fleetRef", "name"})] {
      const auto fleet = manifests_.fleets.find(fleetKey);
      if (fleet == manifests_.fleets.end()) {
        report("there is no BalenaFleet " + toString(fleetKey));
        return;
      }
      const KeyPolicy keys = effectiveKeys(fleet->second.spec, spec);
      if (keys.rotateBefore >= keys.lifetime) {
        report("with what the fleet says, keys.rotateBefore (" + formatDuration(keys.rotateBefore) +
               ") is not shorter than keys.lifetime (" + formatDuration(keys.lifetime) + ")");
      }
    });
    insertUnique(manifests_.devices, device, key, "BalenaDevice", document, file, here);
  }

  void insert(Secret& secret, const yaml::Node& document, const std::string& file,
              const std::string& here) {
    const ObjectKey key = secret.key;
    manifests_.secretFiles.insert(file);
    insertUnique(manifests_.secrets, secret, key, "Secret", document, file, here);
  }

  void noteSecretFiles(std::initializer_list<SecretKeyRef> refs) {
    if (secretsDir_.empty()) return;
    for (const SecretKeyRef& ref : refs) {
      manifests_.secretFiles.insert(secretsDir_ / ref.name / ref.key);
    }
  }

  void needSecret(const std::string& space, const SecretKeyRef& ref, const yaml::Node& document,
                  const std::string& file, std::initializer_list<std::string_view> path) {
    checks_.push_back([this, space, ref, report = reporter(document, file, path)] {
      const auto secret = manifests_.secrets.find({space, ref.name});
      if (secret != manifests_.secrets.end()) {
        if (!secret->second.values.contains(ref.key)) {
          report("Secret " + toString(secret->first) + " has no key " + ref.key);
        }
      } else if (secretsDir_.empty() || !readSecretFile(secretsDir_, ref)) {
        report("there is no Secret " + toString({space, ref.name}) +
               (secretsDir_.empty()
                    ? ", and no --secrets-dir is given"
                    : ", and no readable file " + (secretsDir_ / ref.name / ref.key).string()));
      }
    });
  }

  // A form's check is parse.h's; which zones there are is a matter of this machine.
  void checkTimeZones(const BalenaFleet& fleet, const yaml::Node& document,
                      const std::string& file) {
    for (std::size_t i = 0; i < fleet.spec.keys.windows.size(); ++i) {
      const auto zone = TimeZone::load(fleet.spec.keys.windows[i].timeZone);
      if (zone) continue;
      const yaml::Node& window = document.find("spec")->find("keys")->find("windows")->items.at(i);
      Problems problems(file);
      problems.add(window.find("timeZone")->position, "spec.keys.windows[].timeZone",
                   zone.error().message);
      problems_.push_back(problems.texts().front());
    }
  }

  // The Secret need not be there; but one without its key is a mistake, not a wish to do without.
  void needKeyOfSecret(const std::string& space, const SecretKeyRef& ref,
                       const yaml::Node& document, const std::string& file,
                       std::initializer_list<std::string_view> path) {
    checks_.push_back([this, space, ref, report = reporter(document, file, path)] {
      const auto secret = manifests_.secrets.find({space, ref.name});
      std::error_code ignored;
      if (secret != manifests_.secrets.end()) {
        if (!secret->second.values.contains(ref.key)) {
          report("Secret " + toString(secret->first) + " has no key " + ref.key);
        }
      } else if (!secretsDir_.empty() && fs::exists(secretsDir_ / ref.name, ignored) &&
                 !readSecretFile(secretsDir_, ref)) {
        report("there is no readable file " + (secretsDir_ / ref.name / ref.key).string());
      }
    });
  }

  // Reports a problem at the place `path` leads to in a document, also after the document is gone.
  [[nodiscard]] std::function<void(const std::string&)> reporter(
      const yaml::Node& document, const std::string& file,
      std::initializer_list<std::string_view> path) {
    const yaml::Node* node = &document;
    std::string field;
    for (const std::string_view key : path) {
      field += (field.empty() ? "" : ".") + std::string(key);
      if (const yaml::Node* next = node == nullptr ? nullptr : node->find(key)) node = next;
    }
    return [this, file, at = node->position, field](const std::string& text) {
      Problems problems(file);
      problems.add(at, field, text);
      problems_.push_back(problems.texts().front());
    };
  }

  void report(const yaml::Node& document, const std::string& file,
              std::initializer_list<std::string_view> path, const std::string& text) {
    reporter(document, file, path)(text);
  }

  void checkReferences() {
    for (const auto& check : checks_) check();
  }

  const fs::path& secretsDir_;
  Manifests manifests_;
  ProblemTexts problems_;
  std::map<std::string, std::string> origins_;  // "Kind namespace/name" → file:line
  std::map<std::string, std::string> fleets_;   // API and slug → file:line
  std::map<std::string, std::string> uuids_;    // namespace and UUID → file:line
  std::vector<std::function<void()>> checks_;   // that need all documents
};

}  // namespace

tl::expected<Manifests, ProblemTexts> loadManifests(const std::vector<fs::path>& paths,
                                                    const fs::path& secretsDir) {
  const auto files = manifestFiles(paths);
  if (!files) return tl::unexpected(ProblemTexts{files.error().message});
  Loader loader(secretsDir);
  for (const fs::path& file : *files) loader.read(file);
  auto manifests = loader.finish();
  if (manifests && manifests->registries.empty() && manifests->fleets.empty() &&
      manifests->devices.empty()) {
    return tl::unexpected(ProblemTexts{"no BalenaFleet, ClearBladeRegistry or BalenaDevice in " +
                                       paths.front().string() +
                                       (paths.size() > 1 ? " and the other paths" : "")});
  }
  return manifests;
}

}  // namespace bco::api
