#include "http/transport.h"

#include "core/text.h"

namespace bco::http {

std::string_view nameOf(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kPost:
      return "POST";
    case Method::kPatch:
      return "PATCH";
    case Method::kPut:
      return "PUT";
    case Method::kDelete:
      return "DELETE";
  }
  return "GET";
}

Request Request::clone() const {
  return {.method = method,
          .callClass = callClass,
          .kind = kind,
          .url = url,
          .headers = headers,
          .credentialHeader = credentialHeader,
          .credential = credential,
          .body = body.clone(),
          .contentType = contentType,
          .maxResponseBytes = maxResponseBytes,
          .lane = lane,
          .maxBudgetWait = maxBudgetWait,
          .mayCompress = mayCompress,
          .sendBefore = sendBefore,
          .isAnybodys = isAnybodys};
}

std::optional<std::string_view> Response::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equalsIgnoreCase(key, name)) return value;
  }
  return std::nullopt;
}

Result<Response> HttpTransport::send(const Request& request) {
  return std::move(sendAll({&request, 1}).front());
}

std::vector<Result<Response>> PooledTransport::sendAll(std::span<const Request> requests) {
  return sendAll(requests, [](std::size_t) { return Status{}; });
}

}  // namespace bco::http
