#include "sandbox/traffic.h"

#include <algorithm>

namespace bco::sandbox {

bool Traffic::arrived(std::string_view kind, std::size_t listener, std::uint64_t connection) {
  auto found = kinds_.find(kind);
  if (found == kinds_.end()) found = kinds_.emplace(std::string(kind), KindTraffic()).first;
  ++found->second.requests;
  maxInFlight_ = std::max(maxInFlight_, ++inFlight_);
  // Connections are numbered from 1 in the order they come.
  std::uint64_t& latest = latestConnection_[listener];
  if (connection <= latest) return false;
  connectionsOpened_ += connection - latest;
  latest = connection;
  return true;
}

void Traffic::left(std::string_view kind, int status) {
  --inFlight_;
  KindTraffic& traffic = kinds_[std::string(kind)];
  if (status == 0) {
    ++traffic.cut;
  } else {
    ++traffic.statuses[status];
  }
}

void Traffic::sawConnections(std::size_t open) {
  maxConnections_ = std::max(maxConnections_, open);
}

void Traffic::reset() {
  kinds_.clear();
  connectionsOpened_ = 0;
  maxConnections_ = 0;
  maxInFlight_ = inFlight_;
}

}  // namespace bco::sandbox
