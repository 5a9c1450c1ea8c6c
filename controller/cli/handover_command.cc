#include <iostream>
#include <optional>

#include "cli/commands.h"
#include "cli/directory_lock.h"
#include "cli/session.h"

namespace bco::cli {

int runHandover(const HandoverCommandOptions& options, const std::stop_token& stop) {
  using Outcome = HandoverResult::Outcome;
  std::optional<DirectoryLock> lock;
  if (!options.dryRun) {
    auto acquired = DirectoryLock::acquire(options.common.files);
    if (!acquired) {
      std::cerr << acquired.error().message << '\n';
      return kExitBadInput;
    }
    lock.emplace(std::move(*acquired));
  }
  auto session = Session::open(options.common, "warn");
  if (session == nullptr) return kExitBadInput;
  const std::jthread limit = session->limitShutdown(stop, options.common.shutdownGrace);
  const auto results =
      session->engine().handOver({options.from, options.dryRun, options.common.workers}, stop);
  if (!results) {
    std::cerr << results.error().message << '\n';
    return results.error().code == ErrorCode::kInvalid ? kExitBadInput : kExitNotConverged;
  }
  std::size_t done = 0;
  std::size_t left = 0;
  std::size_t failed = 0;
  for (const HandoverResult& result : *results) {
    std::cout << result.registration << "  ";
    switch (result.outcome) {
      case Outcome::kHandedOver:
        ++done;
        std::cout << (options.dryRun ? "would be handed over" : "handed over");
        break;
      case Outcome::kLeft:
        ++left;
        std::cout << "left alone: " << result.message;
        break;
      case Outcome::kFailed:
        ++failed;
        std::cout << "failed: " << result.message;
        break;
    }
    std::cout << '\n';
  }
  std::cout << results->size() << " registrations of owner \"" << options.from << "\": " << done
            << (options.dryRun ? " would be" : "") << " handed over, " << left << " left alone, "
            << failed << " failed\n";
  return failed == 0 ? kExitDone : kExitNotConverged;
}

}  // namespace bco::cli
