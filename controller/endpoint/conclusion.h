// What a device's status says to somebody who waits for it.
#pragma once

#include <optional>

#include "endpoint/answer.h"
#include "endpoint/verb.h"

namespace bco::endpoint {

// nullopt: a pass is still due, or comes at once. Pure. Words of ours alone: what a status says may
// be about things that are no business of a caller.
[[nodiscard]] std::optional<Answer> conclude(Verb verb, const api::BalenaDevice& device);

}  // namespace bco::endpoint
