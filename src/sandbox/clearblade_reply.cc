#include "sandbox/clearblade_reply.h"

#include "sandbox/json_text.h"

namespace bco::sandbox {

server::Reply jsonReply(int status, std::string body) {
  return {
      .status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

server::Reply problemReply(const Problem& problem) {
  std::string body = R"({"error":{"code":)" + std::to_string(problem.code) + R"(,"message":)";
  appendJson(body, problem.message);
  body += R"(,"status":)";
  const bool malformed = problem.status == kMalformed;
  appendJson(body, malformed ? "INVALID_ARGUMENT" : problem.status);
  body += "}}";
  server::Reply reply = jsonReply(problem.code, std::move(body));
  reply.close = malformed;
  return reply;
}

server::Reply textReply(int status, std::string body) {
  return {.status = status, .headers = {{"Content-Type", "text/plain"}}, .body = std::move(body)};
}

server::Reply bareReply(int status) {
  server::Reply reply;
  reply.status = status;
  return reply;
}

}  // namespace bco::sandbox
