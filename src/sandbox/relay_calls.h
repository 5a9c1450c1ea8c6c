// The calls of simulated relays to a provisioning endpoint: over real connections, as many at once
// as there are relays, for that is what an endpoint must bear.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace bco::sandbox {

// Where an endpoint is: "http://127.0.0.1:8080/provision".
struct ProvisionUrl {
  std::string text;
  std::string address;  // dotted IPv4
  std::uint16_t port = 80;
  std::string path = "/";
};
// nullopt: not plain HTTP to an IPv4 address or localhost.
[[nodiscard]] std::optional<ProvisionUrl> parseProvisionUrl(const std::string& text);

struct RelayReply {
  int status = 0;      // 0: unreachable, or the connection broke
  bool isSix = false;  // JSON with top-level `code` 6, whatever the status
};

// One thread; each call has a connection of its own and, as the Relay's, no timeout.
class RelayCalls {
 public:
  // Called on this one's thread with the world's mutex held.
  using Done = std::function<void(const RelayReply& reply)>;

  // `world` outlives this.
  explicit RelayCalls(std::mutex& world);
  // Drops what is under way. Call it without the mutex.
  ~RelayCalls();
  RelayCalls(const RelayCalls&) = delete;
  RelayCalls& operator=(const RelayCalls&) = delete;

  // POSTs a JSON body. Never blocks.
  void post(const ProvisionUrl& url, const std::string& body, Done done);

 private:
  struct Call {
    int socket = -1;
    std::string request;
    std::size_t sent = 0;
    std::string reply;
    Done done;
  };
  using Calls = std::list<Call>;

  void run(const std::stop_token& stop);
  void wake() const;
  // False when the call has ended.
  static bool goOn(Call& call);
  static bool open(Call& call, const ProvisionUrl& url);
  void finish(const Call& call);

  std::mutex& world_;
  int wakeReader_ = -1;
  int wakeWriter_ = -1;
  std::mutex mutex_;  // guards started_
  Calls started_;     // not yet taken over by the thread
  std::jthread thread_;
};

}  // namespace bco::sandbox
