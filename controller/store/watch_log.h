// What is logged of a watch that has trouble.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kube/watcher.h"
#include "telemetry/log.h"

namespace bco::store {

// Each new trouble once at level warn, its repetitions at level debug. `log` must outlive it.
[[nodiscard]] inline std::function<void(const kube::WatchTrouble&)> logTrouble(
    telemetry::Logger& log, std::string what) {
  return [&log, what = std::move(what),
          said = std::make_shared<std::string>()](const kube::WatchTrouble& trouble) {
    const bool isNews = trouble.failures == 1 || trouble.error.message != *said;
    *said = trouble.error.message;
    const telemetry::Field fields[] = {{"kind", what}, {"error", trouble.error.message}};
    log.log(isNews ? telemetry::LogLevel::kWarn : telemetry::LogLevel::kDebug,
            "the watch is interrupted; trying again", fields);
  };
}

}  // namespace bco::store
