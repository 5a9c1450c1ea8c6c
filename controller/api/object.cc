#include "api/object.h"

#include <algorithm>

namespace bco::api {

std::string_view nameOf(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kRegistry:
      return "ClearBladeRegistry";
    case ObjectKind::kFleet:
      return "BalenaFleet";
    case ObjectKind::kDevice:
      return "BalenaDevice";
  }
  return "";
}

std::string toString(const ObjectKey& key) { return key.space + "/" + key.name; }

bool ObjectMeta::hasFinalizer() const {
  return std::find(finalizers.begin(), finalizers.end(), kFinalizer) != finalizers.end();
}

bool setCondition(Conditions& conditions, const Condition& condition) {
  const auto existing = std::ranges::find(conditions, condition.type, &Condition::type);
  if (existing == conditions.end()) {
    conditions.push_back(condition);
    return true;
  }
  const bool changed = existing->status != condition.status ||
                       existing->reason != condition.reason ||
                       existing->message != condition.message;
  const TimePoint transition =
      existing->status == condition.status ? existing->lastTransition : condition.lastTransition;
  *existing = condition;
  existing->lastTransition = transition;
  return changed;
}

const Condition* findCondition(const Conditions& conditions, std::string_view type) {
  const auto found =
      std::ranges::find_if(conditions, [&](const Condition& c) { return c.type == type; });
  return found == conditions.end() ? nullptr : &*found;
}

}  // namespace bco::api
