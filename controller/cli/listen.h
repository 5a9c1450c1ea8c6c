// Where a server of ours listens, as a flag says it.
#pragma once

#include <string>

#include "core/result.h"
#include "server/http_server.h"

namespace bco::cli {

// `address` is as parseListenAddress() has it. kInvalid, naming `flag`, for anything else.
[[nodiscard]] Result<server::Options> listenAt(const std::string& flag, const std::string& address);

}  // namespace bco::cli
