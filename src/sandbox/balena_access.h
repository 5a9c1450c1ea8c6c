// Who asks, and what the asker may do. Source: open-balena-api's auth as measured.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sandbox/balena_cloud.h"
#include "sandbox/balena_store.h"

namespace bco::sandbox {

enum class Verb { kRead, kCreate, kUpdate, kDelete };

struct Principal {
  enum class Kind { kGuest, kUser, kDevice, kProvisioning };
  Kind kind = Kind::kGuest;
  bool session = false;              // a JWT, which may create keys
  bool blanket = false;              // sees every fleet
  std::vector<std::int64_t> fleets;  // else these; of a provisioning key: its one
  std::int64_t device = 0;
  std::int64_t user = 0;
  std::int64_t actor = 0;
};

// Tokens and what they stand for. Not thread-safe.
class BalenaAccess {
 public:
  explicit BalenaAccess(BalenaStore& store);

  // kNotFound: a fleet or device it names; kAlreadyExists: the token.
  Result<std::string> add(const TokenSpec& spec);
  Status revoke(std::string_view token);
  Status expire(std::string_view token, TimePoint when);

  // The principal of `?apikey=`, which wins, or of the Authorization header. A token that is
  // unknown, revoked or expired makes a guest.
  [[nodiscard]] const Principal& identify(const server::Request& request) const;
  [[nodiscard]] bool may(const Principal& principal, Verb verb,
                         const odata::Resource& resource) const;

 private:
  struct Token {
    Principal principal;
    std::optional<TimePoint> expires;
    std::int64_t apiKey = 0;  // its row; 0: none
  };
  std::int64_t addUser(std::string_view name);
  void addApiKeyRow(Token& token, const TokenSpec& spec);

  BalenaStore& store_;
  std::unordered_map<std::string, Token> tokens_;
  std::int64_t mainUser_ = 0;
  const Principal guest_;
};

// The rows of one store that a principal sees.
class PrincipalView final : public odata::Visibility {
 public:
  PrincipalView(const BalenaStore& store, const odata::Store& rows, const Principal& principal)
      : store_(store), rows_(rows), principal_(principal) {}
  [[nodiscard]] bool sees(const odata::Resource& resource, const odata::Row& row) const override;

 private:
  const BalenaStore& store_;
  const odata::Store& rows_;
  const Principal& principal_;
};

}  // namespace bco::sandbox
