// What the command line says.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/time.h"

namespace bco::cli {

// Exit codes, documented in docs/configuration.md.
inline constexpr int kExitDone = 0;
inline constexpr int kExitNotConverged = 1;
inline constexpr int kExitBadInput = 2;

struct CommonOptions {
  std::vector<std::filesystem::path> files;
  std::filesystem::path secretsDir;
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

struct SyncOptions {
  CommonOptions common;
  bool once = false;
  Duration timeout = std::chrono::minutes(15);  // with once
};

struct PlanOptions {
  CommonOptions common;
  bool json = false;
  bool adopt = false;
};

// `provision` and `deprovision`.
struct DeviceOptions {
  CommonOptions common;
  std::string uuid;
  std::string fleet;  // empty: the only one
  bool present = true;
  Duration timeout = std::chrono::minutes(2);
};

struct VersionOptions {};

using Options = std::variant<SyncOptions, PlanOptions, DeviceOptions, VersionOptions>;

// Parses; prints help or what is wrong and returns the exit code when there is nothing to run.
struct ParseExit {
  int code = 0;
};
[[nodiscard]] std::variant<Options, ParseExit> parseOptions(int argc, char** argv);

}  // namespace bco::cli
