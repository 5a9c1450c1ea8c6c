#include "sandbox/faults.h"

#include "sandbox/clearblade_reply.h"
#include "sandbox/kinds.h"

namespace bco::sandbox {
namespace {

std::string_view rpcName(int status) {
  switch (status) {
    case 400:
      return "INVALID_ARGUMENT";
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "NOT_FOUND";
    case 409:
      return "ABORTED";
    case 429:
      return "RESOURCE_EXHAUSTED";
    case 503:
      return "UNAVAILABLE";
    case 504:
      return "DEADLINE_EXCEEDED";
    default:
      return "INTERNAL";
  }
}

server::Reply htmlReply(int status) {
  const std::string text = std::to_string(status);
  server::Reply reply;
  reply.status = status;
  reply.headers = {{"Content-Type", "text/html"}};
  reply.body = "<html><head><title>" + text + "</title></head><body><center><h1>" + text +
               "</h1></center><hr><center>proxy</center></body></html>\r\n";
  return reply;
}

}  // namespace

bool matchesKind(std::string_view pattern, std::string_view kind) {
  return pattern.empty() || pattern == kind ||
         (pattern.ends_with('.') && kind.starts_with(pattern));
}

server::Reply faultReply(const Fault& fault, std::string_view kind) {
  server::Reply reply;
  if (fault.body == "html") {
    reply = htmlReply(fault.status);
  } else if (fault.body == "empty") {
    reply.status = fault.status;
  } else if (fault.body != "json") {
    reply.status = fault.status;
    reply.body = fault.body;
    if (!fault.contentType.empty()) reply.headers = {{"Content-Type", fault.contentType}};
  } else if (sideOf(kind) == "balena") {
    // balena's error bodies are JSON strings.
    reply = jsonReply(fault.status,
                      fault.status == 429 ? R"("Too Many Requests")" : R"("Seeded fault")");
    reply.headers = {{"Content-Type", "application/json; charset=utf-8"}};
  } else {
    reply = problemReply({fault.status, rpcName(fault.status), "Seeded fault"});
  }
  if (!fault.retryAfter.empty()) reply.headers.emplace_back("Retry-After", fault.retryAfter);
  return reply;
}

std::uint64_t Faults::add(FaultRule rule) {
  rule.id = ++lastId_;
  rules_.push_back(std::move(rule));
  return lastId_;
}

bool Faults::remove(std::uint64_t id) {
  return std::erase_if(rules_, [&](const FaultRule& rule) { return rule.id == id; }) > 0;
}

// splitmix64, as a fraction of one.
double Faults::random() {
  state_ += 0x9e3779b97f4a7c15U;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return static_cast<double>((z ^ (z >> 31U)) >> 11U) * 0x1.0p-53;
}

std::optional<Fault> Faults::strike(std::string_view kind, std::string_view target) {
  for (FaultRule& rule : rules_) {
    if (!matchesKind(rule.kind, kind) || !target.starts_with(rule.route)) continue;
    ++rule.seen;
    if (rule.seen <= rule.skip || (rule.count && rule.struck >= *rule.count)) continue;
    if (rule.probability < 1 && random() >= rule.probability) continue;
    ++rule.struck;
    return rule.fault;
  }
  return std::nullopt;
}

}  // namespace bco::sandbox
