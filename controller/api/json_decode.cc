#include "api/json_decode.h"

#include <charconv>
#include <optional>
#include <utility>

#include "api/detail/json_fields.h"
#include "api/detail/json_status.h"
#include "api/parse.h"
#include "core/text.h"

namespace bco::api {
namespace {

bool isOurs(std::string_view key) {
  return key.starts_with(kGroup) && key.substr(kGroup.size()).starts_with('/');
}

std::uint64_t versionOf(std::string_view text) {
  std::uint64_t version = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, version);
  if (error != std::errc() || rest != end) throw Refused{"", "not a number"};
  return version;
}

// Others' labels are of use on a fleet, and on the devices that it discovers: they have its labels.
enum class Labels { kOurs, kAll, kAllIfDiscovered };

void readMeta(ondemand::value metadata, Labels labels, ObjectMeta& meta) {
  eachField(metadata, [&](std::string_view key, ondemand::value value) {
    if (key == "name") {
      meta.key.name = textOf(value);
    } else if (key == "namespace") {
      meta.key.space = textOf(value);
    } else if (key == "uid") {
      meta.uid = textOf(value);
    } else if (key == "resourceVersion") {
      meta.resourceVersion = versionOf(viewOf(value));
    } else if (key == "generation") {
      readInteger(value, meta.generation);
    } else if (key == "deletionTimestamp") {
      meta.deletedAt = timeOf(value);
      if (!meta.deletedAt) throw Refused{"", "not a time"};
    } else if (key == "labels") {
      eachField(value, [&](std::string_view name, ondemand::value label) {
        if (labels != Labels::kOurs || isOurs(name)) meta.labels.emplace(name, viewOf(label));
      });
    } else if (key == "annotations") {
      eachField(value, [&](std::string_view name, ondemand::value annotation) {
        if (isOurs(name)) meta.annotations.emplace(name, viewOf(annotation));
      });
    } else if (key == "finalizers") {
      eachItem(value, [&](ondemand::value name) { meta.finalizers.emplace_back(viewOf(name)); });
    }
  });
  if (labels == Labels::kAllIfDiscovered && !meta.isDiscovered()) {
    TextMap ours;
    for (const auto& [name, value] : meta.labels) {
      if (isOurs(name)) ours.emplace(name, value);
    }
    meta.labels = std::move(ours);
  }
}

void checkMeta(const ObjectMeta& meta) {
  if (meta.key.name.empty()) throw Refused{"metadata.name", "is required"};
  if (meta.uid.empty()) throw Refused{"metadata.uid", "is required"};
  if (meta.resourceVersion == 0) throw Refused{"metadata.resourceVersion", "is required"};
}

yaml::Node scalar(yaml::Kind kind, std::string_view text) {
  yaml::Node node;
  node.kind = kind;
  node.scalar = SecretBytes(text);
  return node;
}

// The tree that the parser reads. `depth`: how much deeper it may go.
yaml::Node treeOf(ondemand::value value, std::size_t depth) {
  if (depth == 0) throw Refused{"", "nested too deeply"};
  yaml::Node node;
  switch (value.type()) {
    case ondemand::json_type::object:
      node.kind = yaml::Kind::kMapping;
      eachField(value, [&](std::string_view key, ondemand::value each) {
        std::string name(key);
        node.entries.push_back({std::move(name), {}, treeOf(each, depth - 1)});
      });
      break;
    case ondemand::json_type::array:
      node.kind = yaml::Kind::kSequence;
      eachItem(value, [&](ondemand::value each) { node.items.push_back(treeOf(each, depth - 1)); });
      break;
    case ondemand::json_type::string:
      return scalar(yaml::Kind::kString, viewOf(value));
    case ondemand::json_type::boolean:
      return scalar(yaml::Kind::kBool, bool(value) ? "true" : "false");
    case ondemand::json_type::number: {
      std::string_view text = value.raw_json_token();
      text = text.substr(0, text.find_first_of(" \t\r\n"));
      const bool isWhole = text.find_first_of(".eE") == std::string_view::npos;
      return scalar(isWhole ? yaml::Kind::kInteger : yaml::Kind::kFloat, text);
    }
    case ondemand::json_type::null:
      break;
  }
  return node;
}

template <class Spec>
void readSpec(const yaml::Node& tree, Spec& spec) {
  Problems problems;
  parseSpec(tree, spec, problems);
  if (problems.texts().empty()) return;
  Refused refused;
  for (const std::string& text : problems.texts()) {
    refused.text += (refused.text.empty() ? "" : "; ") + text;
  }
  throw refused;
}

// The server counts generations from one: zero says nothing.
bool hasSameSpec(const ObjectMeta& now, const ObjectMeta& before) {
  return now.generation > 0 && now.generation == before.generation;
}

// Reads `object`, or finds it to be what `last` becomes: what is known and not older.
template <class Object>
Status decode(std::string_view json, const Known<Object>& known, Object& object,
              std::shared_ptr<const Object>& last) {
  constexpr Labels kLabels = Object::kKind == ObjectKind::kFleet    ? Labels::kAll
                             : Object::kKind == ObjectKind::kDevice ? Labels::kAllIfDiscovered
                                                                    : Labels::kOurs;
  std::shared_ptr<const Object> before;
  std::optional<yaml::Node> spec;
  bool specIsKnown = false;
  Status status = readObject(
      json,
      [&](std::string_view key, ondemand::value value) {
        constexpr std::size_t kMostLevels = 32;
        if (key == "metadata") {
          readMeta(value, kLabels, object.meta);
          if (known) before = known(object.meta);
          if (before != nullptr && before->meta.resourceVersion >= object.meta.resourceVersion) {
            last = before;
          }
        } else if (last != nullptr) {
          // There is no news in it.
        } else if (key == "spec") {
          specIsKnown = before != nullptr && hasSameSpec(object.meta, before->meta);
          if (specIsKnown) {
            object.spec = before->spec;
          } else {
            spec = treeOf(value, kMostLevels);
          }
        } else if (key == "status") {
          eachField(value, [&](std::string_view name, ondemand::value each) {
            readStatus(name, each, object.status);
          });
        }
      },
      [&] {
        checkMeta(object.meta);
        if (last != nullptr || specIsKnown) return;
        if (!spec) throw Refused{"spec", "is required"};
        readSpec(*spec, object.spec);
      });
  if (status) return status;
  std::string which(nameOf(Object::kKind));
  if (!object.meta.key.name.empty()) which += " " + toString(object.meta.key);
  return fail(withContext(std::move(status.error()), which));
}

template <class Object>
Result<Object> decode(std::string_view json) {
  Object object;
  std::shared_ptr<const Object> none;
  Status status = decode<Object>(json, nullptr, object, none);
  if (!status) return fail(std::move(status.error()));
  return object;
}

// A value of a Secret as it stands in the text, where the parser has made no copy of it.
std::string_view rawText(ondemand::value value) {
  std::string_view token = value.raw_json_token();
  token = token.substr(0, token.find_last_of('"') + 1);
  if (token.size() < 2 || token.front() != '"') throw Refused{"", "not a string"};
  return token.substr(1, token.size() - 2);
}

}  // namespace

