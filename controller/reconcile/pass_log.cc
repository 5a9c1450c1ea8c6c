#include "reconcile/pass_log.h"

namespace bco {
namespace {

using telemetry::LogLevel;

// The device itself is not the cause, or will not be for long.
bool isElsewhere(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
    case ErrorCode::kThrottled:
    case ErrorCode::kUnavailable:
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kForbidden:
      return true;
    default:
      return false;
  }
}

bool isNews(std::string_view reason, const std::string& message, const api::DeviceStatus& before) {
  const api::Condition* ready = findCondition(before.conditions, "Ready");
  return ready == nullptr || ready->reason != reason || ready->message != message;
}

}  // namespace

void logPass(telemetry::Logger& log, const Pass& pass, const DesiredDevice& desired,
             const api::DeviceStatus& before, const std::string& reconcileId) {
  if (pass.error) {
    const ErrorTraits& traits = traitsOf(pass.error->code);
    const bool loud =
        !isElsewhere(*pass.error) && isNews(traits.reason, pass.error->message, before);
    const telemetry::Field fields[] = {{"uuid", desired.uuid},
                                       {"code", traits.label},
                                       {"error", pass.error->message},
                                       {"reconcileId", reconcileId}};
    log.log(loud ? LogLevel::kWarn : LogLevel::kDebug, "pass failed", fields);
    return;
  }
  const telemetry::Field fields[] = {{"uuid", desired.uuid},
                                     {"reason", nameOf(pass.plan.reason)},
                                     {"message", pass.plan.message},
                                     {"reconcileId", reconcileId}};
  switch (pass.plan.verdict) {
    case Verdict::kInSync:
      log.log(LogLevel::kDebug, "in sync", fields);
      return;
    case Verdict::kAct:
      log.log(LogLevel::kInfo, pass.observeOnly ? "would act" : "acted", fields);
      return;
    case Verdict::kWait:
    case Verdict::kRefuse: {
      // Suspended by somebody who knows it.
      const bool news = pass.plan.reason != Reason::kSuspended &&
                        isNews(nameOf(pass.plan.reason), pass.plan.message, before);
      log.log(news ? LogLevel::kInfo : LogLevel::kDebug,
              pass.plan.verdict == Verdict::kWait ? "waiting" : "refused", fields);
      return;
    }
  }
}

}  // namespace bco
