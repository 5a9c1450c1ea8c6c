#include "http/trust_cache.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>

#include "tests/http/certificates.h"
#include "tests/support/fake_clock.h"

namespace bco::http {
namespace {

TEST(TrustCache, LoadsWhatIsInUseOnceAndDropsTheRest) {
  SystemClock clock;
  TrustCache cache(clock);
  const test::TestCa ca;
  const test::TestCa other("other");
  const auto used = cache.get(ca.pem());
  ASSERT_TRUE(used);
  EXPECT_EQ(cache.get(ca.pem())->store(), used->store());
  X509_STORE* const unused = cache.get(other.pem())->store();
  X509_STORE_up_ref(unused);  // what is loaded next can't lie where this lay
  EXPECT_EQ(cache.get(ca.pem())->store(), used->store());
  EXPECT_NE(cache.get(other.pem())->store(), unused);
  X509_STORE_free(unused);
}

TEST(TrustCache, SaysWhatIsWrongAndGoesOn) {
  SystemClock clock;
  TrustCache cache(clock);
  EXPECT_EQ(cache.get("not PEM").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(cache.get("not PEM").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(cache.get("").error().code, ErrorCode::kInvalid) << "nothing is not the system's";
  EXPECT_TRUE(cache.get(test::TestCa().pem()));
}

}  // namespace
}  // namespace bco::http
