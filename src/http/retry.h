// Which calls are made again, and when.
#pragma once

#include "core/backoff.h"
#include "http/transport.h"

namespace bco::http {

struct RetryPolicy {
  int attempts = 3;
  BackoffPolicy backoff{.initial = Duration(200), .longest = Duration(2000)};
};

// Pure.
//
//   outcome of the attempt               │ read  │ write
//   ─────────────────────────────────────┼───────┼──────────────────────────
//   no connection: nothing was sent      │ again │ again
//   lost or out of time after sending    │ again │ no: its outcome is unknown
//   502, 503, 504, 52x                   │ again │ no: its outcome is unknown
//   anything else, 429 and 500 included  │ no    │ no
[[nodiscard]] bool isWorthRepeating(const Request& request, const Result<Response>& result);

}  // namespace bco::http
