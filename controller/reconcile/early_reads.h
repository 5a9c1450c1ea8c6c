// Devices that somebody has read at balena a moment before their pass would.
#pragma once

#include <map>
#include <memory>
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
// one soon. They hold what is stored on devices, private keys too: so they belong to who waits for
// the pass, and go when he does. Thread-safe.
class EarlyReads {
 public:
  static constexpr Duration kLongest = std::chrono::seconds(10);

  // Whether this process makes passes: until it does, what is put is not kept.
  void want(bool wanted) {
    std::lock_guard lock(mutex_);
    wanted_ = wanted;
    if (!wanted) reads_.clear();
  }

  [[nodiscard]] bool areWanted() const {
    std::lock_guard lock(mutex_);
    return wanted_;
  }

  void put(const api::ObjectKey& fleet, const std::string& uuid,
           const std::shared_ptr<EarlyRead>& read) {
    std::lock_guard lock(mutex_);
    std::erase_if(reads_, [](const auto& each) { return each.second.expired(); });
    if (wanted_) reads_.insert_or_assign({uuid, fleet}, read);
  }

  [[nodiscard]] std::optional<EarlyRead> take(const api::ObjectKey& fleet, const std::string& uuid,
                                              SteadyPoint now) {
    std::lock_guard lock(mutex_);
    const auto found = reads_.extract({uuid, fleet});
    const auto read = found.empty() ? nullptr : found.mapped().lock();
    if (read == nullptr || now - read->at > kLongest) return std::nullopt;
    return std::move(*read);
  }

 private:
  mutable std::mutex mutex_;  // guards all below
  bool wanted_ = false;
  std::map<std::pair<std::string, api::ObjectKey>, std::weak_ptr<EarlyRead>> reads_;
};

}  // namespace bco
