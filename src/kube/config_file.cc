#include "kube/config_file.h"

#include <algorithm>
#include <fstream>

#include "core/text.h"

namespace bco::kube {
namespace {

constexpr std::size_t kMostBytes = 16U << 20;

}  // namespace

Result<SecretBytes> readConfigFile(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
    return fail(ErrorCode::kNotFound, path + ": there is no such file");
  }
  if (!error && size > kMostBytes) {
    return fail(ErrorCode::kInvalid, path + ": larger than any configuration");
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(error ? 0 : static_cast<std::size_t>(size), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  SecretBytes content = SecretBytes::take(std::move(text));
  if (error || !file) return fail(ErrorCode::kUnavailable, path + ": cannot be read");
  return content;
}

Result<ConfigFile> ConfigFile::read(const std::string& path) {
  const auto content = readConfigFile(path);
  if (!content) return fail(content.error());
  auto documents = yaml::parse(content->reveal(), path);
  if (!documents) return fail(std::move(documents.error()));
  if (documents->size() != 1 || documents->front().kind != yaml::Kind::kMapping) {
    return fail(ErrorCode::kInvalid, path + ": not a kubeconfig");
  }
  return ConfigFile(path, std::move(documents->front()));
}

std::string ConfigFile::currentContext() const { return text(root_, "current-context"); }

const yaml::Node* ConfigFile::find(std::string_view list, std::string_view name) const {
  const yaml::Node* const entries = root_.find(list);
  if (entries == nullptr) return nullptr;
  const auto entry = std::ranges::find_if(
      entries->items, [name](const yaml::Node& item) { return text(item, "name") == name; });
  // "contexts" holds a "context".
  return entry == entries->items.end() ? nullptr : entry->find(list.substr(0, list.size() - 1));
}

std::string ConfigFile::text(const yaml::Node& entry, std::string_view key) {
  const yaml::Node* const value = entry.find(key);
  return value == nullptr ? "" : std::string(value->scalar.reveal());
}

bool ConfigFile::isTrue(const yaml::Node& entry, std::string_view key) {
  const yaml::Node* const value = entry.find(key);
  return value != nullptr && value->kind == yaml::Kind::kBool && value->scalar.reveal() == "true";
}

Result<SecretBytes> ConfigFile::content(const yaml::Node& entry, const std::string& key) const {
  const std::string dataKey = key + "-data";
  if (const yaml::Node* const data = entry.find(dataKey);
      data != nullptr && !data->scalar.empty()) {
    auto bytes = fromBase64(data->scalar.reveal());
    if (!bytes) return refuse(*data, dataKey + " is not base64");
    return SecretBytes::take(*std::move(bytes));
  }
  const std::string file = text(entry, key);
  if (file.empty()) return SecretBytes();
  auto bytes = readConfigFile(resolved(file));
  if (bytes) return bytes;
  Error error = withContext(std::move(bytes.error()), path_ + ": " + key);
  // It is the kubeconfig that is there, and wrong.
  if (error.code == ErrorCode::kNotFound) error.code = ErrorCode::kInvalid;
  return fail(std::move(error));
}

std::string ConfigFile::resolved(const std::string& path) const {
  return (std::filesystem::path(path_).parent_path() / path).string();
}

tl::unexpected<Error> ConfigFile::refuse(const yaml::Node& at, const std::string& why) const {
  return fail(ErrorCode::kInvalid, path_ + ":" + std::to_string(at.position.line) + ":" +
                                       std::to_string(at.position.column) + ": " + why);
}

}  // namespace bco::kube
