// What an object costs on its way from and to the API server, and in memory.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <vector>

#include "api/json_decode.h"
#include "api/json_encode.h"

namespace bco::api {
namespace {

std::string served(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(BCO_SERVED "/" + name + ".json").rdbuf();
  return text.str();
}

void decodeTypicalDevice(benchmark::State& state) {
  const std::string json = served("device");
  for (auto _ : state) benchmark::DoNotOptimize(decodeDevice(json));
}
BENCHMARK(decodeTypicalDevice);

void decodeItsMetadata(benchmark::State& state) {
  const std::string json = served("device");
  for (auto _ : state) benchmark::DoNotOptimize(decodeMeta(json));
}
BENCHMARK(decodeItsMetadata);

void decodeLargeFleet(benchmark::State& state) {
  const std::string json = served("fleet-full");
  for (auto _ : state) benchmark::DoNotOptimize(decodeFleet(json));
}
BENCHMARK(decodeLargeFleet);

void applyTypicalStatus(benchmark::State& state) {
  const BalenaDevice device = decodeDevice(served("device")).value();
  for (auto _ : state) benchmark::DoNotOptimize(applyStatus(device, device.status, true));
}
BENCHMARK(applyTypicalStatus);

void encodeDiscoveredDevice(benchmark::State& state) {
  const BalenaDevice device = decodeDevice(served("device")).value();
  for (auto _ : state) benchmark::DoNotOptimize(encodeDevice(device, &device.meta));
}
BENCHMARK(encodeDiscoveredDevice);

// The bytes that a device which is ready takes, as the stores hold it.
void holdDevices(benchmark::State& state) {
  constexpr int kCount = 10000;
  const std::string json = served("device");
  std::size_t taken = 0;
  for (auto _ : state) {
    std::vector<std::shared_ptr<const BalenaDevice>> devices;
    devices.reserve(kCount);
    const std::size_t before = mallinfo2().uordblks;
    for (int i = 0; i < kCount; ++i) {
      devices.push_back(std::make_shared<const BalenaDevice>(decodeDevice(json).value()));
    }
    taken = mallinfo2().uordblks - before;
  }
  state.counters["bytes_each"] = static_cast<double>(taken) / kCount;
  state.counters["sizeof"] = sizeof(BalenaDevice);
}
BENCHMARK(holdDevices)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bco::api
