#include "reconcile/standing.h"

#include <utility>

namespace bco {

Standing standingOf(const Error& error) {
  return traitsOf(error.code).transient ? Standing::kInProgress : Standing::kFailed;
}

void setStanding(api::Conditions& conditions, Standing standing, std::string_view reason,
                 const std::string& message, std::int64_t generation, TimePoint now) {
  const auto condition = [&](std::string type) {
    return api::Condition{std::move(type), false, std::string(reason), message, generation, now};
  };
  api::Condition ready = condition("Ready");
  ready.status = standing == Standing::kCurrent;
  setCondition(conditions, ready);
  setAbnormal(conditions, standing == Standing::kInProgress, condition("Reconciling"));
  setAbnormal(conditions, standing == Standing::kFailed, condition("Stalled"));
}

void setAbnormal(api::Conditions& conditions, bool is, api::Condition condition) {
  if (is) {
    condition.status = true;
    setCondition(conditions, condition);
  } else {
    std::erase_if(conditions, [&](const auto& each) { return each.type == condition.type; });
  }
}

}  // namespace bco
