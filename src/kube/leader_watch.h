// What a Watcher sees of a Lease, told to its elector.
#pragma once

#include <string_view>

#include "kube/leader.h"
#include "kube/watcher.h"

namespace bco::kube {

// What to watch: the one Lease.
[[nodiscard]] WatcherOptions watchOf(const Name& lease);

class LeaseSink final : public WatchSink {
 public:
  explicit LeaseSink(LeaderElector& elector) : elector_(elector) {}

  void restart() override { there_ = false; }
  void put(std::string_view object) override;
  void drop(std::string_view object) override;
  void synced() override;

 private:
  LeaderElector& elector_;
  bool there_ = false;
};

}  // namespace bco::kube
