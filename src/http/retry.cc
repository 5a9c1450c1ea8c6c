#include "http/retry.h"

#include "http/breaker.h"

namespace bco::http {

bool isWorthRepeating(const Request& request, const Result<Response>& result) {
  if (!isOutage(result)) return false;
  if (request.callClass == CallClass::kRead) return true;
  return !result && !result.error().outcomeUnknown;
}

}  // namespace bco::http
