// The key policy of a fleet, with its maintenance windows.
#include <algorithm>
#include <array>
#include <cctype>

#include "api/detail/specs.h"
#include "core/text.h"

namespace bco::api {
namespace {

using namespace std::chrono_literals;

bool isTimeOfDay(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return false;
  for (const std::size_t i : {0U, 1U, 3U, 4U}) {
    if (text[i] < '0' || text[i] > '9') return false;
  }
  return text.substr(0, 2) < "24" && text.substr(3) < "60";
}

// By its form alone: which zones there are differs between machines.
bool isTimeZone(std::string_view text) {
  return std::ranges::all_of(split(text, '/'), [](std::string_view part) {
    return !part.empty() && std::ranges::all_of(part, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_' || c == '+' || c == '-';
    });
  });
}

MaintenanceWindow readWindow(MappingReader window) {
  static constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu",
                                                            "Fri", "Sat", "Sun"};
  MaintenanceWindow result;
  result.days = window.list("days", kDays.size());
  for (const auto& day : result.days) {
    if (std::ranges::find(kDays, day) == kDays.end()) {
      window.problem("days", "expected Mon, Tue, Wed, Thu, Fri, Sat or Sun");
    }
  }
  result.start = window.requiredString("start");
  if (!result.start.empty() && !isTimeOfDay(result.start)) {
    window.problem("start", "expected a time of day such as \"02:00\"");
  }
  if (!window.has("duration")) window.problem("duration", "is required");
  result.duration = window.duration("duration", 1min).value_or(1h);
  result.timeZone = window.string("timeZone").value_or("UTC");
  if (!isTimeZone(result.timeZone)) {
    window.problem("timeZone", "expected a time zone such as Europe/Berlin");
  }
  window.finish();
  return result;
}

}  // namespace

KeyPolicy readKeyPolicy(MappingReader keys, bool isLoopback, Problems& problems) {
  const Duration anHour = isLoopback ? Duration(1min) : Duration(1h);
  const Duration aMinute = isLoopback ? Duration(1s) : Duration(1min);
  KeyPolicy result;
  result.lifetime = keys.duration("lifetime", anHour).value_or(result.lifetime);
  result.rotateBefore = keys.duration("rotateBefore", aMinute).value_or(result.rotateBefore);
  result.overlap = keys.duration("overlap", anHour).value_or(result.overlap);
  result.offlineGrace = keys.duration("offlineGrace", 0h).value_or(result.offlineGrace);
  result.verifyInterval = keys.duration("verifyInterval", aMinute).value_or(result.verifyInterval);
  result.renewAfter = keys.time("renewAfter");
  result.revokeBefore = keys.time("revokeBefore");
  if (result.rotateBefore >= result.lifetime) {
    keys.problem("rotateBefore",
                 "must be shorter than lifetime (" + formatDuration(result.lifetime) + ")");
  }
  MappingReader renewal = keys.mapping("renewal");
  result.renewal.maxConcurrent =
      renewal.integer("maxConcurrent", 1, 100000).value_or(result.renewal.maxConcurrent);
  result.renewal.window = renewal.duration("window", 0h).value_or(result.renewal.window);
  renewal.finish();
  for (const yaml::Node* window : keys.sequence("windows", 20)) {
    result.windows.push_back(
        readWindow({window, "spec.keys.windows[]", window->position, problems}));
  }
  keys.finish();
  return result;
}

}  // namespace bco::api
