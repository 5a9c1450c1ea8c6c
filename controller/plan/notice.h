// What a person should know of a device, whatever else is true of it: nobody here undoes it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/device.h"
#include "plan/device_state.h"

namespace bco {

struct Notice {
  std::string_view type;    // of the condition that is there while it is so
  std::string_view reason;  // that condition's; CamelCase
  std::string message;      // what is so, and what to do
};

//   condition    │ true while
//   ─────────────┼──────────────────────────────────────────────────────────────────────────────
//   Blocked      │ somebody has blocked the registration
//   KeyElsewhere │ the device, or a service that is not the target, holds a registered key too that
//                │ has not ended: whatever runs there can publish as this device
//
// nullopt where there is nothing to tell by: balena hides the device, another fleet has it, its
// registration was not read, or is about to be removed with all copies. Pure.
[[nodiscard]] std::optional<std::vector<Notice>> noticesOf(const DesiredDevice& desired,
                                                           const ObservedDevice& observed,
                                                           TimePoint now);

// What is said when one has ended: a reason, for an event, and a sentence.
struct NoticeType {
  std::string_view type;
  std::string_view endedReason;
  std::string_view ended;
};
inline constexpr std::array<NoticeType, 2> kNoticeTypes = {{
    {api::kBlocked, "Unblocked", "the registration is not blocked any more"},
    {api::kKeyElsewhere, "KeyElsewhereNoMore",
     "the device's keys are nowhere but where they belong"},
}};

// The registration's credential whose key the level holds; nullptr if it lists none.
[[nodiscard]] const clearblade::Credential* credentialAt(const ObservedLevel& level,
                                                         const ObservedDevice& observed);

// "the device", "service relay".
[[nodiscard]] std::string describe(const ObservedLevel& level);

}  // namespace bco
