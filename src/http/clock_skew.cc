#include "http/clock_skew.h"

namespace bco::http {

void ClockSkew::observe(const Response& response, TimePoint now) {
  const auto header = response.header("Date");
  if (!header) return;
  const auto date = parseHttpDate(*header);
  if (!date) return;
  std::lock_guard lock(mutex_);
  // The middle of the second it names.
  latest_ = *date + Duration(500) - now;
}

std::optional<Duration> ClockSkew::latest() const {
  std::lock_guard lock(mutex_);
  return latest_;
}

}  // namespace bco::http
