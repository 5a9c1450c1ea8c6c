#include "reconcile/windows.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace bco {
namespace {

constexpr std::array<std::string_view, 7> kDayNames = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};

// "02:30", which the API has checked.
Duration timeOfDay(const std::string& text) {
  int hour = 0;
  int minute = 0;
  std::from_chars(text.data(), text.data() + text.size(), hour);
  const std::size_t colon = std::min(text.find(':') + 1, text.size());
  std::from_chars(text.data() + colon, text.data() + text.size(), minute);
  return std::chrono::hours(hour) + std::chrono::minutes(minute);
}

}  // namespace

Result<std::vector<Window>> toWindows(const std::vector<api::MaintenanceWindow>& windows) {
  std::vector<Window> result;
  for (const api::MaintenanceWindow& each : windows) {
    auto zone = TimeZone::load(each.timeZone);
    if (!zone) return fail(withContext(std::move(zone.error()), "keys.windows"));
    Window window;
    for (std::size_t day = 0; day < kDayNames.size(); ++day) {
      window.days.set(day, each.days.empty() ||
                               std::ranges::find(each.days, kDayNames[day]) != each.days.end());
    }
    window.start = timeOfDay(each.start);
    window.duration = each.duration;
    window.zone = std::make_shared<const TimeZone>(std::move(*zone));
    result.push_back(std::move(window));
  }
  return result;
}

}  // namespace bco
