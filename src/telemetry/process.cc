#include "telemetry/process.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

namespace bco::telemetry {
namespace {

// Of /proc/self/stat, proc(5).
struct ProcessStat {
  double cpuTicks = 0;
  double startTicks = 0;  // since the machine's start
  double residentPages = 0;
};

std::optional<ProcessStat> readStat() {
  std::ifstream file("/proc/self/stat");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  // The program's name may hold spaces and parentheses; the third field follows its last one.
  const std::size_t name = text.rfind(')');
  if (name == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(name + 1));
  const std::vector<std::string> fields(std::istream_iterator<std::string>(rest), {});
  if (fields.size() < 22) return std::nullopt;
  const auto field = [&fields](std::size_t number) { return std::stod(fields[number - 3]); };
  return ProcessStat{field(14) + field(15), field(22), field(24)};
}

std::optional<double> readBootTime() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    double value = 0;
    if (word == "btime" && file >> value) return value;
  }
  return std::nullopt;
}

std::optional<double> countOpenFiles() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (error) return std::nullopt;
  // One of them is the directory itself.
  return static_cast<double>(std::distance(begin(files), end(files)) - 1);
}

}  // namespace

void addProcess(Families& families) {
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto cpu =
      families.counter("process_cpu_seconds_total", "User and system CPU time of the process.");
  const auto memory =
      families.gauge("process_resident_memory_bytes", "Resident memory of the process.");
  const auto start =
      families.gauge("process_start_time_seconds", "When the process started, in Unix time.");
  const auto files = families.gauge("process_open_fds", "Open file descriptors of the process.");
  if (const auto stat = readStat()) {
    cpu.add({}, stat->cpuTicks / ticks);
    memory.add({}, stat->residentPages * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    if (const auto boot = readBootTime()) start.add({}, *boot + stat->startTicks / ticks);
  }
  if (const auto count = countOpenFiles()) files.add({}, *count);
}

}  // namespace bco::telemetry
