// What the tests of the pool share.
#pragma once

#include <gtest/gtest.h>

#include "http/client_pool.h"
#include "tests/http/certificates.h"
#include "tests/http/scripted_server.h"
#include "tests/support/fake_clock.h"

namespace bco::test {

// The library's thread starts once for the whole executable.
class PoolTest : public testing::Test {
 protected:
  static const TestCa& ca();

  // Trusts ca() only.
  [[nodiscard]] static http::PoolOptions options(std::size_t maxInFlight = 8);
  [[nodiscard]] static http::Request get(const std::string& url);
  [[nodiscard]] static http::Request post(const std::string& url, const std::string& body = "{}");

  SystemClock clock_;
};

// The error's text, or "status N".
[[nodiscard]] std::string describe(const Result<http::Response>& result);

}  // namespace bco::test
