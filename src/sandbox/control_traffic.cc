// Control API: clock, counters, faults, hold points.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "sandbox/connections.h"
#include "sandbox/control_routes.h"
#include "sandbox/sandbox.h"

namespace bco::sandbox {
namespace {

using nlohmann::json;

json showTraffic(Sandbox& sandbox) {
  const Traffic& traffic = sandbox.front().traffic();
  json kinds = json::object();
  json sides = {{"balena", 0}, {"clearblade", 0}, {"bridge", 0}};
  for (const auto& [kind, counts] : traffic.kinds()) {
    json statuses = json::object();
    for (const auto& [status, count] : counts.statuses) statuses[std::to_string(status)] = count;
    kinds[kind] = {{"requests", counts.requests}, {"statuses", statuses}, {"cut", counts.cut}};
    json& side = sides[std::string(sideOf(kind))];
    side = side.get<std::uint64_t>() + counts.requests;
  }
  return {{"kinds", kinds},
          {"sides", sides},
          {"connections",
           {{"opened", traffic.connectionsOpened()},
            {"max", traffic.maxConnections()},
            {"open", openConnections()}}},
          {"inFlight", {{"now", traffic.inFlight()}, {"max", traffic.maxInFlight()}}}};
}

constexpr std::array<std::pair<std::string_view, FaultType>, 5> kFaultTypes = {
    {{"status", FaultType::kStatus},
     {"latency", FaultType::kLatency},
     {"reset", FaultType::kReset},
     {"hang", FaultType::kHang},
     {"late", FaultType::kLate}}};

Result<FaultRule> readFault(const json& body) {
  const auto type = textOf(body, "type");
  if (!type) return fail(type.error());
  const auto known = std::ranges::find(kFaultTypes, std::string_view(*type),
                                       [](const auto& entry) { return entry.first; });
  if (known == kFaultTypes.end()) return fail(ErrorCode::kInvalid, "unknown type of fault");
  FaultRule rule;
  rule.kind = body.value("kind", rule.kind);
  rule.route = body.value("route", rule.route);
  rule.probability = body.value("probability", rule.probability);
  const auto skip = countOf(body, "skip", rule.skip);
  const auto count = countOf(body, "count", 0);
  const auto status = countOf(body, "status", static_cast<std::uint64_t>(rule.fault.status));
  for (const auto* number : {&skip, &count, &status}) {
    if (!*number) return fail(number->error());
  }
  if (*status < 200 || *status > 599) {
    return fail(ErrorCode::kInvalid, "status is to be 200 to 599");
  }
  rule.skip = *skip;
  if (body.contains("count")) rule.count = *count;
  rule.fault.type = known->second;
  rule.fault.afterEffect = body.value("when", "before") == "after";
  rule.fault.status = static_cast<int>(*status);
  rule.fault.body = body.value("body", rule.fault.body);
  rule.fault.contentType = body.value("contentType", rule.fault.contentType);
  rule.fault.retryAfter = body.value("retryAfter", rule.fault.retryAfter);
  rule.fault.hang = body.value("hang", rule.fault.hang);
  if (body.contains("delay")) {
    const auto delay = durationOf(body.at("delay"));
    if (!delay) return fail(delay.error());
    rule.fault.delay = *delay;
  }
  return rule;
}

json showFaults(const Faults& faults) {
  json rules = json::array();
  for (const FaultRule& rule : faults.rules()) {
    const auto type = std::ranges::find(kFaultTypes, rule.fault.type,
                                        [](const auto& entry) { return entry.second; });
    rules.push_back({{"id", rule.id},
                     {"type", type->first},
                     {"kind", rule.kind},
                     {"route", rule.route},
                     {"seen", rule.seen},
                     {"struck", rule.struck}});
  }
  return {{"faults", rules}};
}

json showHolds(const Holds& holds) {
  json points = json::array();
  for (const HoldPoint& point : holds.points()) {
    points.push_back({{"id", point.id},
                      {"kind", point.kind},
                      {"when", point.afterEffect ? "after" : "before"},
                      {"number", point.number},
                      {"seen", point.seen},
                      {"held", static_cast<bool>(point.held)},
                      {"request", point.request}});
  }
  return {{"holds", points}};
}

// Of a path's part.
Result<std::uint64_t> idOf(const std::string& text) {
  if (text.empty() || text.size() > 18 ||
      text.find_first_not_of("0123456789") != std::string::npos) {
    return fail(ErrorCode::kNotFound, "no such id");
  }
  return std::stoull(text);
}

Result<json> endHold(Sandbox& sandbox, const ControlCall& call, HoldEnd end) {
  const auto id = idOf(call.parts.front());
  const auto held = id ? sandbox.front().holds().take(*id) : std::nullopt;
  if (!held) return fail(ErrorCode::kNotFound, "no such hold point");
  if (*held) (*held)(end);
  return json{{"held", static_cast<bool>(*held)}};
}

}  // namespace

std::vector<ControlRoute> trafficRoutes() {
  return {
      {"GET", "traffic", [](Sandbox& sandbox, const auto&) { return showTraffic(sandbox); }},
      {"POST", "traffic/reset",
       [](Sandbox& sandbox, const auto&) {
         sandbox.front().traffic().reset();
         return json::object();
       }},
      {"GET", "clock",
       [](Sandbox& sandbox, const auto&) {
         return json{{"now", formatRfc3339(sandbox.world().clock.now())},
                     {"timers", sandbox.world().clock.pending()}};
       }},
      {"GET", "faults",
       [](Sandbox& sandbox, const auto&) { return showFaults(sandbox.front().faults()); }},
      {"POST", "faults",
       [](Sandbox& sandbox, const ControlCall& call) -> Result<json> {
         auto rule = readFault(call.body);
         if (!rule) return fail(rule.error());
         return json{{"id", sandbox.front().faults().add(*std::move(rule))}};
       }},
      {"DELETE", "faults",
       [](Sandbox& sandbox, const auto&) {
         sandbox.front().faults().clear();
         return json::object();
       }},
      {"DELETE", "faults/*",
       [](Sandbox& sandbox, const ControlCall& call) -> Result<json> {
         const auto id = idOf(call.parts.front());
         if (!id || !sandbox.front().faults().remove(*id)) {
           return fail(ErrorCode::kNotFound, "no such fault");
         }
         return json::object();
       }},
      {"POST", "faults/seed",
       [](Sandbox& sandbox, const ControlCall& call) -> Result<json> {
         const auto seed = countOf(call.body.at("seed"));
         if (!seed) return fail(seed.error());
         sandbox.front().faults().seed(*seed);
         return json::object();
       }},
      {"GET", "holds",
       [](Sandbox& sandbox, const auto&) { return showHolds(sandbox.front().holds()); }},
      {"POST", "holds",
       [](Sandbox& sandbox, const ControlCall& call) -> Result<json> {
         HoldPoint point;
         const auto kind = textOf(call.body, "kind");
         if (!kind) return fail(kind.error());
         point.kind = *kind;
         point.afterEffect = call.body.value("when", "before") == "after";
         const auto number = countOf(call.body, "number", point.number);
         if (!number) return fail(number.error());
         point.number = *number;
         return json{{"id", sandbox.front().holds().add(std::move(point))}};
       }},
      {"POST", "holds/*/release",
       [](Sandbox& sandbox, const ControlCall& call) {
         return endHold(sandbox, call, HoldEnd::kRelease);
       }},
      {"DELETE", "holds/*",
       [](Sandbox& sandbox, const ControlCall& call) {
         return endHold(sandbox, call, HoldEnd::kDrop);
       }},
  };
}

}  // namespace bco::sandbox
