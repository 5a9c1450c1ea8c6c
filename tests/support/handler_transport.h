// A transport that hands each request to a function in this process, such as one of the sandbox's
// clouds, in the words of the server side.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "http/transport.h"
#include "http/url.h"
#include "server/http_server.h"

namespace bco::test {

// Counts requests. One thread at a time.
class HandlerTransport final : public http::HttpTransport {
 public:
  // `origin` is "https://host:port".
  using Handler =
      std::function<server::Reply(const std::string& origin, const server::Request& request)>;
  explicit HandlerTransport(Handler handler) : handler_(std::move(handler)) {}

  [[nodiscard]] std::vector<Result<http::Response>> sendAll(
      std::span<const http::Request> requests) override {
    std::vector<Result<http::Response>> results;
    for (const http::Request& request : requests) results.push_back(send(request));
    return results;
  }

  [[nodiscard]] std::size_t sent() const { return sent_; }

 private:
  Result<http::Response> send(const http::Request& request) {
    ++sent_;
    const auto url = http::parseUrl(request.url);
    if (!url) return fail(url.error());
    server::Request received;
    received.method = nameOf(request.method);
    received.target = url->target;
    received.headers = request.headers;
    received.headers.emplace_back("Host", url->host);
    if (request.credential) {
      received.headers.emplace_back(request.credentialHeader, request.credential->reveal());
    }
    received.body = request.body.reveal();
    const server::Reply reply = handler_(url->origin(), received);
    if (reply.body.size() > request.maxResponseBytes) {
      return fail(ErrorCode::kInternal, "answer too large");
    }
    return http::Response{reply.status, reply.headers, reply.body};
  }

  const Handler handler_;
  std::size_t sent_ = 0;
};

}  // namespace bco::test