Result<BalenaDevice> decodeDevice(std::string_view json) { return decode<BalenaDevice>(json); }

Result<BalenaFleet> decodeFleet(std::string_view json) { return decode<BalenaFleet>(json); }

Result<ClearBladeRegistry> decodeRegistry(std::string_view json) {
  return decode<ClearBladeRegistry>(json);
}

template <class Object>
Result<std::shared_ptr<const Object>> decodeChange(std::string_view json,
                                                   const Known<Object>& known) {
  auto object = std::make_shared<Object>();
  std::shared_ptr<const Object> last;
  Status status = decode(json, known, *object, last);
  if (!status) return fail(std::move(status.error()));
  if (last != nullptr) return last;
  return object;
}

template Result<std::shared_ptr<const BalenaDevice>> decodeChange(std::string_view,
                                                                  const Known<BalenaDevice>&);
template Result<std::shared_ptr<const BalenaFleet>> decodeChange(std::string_view,
                                                                 const Known<BalenaFleet>&);
template Result<std::shared_ptr<const ClearBladeRegistry>> decodeChange(
    std::string_view, const Known<ClearBladeRegistry>&);

Result<ObjectMeta> decodeMeta(std::string_view json) {
  ObjectMeta meta;
  Status status = readObject(
      json,
      [&](std::string_view key, ondemand::value value) {
        if (key == "metadata") readMeta(value, Labels::kOurs, meta);
      },
      [&] { checkMeta(meta); });
  if (!status) return fail(std::move(status.error()));
  return meta;
}

Result<SecretData> decodeSecret(std::string_view json) {
  SecretData secret;
  ObjectMeta meta;
  Status status = readObject(
      json,
      [&](std::string_view key, ondemand::value value) {
        if (key == "metadata") {
          readMeta(value, Labels::kOurs, meta);
        } else if (key == "data") {
          eachField(value, [&](std::string_view name, ondemand::value each) {
            auto bytes = fromBase64(rawText(each));
            if (!bytes) throw Refused{"", "not base64"};
            secret.values.insert_or_assign(std::string(name), SecretBytes::take(std::move(*bytes)));
          });
        }
      },
      [&] { checkMeta(meta); });
  if (!status) {
    return fail(withContext(std::move(status.error()), "Secret " + toString(meta.key)));
  }
  secret.resourceVersion = meta.resourceVersion;
  return secret;
}

}  // namespace bco::api
