// On what terms a call to a cloud is made.
#pragma once

#include <optional>

#include "core/lane.h"
#include "core/time.h"

namespace bco {

struct CallTerms {
  // Whose turn it is in the budget of calls.
  Lane lane = Lane::kFresh;
  // A write rests on what was observed, and is not sent any more when that is too old: however long
  // it waits for the budget, for a connection or for access.
  std::optional<SteadyPoint> sendBefore = std::nullopt;
};

}  // namespace bco
