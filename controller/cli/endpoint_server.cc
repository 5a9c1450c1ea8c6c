#include "cli/endpoint_server.h"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <system_error>
#include <utility>

#include "cli/listen_address.h"
#include "metrics/endpoint_metrics.h"
#include "reconcile/inputs.h"

namespace bco::cli {
namespace {

constexpr Duration kEndpointFilesLook = std::chrono::seconds(1);
// Between two looks at whether the last replies have been read.
constexpr Duration kDrainLook = std::chrono::milliseconds(10);
constexpr std::size_t kMostCallers = 4096;
// With all connections far less than a small container has (docs/threat-model.md).
constexpr std::size_t kMostHeldBytes = 32 * 1024 * 1024;
constexpr int kSocketBufferBytes = 8 * 1024;
// For everything that is not a caller's connection.
constexpr std::size_t kOwnDescriptors = 256;

Result<SecretBytes> readWhole(const std::filesystem::path& path) {
  std::ifstream file;
  file.rdbuf()->pubsetbuf(nullptr, 0);  // nothing is left in a buffer that nobody wipes
  file.open(path, std::ios::binary);
  std::error_code unknown;
  const auto size = std::filesystem::file_size(path, unknown);
  std::string text(unknown ? 0 : size, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    return fail(ErrorCode::kInvalid, "can't read " + path.string());
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return SecretBytes::take(std::move(text));
}

// As many as there may be descriptors for, without taking those that the clouds need.
std::size_t connectionLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kOwnDescriptors;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{std::min<rlim_t>(limit.rlim_max, kMostCallers + kOwnDescriptors),
                        limit.rlim_max};
    if (raised.rlim_cur > limit.rlim_cur && setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  const auto descriptors = static_cast<std::size_t>(limit.rlim_cur);
  const std::size_t left = descriptors > kOwnDescriptors ? descriptors - kOwnDescriptors : 64;
  return std::min(left, kMostCallers);
}

endpoint::EndpointOptions optionsOf(const EndpointFlags& flags, bool storeBlocks) {
  endpoint::EndpointOptions options;
  options.authenticatePosts = flags.auth == "token";
  options.deadline = flags.deadline;
  options.total = {flags.rate, 2 * flags.rate};
  options.perAddress = {flags.ratePerAddress, 10 * flags.ratePerAddress};
  if (flags.ratePerAddress <= 0) options.strangers = {};
  options.perDevice = {flags.ratePerDevice, 40 * flags.ratePerDevice};
  options.storeBlocks = storeBlocks;
  return options;
}

}  // namespace

EndpointServer::EndpointServer(const EndpointFlags& flags, const Parts& parts)
    : flags_(flags),
      context_(parts.context),
      endpoint_(std::make_unique<endpoint::Endpoint>(
          parts.context, parts.fleets, optionsOf(flags, parts.storeBlocks), parts.isReady)) {}

EndpointServer::~EndpointServer() {
  watcher_ = {};
  server_.reset();
}

Result<std::unique_ptr<EndpointServer>> EndpointServer::start(const EndpointFlags& flags,
                                                              const Parts& parts,
                                                              metrics::Metrics& metrics) {
  std::unique_ptr<EndpointServer> server(new EndpointServer(flags, parts));
  if (Status opened = server->open(); !opened) {
    return fail(withContext(std::move(opened.error()), "the endpoint"));
  }
  // A scrape that is under way when all ends keeps the counts alone.
  metrics.add([weak = std::weak_ptr(server->endpoint_->counting())](auto& families) {
    if (const auto counting = weak.lock()) metrics::addEndpoint(families, counting->snapshot());
  });
  return server;
}

Status EndpointServer::open() {
  auto address = parseListenAddress(flags_.address);
  if (!address) {
    return fail(ErrorCode::kInvalid,
                "--endpoint-addr " + flags_.address + ": expected HOST:PORT, such as 0.0.0.0:8080");
  }
  used_ = fingerprint();
  if (!flags_.tokenFile.empty()) {
    if (Status read = readTokens(); !read) return read;
  }
  server::Options options;
  options.address = address->host;
  options.port = address->port;
  options.maxHeadBytes = 8 * 1024;
  options.maxBodyBytes = 16 * 1024;
  options.bodyTimeout = std::chrono::seconds(10);
  options.maxConnections = connectionLimit();
  options.maxHeldBytes = kMostHeldBytes;
  options.socketBufferBytes = kSocketBufferBytes;
  options.onRefusal = [this](int status, const std::string& peer) {
    return endpoint_->refuse(status, peer);
  };
  if (!flags_.tlsCertificate.empty()) {
    auto tls = readTls();
    if (!tls) return fail(std::move(tls.error()));
    options.tls = std::move(*tls);
  }
  auto server = server::HttpServer::start(
      options, [this](server::Request request, server::Responder respond) {
        endpoint_->handle(std::move(request), std::move(respond));
      });
  if (!server) return fail(std::move(server.error()));
  server_ = std::move(*server);
  address->port = server_->port();
  context_.log.info("the endpoint listens",
                    {{"address", toString(*address)}, {"tls", !flags_.tlsCertificate.empty()}});
  watcher_ = std::jthread([this](const std::stop_token& stop) { followFiles(stop); });
  return {};
}

Status EndpointServer::readTokens() {
  const auto text = readWhole(flags_.tokenFile);
  if (!text) return fail(text.error());
  auto tokens = endpoint::parseTokens(*text);
  if (!tokens) return fail(withContext(std::move(tokens.error()), flags_.tokenFile.string()));
  if (tokens->empty() && server_ == nullptr) {
    return fail(ErrorCode::kInvalid, flags_.tokenFile.string() + ": there is no token: one a line");
  }
  if (tokens->empty()) {  // all have been taken back
    context_.log.warn("the endpoint's token file is empty: no token is accepted");
  }
  endpoint_->setTokens(std::move(*tokens));
  return {};
}

Result<server::TlsFiles> EndpointServer::readTls() const {
  auto certificate = readWhole(flags_.tlsCertificate);
  if (!certificate) return fail(std::move(certificate.error()));
  auto key = readWhole(flags_.tlsKey);
  if (!key) return fail(std::move(key.error()));
  return server::TlsFiles{std::string(certificate->reveal()), std::string(key->reveal())};
}

std::string EndpointServer::fingerprint() const {
  std::string all;
  for (const auto& path : {flags_.tokenFile, flags_.tlsCertificate, flags_.tlsKey}) {
    if (path.empty()) continue;
    const auto text = readWhole(path);
    all += text ? digestOfInputs({text->reveal()}) : "missing";
  }
  return all;
}

void EndpointServer::followFiles(const std::stop_token& stop) {
  std::string told;
  while (sleepFor(context_.clock, kEndpointFilesLook, stop)) {
    const std::string now = fingerprint();
    if (now == used_ || now == told) continue;
    Status used = flags_.tokenFile.empty() ? Status() : readTokens();
    if (used && !flags_.tlsCertificate.empty()) {
      auto tls = readTls();
      used = tls ? server_->useTls(*tls) : fail(std::move(tls.error()));
    }
    if (used) {
      used_ = now;
      context_.log.info("the endpoint's files are read again");
    } else {
      // A key is often replaced a moment after its certificate: looked at again when it changes.
      told = now;
      context_.log.error("the endpoint's changed files are not used; what was read before stays",
                         {{"error", used.error().message}});
    }
  }
}

void EndpointServer::drain(Duration grace) {
  const SteadyPoint deadline = context_.clock.steadyNow() + grace;
  server_->drain();
  endpoint_->drain(deadline);
  const SteadyPoint end = context_.clock.steadyNow() + std::chrono::seconds(1);
  while (server_->connections() > 0 && context_.clock.steadyNow() < end) {
    (void)sleepFor(context_.clock, kDrainLook, {});
  }
}

}  // namespace bco::cli
