#include "core/error.h"

#include <array>

namespace bco {

const ErrorTraits& traitsOf(ErrorCode code) {
  static constexpr std::array<ErrorTraits, 11> kTable = {{
      {"not_found", "NotFound", Cause::kOutdated, false},
      {"already_exists", "AlreadyExists", Cause::kOutdated, true},
      {"conflict", "Conflict", Cause::kOutdated, true},
      {"invalid", "Invalid", Cause::kRequest, false},
      {"unauthenticated", "Unauthenticated", Cause::kAccess, false},
      {"forbidden", "Forbidden", Cause::kAccess, false},
      {"throttled", "Throttled", Cause::kTurn, true},
      {"unavailable", "Unavailable", Cause::kOutage, true},
      {"deadline", "DeadlineExceeded", Cause::kOutage, true},
      {"gone", "Gone", Cause::kOutdated, true},
      {"internal", "InternalError", Cause::kRequest, true},
  }};
  return kTable.at(static_cast<std::size_t>(code));
}

Error withContext(Error error, std::string_view context) {
  error.message = std::string(context) + ": " + error.message;
  return error;
}

}  // namespace bco
