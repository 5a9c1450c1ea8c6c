#include "reconcile/refused_writes.h"

namespace bco {

bool isRefusal(const Error& error) {
  return error.code != ErrorCode::kNotFound && error.code != ErrorCode::kConflict;
}

bool RefusedWrites::note(const Status& written) {
  if (written || !isRefusal(written.error())) {
    inARow_ = 0;
    return written.has_value();
  }
  ++count_;
  ++inARow_;
  if (!first_) first_ = written.error();
  return false;
}

std::optional<Error> RefusedWrites::error() const {
  std::optional<Error> error = first_;
  if (error && count_ > 1) {
    error->message += "; " + std::to_string(count_ - 1) + " more were refused";
  }
  return error;
}

bool UntoldWrites::note(api::ObjectKind kind, const api::ObjectMeta& object,
                        const Status& written) {
  const bool isRefused = !written && isRefusal(written.error());
  {
    std::lock_guard lock(mutex_);
    if (!isRefused) {
      told_.erase({kind, object.key});
    } else if (!told_.emplace(kind, object.key).second) {
      return false;
    }
  }
  if (isRefused) {
    context_.log.error("an object can't be written; trying again",
                       {{"kind", nameOf(kind)},
                        {"object", toString(object.key)},
                        {"code", traitsOf(written.error().code).label},
                        {"error", written.error().message}});
    context_.events.event(kind, object, EventType::kWarning, reasonOf(written.error()),
                          written.error().message);
  }
  return written.has_value();
}

}  // namespace bco
