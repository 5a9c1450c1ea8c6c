// What goes first where many wait: for a worker, or for a budget of calls.
#pragma once

#include <cstddef>

namespace bco {

enum class Lane { kRevocation, kFresh, kSweep };
inline constexpr std::size_t kLanes = 3;

}  // namespace bco
