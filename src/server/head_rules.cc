#include "server/head_rules.h"

#include <algorithm>

#include "core/text.h"

namespace bco::server {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isAlphanumeric(char c) {
  return isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool isOfAName(char c) {
  return isAlphanumeric(c) ||
         std::string_view("-._~%!$&'()*+,;=").find(c) != std::string_view::npos;
}
bool isOfAnAddress(char c) { return isOfAName(c) || c == ':'; }

}  // namespace

bool isHost(std::string_view value) {
  std::string_view port;
  if (value.starts_with('[')) {
    const auto end = value.find(']');
    if (end == std::string_view::npos || end == 1) return false;
    if (!std::ranges::all_of(value.substr(1, end - 1), isOfAnAddress)) return false;
    port = value.substr(end + 1);
  } else {
    const auto colon = std::min(value.find(':'), value.size());
    if (!std::ranges::all_of(value.substr(0, colon), isOfAName)) return false;
    port = value.substr(colon);
  }
  return port.empty() || (port.front() == ':' && std::ranges::all_of(port.substr(1), isDigit));
}

bool isFraming(std::string_view transferEncoding) {
  return equalsIgnoreCase(trim(transferEncoding), "chunked");
}

bool expectsContinue(std::string_view expect) {
  return std::ranges::any_of(split(expect, ','), [](std::string_view each) {
    return equalsIgnoreCase(trim(each), "100-continue");
  });
}

}  // namespace bco::server
