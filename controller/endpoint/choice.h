// What is done about a request, by what is known of its device. Pure.
#pragma once

#include <string>
#include <variant>

#include "endpoint/answer.h"
#include "endpoint/ask.h"
#include "endpoint/verb.h"
#include "reconcile/desire.h"

namespace bco::endpoint {

// Nothing desires the device: balena is asked whether a fleet of ours has it.
struct LookItUp {};
// The object is to be changed, and its next status waited for.
struct ChangeObject {
  store::Shared<api::BalenaDevice> object;
};
// A new object is to be made, and its first status waited for.
struct MakeObject {
  api::BalenaDevice device;
};

struct Request {
  Verb verb = Verb::kProvision;
  Ask ask = {};
  bool trusted = false;  // came with a token
  // A person's, who may change the objects himself: his word is a declaration.
  bool declares = false;
};

// A key that was verified so shortly ago is not verified again.
inline constexpr Duration kFresh = std::chrono::seconds(5);

// Objects of several namespaces may name the device, and at most one of them is of a fleet that has
// it: those of a namespace whose last pass has not said that it is none of theirs come first.
[[nodiscard]] DeviceObjects likeliest(DeviceObjects all);

//   the device's object           │ POST                             │ DELETE
//   ──────────────────────────────┼──────────────────────────────────┼────────────────
//   none                          │ look it up                       │ look it up
//   its fleet isn't there         │ unknown device                   │ unknown device
//   its fleet has another service │ wrong service                    │ wrong service
//   its fleet is only observed    │ refused                          │ refused
//   being deleted                 │ not available now                │ not available now
//   verified a moment ago         │ already provisioned              │ change it
//   declared Absent by a person   │ refused, unless it is trusted    │ change it
//   else                          │ change it                        │ change it
//
// `objects`: of the device in one namespace; `fleet`: of the one that governs, or nullptr.
[[nodiscard]] std::variant<Answer, LookItUp, ChangeObject> choose(const Request& request,
                                                                  const DeviceObjects& objects,
                                                                  const api::BalenaFleet* fleet,
                                                                  TimePoint now);

//   the device is in a fleet that │ POST                │ DELETE
//   ──────────────────────────────┼─────────────────────┼────────────────────
//   isn't ours, or in none        │ unknown device      │ unknown device
//   (other service, only observed: as above)
//   desires all of its devices    │ make what its sweep would make, Present or Absent
//   lets the endpoint enrol       │ make one, Present   │ make one, Absent
//   does neither                  │ unknown device ¹    │ make one, Absent
//   ¹ a person's word declares it
//
// Whether a device that nobody has declared may be provisioned for whoever asks, token or not.
[[nodiscard]] bool takesInAnybody(const api::FleetSpec& fleet);

// After the look-up; `fleet`: whose device it is, or nullptr. Who asks for a removal is trusted;
// what it makes Absent a POST may bring back, unless a person has asked.
[[nodiscard]] std::variant<Answer, MakeObject> chooseForNew(const Request& request,
                                                            const api::BalenaFleet* fleet);

}  // namespace bco::endpoint
