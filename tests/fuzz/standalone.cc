// Runs a harness without libFuzzer, the same way in every run: the corpus, then inputs made of it.
//
//   request_fuzz_test [--seed N] [--rounds N] [--dict FILE] CORPUS...   files, or folders of files
//   request_fuzz_test --hex DIGITS                                      one input alone, for a
//   debugger
//
// The harness runs in a child. Whatever ends it, be it abort(), a sanitizer or an input that takes
// too long, its parent knows in which round, makes that round's input again and prints it.
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/text.h"
#include "tests/fuzz/mutator.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

constexpr time_t kLongestSeconds = 10;  // of CPU, for one input
constexpr std::uint64_t kNotStarted = UINT64_MAX;

struct Settings {
  std::uint64_t seed = 1;
  std::uint64_t rounds = 10000;
  std::string dictionary;
  std::vector<fs::path> corpus;
  std::optional<std::vector<std::uint8_t>> single;
};

int usage() {
  std::cerr << "usage: [--seed N] [--rounds N] [--dict FILE] CORPUS... | --hex DIGITS\n";
  return 2;
}

bool readSettings(const std::vector<std::string>& arguments, Settings& settings) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!arguments[i].starts_with("--")) {
      settings.corpus.emplace_back(arguments[i]);
      continue;
    }
    if (i + 1 == arguments.size()) return false;
    const std::string& name = arguments[i];
    const std::string& value = arguments[++i];
    if (name == "--seed") {
      settings.seed = std::stoull(value);
    } else if (name == "--rounds") {
      settings.rounds = std::stoull(value);
    } else if (name == "--dict") {
      settings.dictionary = value;
    } else if (name == "--hex") {
      settings.single = bco::fromHex(value);
      if (!settings.single) return false;
    } else {
      return false;
    }
  }
  return settings.single.has_value() == settings.corpus.empty();
}

std::string readWhole(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::cerr << path.string() << ": can't be read\n";
    std::exit(2);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

// In order of name: the order decides what a round is.
std::vector<std::string> readCorpus(const std::vector<fs::path>& paths) {
  std::vector<std::string> corpus;
  for (const fs::path& path : paths) {
    std::vector<fs::path> files = {path};
    if (fs::is_directory(path)) files.assign(fs::directory_iterator(path), {});
    std::ranges::sort(files);
    for (const fs::path& file : files) corpus.push_back(readWhole(file));
  }
  return corpus;
}

// Of just its size, so that AddressSanitizer sees who reads on.
std::vector<std::uint8_t> bytesOf(const std::string& input) { return {input.begin(), input.end()}; }

void runOne(const std::vector<std::uint8_t>& input) {
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

void runRounds(const bco::fuzz::Mutator& mutator, std::uint64_t rounds,
               std::atomic<std::uint64_t>& current) {
  const itimerval longest{{}, {kLongestSeconds, 0}};
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const auto input = bytesOf(mutator.input(round));
    current = round;
    ::setitimer(ITIMER_PROF, &longest, nullptr);
    runOne(input);
  }
  current = rounds;
}

std::string endOf(int status) {
  if (WIFEXITED(status)) return "exit code " + std::to_string(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  if (signal == SIGPROF) return "more than " + std::to_string(kLongestSeconds) + " s of CPU";
  return "signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  if (!readSettings({argv + 1, argv + argc}, settings)) return usage();
  if (settings.single) {
    runOne(*settings.single);
    return 0;
  }
  const bco::fuzz::Mutator mutator(
      readCorpus(settings.corpus),
      bco::fuzz::parseDictionary(settings.dictionary.empty() ? "" : readWhole(settings.dictionary)),
      settings.seed);
  const std::uint64_t rounds = mutator.corpusRounds() + settings.rounds;

  void* shared = ::mmap(nullptr, sizeof(std::atomic<std::uint64_t>), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 2;
  auto& current = *new (shared) std::atomic<std::uint64_t>(kNotStarted);
  const pid_t child = ::fork();
  if (child < 0) return 2;
  if (child == 0) {
    runRounds(mutator, rounds, current);
    return 0;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status == 0 && current == rounds) {
    std::cout << rounds << " inputs of seed " << settings.seed << '\n';
    return 0;
  }
  std::cerr << argv[0] << ": " << endOf(status) << " in round " << current << " of seed "
            << settings.seed << '\n';
  if (current < rounds) {
    std::cerr << "again: " << argv[0] << " --hex " << bco::toHex(bytesOf(mutator.input(current)))
              << '\n';
  }
  return 1;
}
