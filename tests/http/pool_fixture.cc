#include "tests/http/pool_fixture.h"

#include "http/runtime.h"

namespace bco::test {

namespace {
// Before any test's thread.
const bool kInitialized = [] {
  http::initializeHttp();
  return true;
}();
}  // namespace

const TestCa& PoolTest::ca() {
  static const TestCa instance;
  return instance;
}

http::PoolOptions PoolTest::options(std::size_t maxInFlight) {
  static const auto trust = http::Trust::load({.system = false, .extraPem = ca().pem()});
  return {.trust = *trust, .maxInFlight = maxInFlight};
}

http::Request PoolTest::get(const std::string& url) {
  http::Request request;
  request.url = url;
  return request;
}

http::Request PoolTest::post(const std::string& url, const std::string& body) {
  http::Request request;
  request.method = http::Method::kPost;
  request.callClass = http::CallClass::kCreateDelete;
  request.url = url;
  request.body = SecretBytes(body);
  return request;
}

std::string describe(const Result<http::Response>& result) {
  return result ? "status " + std::to_string(result->status) : result.error().message;
}

}  // namespace bco::test

#if defined(__SANITIZE_ADDRESS__)
// The library's thread ends after OpenSSL and asio have cleaned up, so what they keep for each
// thread counts as lost at exit. Whole stacks, to name just that.
extern "C" const char* __asan_default_options() { return "fast_unwind_on_malloc=0"; }
extern "C" const char* __lsan_default_suppressions() {
  return "leak:ERR_set_mark\nleak:ERR_clear_error\nleak:RAND_get0\nleak:start_proxy_connect\n";
}
#endif
