// When a token of balena's ends (research/balena-api.md, 1: session tokens say so themselves, API
// keys end at their expiry_date if they have one).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace bco::balena {

// What an API key is to be named to be recognised among its user's.
inline constexpr std::string_view kOwnKeyName = "balena-clearblade-operator";

// A key of the user's, as balena lists them: never with the key itself.
struct ListedKey {
  std::string name;
  std::optional<TimePoint> expiresAt;  // nullopt: never
};

// Of a session token, which is a JWT; nullopt for anything else.
[[nodiscard]] std::optional<TimePoint> expiryOfSession(std::string_view token);

// balena does not say which of the keys we use. The first end, at `now` or later, of those named
// kOwnKeyName…, or if there are none, of all: rather warned too early than not at all.
[[nodiscard]] std::optional<TimePoint> expiryAmong(const std::vector<ListedKey>& keys,
                                                   TimePoint now);

}  // namespace bco::balena
