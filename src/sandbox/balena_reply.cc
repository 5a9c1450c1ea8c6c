#include "sandbox/balena_reply.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>

#include "sandbox/odata_value.h"

namespace bco::sandbox {

server::Reply emptyReply(int status) { return {.status = status}; }

std::string weakEtag(std::string_view body) {
  std::array<char, 64> text{};
  const auto size = std::snprintf(text.data(), text.size(), "W/\"%zx-%016zx\"", body.size(),
                                  std::hash<std::string_view>{}(body));
  return {text.data(), static_cast<std::size_t>(size)};
}

server::Reply jsonReply(const server::Request& request, int status, std::string json) {
  server::Reply reply{.status = status};
  reply.headers.reserve(6);
  reply.headers.emplace_back("Content-Type", "application/json; charset=utf-8");
  reply.headers.emplace_back("Cache-Control", "no-cache");
  reply.headers.emplace_back("Vary", "Accept-Encoding");
  reply.headers.emplace_back("Access-Control-Expose-Headers", "Retry-After");
  reply.headers.emplace_back("ETag", weakEtag(json));
  if (status == 200 && request.header("if-none-match") == reply.headers.back().second) {
    reply.status = 304;
    return reply;
  }
  reply.body = std::move(json);
  return reply;
}

server::Reply errorReply(int status, std::string_view text) {
  server::Reply reply{.status = status};
  if (text.empty()) return reply;
  reply.headers.emplace_back("Content-Type", "application/json; charset=utf-8");
  odata::appendJsonString(reply.body, text);
  return reply;
}

server::Reply htmlReply(int status, std::string_view text) {
  server::Reply reply{.status = status};
  reply.headers.emplace_back("Content-Type", "text/html; charset=utf-8");
  reply.body =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<title>Error</title>\n</head>\n<body>\n<pre>";
  reply.body += text;
  reply.body += "</pre>\n</body>\n</html>\n";
  return reply;
}

server::Reply plainReply(int status, std::string text) {
  server::Reply reply{.status = status};
  reply.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  reply.body = std::move(text);
  return reply;
}

}  // namespace bco::sandbox
