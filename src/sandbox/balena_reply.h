// Replies in the API's manner.
#pragma once

#include <string>
#include <string_view>

#include "server/http_server.h"

namespace bco::sandbox {

// A status alone: no body, no Content-Type.
[[nodiscard]] server::Reply emptyReply(int status);
// JSON with a weak ETag; 304 when the request has it already.
[[nodiscard]] server::Reply jsonReply(const server::Request& request, int status, std::string json);
// The API's errors: a JSON string, or nothing for "".
[[nodiscard]] server::Reply errorReply(int status, std::string_view text);
// Express' own errors.
[[nodiscard]] server::Reply htmlReply(int status, std::string_view text);
[[nodiscard]] server::Reply plainReply(int status, std::string text);

// "W/"<length>-<hash>"".
[[nodiscard]] std::string weakEtag(std::string_view body);

}  // namespace bco::sandbox
