// What a request costs the emulated balenaCloud, all in: TLS, HTTP, OData, answer. The server runs
// in one thread of this process, whose CPU time is what is measured; clients run in others. Prints
// a table.
//
//   sandbox_bench [devices, default 100000] [requests per run, default 20000] [connections, default
//   8]
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "sandbox/balena_cloud.h"
#include "tests/server/client.h"

namespace bco::sandbox {
namespace {

using server::test::Client;

constexpr const char* kDeviceOptions =
    "?$select=id,uuid,device_name,is_online,is_connected_to_vpn,api_heartbeat_state,"
    "last_connectivity_event,supervisor_version&$expand=belongs_to__application($select=id,slug),"
    "is_of__device_type($select=slug),device_tag($select=tag_key,value),service_install($select=id;"
    "$expand=installs__service($select=id,service_name),device_service_environment_variable($"
    "select="
    "id,name,value;$filter=name%20in%20('GCP_PRIVATE_KEY','GCP_CLIENT_PATH','GCP_DATA_TOPIC_ROOT',"
    "'GCP_PROJECT_ID'))),device_environment_variable($select=id,name,value;$filter=name%20in%20("
    "'GCP_PRIVATE_KEY','GCP_CLIENT_PATH','GCP_DATA_TOPIC_ROOT','GCP_PROJECT_ID'))";

double threadMicros() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

class Bench {
 public:
  explicit Bench(std::size_t devices)
      : cloud_(
            {.now = [] { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); },
             .onDeviceUpdate = nullptr,
             .supervisor = nullptr}) {
    (void)cloud_.addFleet({.slug = "acme/plant"});
    (void)cloud_.addToken({.token = "admin", .allFleets = true});
    uuids_ = *cloud_.addDevices("acme/plant", devices);
    server::Options options;
    options.tls = server::TlsFiles{server::test::kCertificate, server::test::kPrivateKey};
    server_ = std::move(*server::HttpServer::start(
        options, [this](const server::Request& request, const server::Responder& respond) {
          const double before = threadMicros();
          if (firstMicros_ == 0) firstMicros_ = before;
          lastMicros_ = before;
          server::Reply reply;
          {
            const std::lock_guard lock(mutex_);
            reply = cloud_.handle(request);
          }
          handlerMicros_ = handlerMicros_ + threadMicros() - before;
          bytes_ += reply.body.size();
          if (reply.status >= 300) ++failures_;
          ++answered_;
          respond(std::move(reply));
        }));
  }

