#include "crypto/jwt.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/text.h"
#include "tests/crypto/vectors.h"

namespace bco::crypto {
namespace {

PublicKey keyOf(std::string_view x, std::string_view y) {
  const std::string bytes = "\x04" + fromBase64Url(x).value() + fromBase64Url(y).value();
  std::array<std::uint8_t, 65> point;
  std::copy(bytes.begin(), bytes.end(), point.begin());
  return PublicKey(point);
}

// RFC 7515, appendix A.3.
constexpr std::string_view kRfcToken =
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
    "pmWQxfKTUJqPP3-Kg6NU1Q";

TEST(Jwt, ReadsAndVerifiesTheTokenOfRfc7515) {
  const auto jwt = splitJwt(kRfcToken);
  ASSERT_TRUE(jwt) << jwt.error().message;
  EXPECT_EQ(jwt->header, R"({"alg":"ES256"})");
  EXPECT_EQ(jwt->claims,
            "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}");
  EXPECT_EQ(jwt->signature.size(), 64U);
  const PublicKey key = keyOf("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                              "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
  EXPECT_TRUE(key.verify(jwt->signedPart, jwt->signature));
  EXPECT_FALSE(test::firstKey().publicKey().verify(jwt->signedPart, jwt->signature));
}

TEST(Jwt, SignsWhatItsOwnReaderAndKeyAccept) {
  const PrivateKey key = test::firstKey();
  const std::string claims = R"({"aud":"my-project","iat":1763880000,"exp":1763883600})";
  const auto token = signJwt(claims, key);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->find_first_of("+/="), std::string::npos);
  const auto jwt = splitJwt(*token);
  ASSERT_TRUE(jwt);
  EXPECT_EQ(jwt->header, R"({"alg":"ES256","typ":"JWT"})");
  EXPECT_EQ(jwt->claims, claims);
  EXPECT_TRUE(key.publicKey().verify(jwt->signedPart, jwt->signature));
}

TEST(Jwt, RefusesWhatIsNotThreePartsOfBase64Url) {
  for (const std::string_view token :
       {"", "..a", "a", "YQ", "YQ.YQ", "YQ.YQ.YQ.YQ", "YQ==.YQ.YQ", "YQ.Y+8.YQ", "YQ.YQ.Y/8",
        "YQ.YQ.YQ\n", " YQ.YQ.YQ", "YR.YQ.YQ", "YQ.YQ.Y"}) {
    const auto jwt = splitJwt(token);
    ASSERT_FALSE(jwt) << token;
    EXPECT_EQ(jwt.error().code, ErrorCode::kInvalid);
  }
}

TEST(Jwt, TakesEmptyPartsForTheyAreBase64UrlOfNothing) {
  const auto jwt = splitJwt("..");
  ASSERT_TRUE(jwt);
  EXPECT_EQ(jwt->signature, "");
  EXPECT_FALSE(test::firstKey().publicKey().verify(jwt->signedPart, jwt->signature));
}

}  // namespace
}  // namespace bco::crypto
