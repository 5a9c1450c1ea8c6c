#include "kube/event_body.h"

#include <string_view>
#include <utility>

#include "core/json_text.h"

namespace bco::kube {
namespace {

// Appends "name":"value", with a comma after what is there.
void member(std::string& json, std::string_view name, std::string_view value) {
  if (!json.ends_with('{')) json += ',';
  appendJsonString(json, name);
  json += ':';
  appendJsonString(json, value);
}

void memberUnlessEmpty(std::string& json, std::string_view name, std::string_view value) {
  if (!value.empty()) member(json, name, value);
}

// metav1.Time has no fractions.
std::string secondsOf(TimePoint time) {
  return formatRfc3339(std::chrono::floor<std::chrono::seconds>(time));
}

void appendReference(std::string& json, const ObjectReference& object) {
  json += ",\"involvedObject\":{";
  member(json, "kind", object.kind);
  member(json, "apiVersion", object.apiVersion);
  memberUnlessEmpty(json, "namespace", object.space);
  member(json, "name", object.name);
  memberUnlessEmpty(json, "uid", object.uid);
  memberUnlessEmpty(json, "resourceVersion", object.resourceVersion);
  json += '}';
}

void appendSource(std::string& json, const EventSource& source) {
  json += ",\"source\":{";
  member(json, "component", source.component);
  json += '}';
  member(json, "reportingComponent", source.component);
  member(json, "reportingInstance", source.instance);
}

void appendCount(std::string& json, const Event& event, const EventEntry& entry) {
  member(json, "message", entry.message);
  member(json, "lastTimestamp", secondsOf(event.at));
  json += ",\"count\":" + std::to_string(entry.count);
}

}  // namespace

SecretBytes newEvent(const Event& event, const EventEntry& entry, const EventSource& source) {
  std::string json;
  json.reserve(entry.message.size() + 1024);
  json += R"({"apiVersion":"v1","kind":"Event","metadata":{)";
  member(json, "name", entry.name);
  member(json, "namespace", spaceOf(event.object));
  json += '}';
  appendReference(json, event.object);
  member(json, "type", nameOf(event.type));
  member(json, "reason", event.reason);
  appendCount(json, event, entry);
  member(json, "firstTimestamp", secondsOf(entry.first));
  appendSource(json, source);
  json += '}';
  return SecretBytes::take(std::move(json));
}

SecretBytes repeatedEvent(const Event& event, const EventEntry& entry) {
  std::string json = "{";
  appendCount(json, event, entry);
  json += '}';
  return SecretBytes::take(std::move(json));
}

ToldEvent toldOfNamespace(const Event& event, const EventEntry& entry) {
  ToldEvent told{event, entry};
  told.event.object = {"Namespace", "v1", {}, event.object.space, {}};
  told.entry.message =
      cleanMessage(event.object.kind + " " + event.object.name + ": " + entry.message, kMaxMessage);
  return told;
}

std::string spaceOf(const ObjectReference& object) {
  return object.space.empty() ? "default" : object.space;
}

}  // namespace bco::kube
