#include "plan/removal_brake.h"

#include <algorithm>

namespace bco {
namespace {

constexpr Duration kHour = std::chrono::hours(1);
constexpr Duration kDay = std::chrono::hours(24);

TimePoint endOf(const api::RemovalHour& each) { return each.hour + kHour + kDay; }

std::string registrations(int count) {
  return std::to_string(count) + (count == 1 ? " registration" : " registrations");
}

}  // namespace

BrakeVerdict judgeRemoval(const api::StaleRules& rules, const RemovalRequest& request,
                          const std::vector<api::RemovalHour>& recent, TimePoint now) {
  BrakeVerdict verdict;
  const auto share = std::int64_t{request.owned} * rules.maxPercent / 100;
  verdict.limit = std::min(std::max(1, static_cast<int>(share)), rules.maxPerSync);
  verdict.recent = countRecent(recent, now);
  if (request.candidates == 0) return verdict;
  if (rules.policy == api::StalePolicy::kReport) {
    verdict.brake = Brake::kReport;
  } else if (request.approved) {
    verdict.brake = Brake::kApproved;
  } else if (request.candidates > verdict.limit) {
    verdict.brake = Brake::kTooManyAtOnce;
  } else if (verdict.recent + request.candidates - request.counted > rules.maxPerDay) {
    verdict.brake = Brake::kTooManyToday;
  } else {
    verdict.brake = Brake::kOpen;
  }
  return verdict;
}

std::string explain(const BrakeVerdict& verdict, const api::StaleRules& rules,
                    const RemovalRequest& request, const std::string& set) {
  const std::string approve = "; to approve just these, set the fleet's annotation " +
                              std::string(api::kApproveAnnotation) + " to " + set;
  switch (verdict.brake) {
    case Brake::kNothing:
      return "";
    case Brake::kReport:
      return registrations(request.candidates) + " kept: stale.policy is Report";
    case Brake::kOpen:
      return registrations(request.candidates) + " may go: within the limits";
    case Brake::kApproved:
      return registrations(request.candidates) + " may go: approved";
    case Brake::kTooManyAtOnce:
      return registrations(request.candidates) + " of " + std::to_string(request.owned) +
             " would be removed, more than the " + std::to_string(verdict.limit) +
             " that stale.maxPercent and stale.maxPerSync allow: none is" + approve;
    case Brake::kTooManyToday:
      return registrations(request.candidates) + " would be removed after " +
             std::to_string(verdict.recent) + " in 24 hours, more than the " +
             std::to_string(rules.maxPerDay) + " that stale.maxPerDay allows: none is" + approve;
  }
  return "";
}

int countRecent(const std::vector<api::RemovalHour>& recent, TimePoint now) {
  int count = 0;
  for (const api::RemovalHour& each : recent) count += endOf(each) > now ? each.count : 0;
  return count;
}

std::vector<api::RemovalHour> withRemovals(std::vector<api::RemovalHour> recent, int count,
                                           TimePoint now) {
  std::erase_if(recent, [&](const auto& each) { return endOf(each) <= now; });
  const TimePoint hour{std::chrono::floor<std::chrono::hours>(now)};
  const auto found = std::ranges::find(recent, hour, &api::RemovalHour::hour);
  if (found != recent.end()) {
    found->count += count;
  } else {
    recent.push_back({hour, count});
    std::ranges::sort(recent, {}, &api::RemovalHour::hour);
  }
  return recent;
}

TimePoint roomAt(const std::vector<api::RemovalHour>& recent, int maxPerDay, TimePoint now) {
  int left = countRecent(recent, now);
  if (left < maxPerDay) return now;
  for (const api::RemovalHour& each : recent) {
    if (endOf(each) <= now) continue;
    left -= each.count;
    if (left < maxPerDay) return endOf(each);
  }
  return now + kDay;  // maxPerDay: 0
}

}  // namespace bco
