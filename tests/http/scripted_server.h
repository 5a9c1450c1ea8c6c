// A server on a bare socket that does what a test tells it, byte by byte: for what no proper server
// does.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace bco::test {

// One accepted connection, for its thread.
class Peer {
 public:
  Peer(int descriptor, int number) : descriptor_(descriptor), number_(number) {}
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // From 1, in the order of accepting.
  [[nodiscard]] int number() const { return number_; }
  // Head and body (by Content-Length); empty when the connection ended before. `reads`, if given,
  // is set to the number of read calls it took.
  std::string readRequest(int* reads = nullptr);
  // Returns false when the other side is gone.
  bool write(std::string_view bytes);
  // Answers with status 200 and this body, and keeps the connection.
  bool answer(std::string_view body);
  // Returns when what was written is in the other side's hands.
  void waitUntilDelivered();
  // Closes with FIN, and returns when the other side has it.
  void close();
  // Closes with RST.
  void reset();
  // Waits until the other side closes: true for an RST, false for a FIN.
  bool waitForReset();
  // Passes bytes both ways between this and a connection to `port` until both ends closed.
  void tunnelTo(std::uint16_t port);

 private:
  int descriptor_;
  int number_;
};

// Runs `script` in a thread of its own for each connection. The destructor wakes and joins all.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::function<void(Peer&)> script);
  ~ScriptedServer();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url(std::string_view target = "/") const;
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void accept();

  std::function<void(Peer&)> script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::mutex mutex_;  // guards open_ and threads_
  std::vector<int> open_;
  std::vector<std::jthread> threads_;
  std::jthread acceptor_;
};

}  // namespace bco::test
