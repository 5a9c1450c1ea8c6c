// What happened to an object, as it is told to `kubectl describe` and `kubectl events`.
#pragma once

#include <string>
#include <string_view>

#include "core/time.h"

namespace bco::kube {

// What an event is about. With the uid, for `kubectl describe` asks for the events of that very
// object.
struct ObjectReference {
  std::string kind;
  std::string apiVersion;
  std::string space;  // empty: the object is in no namespace; its events are in "default"
  std::string name;
  std::string uid;
  std::string resourceVersion = {};
};

enum class EventType { kNormal, kWarning };
[[nodiscard]] constexpr std::string_view nameOf(EventType type) {
  return type == EventType::kNormal ? "Normal" : "Warning";
}

struct Event {
  ObjectReference object;
  EventType type = EventType::kNormal;
  std::string reason;   // "Provisioned"
  std::string message;  // for a person; never a secret
  TimePoint at;
};

// `text` without what looks like a key, in valid UTF-8 and at most `most` bytes, the last of which
// say "…" if something had to go.
[[nodiscard]] std::string cleanMessage(std::string_view text, std::size_t most);

}  // namespace bco::kube
