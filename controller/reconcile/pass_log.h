// What is said of a pass.
#pragma once

#include <string>

#include "api/device.h"
#include "reconcile/device_reconciler.h"

namespace bco {

// One line and one event for what was done, and for what stands in the way: but only when it is
// news compared with the status that `object` had before. What happens again, and what is wrong
// with a whole cloud and therefore said by the sweep, is for the log's debug level alone.
void tell(const Context& context, const Pass& pass, const api::BalenaDevice& object,
          const std::string& reconcileId);

}  // namespace bco
