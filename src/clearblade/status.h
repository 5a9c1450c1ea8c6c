// What the registry's answers other than 2xx mean (research/clearblade-api.md, section 3.1).
//
//   status        body's error.status   code
//   ────────────┼─────────────────────┼────────────────────────────────────────────────────
//   400         │ any                 │ kInvalid (FAILED_PRECONDITION: bound to a gateway)
//   401         │ any                 │ kUnauthenticated
//   403         │ any                 │ kForbidden
//   404         │ JSON error          │ kNotFound
//   404         │ text                │ kForbidden: a bad system key, not a missing device
//   409         │ ALREADY_EXISTS      │ kAlreadyExists
//   409, 412    │ others              │ kConflict
//   429         │ any                 │ kThrottled, retryAfter
//   408 499 504 │ any                 │ kDeadline
//   5xx         │ any                 │ kUnavailable (501: kInternal)
//   others      │ any                 │ kInternal
//
// After a write, 408, 499 and 5xx leave open whether it took effect: outcomeUnknown.
#pragma once

#include <string_view>

#include "core/result.h"
#include "http/transport.h"

namespace bco::clearblade {

// Ok for 2xx. `what` is the call in a person's words. ClearBlade's own message is quoted,
// shortened, where there is one: no request of ours carries a secret in its body, and one that
// repeats `token` is left out.
[[nodiscard]] Status statusOf(const http::Response& response, http::Method method,
                              std::string_view what, TimePoint now, const SecretBytes& token);

// Whether the answer says that the access (system key and token) is not accepted, so that a new
// exchange may help: 401, 403, or a 404 that does not come from the registry.
[[nodiscard]] bool refusesAccess(const http::Response& response);

}  // namespace bco::clearblade
