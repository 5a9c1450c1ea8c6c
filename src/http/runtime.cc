#include "http/runtime.h"

#include <malloc.h>
#include <openssl/x509.h>

// Before the next one, whose Boost 1.74 forgets it.
#include <utility>

#include <pplx/pplxtasks.h>
#include <pplx/threadpool.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>

namespace bco::http {

namespace {

std::string findCertificateFile() {
  if (const char* configured = std::getenv(X509_get_default_cert_file_env());
      configured != nullptr && *configured != '\0') {
    return configured;
  }
  for (const char* file : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           X509_get_default_cert_file()}) {
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored)) return file;
  }
  return {};
}

// Runs a task where it becomes ready.
struct InlineScheduler final : pplx::scheduler_interface {
  void schedule(pplx::TaskProc_t procedure, void* argument) override { procedure(argument); }
};

}  // namespace

const std::string& systemCertificateFile() {
  static const std::string file = findCertificateFile();
  return file;
}

void initializeHttp() {
  static_cast<void>(systemCertificateFile());  // remembered before the next lines hide it
  ::setenv(X509_get_default_cert_file_env(), "", 1);
  ::setenv(X509_get_default_cert_dir_env(), "", 1);
  ::mallopt(M_ARENA_MAX, 2);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    pplx::set_ambient_scheduler(std::make_shared<InlineScheduler>());
    crossplat::threadpool::initialize_with_threads(1);
  } catch (const std::exception&) {
    // It runs already: this is a second call.
  }
}

}  // namespace bco::http
