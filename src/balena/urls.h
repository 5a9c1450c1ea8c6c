// Every URL of balena's API that this program asks for, built here and nowhere else: the API
// ignores query options it does not know, and a PATCH or DELETE whose filter got lost changes every
// row the token can see (research/balena-api.md, rule 4).
//
// Texts that come from outside stand between quotes in a URL, quotes doubled and then escaped; our
// own parts are written plainly, with spaces. No URL holds a secret.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "balena/api.h"

namespace bco::balena {

// The address of rows that a PATCH or DELETE may touch. Only Urls makes one, and always with a key
// or a filter.
class BoundedUrl {
 public:
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  friend class Urls;
  explicit BoundedUrl(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// Thread-safe. Version 7 of the API.
class Urls {
 public:
  // "https://api.balena-cloud.com", with or without a slash at its end.
  explicit Urls(std::string_view apiUrl);

  [[nodiscard]] std::string whoami() const;
  // The API keys of the token's user, without the keys themselves.
  [[nodiscard]] std::string apiKeys() const;
  // By slug, with its services.
  [[nodiscard]] std::string fleet(std::string_view slug) const;
  [[nodiscard]] std::string deviceCount(std::int64_t fleetId) const;
  // The fleet's devices with an id above `afterId`, by ascending id, with their public variables at
  // `level` and, if `withTags`, their tags.
  [[nodiscard]] std::string devicePage(std::int64_t fleetId, const VariableLevel& level,
                                       bool withTags, std::int64_t afterId, std::size_t size) const;
  // Ids of what holds no GCP_PRIVATE_KEY at `level`: of devices, or of the service's
  // service_installs.
  [[nodiscard]] std::string missingKeyPage(std::int64_t fleetId, const VariableLevel& level,
                                           std::int64_t afterId, std::size_t size) const;
  // The device with our four variables at both levels: its answer holds the private key.
  [[nodiscard]] std::string device(std::string_view uuid) const;

  // For POST. The answer does not repeat the value.
  [[nodiscard]] std::string newVariable(const VariableParent& parent) const;
  // kInvalid unless `parent` names one row.
  [[nodiscard]] Result<BoundedUrl> variable(const VariableParent& parent,
                                            std::string_view name) const;
  // For GET: the id of that row, in a list.
  [[nodiscard]] Result<std::string> variableId(const VariableParent& parent,
                                               std::string_view name) const;
  // Our four variables under `parent`, as far as the guard allows. kInvalid unless parent and guard
  // are complete.
  [[nodiscard]] Result<BoundedUrl> guardedVariables(const VariableParent& parent,
                                                    const DeleteGuard& guard) const;

 private:
  std::string root_;  // ".../v7/"
  std::string whoami_;
};

}  // namespace bco::balena
