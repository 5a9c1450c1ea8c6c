#include "sandbox/control.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/text.h"
#include "sandbox/clearblade_reply.h"
#include "sandbox/control_routes.h"
#include "sandbox/sandbox.h"

namespace bco::sandbox {
namespace {

using nlohmann::json;

constexpr std::string_view kPrefix = "/_sandbox/";

int statusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kInvalid:
      return 400;
    default:
      return 500;
  }
}

server::Reply reply(const Result<json>& result) {
  if (result)
    return jsonReply(200, result->dump(2, ' ', false, json::error_handler_t::replace) + '\n');
  return jsonReply(statusOf(result.error().code),
                   json{{"error", result.error().message}}.dump() + '\n');
}

// What the pattern's stars stand for, if it fits.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
  std::vector<std::string> found;
  const auto wanted = split(pattern, '/');
  std::size_t start = 0;
  for (const std::string_view part : wanted) {
    if (start > path.size()) return std::nullopt;
    const std::string_view rest = path.substr(start);
    if (part == "**") {
      found.push_back(lenientDecode(rest, false));
      return rest.empty() ? std::nullopt : std::optional(found);
    }
    const std::string_view segment = rest.substr(0, rest.find('/'));
    if (part == "*" ? segment.empty() : part != segment) return std::nullopt;
    if (part == "*") found.push_back(lenientDecode(segment, false));
    start += segment.size() + 1;
  }
  return start == path.size() + 1 ? std::optional(found) : std::nullopt;
}

}  // namespace

class Control::Router {
 public:
  Router() {
    for (auto* group : {&trafficRoutes, &balenaRoutes, &clearBladeRoutes, &deviceRoutes}) {
      for (ControlRoute& route : group()) routes_.push_back(std::move(route));
    }
  }

  Result<json> run(Sandbox& sandbox, const server::Request& request) const {
    const std::string_view target = std::string_view(request.target).substr(kPrefix.size());
    const std::size_t question = target.find('?');
    const std::string_view path = target.substr(0, question);
    json body;
    if (!request.body.empty()) {
      body = json::parse(request.body, nullptr, false);
      if (!body.is_object()) return fail(ErrorCode::kInvalid, "the body is no JSON object");
    }
    const Query query(question == std::string_view::npos ? "" : target.substr(question + 1));
    bool known = false;
    for (const ControlRoute& route : routes_) {
      auto parts = match(route.pattern, path);
      if (!parts) continue;
      known = true;
      if (route.method != request.method) continue;
      const std::lock_guard lock(sandbox.world().mutex);
      try {
        return route.handler(sandbox, {*std::move(parts), query, body});
      } catch (const json::exception& error) {
        return fail(ErrorCode::kInvalid, error.what());
      }
    }
    return fail(known ? ErrorCode::kInvalid : ErrorCode::kNotFound,
                known ? "not with this method" : "no such route");
  }

 private:
  std::vector<ControlRoute> routes_;
};

Control::Control(Sandbox& sandbox) : sandbox_(sandbox), router_(std::make_unique<Router>()) {}
Control::~Control() = default;

server::Reply Control::handle(const server::Request& request) {
  // The one route that must not hold the mutex: it runs what falls due.
  if (request.method == "POST" && request.target == "/_sandbox/clock/advance") {
    const json body = json::parse(request.body, nullptr, false);
    const auto duration = durationOf(body.is_object() ? body.value("duration", json()) : json());
    if (!duration) return reply(fail(duration.error()));
    sandbox_.world().clock.advance(*duration);
    const std::lock_guard lock(sandbox_.world().mutex);
    return reply(json{{"now", formatRfc3339(sandbox_.world().clock.now())}});
  }
  const auto result = router_->run(sandbox_, request);
  // A hold that was released has an answer to send.
  sandbox_.front().flush();
  return reply(result);
}

Result<Duration> durationOf(const json& value) {
  const auto parsed =
      value.is_string() ? parseDuration(value.get<std::string>()) : std::optional<Duration>();
  if (!parsed) return fail(ErrorCode::kInvalid, "a duration such as \"1h30m\" expected");
  return *parsed;
}

Result<std::uint64_t> countOf(const json& value, std::uint64_t most) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most) {
    return fail(ErrorCode::kInvalid, "a whole number from 0 to " + std::to_string(most) +
                                         " expected, not " + value.dump());
  }
  return value.get<std::uint64_t>();
}

Result<std::uint64_t> countOf(const json& body, const char* key, std::uint64_t otherwise) {
  const auto found = body.find(key);
  if (found == body.end()) return otherwise;
  auto count = countOf(*found);
  return count ? count : fail(withContext(std::move(count.error()), key));
}

Status onlyKeys(const json& body, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : body.items()) {
    if (std::ranges::find(known, key) == known.end()) {
      std::string all;
      for (const std::string_view each : known)
        all += (all.empty() ? "" : ", ") + std::string(each);
      return fail(ErrorCode::kInvalid, "unknown key " + key + "; known here: " + all);
    }
  }
  return {};
}

Result<std::string> textOf(const json& body, const char* key) {
  const auto found = body.is_object() ? body.find(key) : body.end();
  if (found == body.end() || !found->is_string()) {
    return fail(ErrorCode::kInvalid, std::string(key) + " expected");
  }
  return found->get<std::string>();
}

}  // namespace bco::sandbox
