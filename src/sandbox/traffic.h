// What has come in: requests by kind and status, connections, how many at once.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace bco::sandbox {

struct KindTraffic {
  std::uint64_t requests = 0;
  std::map<int, std::uint64_t> statuses;  // of those that got an answer
  std::uint64_t cut = 0;                  // answered by a reset or not at all
};

// The world's mutex is to be held.
class Traffic {
 public:
  // `connection`: the server's number for it; `listener`: which server. True when it is the first
  // request of its connection.
  bool arrived(std::string_view kind, std::size_t listener, std::uint64_t connection);
  // `status` 0: cut.
  void left(std::string_view kind, int status);
  // `open`: connections that are open at this moment.
  void sawConnections(std::size_t open);
  // Starts counting anew; what is in flight stays so.
  void reset();

  [[nodiscard]] const std::map<std::string, KindTraffic, std::less<>>& kinds() const {
    return kinds_;
  }
  [[nodiscard]] std::uint64_t connectionsOpened() const { return connectionsOpened_; }
  [[nodiscard]] std::size_t maxConnections() const { return maxConnections_; }
  [[nodiscard]] std::size_t inFlight() const { return inFlight_; }
  [[nodiscard]] std::size_t maxInFlight() const { return maxInFlight_; }

 private:
  std::map<std::string, KindTraffic, std::less<>> kinds_;
  std::map<std::size_t, std::uint64_t> latestConnection_;  // by listener
  std::uint64_t connectionsOpened_ = 0;
  std::size_t maxConnections_ = 0;
  std::size_t inFlight_ = 0;
  std::size_t maxInFlight_ = 0;
};

}  // namespace bco::sandbox
