#include "balena/token_expiry.h"

#include <gtest/gtest.h>

#include "balena/client.h"
#include "core/text.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scripted_transport.h"

namespace bco::balena {
namespace {

using namespace std::chrono_literals;

const TimePoint kNow = *parseRfc3339("2026-11-23T08:00:00Z");

std::string sessionWith(const std::string& claims) {
  return toBase64Url(R"({"alg":"HS256"})") + "." + toBase64Url(claims) + ".c2lnbmVk";
}

TEST(TokenExpiry, IsReadFromASession) {
  EXPECT_EQ(expiryOfSession(sessionWith(R"({"id":1,"exp":1795420800})")), kNow);
}

TEST(TokenExpiry, IsUnknownOfWhatIsNoSession) {
  for (const std::string& token :
       {std::string("s3cretToken"), std::string("a.b.c"), std::string("..."), std::string(),
        sessionWith(R"({"id":1})"), sessionWith(R"({"exp":"soon"})"), sessionWith("no JSON")}) {
    EXPECT_EQ(expiryOfSession(token), std::nullopt) << token;
  }
}

TEST(TokenExpiry, OfSeveralKeysIsTheFirstThatHasNotEnded) {
  EXPECT_EQ(expiryAmong({{"a", kNow + 48h}, {"b", kNow + 24h}, {"c", kNow - 1h}, {"d", {}}}, kNow),
            kNow + 24h);
  EXPECT_EQ(expiryAmong({{"a", {}}}, kNow), std::nullopt);
  EXPECT_EQ(expiryAmong({}, kNow), std::nullopt);
}

TEST(TokenExpiry, OfAKeyThatBearsOurNameLeavesOthersAside) {
  EXPECT_EQ(expiryAmong({{"ci", kNow + 1h}, {"balena-clearblade-operator", {}}}, kNow),
            std::nullopt);
  EXPECT_EQ(expiryAmong({{"ci", kNow + 1h}, {"balena-clearblade-operator-2", kNow + 9h}}, kNow),
            kNow + 9h);
}

class ClientTokenExpiry : public testing::Test {
 protected:
  void expectKeys(int status, std::string body) {
    transport_.expect(http::Method::kGet, "https://b.example/v7/api_key?$select=name,expiry_date")
        .reply(status, std::move(body));
  }
  test::ScriptedTransport transport_;
  test::FakeClock clock_{kNow};
  SharedSecret token_ = shareSecret(SecretBytes("s3cret"));
  Client client_{transport_, clock_, "https://b.example", [this] { return token_; }};
};

TEST_F(ClientTokenExpiry, IsAskedForOnceAnHour) {
  EXPECT_EQ(client_.tokenExpiry(), std::nullopt);
  expectKeys(200, R"({"d":[{"name":"x","expiry_date":"2026-12-01T00:00:00.000Z"},)"
                  R"({"name":null,"expiry_date":null}]})");
  client_.learnTokenExpiry();
  client_.learnTokenExpiry();
  EXPECT_EQ(client_.tokenExpiry(), parseRfc3339("2026-12-01T00:00:00Z"));
  clock_.advance(1h);
  expectKeys(200, R"({"d":[]})");
  client_.learnTokenExpiry();
  EXPECT_EQ(client_.tokenExpiry(), std::nullopt);
}

TEST_F(ClientTokenExpiry, ThatCantBeLearntIsUnknown) {
  expectKeys(401, "");
  client_.learnTokenExpiry();
  clock_.advance(1h);
  expectKeys(200, R"({"d":[{"name":"x","expiry_date":"never"}]})");
  client_.learnTokenExpiry();
  EXPECT_EQ(client_.tokenExpiry(), std::nullopt);
}

TEST_F(ClientTokenExpiry, OfASessionCostsNoCall) {
  token_ = shareSecret(SecretBytes(sessionWith(R"({"exp":1795420800})")));
  client_.learnTokenExpiry();
  EXPECT_EQ(client_.tokenExpiry(), kNow);
}

}  // namespace
}  // namespace bco::balena
