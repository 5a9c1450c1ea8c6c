#include "balena/token_expiry.h"

#include <simdjson.h>

#include <algorithm>

#include "core/secret.h"
#include "core/text.h"

namespace bco::balena {

std::optional<TimePoint> expiryOfSession(std::string_view token) {
  const auto parts = split(token, '.');
  if (parts.size() != 3) return std::nullopt;
  auto payload = fromBase64Url(parts[1]);
  if (!payload) return std::nullopt;
  simdjson::dom::parser parser;
  simdjson::dom::element claims;
  std::int64_t expiry = 0;
  const bool isThere = parser.parse(*payload).get(claims) == simdjson::SUCCESS &&
                       claims["exp"].get(expiry) == simdjson::SUCCESS;
  wipe(payload->data(), payload->size());
  if (!isThere || expiry <= 0) return std::nullopt;
  return TimePoint(std::chrono::seconds(expiry));
}

std::optional<TimePoint> expiryAmong(const std::vector<ListedKey>& keys, TimePoint now) {
  const auto isOwn = [](const ListedKey& key) { return key.name.starts_with(kOwnKeyName); };
  const bool isAnyOwn = std::ranges::any_of(keys, isOwn);
  std::optional<TimePoint> first;
  for (const ListedKey& key : keys) {
    if (isAnyOwn && !isOwn(key)) continue;
    if (!key.expiresAt || *key.expiresAt < now) continue;  // what has ended is not what we use
    first = first ? std::min(*first, *key.expiresAt) : *key.expiresAt;
  }
  return first;
}

}  // namespace bco::balena
