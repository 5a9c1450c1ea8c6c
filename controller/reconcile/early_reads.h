// Devices that somebody has read at balena a moment before their pass would.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "balena/api.h"
#include "core/time.h"

namespace bco {

struct EarlyRead {
  balena::Device device;
  SteadyPoint at;  // when it was asked for: what the pass does counts its age from here
};

// Each is for the next pass over its device, and for one soon. Thread-safe.
class EarlyReads {
 public:
  static constexpr Duration kLongest = std::chrono::seconds(10);

  void put(const std::string& uuid, EarlyRead read) {
    std::lock_guard lock(mutex_);
    // They hold what is stored on devices: none is kept for longer than it is of use.
    std::erase_if(reads_, [&](const auto& each) { return read.at - each.second.at > kLongest; });
    reads_.insert_or_assign(uuid, std::move(read));
  }

  [[nodiscard]] std::optional<EarlyRead> take(const std::string& uuid, SteadyPoint now) {
    std::lock_guard lock(mutex_);
    auto found = reads_.extract(uuid);
    if (found.empty() || now - found.mapped().at > kLongest) return std::nullopt;
    return std::move(found.mapped());
  }

 private:
  std::mutex mutex_;  // guards reads_
  std::unordered_map<std::string, EarlyRead> reads_;
};

}  // namespace bco
