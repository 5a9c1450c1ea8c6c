// What a scrape costs: 100 fleets with 100,000 devices, of which each has its key.
#include <benchmark/benchmark.h>

#include "metrics/metrics.h"
#include "store/memory_store.h"
#include "tests/support/fake_random.h"

namespace bco {
namespace {

constexpr int kFleets = 100;
constexpr int kDevicesPerFleet = 1000;

class NoClouds final : public CloudFactory {
 public:
  [[nodiscard]] Result<std::shared_ptr<balena::BalenaApi>> connectBalena(
      const api::BalenaFleet&, SharedSecret, const std::optional<std::string>&) override {
    return fail(ErrorCode::kUnavailable, "none");
  }
  [[nodiscard]] Result<std::shared_ptr<clearblade::RegistryApi>> connectRegistry(
      const api::ClearBladeRegistry&, SharedSecret, const std::optional<std::string>&) override {
    return fail(ErrorCode::kUnavailable, "none");
  }
};

// Everything that a scrape reads, filled.
class Installation {
 public:
  Installation() {
    context_.observer = &metrics_.passes();
    metrics_.show(context_, engine_, [] { return true; });
    api::Manifests manifests;
    for (int f = 0; f < kFleets; ++f) {
      api::BalenaFleet fleet;
      fleet.meta.key.name = "fleet-" + std::to_string(f);
      fleet.spec.fleet = "acme/" + fleet.meta.key.name;
      manifests.fleets[fleet.meta.key] = fleet;
      for (int d = 0; d < kDevicesPerFleet; ++d) tally(fleet, d);
      metrics_.passes().onSweep(
          {fleet.meta.key, Duration(100), SweepReport::Snapshots{clock_.now(), clock_.now()}});
    }
    store_.apply(std::move(manifests));
    for (const char* kind : {"balena.device.get", "balena.variable.create", "balena.device.list",
                             "clearblade.device.create", "clearblade.device.get", "kube.apply"}) {
      for (const char* code : {"200", "429", "503", "deadline"}) {
        metrics_.attempts().onAttempt(kind, code, Duration(20), false);
      }
    }
  }
  [[nodiscard]] std::string scrape() const { return metrics_.scrape(); }
  void change(int n) {
    api::BalenaFleet fleet;
    fleet.meta.key.name = "fleet-" + std::to_string(n % kFleets);
    tally(fleet, n / kFleets % kDevicesPerFleet);
  }

 private:
  // Issued at any minute of the last 60 days.
  void tally(const api::BalenaFleet& fleet, int n) {
    api::BalenaDevice device;
    device.meta.key.name = fleet.meta.key.name + "-" + std::to_string(n);
    device.spec.fleet = fleet.meta.key.name;
    device.status.phase = n % 50 == 0 ? api::Phase::kFailed : api::Phase::kReady;
    device.status.key.emplace();
    const TimePoint issued = clock_.now() - random_.upTo(std::chrono::hours(24 * 60));
    device.status.key->expiresAt = issued + std::chrono::hours(24 * 90);
    device.status.key->rotateAt = issued + std::chrono::hours(24 * 60);
    tally_.set(device, device.status);
  }

  SystemClock clock_;
  test::FakeRandom random_;
  telemetry::Logger log_{{telemetry::LogLevel::kError, telemetry::LogFormat::kText}};
  store::MemoryStore store_{clock_, {}};
  FleetViews views_;
  Tally tally_;
  NoEvents events_;
  metrics::Metrics metrics_{{.version = "0"}};
  Context context_{store_, views_, tally_, clock_, random_, log_, events_, {}};
  NoClouds clouds_;
  Engine engine_{context_, clouds_, nullptr, {}};
};

void scrape(benchmark::State& state) {
  const Installation installation;
  std::size_t bytes = 0;
  for (auto _ : state) bytes = installation.scrape().size();
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(scrape)->Unit(benchmark::kMillisecond);

// What a scrape reads has to be kept up to date.
void changeOfADevice(benchmark::State& state) {
  Installation installation;
  int n = 0;
  for (auto _ : state) installation.change(++n);
}
BENCHMARK(changeOfADevice)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace bco
