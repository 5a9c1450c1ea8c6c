#include "reconcile/pass_log.h"

#include <algorithm>
#include <span>

namespace bco {
namespace {

using telemetry::LogLevel;

// The device itself is not the cause, or will not be for long.
bool isElsewhere(const Error& error) { return traitsOf(error.code).cause != Cause::kRequest; }

bool isNews(std::string_view reason, const std::string& message, const api::DeviceStatus& before) {
  const api::Condition* ready = findCondition(before.conditions, "Ready");
  return ready == nullptr || ready->reason != reason || ready->message != message;
}

}  // namespace

void tell(const Context& context, const Pass& pass, const api::BalenaDevice& object,
          const std::string& reconcileId) {
  const std::string& uuid = object.spec.uuid;
  const auto say = [&](LogLevel level, EventType type, std::string_view what,
                       std::string_view reason, const std::string& message) {
    const telemetry::Field fields[] = {
        {"uuid", uuid}, {"reason", reason}, {"message", message}, {"reconcileId", reconcileId}};
    context.log.log(level, what, fields);
    if (level != LogLevel::kDebug) {
      context.events.event(api::ObjectKind::kDevice, object.meta, type, reason, message);
    }
  };
  // Whatever becomes of the pass: its status says so too.
  for (const NoticeType& each :
       pass.notices ? std::span(kNoticeTypes) : std::span<const NoticeType>()) {
    const auto notice = std::ranges::find(*pass.notices, each.type, &Notice::type);
    const bool is = notice != pass.notices->end();
    const bool was = findCondition(object.status.conditions, each.type) != nullptr;
    if (is && !was) {
      say(LogLevel::kWarn, EventType::kWarning, "a person should know", notice->reason,
          notice->message);
    } else if (was && !is) {
      say(LogLevel::kInfo, EventType::kNormal, "no longer so", each.endedReason,
          std::string(each.ended));
    }
  }
  if (pass.error) {
    const std::string_view reason = reasonOf(*pass.error);
    const bool loud =
        !isElsewhere(*pass.error) && isNews(reason, pass.error->message, object.status);
    return say(loud ? LogLevel::kWarn : LogLevel::kDebug, EventType::kWarning, "pass failed",
               reason, pass.error->message);
  }
  const std::string_view reason = nameOf(pass.plan.reason);
  const std::string message = messageOf(pass);
  // Suspended by somebody who knows it.
  const bool news =
      pass.plan.reason != Reason::kSuspended && isNews(reason, message, object.status);
  const LogLevel level = news ? LogLevel::kInfo : LogLevel::kDebug;
  switch (pass.plan.verdict) {
    case Verdict::kInSync:
      return say(LogLevel::kDebug, EventType::kNormal, "in sync", reason, message);
    case Verdict::kAct:
      if (pass.observeOnly) return say(level, EventType::kNormal, "would act", reason, message);
      return say(LogLevel::kInfo, EventType::kNormal, "acted", reason, message);
    case Verdict::kWait:
      return say(level, EventType::kNormal, "waiting", reason, message);
    case Verdict::kRefuse:
      return say(level, EventType::kWarning, "refused", reason, message);
  }
}

}  // namespace bco
