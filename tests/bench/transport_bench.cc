// What a request costs this process: CPU (user + system) and memory, against a server in another
// process on loopback. Prints JSON.
//
//   transport_bench [requests per run, default 20000]
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "http/client_pool.h"
#include "http/runtime.h"
#include "server/http_server.h"
#include "tests/http/certificates.h"

namespace bco {
namespace {

double cpuMicros() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto micros = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

long statusKilobytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::atol(line.c_str() + field.size() + 1);
  }
  return 0;
}

struct Server {
  pid_t process = 0;
  std::uint16_t port = 0;
};

// In a child, so that its CPU is not counted; it dies with us.
Server startServer(const std::optional<server::TlsFiles>& tls) {
  int channel[2];
  if (::pipe(channel) != 0) std::abort();
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    server::Options options;
    options.tls = tls;
    const std::string reply = "{\"d\":\"" + std::string(190, 'x') + "\"}";
    auto server = server::HttpServer::start(options, [reply](const auto&, auto respond) {
      respond({.headers = {{"Content-Type", "application/json"}}, .body = reply});
    });
    const std::uint16_t port = server ? (*server)->port() : 0;
    if (::write(channel[1], &port, sizeof port) != sizeof port) std::abort();
    for (;;) ::pause();
  }
  Server server{child, 0};
  if (::read(channel[0], &server.port, sizeof server.port) != sizeof server.port) std::abort();
  return server;
}

struct Run {
  const char* name;
  bool tls;
  int threads;
  int batch;
};

void measure(const Run& run, int requests, http::ClientPool& pool, std::uint16_t port, bool last) {
  const std::string url = std::string(run.tls ? "https" : "http") +
                          "://127.0.0.1:" + std::to_string(port) + "/v1/x?a=b";
  const SharedSecret token = shareSecret(SecretBytes("Bearer 0123456789abcdef0123456789abcdef"));
  const std::string body = "{\"value\":\"" + std::string(288, 'y') + "\"}";
  std::atomic<int> failures{0};
  const auto work = [&](int rounds) {
    for (int i = 0; i < rounds; ++i) {
      std::vector<http::Request> batch(static_cast<std::size_t>(run.batch));
      for (auto& request : batch) {
        request.method = http::Method::kPost;
        request.callClass = http::CallClass::kUpdate;
        request.url = url;
        request.credentialHeader = "Authorization";
        request.credential = token;
        request.body = SecretBytes(body);
      }
      for (const auto& result : pool.sendAll(batch)) {
        if (!result || result->status != 200) ++failures;
      }
    }
  };
  const auto inParallel = [&](int rounds) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < run.threads; ++i) threads.emplace_back(work, rounds);
  };
  inParallel(4);  // connections are open
  const double cpu = cpuMicros();
  const auto start = std::chrono::steady_clock::now();
  const int rounds = requests / run.threads / run.batch;
  inParallel(rounds);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  const int sent = rounds * run.threads * run.batch;
  std::printf(
      "    {\"run\": \"%s\", \"cpuMicrosPerRequest\": %.1f, \"requestsPerSecond\": %.0f, "
      "\"failures\": %d}%s\n",
      run.name, (cpuMicros() - cpu) / sent, sent / elapsed.count(), failures.load(),
      last ? "" : ",");
}

}  // namespace
}  // namespace bco

int main(int argc, char** argv) {
  using namespace bco;
  const int requests = argc > 1 ? std::atoi(argv[1]) : 20000;
  const test::TestCa ca;
  const Server tls = startServer(ca.issue("IP:127.0.0.1"));
  const Server plain = startServer(std::nullopt);

  const long started = statusKilobytes("VmRSS");
  http::initializeHttp();
  const double cpu = cpuMicros();
  const auto trust = http::Trust::load({.system = true, .extraPem = ca.pem()});
  if (!trust) return 1;
  const double trustMicros = cpuMicros() - cpu;
  const long loaded = statusKilobytes("VmRSS");
  SystemClock clock;
  std::printf("{\n  \"runs\": [\n");
  {
    http::ClientPool pool({.trust = *trust, .maxInFlight = 24}, clock);
    measure({"TLS, 16 threads", true, 16, 1}, requests, pool, tls.port, false);
    measure({"TLS, 4 threads, batches of 4", true, 4, 4}, requests, pool, tls.port, false);
    measure({"TLS, 16 threads, batches of 4", true, 16, 4}, requests, pool, tls.port, false);
    measure({"TLS, 1 thread", true, 1, 1}, requests, pool, tls.port, false);
    measure({"plain, 16 threads", false, 16, 1}, requests, pool, plain.port, true);
  }
  const long working = statusKilobytes("VmRSS");
  std::printf(
      "  ],\n  \"trustCpuMicros\": %.0f,\n"
      "  \"residentKilobytes\": {\"start\": %ld, \"withSystemCertificates\": %ld, \"after\": %ld, "
      "\"peak\": %ld}",
      trustMicros, started, loaded, working, statusKilobytes("VmHWM"));

  constexpr int kConnections = 24;
  constexpr int kRounds = 10;
  const double before = cpuMicros();
  for (int round = 0; round < kRounds; ++round) {
    http::ClientPool pool({.trust = *trust, .maxInFlight = kConnections}, clock);
    std::vector<http::Request> batch(kConnections);
    for (auto& request : batch) request.url = "https://127.0.0.1:" + std::to_string(tls.port) + "/";
    for (const auto& result : pool.sendAll(batch)) {
      if (!result) std::printf("%s\n", result.error().message.c_str());
    }
  }
  std::printf(",\n  \"newConnectionCpuMicros\": %.0f\n}\n",
              (cpuMicros() - before) / kRounds / kConnections);
  ::kill(tls.process, SIGKILL);
  ::kill(plain.process, SIGKILL);
  return 0;
}
