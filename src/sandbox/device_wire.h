// The way of a simulated device's publish over a real connection, for runs that want the traffic.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace bco::sandbox {

// Posts to the HTTP listener, one request after the other on one connection that is kept open.
class DeviceWire {
 public:
  // The status, 0 for none; called on this one's thread with the world's mutex held.
  using Done = std::function<void(int status, const std::string& body)>;

  // `world` outlives this.
  explicit DeviceWire(std::mutex& world);
  // Drops what has not been sent. Call it without the mutex.
  ~DeviceWire();
  DeviceWire(const DeviceWire&) = delete;
  DeviceWire& operator=(const DeviceWire&) = delete;

  // Before the first post. `address`: dotted IPv4 of the listener.
  void connectTo(const std::string& address, std::uint16_t port);

  // Never blocks.
  void post(const std::string& target, const std::string& token, const std::string& body,
            Done done);

 private:
  struct Job {
    std::string request;
    Done done;
  };
  struct Answer {
    int status = 0;
    std::string body;
  };

  void run();
  Answer exchange(const std::string& request);
  Answer read();
  bool open();
  void close();

  std::mutex& world_;
  std::string address_;
  std::uint16_t port_ = 0;
  int socket_ = -1;  // the thread's own

  std::mutex mutex_;  // guards what is below
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::jthread thread_;
};

}  // namespace bco::sandbox
