// The parts of a kubeconfig.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/secret.h"
#include "yaml/document.h"

namespace bco::kube {

// A kubeconfig that has been read. Errors name the file and the line, never a value of a user.
class ConfigFile {
 public:
  // kNotFound: no such file; kUnavailable: it can't be read; kInvalid: it is not a kubeconfig.
  [[nodiscard]] static Result<ConfigFile> read(const std::string& path);

  // Empty when it has none.
  [[nodiscard]] std::string currentContext() const;
  // The named entry of "contexts", "clusters" or "users": what stands under "context", "cluster" or
  // "user"; nullptr when there is none.
  [[nodiscard]] const yaml::Node* find(std::string_view list, std::string_view name) const;

  // A text of an entry; empty when it has none.
  [[nodiscard]] static std::string text(const yaml::Node& entry, std::string_view key);
  [[nodiscard]] static bool isTrue(const yaml::Node& entry, std::string_view key);
  // The content of `key`-data (base64), else of the file that `key` names; empty when it has
  // neither. kInvalid, kUnavailable.
  [[nodiscard]] Result<SecretBytes> content(const yaml::Node& entry, const std::string& key) const;
  // A path as the file means it.
  [[nodiscard]] std::string resolved(const std::string& path) const;
  // An error about this place.
  [[nodiscard]] tl::unexpected<Error> refuse(const yaml::Node& at, const std::string& why) const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  ConfigFile(std::string path, yaml::Node root) : path_(std::move(path)), root_(std::move(root)) {}
  std::string path_;
  yaml::Node root_;
};

// kNotFound, kUnavailable; kInvalid: more than 16 MB.
[[nodiscard]] Result<SecretBytes> readConfigFile(const std::string& path);

}  // namespace bco::kube
