#include "cli/listen.h"

#include "cli/listen_address.h"

namespace bco::cli {

Result<server::Options> listenAt(const std::string& flag, const std::string& address) {
  const auto parsed = parseListenAddress(address);
  if (!parsed) {
    return fail(ErrorCode::kInvalid,
                flag + " " + address + ": expected HOST:PORT, such as 0.0.0.0:8081");
  }
  server::Options options;
  options.address = parsed->host;
  options.port = parsed->port;
  return options;
}

}  // namespace bco::cli
