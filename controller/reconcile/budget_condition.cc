#include "reconcile/budget_condition.h"

namespace bco {
namespace {

constexpr auto kBudgetReduced = "BudgetReduced";

}  // namespace

void reportBudget(const std::string& smaller, const api::ObjectMeta& meta, TimePoint now,
                  std::vector<api::Condition>& conditions) {
  if (smaller.empty()) {
    std::erase_if(conditions, [](const auto& each) { return each.type == kBudgetReduced; });
    return;
  }
  setCondition(conditions, {kBudgetReduced, true, "SmallerBudgetElsewhere",
                            "another object that uses the same account allows less, and the "
                            "smallest callBudget counts: " +
                                smaller,
                            meta.generation, now});
}

}  // namespace bco
