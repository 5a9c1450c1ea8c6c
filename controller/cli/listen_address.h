// Where to listen, as flags say it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace bco::cli {

struct ListenAddress {
  std::string host;  // an IP address; empty: all, of IPv6 and of IPv4
  std::uint16_t port = 0;
};

// "127.0.0.1:8080", "[::1]:8080", ":8080" for all addresses; port 0: any that is free. nullopt: it
// is none.
[[nodiscard]] std::optional<ListenAddress> parseListenAddress(const std::string& text);
[[nodiscard]] std::string toString(const ListenAddress& address);

}  // namespace bco::cli
