#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/session.h"
#include "plan/notice.h"
#include "plan/plan.h"

namespace bco::cli {
namespace {

struct Row {
  std::string uuid;
  std::string object;
  std::string verdict;
  std::string reason;
  std::string message;
  std::vector<std::string> steps;
  std::vector<Notice> notices;
};

Row toRow(const Engine::Preview& preview) {
  Row row{preview.uuid, toString(preview.object->meta.key), {}, {}, {}, {}, {}};
  if (preview.pass.error) {
    row.verdict = "Error";
    row.reason = traitsOf(preview.pass.error->code).reason;
    row.message = preview.pass.error->message;
    return row;
  }
  row.notices = preview.pass.notices.value_or(std::vector<Notice>());
  const Plan& plan = preview.pass.plan;
  row.verdict = nameOf(plan.verdict);
  row.reason = nameOf(plan.reason);
  row.message = plan.message;
  for (const Step& step : plan.steps) row.steps.push_back(describe(step));
  return row;
}

// What the cloud function or somebody else has registered: to be adopted, or in adoption's way.
bool isForeign(const Row& row) {
  return row.reason == nameOf(Reason::kAdopted) || row.reason == nameOf(Reason::kKeyMismatch) ||
         row.reason == nameOf(Reason::kAdoptionDisabled);
}

// The registrations whose devices have left the fleet, and whether they would go.
nlohmann::json toJson(const api::RemovalStatus& removal, const Removals::Shown& shown) {
  nlohmann::json uuids = nlohmann::json::array();
  for (const StaleRegistration& each : shown.set) uuids.push_back(each.uuid);
  return {{"halted", removal.halted},
          {"candidates", removal.candidates},
          {"set", removal.set},
          {"message", shown.verdict},
          {"uuids", uuids}};
}

void printStale(const api::BalenaFleet& fleet, const Removals::Shown& shown) {
  std::cout << "fleet " << toString(fleet.meta.key) << ": " << fleet.status.devices.stale
            << " stale registrations";
  if (!shown.set.empty()) {
    std::cout << ", set " << fleet.status.removal.set << ": " << shown.verdict
              << "; counted as if stale.after (" << formatDuration(fleet.spec.stale.after)
              << ") had passed";
  }
  std::cout << '\n';
  for (const StaleRegistration& each : shown.set) std::cout << "    " << each.uuid << '\n';
}

void printTable(const std::vector<Row>& rows) {
  int acting = 0;
  for (const Row& row : rows) {
    for (const Notice& notice : row.notices) {
      std::cout << row.uuid << "  " << notice.type << "  " << notice.reason << ": "
                << notice.message << '\n';
    }
    if (row.verdict == "InSync") continue;
    std::cout << row.uuid << "  " << std::left << std::setw(7) << row.verdict << "  " << row.reason;
    if (!row.message.empty()) std::cout << ": " << row.message;
    std::cout << '\n';
    for (const std::string& step : row.steps) std::cout << "    " << step << '\n';
    if (row.verdict == "Act") ++acting;
  }
  std::cout << acting << " of " << rows.size() << " devices to be changed\n";
}

void printJson(const std::vector<Row>& rows, const nlohmann::json& fleets) {
  nlohmann::json devices = nlohmann::json::array();
  for (const Row& row : rows) {
    nlohmann::json notices = nlohmann::json::object();
    for (const Notice& notice : row.notices) {
      notices[std::string(notice.type)] = {{"reason", notice.reason}, {"message", notice.message}};
    }
    devices.push_back({{"uuid", row.uuid},
                       {"object", row.object},
                       {"verdict", row.verdict},
                       {"reason", row.reason},
                       {"message", row.message},
                       {"notices", notices},
                       {"steps", row.steps}});
  }
  std::cout << nlohmann::json{{"fleets", fleets}, {"devices", devices}}.dump(2) << '\n';
}

}  // namespace

int runPlan(const PlanOptions& options, const std::stop_token& stop) {
  auto session = Session::open(options.common, "warn");
  if (session == nullptr) return kExitBadInput;
  if (options.verify) session->verifyAll();
  const std::jthread limit = session->limitShutdown(stop, Duration::zero());
  std::vector<Row> rows;
  bool failed = false;
  for (const Engine::Preview& preview : session->engine().preview(stop)) {
    Row row = toRow(preview);
    failed = failed || row.verdict == "Error";
    if (!options.adopt || isForeign(row) || row.verdict == "Error") rows.push_back(std::move(row));
  }
  nlohmann::json fleets = nlohmann::json::array();
  for (const auto& fleet : session->store().fleets().list()) {
    const api::Condition* ready = findCondition(fleet->status.conditions, "Ready");
    const bool fine = ready != nullptr && ready->status;
    const Removals::Shown stale = session->engine().staleOf(fleet->meta.key);
    failed = failed || !fine;
    fleets.push_back({{"fleet", toString(fleet->meta.key)},
                      {"ready", fine},
                      {"message", ready == nullptr ? "" : ready->message},
                      {"stale", fleet->status.devices.stale},
                      {"removal", toJson(fleet->status.removal, stale)}});
    if (!options.json) {
      if (!fine) {
        std::cout << "fleet " << toString(fleet->meta.key) << " can't be planned: "
                  << (ready == nullptr ? "" : ready->reason + ": " + ready->message) << '\n';
      } else if (fleet->status.devices.stale > 0) {
        printStale(*fleet, stale);
      }
    }
  }
  if (options.json) {
    printJson(rows, fleets);
  } else {
    printTable(rows);
  }
  return failed ? kExitNotConverged : kExitDone;
}

}  // namespace bco::cli
