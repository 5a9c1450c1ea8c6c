#include "crypto/curve.h"

#include <gtest/gtest.h>

#include "core/text.h"

namespace bco::crypto {
namespace {

constexpr std::string_view kOrderMinus1 =
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550";
constexpr std::string_view kOrderMinus2 =
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63254f";
constexpr std::string_view kOrder =
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
constexpr std::string_view kGeneratorX =
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";

SecretBytes bytesOf(std::string_view hex) {
  const auto bytes = fromHex(hex).value();
  return SecretBytes(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}
std::string hexOf(const SecretBytes& secret) {
  const auto bytes = secret.reveal();
  return toHex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}
std::string repeated(std::string_view byte) {
  std::string text;
  for (int i = 0; i < 32; ++i) text += byte;
  return text;
}

TEST(ScalarOfCandidate, IsOneMoreThanTheCandidate) {
  EXPECT_EQ(hexOf(*scalarOfCandidate(bytesOf(repeated("00")))), repeated("00").replace(63, 1, "1"));
  EXPECT_EQ(hexOf(*scalarOfCandidate(bytesOf(repeated("00").replace(62, 2, "ff")))),
            repeated("00").replace(60, 4, "0100"))
      << "the carry goes on";
}

TEST(ScalarOfCandidate, TakesCandidatesUpToTheOrderLessTwo) {
  EXPECT_EQ(hexOf(*scalarOfCandidate(bytesOf(kOrderMinus2))), kOrderMinus1);
  EXPECT_FALSE(scalarOfCandidate(bytesOf(kOrderMinus1)));
  EXPECT_FALSE(scalarOfCandidate(bytesOf(kOrder)));
  EXPECT_FALSE(scalarOfCandidate(bytesOf(repeated("ff")))) << "the addition overflows";
}

TEST(ScalarOfCandidate, NeedsThirtyTwoBytes) {
  EXPECT_FALSE(scalarOfCandidate(bytesOf(repeated("00").substr(2))));
  EXPECT_FALSE(scalarOfCandidate(bytesOf(repeated("00") + "00")));
}

TEST(FirstAcceptedScalar, SkipsCandidatesThatAreTooLarge) {
  std::vector<int> asked;
  const auto scalar = firstAcceptedScalar([&](std::uint8_t attempt) -> Result<SecretBytes> {
    asked.push_back(attempt);
    return bytesOf(attempt < 2 ? kOrder : kOrderMinus2);
  });
  ASSERT_TRUE(scalar);
  EXPECT_EQ(hexOf(*scalar), kOrderMinus1);
  EXPECT_EQ(asked, (std::vector<int>{0, 1, 2}));
}

TEST(FirstAcceptedScalar, GivesUpOnASourceThatIsBroken) {
  int asked = 0;
  const auto scalar = firstAcceptedScalar([&](std::uint8_t) -> Result<SecretBytes> {
    ++asked;
    return bytesOf(kOrder);
  });
  ASSERT_FALSE(scalar);
  EXPECT_EQ(scalar.error().code, ErrorCode::kInternal);
  EXPECT_EQ(asked, 256);
}

TEST(FirstAcceptedScalar, HandsTheSourcesErrorOn) {
  const auto scalar = firstAcceptedScalar(
      [](std::uint8_t) -> Result<SecretBytes> { return fail(ErrorCode::kInternal, "no entropy"); });
  ASSERT_FALSE(scalar);
  EXPECT_EQ(scalar.error().message, "no entropy");
}

TEST(PublicPoint, IsTheGeneratorForOneAndItsMirrorForTheOrderLessOne) {
  const auto one = publicPoint(bytesOf(repeated("00").replace(63, 1, "1")));
  ASSERT_TRUE(one);
  EXPECT_EQ(toHex(*one), "04" + std::string(kGeneratorX) +
                             "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
  const auto last = publicPoint(bytesOf(kOrderMinus1));
  ASSERT_TRUE(last);
  EXPECT_EQ(toHex(*last), "04" + std::string(kGeneratorX) +
                              "b01cbd1c01e58065711814b583f061e9d431cca994cea1313449bf97c840ae0a");
}

TEST(PublicPoint, AgreesWithRfc6979) {
  const auto point =
      publicPoint(bytesOf("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"));
  ASSERT_TRUE(point);
  EXPECT_EQ(toHex(*point),
            "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
            "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
}

TEST(PublicPoint, RefusesScalarsOutOfRange) {
  const std::string tooShort = repeated("01").substr(2);
  for (const std::string_view hex :
       {std::string_view(kOrder), std::string_view(tooShort), std::string_view("")}) {
    const auto point = publicPoint(bytesOf(hex));
    ASSERT_FALSE(point) << hex;
    EXPECT_EQ(point.error().code, ErrorCode::kInvalid);
  }
  EXPECT_FALSE(publicPoint(bytesOf(repeated("00"))));
  EXPECT_FALSE(publicPoint(bytesOf(repeated("ff"))));
}

TEST(IsOnCurve, TellsPointsFromOtherBytes) {
  Point point = *publicPoint(bytesOf(kOrderMinus1));
  EXPECT_TRUE(isOnCurve(point));
  point[64] ^= 1;
  EXPECT_FALSE(isOnCurve(point));
  point[64] ^= 1;
  point[0] = 6;  // the "hybrid" form, which nobody writes
  EXPECT_FALSE(isOnCurve(point));
  EXPECT_FALSE(isOnCurve(Point{}));
}

}  // namespace
}  // namespace bco::crypto
