#include "http/trust.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>

#include "tests/http/certificates.h"

namespace bco::http {
namespace {

int certificatesIn(const Trust& trust) {
  return sk_X509_OBJECT_num(X509_STORE_get0_objects(trust.store()));
}

TEST(Trust, HoldsTheExtraCertificatesAloneOrBesideTheSystems) {
  const test::TestCa one("one");
  const test::TestCa two("two");
  const auto extra = Trust::load({.system = false, .extraPem = one.pem() + two.pem()});
  ASSERT_TRUE(extra);
  EXPECT_EQ(certificatesIn(*extra), 2);
  const auto both = Trust::load({.system = true, .extraPem = one.pem()});
  ASSERT_TRUE(both);
  EXPECT_GT(certificatesIn(*both), 1) << "the system has a bundle, though its paths are hidden";
}

TEST(Trust, NeedsSomethingToTrust) {
  EXPECT_FALSE(Trust::load({.system = false, .extraPem = ""}));
  const auto nonsense = Trust::load({.system = false, .extraPem = "not PEM"});
  ASSERT_FALSE(nonsense);
  EXPECT_EQ(nonsense.error().code, ErrorCode::kInvalid);
}

TEST(Trust, IsSharedByItsCopies) {
  const test::TestCa ca;
  const auto trust = Trust::load({.system = false, .extraPem = ca.pem()});
  ASSERT_TRUE(trust);
  const Trust copy = *trust;  // NOLINT: the copy is what is tested
  EXPECT_EQ(copy.store(), trust->store());
}

}  // namespace
}  // namespace bco::http
