// Says in an object's status that others allow less than it does.
#pragma once

#include <string>
#include <vector>

#include "api/object.h"

namespace bco {

// `smaller`: of CloudFactory::smallerBudget(); empty: the condition goes.
void reportBudget(const std::string& smaller, const api::ObjectMeta& meta, TimePoint now,
                  std::vector<api::Condition>& conditions);

}  // namespace bco
