// cloud-sandbox: balenaCloud and ClearBlade IoT Core on loopback, for demo, tests and benchmarks.
#include <CLI/CLI.hpp>
#include <csignal>
#include <fstream>
#include <iostream>
#include <sstream>

#include "sandbox/certificates.h"
#include "sandbox/control_routes.h"
#include "sandbox/launch_files.h"
#include "sandbox/sandbox.h"
#include "sandbox/world_file.h"

namespace bco::sandbox {
namespace {

struct Flags {
  std::string httpAddress = "127.0.0.1:0";
  std::string httpsAddress = "127.0.0.1:0";
  std::vector<std::string> names;
  std::string worldFile;
  std::size_t devices = 0;
  std::string clock = "real";
  bool noDevices = false;
  std::string deviceTraffic = "direct";
  std::string advertise;
  std::string idleClose = "5s";
  std::string certificateFile;
  std::string keyFile;
  std::string caFile = "cloud-sandbox-ca.crt";
  std::string readyFile;
  std::string secretsDirectory;
  std::uint64_t seed = 1;
};

void declare(CLI::App& app, Flags& flags) {
  app.add_option("--http-addr", flags.httpAddress, "ADDRESS:PORT for HTTP, port 0 for any")
      ->capture_default_str();
  app.add_option("--https-addr", flags.httpsAddress, "ADDRESS:PORT for HTTPS, port 0 for any")
      ->capture_default_str();
  app.add_option(
      "--name", flags.names,
      "further host names and addresses for the certificate, besides localhost and those "
      "listened on");
  app.add_option("--world", flags.worldFile, "JSON file: fleets, tokens, registries, ...");
  app.add_option("--devices", flags.devices, "devices in fleet acme/sensors of the default world")
      ->check(CLI::Range(0, static_cast<int>(kMostDevices)))
      ->capture_default_str();
  app.add_option("--clock", flags.clock, "real, or manual: moved through the control API")
      ->check(CLI::IsMember({"real", "manual"}))
      ->capture_default_str();
  app.add_flag("--no-devices", flags.noDevices, "don't simulate what devices do");
  app.add_option("--device-traffic", flags.deviceTraffic,
                 "how simulated devices publish: direct, within the process, or http")
      ->check(CLI::IsMember({"direct", "http"}))
      ->capture_default_str();
  app.add_option("--advertise", flags.advertise,
                 "URL that ClearBlade's exchange hands out; by default the one it was asked by");
  app.add_option("--idle-close", flags.idleClose,
                 "how long a connection may be idle before it is closed, in real time")
      ->capture_default_str();
  app.add_option("--ca-file", flags.caFile, "where to write the certificate authority (PEM)")
      ->capture_default_str();
  auto* const certificate =
      app.add_option("--tls-cert", flags.certificateFile,
                     "certificate to show (PEM), instead of one of an authority made at start");
  auto* const key = app.add_option("--tls-key", flags.keyFile, "its private key (PEM)");
  certificate->needs(key)->excludes("--ca-file")->excludes("--name");
  key->needs(certificate);
  app.add_option("--ready-file", flags.readyFile, "JSON with all a script needs, once listening");
  app.add_option("--write-secrets", flags.secretsDirectory,
                 "directory to fill for the operator's --secrets-dir")
      ->excludes(certificate);
  app.add_option("--seed", flags.seed, "of generated uuids and seeded faults")
      ->capture_default_str();
}

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

Result<HostPort> parseAddress(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  unsigned long port = 65536;
  if (colon != std::string::npos && colon + 1 < text.size() &&
      text.find_first_not_of("0123456789", colon + 1) == std::string::npos &&
      text.size() - colon < 8) {
    port = std::stoul(text.substr(colon + 1));
  }
  if (port > 65535 || colon == 0) return fail(ErrorCode::kInvalid, "not ADDRESS:PORT: " + text);
  return HostPort{text.substr(0, colon), static_cast<std::uint16_t>(port)};
}

Result<std::string> readWhole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::kNotFound, "can't read " + path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

Result<WorldPlan> readPlan(const Flags& flags) {
  if (flags.worldFile.empty()) return defaultWorld(flags.devices);
  return readWhole(flags.worldFile).and_then(parseWorld);
}

// Those given, of an authority that we don't know, or fresh ones.
Result<Certificates> certificatesFor(const Flags& flags, const HostPort& http,
                                     const HostPort& https) {
  if (flags.certificateFile.empty()) {
    std::vector<std::string> names = {"localhost", "127.0.0.1", http.host, https.host};
    names.insert(names.end(), flags.names.begin(), flags.names.end());
    return makeCertificates(names);
  }
  auto certificate = readWhole(flags.certificateFile);
  if (!certificate) return fail(certificate.error());
  auto key = readWhole(flags.keyFile);
  if (!key) return fail(key.error());
  return Certificates{"", {*std::move(certificate), *std::move(key)}};
}

// A URL without the port where that is the scheme's own: the SDKs add it themselves.
std::string urlOf(const std::string& scheme, const std::string& host, std::uint16_t port) {
  const bool isUsual = port == (scheme == "https" ? 443 : 80);
  return scheme + "://" + host + (isUsual ? "" : ":" + std::to_string(port));
}

Result<std::unique_ptr<server::HttpServer>> listen(Sandbox& sandbox, Listener listener,
                                                   const HostPort& address,
                                                   std::optional<server::TlsFiles> tls,
                                                   Duration idleClose) {
  server::Options options;
  options.address = address.host;
  options.port = address.port;
  options.tls = std::move(tls);
  // Lists of many deviceIds and tokens in headers are long; balena's own limit is 16 KiB.
  options.maxConnections = 20000;
  options.idleTimeout = idleClose;  // as the load balancers in front of the clouds do
  // Above the clouds' own limits, so that it is they who refuse what is too large.
  options.maxBodyBytes = 4 * 1024 * 1024;
  return server::HttpServer::start(
      options, [&sandbox, listener](server::Request request, server::Responder responder) {
        sandbox.handle(std::move(request), std::move(responder), listener);
      });
}

Status run(const Flags& flags) {
  const auto http = parseAddress(flags.httpAddress);
  const auto https = parseAddress(flags.httpsAddress);
  if (!http) return fail(http.error());
  if (!https) return fail(https.error());
  const auto idleClose = parseDuration(flags.idleClose);
  if (!idleClose || *idleClose <= Duration(0)) {
    return fail(ErrorCode::kInvalid, "--idle-close: not a duration: " + flags.idleClose);
  }
  const auto plan = readPlan(flags);
  if (!plan) return fail(plan.error());

  const auto certificates = certificatesFor(flags, *http, *https);
  if (!certificates) return fail(certificates.error());

  // Blocked before any thread starts, so that all inherit it and sigwait() gets them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  Sandbox sandbox({.clock = flags.clock == "manual" ? ClockMode::kManual : ClockMode::kReal,
                   .seed = flags.seed,
                   .simulateDevices = !flags.noDevices,
                   .deviceTrafficOverHttp = flags.deviceTraffic == "http",
                   .advertisedUrl = flags.advertise});
  Result<BuiltWorld> built;
  {
    const std::lock_guard lock(sandbox.world().mutex);
    built = build(sandbox, *plan);
  }
  if (!built) return fail(built.error());

