// What a scrape shows of the engine's doings and of the caches.
#include "metrics/metrics.h"

#include <gmock/gmock.h>

#include "metrics/endpoint_metrics.h"
#include "metrics/fleet_metrics.h"
#include "metrics/upstream_metrics.h"
#include "tests/controller/reconcile/world.h"

namespace bco::metrics {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class Scraped : public test::World {
 protected:
  Scraped() {
    context_.observer = &metrics_.passes();
    metrics_.show(context_, engine_, [this] { return isWorking_; });
  }
  std::string scrape() { return metrics_.scrape(); }
  // What a device's new status makes known beside the store.
  void tallyAll() {
    for (const auto& device : store_.devices().list()) tally_.set(*device, device->status);
  }

  bool isWorking_ = true;
  Metrics metrics_{{.version = "1.2.3"}};
  Engine engine_{context_, factory_, shareSecret(SecretBytes(std::string(32, 'f'))), {2, 1}};
};

TEST_F(Scraped, ShowsDevicesByFleetAndState) {
  addDevice(1);
  addDevice(2);
  apply();
  syncAll();
  const std::string text = scrape();
  EXPECT_THAT(text,
              HasSubstr("balena_clearblade_devices{fleet=\"default/sensors\",state=\"Ready\"} 2"));
  EXPECT_THAT(text,
              HasSubstr("balena_clearblade_devices{fleet=\"default/sensors\",state=\"Failed\"} 0"));
  EXPECT_THAT(text, HasSubstr("operation=\"provision\",outcome=\"succeeded\"} 2"));
  EXPECT_THAT(text, HasSubstr("operation=\"rotate\",outcome=\"failed\"} 0"));
  EXPECT_THAT(text, HasSubstr("balena_clearblade_fleet_ready{fleet=\"default/sensors\","
                              "reason=\"Synced\"} 1"));
  EXPECT_THAT(text, HasSubstr("balena_clearblade_build_info{version=\"1.2.3\"} 1"));
  EXPECT_THAT(text, HasSubstr("controller_runtime_reconcile_total{controller=\"balenadevice\","
                              "result=\"requeue_after\"} 2"));
  EXPECT_THAT(text, Not(HasSubstr(test::uuidOf(1)))) << "no series of a device unless asked for";
}

TEST_F(Scraped, ShowsNothingOfWhatHasGone) {
  addDevice(1);
  apply();
  syncAll();
  ASSERT_THAT(scrape(), HasSubstr("default/sensors"));
  manifests_.devices.clear();
  manifests_.fleets.clear();
  apply();
  tally_.remove({"default", "gate-1"});
  EXPECT_THAT(scrape(), Not(HasSubstr("default/sensors")));
}

TEST_F(Scraped, ShowsWhenKeysEnd) {
  addDevice(1);
  apply();
  syncAll();
  const auto expiry = telemetry::unixSeconds(*object(1)->status.key->expiresAt);
  EXPECT_THAT(scrape(),
              HasSubstr("credentials_first_expiry_timestamp_seconds{fleet=\"default/sensors\"} " +
                        std::to_string(static_cast<std::int64_t>(expiry))));
  EXPECT_THAT(scrape(), HasSubstr("expiring{fleet=\"default/sensors\",within=\"30d\"} 0"));
  clock_.advance(24h * 60 + 1h);
  EXPECT_THAT(scrape(), HasSubstr("expiring{fleet=\"default/sensors\",within=\"30d\"} 1"));
  EXPECT_THAT(scrape(), HasSubstr("expiring{fleet=\"default/sensors\",within=\"7d\"} 0"));
}

TEST_F(Scraped, ShowsNoEndOfTheKeyOfADeviceThatHasGone) {
  Metrics metrics({.version = "", .perDevice = true});
  metrics.show(context_, engine_, [] { return true; });
  addDevice(1);
  apply();
  syncAll();
  ASSERT_THAT(metrics.scrape(), HasSubstr("device_credential_expiry_timestamp_seconds{"));
  api::DeviceStatus status = object(1)->status;
  status.phase = api::Phase::kStale;
  ASSERT_TRUE(store_.devices().updateStatus(*object(1), status));
  tallyAll();
  EXPECT_THAT(metrics.scrape(), HasSubstr("state=\"Stale\"} 1"));
  EXPECT_THAT(metrics.scrape(), Not(HasSubstr("first_expiry_timestamp_seconds{")));
  EXPECT_THAT(metrics.scrape(), Not(HasSubstr("device_credential_expiry_timestamp_seconds{")));
}

TEST_F(Scraped, ShowsTheAgeOfSnapshotsAlsoOfThoseOfAnEarlierProcess) {
  apply();
  api::FleetStatus status;
  status.lastBalenaSync = clock_.now() - 100s;
  ASSERT_TRUE(store_.fleets().setStatus(test::kFleetKey, fleet()->meta.uid, status));
  EXPECT_THAT(scrape(), HasSubstr("age_seconds{fleet=\"default/sensors\",side=\"balena\"} 100"));
  EXPECT_THAT(scrape(), Not(HasSubstr("side=\"registry\"")));
  sweep();
  clock_.advance(7s);
  EXPECT_THAT(scrape(), HasSubstr("age_seconds{fleet=\"default/sensors\",side=\"balena\"} 7"));
  EXPECT_THAT(scrape(), HasSubstr("age_seconds{fleet=\"default/sensors\",side=\"registry\"} 7"));
}

TEST_F(Scraped, ShowsWhyAFleetIsNotReady) {
  apply();
  balena().log().failAll(Error{ErrorCode::kUnauthenticated, "no"});
  sweep();
  EXPECT_THAT(scrape(), HasSubstr("balena_clearblade_fleet_ready{fleet=\"default/sensors\","
                                  "reason=\"Unauthenticated\"} 0"));
  EXPECT_THAT(scrape(), HasSubstr("sweep_duration_seconds_count{outcome=\"failed\"} 1"));
  balena().log().failAll(std::nullopt);
  sweep();
  EXPECT_THAT(scrape(), Not(HasSubstr("reason=\"Unauthenticated\"")));
}

TEST_F(Scraped, ShowsTheBrake) {
  apply();
  api::FleetStatus status;
  status.removal.halted = true;
  status.removal.candidates = 7;
  status.removal.recent = {{clock_.now() - 25h, 4}, {clock_.now() - 23h, 2}, {clock_.now(), 1}};
  ASSERT_TRUE(store_.fleets().setStatus(test::kFleetKey, fleet()->meta.uid, status));
  EXPECT_THAT(scrape(), HasSubstr("removal_halted{fleet=\"default/sensors\"} 1"));
  EXPECT_THAT(scrape(), HasSubstr("removal_candidates{fleet=\"default/sensors\"} 7"));
  EXPECT_THAT(scrape(), HasSubstr("removals_within_day{fleet=\"default/sensors\"} 3"));
}

TEST_F(Scraped, ShowsWhatItWorksOnOnlyWhileItWorks) {
  addDevice(1);
  apply();
  syncAll();
  isWorking_ = false;
  EXPECT_THAT(scrape(), Not(HasSubstr("balena_clearblade_devices")));
  EXPECT_THAT(scrape(), HasSubstr("balena_clearblade_build_info"));
}

TEST_F(Scraped, ShowsDevicesThatNoFleetHas) {
  declare(1, "nowhere");
  apply();
  tallyAll();
  EXPECT_THAT(scrape(), HasSubstr("devices{fleet=\"default/nowhere\",state=\"Pending\"} 1"));
}

TEST_F(Scraped, ShowsEveryDeviceIfAskedTo) {
  Metrics metrics({.version = "", .perDevice = true});
  metrics.show(context_, engine_, [] { return true; });
  addDevice(1);
  apply();
  EXPECT_THAT(metrics.scrape(), HasSubstr("device_ready{fleet=\"default/sensors\",uuid=\"" +
                                          test::uuidOf(1) + "\"} 0"));
  syncAll();
  EXPECT_THAT(metrics.scrape(), HasSubstr("uuid=\"" + test::uuidOf(1) + "\"} 1"));
  manifests_.devices.clear();
  apply();
  EXPECT_THAT(metrics.scrape(), Not(HasSubstr(test::uuidOf(1))));
}

TEST(RequestMetricsTest, CountRequestsByUpstreamKindAndCode) {
  RequestMetrics requests;
  requests.onAttempt("balena.device.get", "200", 20ms, false);
  requests.onAttempt("balena.device.get", "200", 2s, false);
  requests.onAttempt("clearblade.device.create", "deadline", 15s, true);
  telemetry::Families families;
  requests.addTo(families);
  const std::string text = families.text();
  EXPECT_THAT(text, HasSubstr("upstream_requests_total{upstream=\"balena\",kind=\"device.get\","
                              "code=\"200\"} 2"));
  EXPECT_THAT(text, HasSubstr("upstream_requests_total{upstream=\"clearblade\","
                              "kind=\"device.create\",code=\"deadline\"} 1"));
  EXPECT_THAT(text, HasSubstr("bucket{upstream=\"balena\",kind=\"device.get\",le=\"0.025\"} 1"));
  EXPECT_THAT(text, HasSubstr("sum{upstream=\"balena\",kind=\"device.get\"} 2.02"));
}

TEST(QueueMetricsTest, ShowWhatIsNotFinishedYet) {
  const QueueMetrics queue("balenadevice");
  telemetry::Families families;
  const QueueMetrics::Family family(families);
  queue.addTo(family, {.waiting = 1, .inFlight = 2, .workers = 4, .unfinished = {3s, 5s}});
  const std::string text = families.text();
  EXPECT_THAT(text, HasSubstr("workqueue_unfinished_work_seconds{name=\"balenadevice\"} 5\n"));
  EXPECT_THAT(text,
              HasSubstr("workqueue_longest_running_processor_seconds{name=\"balenadevice\"} 3\n"));
}

TEST(UpstreamMetricsTest, ShowTheWorstOfWhatHasOneName) {
  test::FakeClock clock;
  http::UpstreamDirectory directory;
  const http::UpstreamLabel label{"balena", "api.balena-cloud.com"};
  const auto full = std::make_shared<http::TokenBucket>(http::BucketOptions{1, 10}, clock);
  auto used = std::make_shared<http::TokenBucket>(http::BucketOptions{2, 20}, clock);
  directory.add(label, "calls", full);
  directory.add(label, "calls", used);
  ASSERT_TRUE(used->take(15, 0ms));
  ASSERT_FALSE(used->take(6, 0ms));
  const std::string labels = "{upstream=\"balena\",scope=\"api.balena-cloud.com\",budget=\"calls\"";
  const auto scrape = [&] {
    telemetry::Families families;
    addUpstreams(families, directory);
    return families.text();
  };
  EXPECT_THAT(scrape(), HasSubstr("budget_available_calls" + labels + "} 5\n"));
  EXPECT_THAT(scrape(), HasSubstr("budget_burst_calls" + labels + "} 20\n"));
  EXPECT_THAT(scrape(), HasSubstr("throttled_calls_total" + labels + ",by=\"budget\"} 6\n"));
  EXPECT_THAT(scrape(), HasSubstr("budget_paused" + labels + "} 0\n"));
  used.reset();
  EXPECT_THAT(scrape(), HasSubstr("budget_available_calls" + labels + "} 10\n"));
}

TEST(EndpointMetricsTest, ShowWhatWasAnswered) {
  struct {
    struct Row {
      int code;
      std::string_view outcome;
      std::uint64_t requests;
    };
    std::vector<Row> rows = {{200, "provisioned", 3}, {503, "unavailable", 0}};
    std::uint64_t waiting = 2;
    std::uint64_t malformed = 1;
    std::uint64_t durationMs = 1500;
  } const counters;
  telemetry::Families families;
  addEndpoint(families, counters);
  const std::string text = families.text();
  EXPECT_THAT(text, HasSubstr("endpoint_requests_total{code=\"200\",outcome=\"provisioned\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("endpoint_requests_total{code=\"503\",outcome=\"unavailable\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("endpoint_request_duration_seconds_total 1.5\n"));
  EXPECT_THAT(text, HasSubstr("endpoint_malformed_requests_total 1\n"));
  EXPECT_THAT(text, HasSubstr("endpoint_waiting_requests 2\n"));
}

}  // namespace
}  // namespace bco::metrics
