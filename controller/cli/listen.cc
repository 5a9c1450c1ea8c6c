#include "cli/listen.h"

#include <charconv>

namespace bco::cli {

Result<server::Options> listenAt(const std::string& flag, const std::string& address) {
  const std::size_t colon = address.rfind(':');
  server::Options options;
  if (colon != std::string::npos) {
    const char* const end = address.data() + address.size();
    const auto parsed = std::from_chars(address.data() + colon + 1, end, options.port);
    if (parsed.ec == std::errc() && parsed.ptr == end) {
      options.address = colon == 0 ? "0.0.0.0" : address.substr(0, colon);
      return options;
    }
  }
  return fail(ErrorCode::kInvalid,
              flag + " " + address + ": expected HOST:PORT, such as 0.0.0.0:8081");
}

}  // namespace bco::cli