  const auto plain = listen(sandbox, Listener::kHttp, *http, std::nullopt, *idleClose);
  if (!plain) return fail(plain.error());
  if (flags.deviceTraffic == "http") sandbox.publishOverHttp(http->host, (*plain)->port());
  const auto secure = listen(sandbox, Listener::kHttps, *https, certificates->server, *idleClose);
  if (!secure) return fail(secure.error());

  const Addresses addresses{urlOf("http", http->host, (*plain)->port()),
                            urlOf("https", https->host, (*secure)->port()), flags.caFile};
  const std::string accountUrl = flags.advertise.empty() ? addresses.httpsUrl : flags.advertise;
  if (flags.certificateFile.empty()) {
    const auto written = writeWhole(flags.caFile, certificates->authorityPem);
    if (!written) return written;
  }
  if (!flags.secretsDirectory.empty()) {
    const auto written =
        writeSecrets(flags.secretsDirectory, accountUrl, *built, certificates->authorityPem);
    if (!written) return written;
  }
  if (!flags.readyFile.empty()) {
    const auto written = writeWhole(flags.readyFile, readyJson(addresses, *plan, *built));
    if (!written) return written;
  }
  std::cout << "cloud-sandbox is ready: " << addresses.httpUrl << ' ' << addresses.httpsUrl
            << std::endl;
  int signal = 0;
  sigwait(&signals, &signal);
  return {};
}

}  // namespace
}  // namespace bco::sandbox

int main(int argc, char** argv) {
  CLI::App app("balenaCloud and ClearBlade IoT Core on loopback, for demo, tests and benchmarks");
  bco::sandbox::Flags flags;
  bco::sandbox::declare(app, flags);
  constexpr int kBadInput = 2;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kBadInput;
  }
  const auto ended = bco::sandbox::run(flags);
  if (ended) return 0;
  std::cerr << "cloud-sandbox: " << ended.error().message << '\n';
  return bco::traitsOf(ended.error().code).transient ? 1 : kBadInput;
}