  void run(const char* name, std::size_t requests, std::size_t connections,
           const std::function<std::string(std::size_t)>& request) {
    firstMicros_ = 0;
    handlerMicros_ = 0;
    answered_ = 0;
    failures_ = 0;
    bytes_ = 0;
    std::atomic<std::size_t> next = 0;
    const auto begin = std::chrono::steady_clock::now();
    {
      std::vector<std::jthread> clients;
      for (std::size_t i = 0; i < connections; ++i) {
        clients.emplace_back([&] {
          Client client(server_->port(), true);
          for (std::size_t number; (number = next++) < requests;) {
            (void)client.exchange(request(number));
          }
        });
      }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const auto count = static_cast<double>(answered_);
    std::printf(
        "%-28s %6.1f us/request (%5.1f in the handler), %6.0f requests/s, %5zu B, %zu failed\n",
        name, (lastMicros_ - firstMicros_) / count, handlerMicros_ / count, count / took.count(),
        bytes_ / answered_, failures_);
  }

  // Ids as the API gives them.
  [[nodiscard]] std::vector<std::int64_t> deviceIds() {
    return numbers("/v7/device?$select=id&$orderby=id", "\"id\":");
  }
  [[nodiscard]] std::int64_t fleetId() {
    return numbers("/v7/application?$select=id", "\"id\":").at(0);
  }
  void setVariable(const std::string& name, const std::string& value) {
    const std::lock_guard lock(mutex_);
    for (const auto& uuid : uuids_) (void)cloud_.setVariable(uuid, "", name, value);
  }
  [[nodiscard]] const std::string& uuid(std::size_t number) const {
    return uuids_[number % uuids_.size()];
  }

 private:
  std::vector<std::int64_t> numbers(const std::string& target, std::string_view before) {
    server::Request request{.method = "GET", .target = target};
    request.headers.emplace_back("Authorization", "Bearer admin");
    const std::lock_guard lock(mutex_);
    const std::string body = cloud_.handle(request).body;
    std::vector<std::int64_t> found;
    for (std::size_t at = 0; (at = body.find(before, at)) != std::string::npos;) {
      at += before.size();
      found.push_back(std::atoll(body.c_str() + at));
    }
    return found;
  }

  std::mutex mutex_;
  BalenaCloud cloud_;
  std::vector<std::string> uuids_;
  // Of the server's thread, while clients run.
  double firstMicros_ = 0;
  double lastMicros_ = 0;
  double handlerMicros_ = 0;
  std::size_t answered_ = 0;
  std::size_t failures_ = 0;
  std::size_t bytes_ = 0;
  std::unique_ptr<server::HttpServer> server_;
};

std::string request(const std::string& method, const std::string& target,
                    const std::string& body = "", const std::string& headers = "") {
  std::string text = method + " " + target +
                     " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer admin\r\n"
                     "Content-Type: application/json\r\n" +
                     headers;
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

int runAll(std::size_t devices, std::size_t requests, std::size_t connections) {
  Bench bench(devices);
  const auto device = [&](std::size_t i) {
    return "/v7/device(uuid='" + bench.uuid(i) + "')" + kDeviceOptions;
  };
  bench.run("ping", requests, connections, [&](std::size_t) { return request("GET", "/ping"); });
  bench.run("GET device, id alone", requests, connections, [&](std::size_t i) {
    return request("GET", "/v7/device(uuid='" + bench.uuid(i) + "')?$select=id");
  });
  bench.run("GET device, nothing set", requests, connections,
            [&](std::size_t i) { return request("GET", device(i)); });
  // Four variables each, as a device has them once it is provisioned.
  const std::vector<std::int64_t> ids = bench.deviceIds();
  bench.run("POST variable", requests, connections, [&](std::size_t i) {
    const std::string name = "NAME_" + std::to_string(i / ids.size());
    return request("POST", "/v7/device_environment_variable?returnResource=false",
                   "{\"device\":" + std::to_string(ids[i % ids.size()]) + ",\"name\":\"" + name +
                       "\",\"value\":\"" + std::string(184, 'k') + "\"}");
  });
  for (const char* name :
       {"GCP_PRIVATE_KEY", "GCP_CLIENT_PATH", "GCP_DATA_TOPIC_ROOT", "GCP_PROJECT_ID"}) {
    bench.setVariable(name, std::string(100, 'v'));
  }
  bench.run("GET device, all set", requests, connections,
            [&](std::size_t i) { return request("GET", device(i)); });
  bench.run("PATCH variable", requests, connections, [&](std::size_t i) {
    return request("PATCH",
                   "/v7/device_environment_variable(device=" + std::to_string(ids[i % ids.size()]) +
                       ",name='GCP_PRIVATE_KEY')",
                   "{\"value\":\"" + std::string(184, 'p') + "\"}");
  });
  bench.run("GET device, gzip", requests, connections, [&](std::size_t i) {
    return request("GET", device(i), "", "Accept-Encoding: gzip\r\n");
  });
  bench.run("page of 1000 with tags", 200, connections, [&](std::size_t i) {
    const auto last = ids[(i * 1000) % ids.size()];
    return request("GET", "/v7/device?$filter=belongs_to__application%20eq%20" +
                              std::to_string(bench.fleetId()) + "%20and%20id%20gt%20" +
                              std::to_string(last) +
                              "&$orderby=id%20asc&$top=1000&$select=id,uuid,device_name,is_online"
                              "&$expand=device_tag($select=tag_key,value),is_of__device_type("
                              "$select=slug)");
  });
  return 0;
}

}  // namespace
}  // namespace bco::sandbox

int main(int argc, char** argv) {
  const auto argument = [&](int at, std::size_t otherwise) {
    return argc > at ? static_cast<std::size_t>(std::atol(argv[at])) : otherwise;
  };
  return bco::sandbox::runAll(argument(1, 100'000), argument(2, 20'000), argument(3, 8));
}
