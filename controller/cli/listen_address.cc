#include "cli/listen_address.h"

#include <charconv>
#include <utility>

namespace bco::cli {

std::optional<ListenAddress> parseListenAddress(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  ListenAddress address;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, address.port);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return std::nullopt;  // which of its colons begins the port?
  }
  address.host = std::move(host);
  return address;
}

std::string toString(const ListenAddress& address) {
  const bool isV6 = address.host.find(':') != std::string::npos;
  return (isV6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace bco::cli
