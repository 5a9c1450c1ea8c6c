#include "kube/event_body.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bco::kube {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr TimePoint kNow{std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + 7h + 5ms};

Event eventOf(const std::string& space) {
  return {{"BalenaDevice", "provisioning.balena-clearblade.io/v1alpha1", space, "dev", "u-1", "17"},
          EventType::kWarning,
          "Conflict",
          "somebody \"else\"'s",
          kNow};
}

TEST(EventBody, HasWhatKubectlShows) {
  const EventEntry entry{"dev.00ff", "somebody \"else\"'s", 3, kNow - 1h};
  EXPECT_EQ(Json::parse(newEvent(eventOf("iot"), entry, {"operator", "pod-1"}).reveal()),
            Json::parse(R"({
    "apiVersion": "v1", "kind": "Event",
    "metadata": {"name": "dev.00ff", "namespace": "iot"},
    "involvedObject": {"kind": "BalenaDevice", "namespace": "iot", "name": "dev", "uid": "u-1",
                       "apiVersion": "provisioning.balena-clearblade.io/v1alpha1",
                       "resourceVersion": "17"},
    "type": "Warning", "reason": "Conflict", "message": "somebody \"else\"'s",
    "count": 3, "firstTimestamp": "2026-11-23T06:00:00Z", "lastTimestamp": "2026-11-23T07:00:00Z",
    "source": {"component": "operator"},
    "reportingComponent": "operator", "reportingInstance": "pod-1"})"));
}

TEST(EventBody, IsInDefaultForAnObjectWithoutANamespace) {
  Event event = eventOf("");
  event.object.uid.clear();
  event.object.resourceVersion.clear();
  const Json body = Json::parse(newEvent(event, {"dev.1", "m", 1, kNow}, {}).reveal());
  EXPECT_EQ(body["metadata"]["namespace"], "default");
  EXPECT_EQ(body["involvedObject"], Json::parse(R"({"kind":"BalenaDevice","name":"dev",
                            "apiVersion":"provisioning.balena-clearblade.io/v1alpha1"})"));
}

TEST(EventBody, ChangesOnlyWhatARepetitionChanges) {
  const EventEntry entry{"dev.00ff", "(combined from similar events): x", 7, kNow - 1h};
  EXPECT_EQ(Json::parse(repeatedEvent(eventOf("iot"), entry).reveal()), Json::parse(R"({
    "count": 7, "lastTimestamp": "2026-11-23T07:00:00Z",
    "message": "(combined from similar events): x"})"));
}

}  // namespace
}  // namespace bco::kube
