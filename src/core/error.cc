#include "core/error.h"

#include <array>

namespace bco {

const ErrorTraits& traitsOf(ErrorCode code) {
  static constexpr std::array<ErrorTraits, 11> kTable = {{
      {"not_found", "NotFound", false},
      {"already_exists", "AlreadyExists", true},
      {"conflict", "Conflict", true},
      {"invalid", "Invalid", false},
      {"unauthenticated", "Unauthenticated", false},
      {"forbidden", "Forbidden", false},
      {"throttled", "Throttled", true},
      {"unavailable", "Unavailable", true},
      {"deadline", "DeadlineExceeded", true},
      {"gone", "Gone", true},
      {"internal", "InternalError", true},
  }};
  return kTable.at(static_cast<std::size_t>(code));
}

Error withContext(Error error, std::string_view context) {
  error.message = std::string(context) + ": " + error.message;
  return error;
}

}  // namespace bco
