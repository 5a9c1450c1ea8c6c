// What balena's answers other than 2xx mean (research/balena-api.md, section 5).
//
//   status            meaning                                             code
//   ────────────────┼───────────────────────────────────────────────────┼───────────────────────
//   400 413         │ it refuses a value or name                        │ kInvalid
//   401             │ bad key, no permission, or parent not there: the  │ kUnauthenticated, until
//                   │ client asks whoami which (balena/client.h)        │ whoami knows better
//   403             │ a gateway in front refuses                        │ kForbidden
//   409 "…unique…"  │ the row is there already                          │ kAlreadyExists
//   409 otherwise   │ the parent is not there                           │ kConflict
//   429             │                                                   │ kThrottled, retryAfter
//   408 504         │                                                   │ kDeadline
//   500 empty       │ it knows a field of our query not, or a mandatory │ kInternal
//                   │ one is missing: a defect of ours, or a change of  │
//                   │ theirs; an immediate repetition is useless        │
//   500 with text   │ "Server error", "Database error", a proxy's page  │ kUnavailable
//   502 503, 5xx    │                                                   │ kUnavailable
//   404, others     │ never "no such row" (that is 200 and an empty     │ kInternal
//                   │ list): the URL is not one of balena's API         │
//
// After a write, 408 and 5xx leave open whether it took effect: outcomeUnknown.
#pragma once

#include <string_view>

#include "core/result.h"
#include "http/transport.h"

namespace bco::balena {

// Ok for 2xx. `what` is the call in a person's words: "reading device <uuid>". The answer's body is
// never quoted: an answer to a write may repeat the value.
[[nodiscard]] Status statusOf(const http::Response& response, http::Method method,
                              std::string_view what, TimePoint now);

}  // namespace bco::balena
