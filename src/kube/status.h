// What the API server's refusals mean: the `Status` object of a body or of a watch's ERROR event.
// The reason decides, for a webhook may deny with any code; without one we know, the code does.
//
//   reason                                           code    │ error
//   ─────────────────────────────────────────────────────────┼─────────────────────────────
//   NotFound                                         404 ¹   │ kNotFound
//   AlreadyExists                                            │ kAlreadyExists
//   Conflict                                         409     │ kConflict
//   Gone Expired; cause ResourceVersionTooLarge      410     │ kGone: list anew
//   Invalid BadRequest MethodNotAllowed              400 405 │ kInvalid
//   NotAcceptable UnsupportedMediaType               406 415 │
//   RequestEntityTooLarge                            413 422 │
//   Unauthorized                                     401     │ kUnauthenticated
//   Forbidden                                        403     │ kForbidden
//   TooManyRequests                                  429     │ kThrottled, retryAfter
//   Timeout ServerTimeout InternalError              408 5xx │ kUnavailable, perhaps retryAfter
//   ServiceUnavailable StorageReadError                      │
//   -                                                others  │ kInternal
//   Invalid, as metadata.uid is immutable                    │ kConflict: another object of
//                                                            │ that name
//
//   ¹ without a Status, a 404 with the header Audit-Id is the API server's word that it does not
//     serve the kind; any other is some proxy's page and says nothing of the object: kInternal.
//
// What can't be created because its namespace is being deleted is kForbidden with reason
// kNamespaceTerminating (kube/json.h).
//
// After a write, 408 and 5xx leave open whether it took effect: outcomeUnknown.
#pragma once

#include <string_view>

#include "core/result.h"
#include "http/transport.h"

namespace bco::kube {

// Whether the server's own words may be repeated. Those about a Secret may quote its values.
enum class Quote { kYes, kNo };

// Ok for 2xx. `what` is the call in a person's words: "reading leases default/x".
[[nodiscard]] Status statusOf(const http::Response& response, http::Method method,
                              std::string_view what, Quote quote, TimePoint now);

// The error of a watch's ERROR event, whose object is `json`.
[[nodiscard]] Error errorOfEvent(std::string_view json, std::string_view what);

}  // namespace bco::kube
