// What every command sets up before its own work: files loaded, logger, store, clients, engine.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>

#include "cli/cloud_factory.h"
#include "cli/directory_lock.h"
#include "cli/endpoint_flags.h"
#include "cli/options.h"
#include "cli/shutdown.h"
#include "crypto/hash.h"
#include "metrics/metrics.h"
#include "reconcile/engine.h"
#include "server/http_server.h"
#include "store/memory_store.h"
#include "telemetry/log.h"

namespace bco::cli {

class Session {
 public:
  // Prints what is wrong with the files to stderr and returns nullptr. `sweeps`: the engine's.
  [[nodiscard]] static std::unique_ptr<Session> open(const CommonOptions& options,
                                                     const std::string& defaultLogLevel,
                                                     const MetricsFlags& metrics = {},
                                                     bool sweeps = true);

  [[nodiscard]] store::MemoryStore& store() { return store_; }
  [[nodiscard]] Engine& engine() { return engine_; }
  [[nodiscard]] Clock& clock() { return clock_; }
  [[nodiscard]] Tally& tally() { return tally_; }
  [[nodiscard]] telemetry::Logger& log() { return log_; }

  // Every device's stored key is looked at by the first sweep. To be called before the engine runs.
  void verifyAll() { context_.verifiesAll = true; }

  // As the flags say; stops when it is destroyed, which must be before the session is.
  [[nodiscard]] Result<std::unique_ptr<server::HttpServer>> serveMetrics();

  // From `stop` on, what is in flight has `grace` to end; then the clouds are no longer waited for.
  // Until the returned thread is stopped, which it is when it is destroyed.
  [[nodiscard]] std::jthread limitShutdown(std::stop_token stop, Duration grace);

  // Runs the engine with the endpoint before it until `stop`; then nobody is taken on any more, and
  // who waits has his answer before the engine ends, all within one grace. Returns the exit code.
  // Blocks.
  [[nodiscard]] int runWithEndpoint(const EndpointFlags& flags, const std::stop_token& stop,
                                    const std::atomic<unsigned>& reloads);

  // Keeps the store in step with the files and secrets until `stop`: a changed file takes effect, a
  // broken edit keeps the last good set and says so. `reloads`: how often somebody has asked to
  // have all read again, changed or not. Blocks.
  void followFiles(const std::stop_token& stop, const std::atomic<unsigned>& reloads);

  // For who writes keys beside other processes: with a random seed the same files must not be
  // another's to work on, since neither could derive the other's keys. kConflict: they are.
  [[nodiscard]] Status lockUnlessSeeded();

 private:
  Session(const CommonOptions& options, const std::string& logLevel, const MetricsFlags& metrics,
          bool sweeps);
  [[nodiscard]] bool load();
  // Of each file with secrets that every user of this machine can read, once.
  void warnOfReadable();

  const CommonOptions options_;
  const MetricsFlags metricsFlags_;
  SystemClock clock_;
  crypto::SystemRandom random_;
  telemetry::Logger log_;
  store::MemoryStore store_;
  FleetViews views_;
  Tally tally_;
  NoEvents events_;
  metrics::Metrics metrics_;
  Context context_;
  std::unique_ptr<CloudFactory> factory_;
  std::string loadedFiles_;
  std::string loadedSecrets_;
  std::set<std::filesystem::path> secretFiles_;
  std::set<std::filesystem::path> warnedOf_;
  bool isSeedRandom_ = false;
  std::optional<DirectoryLock> lock_;
  Engine engine_;
};

}  // namespace bco::cli
