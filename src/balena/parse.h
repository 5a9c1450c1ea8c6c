// Reads balena's answers. Each function takes the body by value and lets go of it as soon as the
// few fields it keeps are copied out. An answer that is not what research/balena-api.md describes
// is kInternal, in words that quote nothing of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "balena/api.h"
#include "balena/token_expiry.h"

namespace bco::balena {

// {"d":[…]} of at most one fleet; nullopt for none. kInternal when it is another one than `slug`:
// then the filter was lost on the way.
[[nodiscard]] Result<std::optional<Fleet>> parseFleet(std::string body, const std::string& slug);

// {"d":n}
[[nodiscard]] Result<std::int64_t> parseCount(std::string body);

// Calls `visit` with each of a page's devices: in ascending order of ids, all above `afterId` and
// all of the fleet, or it is kInternal. Returns how many there were.
[[nodiscard]] Result<std::size_t> parseDevicePage(std::string body, std::int64_t fleetId,
                                                  const VariableLevel& level, bool withTags,
                                                  std::int64_t afterId,
                                                  const std::function<void(FleetDevice&)>& visit);

// The ids of a page, ascending and above `afterId`.
[[nodiscard]] Result<std::vector<std::int64_t>> parseIdPage(std::string body, std::int64_t afterId);

// The user's API keys.
[[nodiscard]] Result<std::vector<ListedKey>> parseKeys(std::string body);

// nullopt when there is none. The body and every copy of it that the parser made are wiped.
[[nodiscard]] Result<std::optional<Device>> parseDevice(std::string body, const std::string& uuid);

}  // namespace bco::balena
