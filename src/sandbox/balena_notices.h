// Which devices a committed write concerns, and when they are told.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sandbox/balena_store.h"

namespace bco::sandbox {

// The API asks each device's supervisor for an update one second after the commit, for a deletion
// almost at once; several devices 50 ms apart. Source: measured with a recording VPN endpoint.
inline constexpr Duration kNoticeAfterWrite{1000};
inline constexpr Duration kNoticeAfterDelete{50};
inline constexpr Duration kNoticeSpacing{50};

// Collects what one request touches; send() when it has been committed.
class BalenaNotices {
 public:
  explicit BalenaNotices(const BalenaStore& store) : store_(store) {}

  // A row of any resource, while it is still there.
  void touch(const odata::Resource& resource, const odata::Row& row);
  void touchDevice(std::int64_t device) { devices_.push_back(device); }
  void touchFleet(std::int64_t fleet);

  void send(Duration delay,
            const std::function<void(const std::string&, Duration)>& onDeviceUpdate);

 private:
  const BalenaStore& store_;
  std::vector<std::int64_t> devices_;
};

}  // namespace bco::sandbox
