// sim --seeds A..B [--days D] [--seconds S] [--mutation NAME] [--find-mutations | --replay]
//     [--trace] [--keep-going]
// --find-mutations with a --mutation: that one alone.
// Runs the worlds of these seeds. When a promise was broken it says which, shows what led there,
// and exits with 1. docs/reliability.md has more.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "tests/sim/world.h"

namespace bco::sim {
namespace {

struct Options {
  std::uint64_t from = 1;
  std::uint64_t to = 100;
  int days = 0;
  const Mutation* mutation = nullptr;
  bool findMutations = false;
  bool replay = false;
  bool trace = false;
  bool keepGoing = false;
  int seconds = 0;  // 0: as long as it takes
};

template <class Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool parseSeeds(std::string_view text, Options& options) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) {
    return parse(text, options.from) && parse(text, options.to);
  }
  return parse(text.substr(0, dots), options.from) && parse(text.substr(dots + 2), options.to);
}

bool parseArguments(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (flag == "--trace") {
      options.trace = true;
    } else if (flag == "--keep-going") {
      options.keepGoing = true;
    } else if (flag == "--find-mutations") {
      options.findMutations = true;
    } else if (flag == "--replay") {
      options.replay = true;
    } else if (flag == "--seeds" && parseSeeds(value, options)) {
      ++i;
    } else if (flag == "--days" && parse(std::string_view(value), options.days)) {
      ++i;
    } else if (flag == "--seconds" && parse(std::string_view(value), options.seconds)) {
      ++i;
    } else if (flag == "--mutation" && (options.mutation = findMutation(value)) != nullptr) {
      ++i;
    } else {
      return false;
    }
  }
  return options.from <= options.to;
}

std::string commandFor(const Options& options, std::uint64_t seed) {
  std::string command = "sim --seeds " + std::to_string(seed) + ".." + std::to_string(seed);
  if (options.days > 0) command += " --days " + std::to_string(options.days);
  if (options.mutation != nullptr) command += " --mutation " + options.mutation->name;
  return command + " --trace";
}

void print(const Statistics& sum, double seconds) {
  std::printf(
      "%lld worlds, %.0f device-months, %lld publishes, %lld refused (%lld more of devices "
      "that somebody had interfered with)\n",
      static_cast<long long>(sum.worlds), sum.deviceMonths, static_cast<long long>(sum.publishes),
      static_cast<long long>(sum.refused), static_cast<long long>(sum.refusedElse));
  const auto perRotation = [](std::int64_t requests, std::int64_t rotations) {
    return static_cast<double>(requests) /
           static_cast<double>(std::max<std::int64_t>(rotations, 1));
  };
  std::printf(
      "%lld rotations, %.2f requests each, %.2f where none failed; %lld restarts of containers; "
      "%lld calls; %lld "
      "crashes; %lld interferences; %lld removals; %.1f s\n",
      static_cast<long long>(sum.rotations), perRotation(sum.rotationRequests, sum.rotations),
      perRotation(sum.undisturbedRequests, sum.undisturbedRotations),
      static_cast<long long>(sum.restarts), static_cast<long long>(sum.calls),
      static_cast<long long>(sum.crashes), static_cast<long long>(sum.interferences),
      static_cast<long long>(sum.removals), seconds);
}

// Whether the defect breaks what it is meant to break in this world, which without it is as it
// should be.
std::optional<Violation> shows(const Mutation& mutation, std::uint64_t seed, int days) {
  Outcome outcome = runWorld(seed, days, &mutation, Tracing::kOff);
  if (!outcome.violation) return std::nullopt;
  const bool isMeant = std::ranges::any_of(mutation.breaks, [&](const std::string& promise) {
    return outcome.violation->invariant.starts_with(promise);
  });
  if (!isMeant || runWorld(seed, days, nullptr, Tracing::kOff).violation) return std::nullopt;
  return std::move(outcome.violation);
}

// Whether each defect shows within the seeds.
int findMutations(const Options& options) {
  int missed = 0;
  for (const Mutation& mutation : mutations()) {
    if (options.mutation != nullptr && options.mutation != &mutation) continue;
    std::uint64_t seed = std::clamp(mutation.seed, options.from, options.to);
    std::optional<Violation> violation = shows(mutation, seed, options.days);
    for (std::uint64_t next = options.from; !violation && next <= options.to; ++next) {
      seed = next;
      violation = shows(mutation, seed, options.days);
    }
    if (violation) {
      std::printf("found    %-32s seed %llu: %s: %s\n", mutation.name.c_str(),
                  static_cast<unsigned long long>(seed), violation->invariant.c_str(),
                  violation->what.c_str());
    } else {
      ++missed;
      std::printf("MISSED   %-32s %s\n", mutation.name.c_str(), mutation.what.c_str());
    }
    std::fflush(stdout);
  }
  std::printf("%d of %zu seeded defects missed\n", missed, mutations().size());
  return missed == 0 ? 0 : 1;
}

// Whether each world happens the same way twice, line by line.
int replay(const Options& options) {
  for (std::uint64_t seed = options.from; seed <= options.to; ++seed) {
    const Outcome once = runWorld(seed, options.days, options.mutation, Tracing::kHash);
    const Outcome again = runWorld(seed, options.days, options.mutation, Tracing::kHash);
    if (once.trace == again.trace) continue;
    std::printf("DIFFERS  seed %llu\n", static_cast<unsigned long long>(seed));
    return 1;
  }
  std::printf("worlds %llu..%llu happen the same way every time\n",
              static_cast<unsigned long long>(options.from),
              static_cast<unsigned long long>(options.to));
  return 0;
}

int run(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  Statistics sum;
  int broken = 0;
  for (std::uint64_t seed = options.from; seed <= options.to; ++seed) {
    if (options.seconds > 0 && elapsed() > options.seconds) break;
    const Outcome outcome = runWorld(seed, options.days, options.mutation,
                                     options.trace ? Tracing::kPrint : Tracing::kOff);
    sum.add(outcome.statistics);
    if (!outcome.violation) continue;
    ++broken;
    // Shown as it happened: the same seed, the same world.
    std::printf("BROKEN   seed %llu (%s)\n  %s\n  %s\n  %s\n",
                static_cast<unsigned long long>(seed), outcome.scenario.c_str(),
                outcome.violation->invariant.c_str(), outcome.violation->what.c_str(),
                commandFor(options, seed).c_str());
    std::fflush(stdout);
    if (options.keepGoing) continue;
    if (!options.trace) (void)runWorld(seed, options.days, options.mutation, Tracing::kPrint);
    break;
  }
  print(sum, elapsed());
  return broken == 0 ? 0 : 1;
}

}  // namespace
}  // namespace bco::sim

int main(int argc, char** argv) {
  bco::sim::Options options;
  if (!bco::sim::parseArguments(argc, argv, options)) {
    std::fprintf(stderr,
                 "sim --seeds A..B [--days D] [--seconds S] "
                 "[--mutation NAME] [--find-mutations | --replay] [--trace] [--keep-going]\n");
    return 2;
  }
  if (options.replay) return bco::sim::replay(options);
  return options.findMutations ? bco::sim::findMutations(options) : bco::sim::run(options);
}
