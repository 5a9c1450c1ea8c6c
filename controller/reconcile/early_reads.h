// Devices that somebody has read at balena a moment before their pass would.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "api/object.h"
#include "balena/api.h"
#include "core/time.h"

namespace bco {

struct EarlyRead {
  balena::Device device;
  SteadyPoint at;  // when it was asked for: what the pass does counts its age from here
};

// Each is for the next pass over its device by its fleet, with whose client it was read, and for
// one soon. Thread-safe.
class EarlyReads {
 public:
  static constexpr Duration kLongest = std::chrono::seconds(10);

  void put(const api::ObjectKey& fleet, const std::string& uuid, EarlyRead read) {
    std::lock_guard lock(mutex_);
    // They hold what is stored on devices: none is kept for longer than it is of use.
    std::erase_if(reads_, [&](const auto& each) { return read.at - each.second.at > kLongest; });
    reads_.insert_or_assign({uuid, fleet}, std::move(read));
  }

  [[nodiscard]] std::optional<EarlyRead> take(const api::ObjectKey& fleet, const std::string& uuid,
                                              SteadyPoint now) {
    std::lock_guard lock(mutex_);
    auto found = reads_.extract({uuid, fleet});
    if (found.empty() || now - found.mapped().at > kLongest) return std::nullopt;
    return std::move(found.mapped());
  }

 private:
  std::mutex mutex_;  // guards reads_
  std::map<std::pair<std::string, api::ObjectKey>, EarlyRead> reads_;
};

}  // namespace bco
