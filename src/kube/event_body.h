// Event objects of core/v1 as JSON. Not those of events.k8s.io/v1: both are the same objects in the
// API server, and `kubectl describe` and `kubectl events` show the count and both times of these,
// by whatever version.
#pragma once

#include <string>

#include "core/secret.h"
#include "kube/event.h"
#include "kube/event_correlator.h"

namespace bco::kube {

// Who tells.
struct EventSource {
  std::string component = "balena-clearblade-operator";
  std::string instance;  // name of the Pod or host
};

// A new Event object.
[[nodiscard]] SecretBytes newEvent(const Event& event, const EventEntry& entry,
                                   const EventSource& source);
// A merge patch of the one that is there.
[[nodiscard]] SecretBytes repeatedEvent(const Event& event, const EventEntry& entry);

// The same event as one of the object's namespace, which is being deleted and takes no new events:
// those of objects in no namespace are in "default", where they outlive it. Says which object it is
// about.
struct ToldEvent {
  Event event;
  EventEntry entry;
};
[[nodiscard]] ToldEvent toldOfNamespace(const Event& event, const EventEntry& entry);

// The namespace of an event about `object`.
[[nodiscard]] std::string spaceOf(const ObjectReference& object);

}  // namespace bco::kube
