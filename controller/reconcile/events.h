// What is told about an object besides its status: events, for `kubectl describe` to show.
#pragma once

#include <string>
#include <string_view>

#include "api/object.h"

namespace bco {

enum class EventType { kNormal, kWarning };

// Thread-safe; never blocks.
class EventSink {
 public:
  virtual ~EventSink() = default;
  // Of transitions only: what stays as it is is no event. `reason` is that of the condition.
  virtual void event(api::ObjectKind kind, const api::ObjectMeta& object, EventType type,
                     std::string_view reason, const std::string& message) = 0;
};

// Where nobody could see them.
class NoEvents final : public EventSink {
 public:
  void event(api::ObjectKind, const api::ObjectMeta&, EventType, std::string_view,
             const std::string&) override {}
};

}  // namespace bco
