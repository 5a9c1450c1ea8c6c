#include "plan/stale.h"

#include <algorithm>

#include "core/text.h"
#include "crypto/hash.h"

namespace bco {

void AbsenceLog::note(std::vector<StaleRegistration>& absent, SnapshotTimes taken,
                      std::optional<TimePoint> before, Duration maxGap) {
  const std::optional<TimePoint> last = seen_ ? seen_ : before;
  const bool isContinuous = last && taken.balena >= *last && taken.balena - *last <= maxGap;
  if (!isContinuous) {
    absences_.clear();
    counted_.reset();
  }
  const bool isFresh =
      !counted_ || (taken.balena > counted_->balena && taken.registry > counted_->registry);
  std::map<std::string, Absence> now;
  for (StaleRegistration& each : absent) {
    Absence absence{each.incarnation, taken.balena, 1};
    absence.isRecorded = each.since.has_value();
    const auto known = absences_.find(each.uuid);
    if (known != absences_.end() && known->second.incarnation == each.incarnation) {
      const bool wasBack = each.hasRecord && (!each.since || *each.since > known->second.since);
      const bool wasRecorded = known->second.isRecorded || each.since;
      if (!wasBack) {
        absence = known->second;
        if (isFresh) ++absence.pairs;
      } else {
        absence.since = std::min(each.since.value_or(taken.balena), taken.balena);
        // Or nobody could say so: its passes failed just then, or the write was refused.
        absence.isUndated = known->second.isUndated || !wasRecorded;
      }
      absence.isRecorded = wasRecorded;
    } else if (known == absences_.end() && isContinuous && !seen_) {
      absence.isUndated = !each.since;
      absence.since = std::min(each.since.value_or(taken.balena), taken.balena);
    }
    each.since = absence.since;
    now.emplace(each.uuid, absence);
  }
  absences_ = std::move(now);
  seen_ = taken.balena;
  if (isFresh) counted_ = taken;
}

bool AbsenceLog::isDue(const StaleRegistration& registration, Duration after, TimePoint now) const {
  const auto known = absences_.find(registration.uuid);
  return known != absences_.end() && known->second.incarnation == registration.incarnation &&
         known->second.pairs >= 2 && now >= known->second.since &&
         now - known->second.since >= after;
}

bool AbsenceLog::isUndated(const StaleRegistration& registration) const {
  const auto known = absences_.find(registration.uuid);
  return known != absences_.end() && known->second.incarnation == registration.incarnation &&
         known->second.isUndated;
}

std::string hashOf(std::span<const StaleRegistration> set) {
  if (set.empty()) return {};
  std::vector<std::string> lines;
  lines.reserve(set.size());
  for (const StaleRegistration& each : set) {
    lines.push_back(each.uuid + ' ' + toHex(each.incarnation) + '\n');
  }
  std::ranges::sort(lines);
  std::string text = "bco/removal\n";
  for (const std::string& line : lines) text += line;
  return toHex(crypto::sha256(text)).substr(0, 16);
}

}  // namespace bco
