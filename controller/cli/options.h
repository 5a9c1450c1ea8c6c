// What the command line says.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/endpoint_flags.h"
#include "core/time.h"

namespace bco::cli {

// Exit codes, documented in docs/configuration.md.
inline constexpr int kExitDone = 0;
inline constexpr int kExitNotConverged = 1;
inline constexpr int kExitBadInput = 2;

// Of everything that runs the engine.
struct EngineFlags {
  std::string logFormat = "text";
  std::string logLevel;  // empty: info, or warn where a progress line is shown
  int workers = 16;
  Duration attemptDeadline = std::chrono::seconds(15);
  Duration callDeadline = std::chrono::seconds(40);
  Duration retryInitial = std::chrono::seconds(1);
  Duration retryLongest = std::chrono::minutes(5);
  // For passes under way to end by themselves after a stop; what is cut off then is put right by
  // the next run.
  Duration shutdownGrace = std::chrono::seconds(10);
};

// Of the commands that read files.
struct CommonOptions : EngineFlags {
  std::vector<std::filesystem::path> files;
  std::filesystem::path secretsDir;
};

// Where metrics are served.
struct MetricsFlags {
  std::string address;     // empty: nowhere
  bool perDevice = false;  // series of every device
};

struct SyncOptions {
  CommonOptions common;
  MetricsFlags metrics;
  bool once = false;
  bool verify = false;                          // with once
  Duration timeout = std::chrono::minutes(15);  // with once
  EndpointFlags endpoint;
};

// The endpoint alone.
struct ServeOptions {
  CommonOptions common;
  MetricsFlags metrics = {};
  EndpointFlags endpoint{.address = "0.0.0.0:8080"};
};

struct PlanOptions {
  CommonOptions common;
  bool json = false;
  bool verify = false;
  bool adopt = false;
};

// Which cluster, and what of it.
struct ClusterFlags {
  // How it is reached; empty: kube::loadConfig() finds it.
  std::string kubeconfig;
  std::string context;
  std::string space;  // empty: all namespaces
};

// `provision` and `deprovision`: of files, or without any of a cluster.
struct DeviceOptions {
  CommonOptions common;
  ClusterFlags cluster;
  std::string uuid;
  std::string fleet;  // empty: the only one
  bool present = true;
  Duration timeout = std::chrono::minutes(2);
};

struct HandoverCommandOptions {
  CommonOptions common;
  std::string from;
  bool dryRun = false;
};

struct ControllerOptions : ClusterFlags {
  EngineFlags engine;
  std::string selector;  // of the objects' labels; empty: all
  // Of registries that name none; empty: the cluster's id.
  std::string ownerId;
  bool leaderElect = true;
  std::string leaseName = "balena-clearblade-operator";
  std::string leaseSpace;  // empty: the Pod's, or the context's
  Duration leaseDuration = std::chrono::seconds(60);
  Duration renewDeadline = std::chrono::seconds(40);
  Duration retryPeriod = std::chrono::seconds(15);
  std::string healthAddress = "0.0.0.0:8081";  // empty: none
  EndpointFlags endpoint;
  MetricsFlags metrics{.address = "0.0.0.0:8082"};
};

// `healthcheck`: asks another process, or this machine's, whether it is well.
struct HealthCheckOptions {
  std::string url = "http://127.0.0.1:8081/readyz";
};

struct VersionOptions {};

using Options =
    std::variant<SyncOptions, ServeOptions, PlanOptions, DeviceOptions, HandoverCommandOptions,
                 ControllerOptions, HealthCheckOptions, VersionOptions>;

// Parses; prints help or what is wrong and returns the exit code when there is nothing to run.
struct ParseExit {
  int code = 0;
};
[[nodiscard]] std::variant<Options, ParseExit> parseOptions(int argc, char** argv);

}  // namespace bco::cli
