#include "crypto/hkdf.h"

#include <gtest/gtest.h>

#include "core/text.h"

namespace bco::crypto {
namespace {

std::string octetsOf(std::string_view hex) {
  const auto bytes = fromHex(hex).value();
  return {bytes.begin(), bytes.end()};
}
std::string range(int first, int last) {
  std::string bytes;
  for (int i = first; i <= last; ++i) bytes += static_cast<char>(i);
  return bytes;
}

struct Case {
  std::string_view name;
  std::string key;
  std::string salt;
  std::string info;
  std::string output;
};

// RFC 5869, appendix A.1 to A.3.
TEST(Hkdf, AgreesWithRfc5869) {
  const Case cases[] = {
      {"A.1", std::string(22, 0x0b), range(0, 0x0c), range(0xf0, 0xf9),
       octetsOf("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                "34007208d5b887185865")},
      {"A.2", range(0, 0x4f), range(0x60, 0xaf), range(0xb0, 0xff),
       octetsOf("b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
                "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
                "cc30c58179ec3e87c14c01d5c1f3434f1d87")},
      {"A.3", std::string(22, 0x0b), "", "",
       octetsOf("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                "9d201395faa4b61a96c8")},
  };
  for (const Case& c : cases) {
    const auto output = hkdfSha256(SecretBytes(c.key), c.salt, c.info, c.output.size());
    ASSERT_TRUE(output) << c.name;
    EXPECT_TRUE(output->equals(c.output)) << c.name;
  }
}

TEST(Hkdf, FailsAsAValueAndGoesOnAfterwards) {
  const auto tooLong = hkdfSha256(SecretBytes("key"), {}, "info", 255 * 32 + 1);
  ASSERT_FALSE(tooLong);
  EXPECT_EQ(tooLong.error().code, ErrorCode::kInternal);
  EXPECT_TRUE(hkdfSha256(SecretBytes("key"), {}, "info", 32));
}

TEST(Hkdf, KeepsNothingOfTheCallBefore) {
  const auto first = hkdfSha256(SecretBytes("key"), {}, {}, 32);
  ASSERT_TRUE(hkdfSha256(SecretBytes("other"), "salt", "info", 32));
  const auto again = hkdfSha256(SecretBytes("key"), {}, {}, 32);
  ASSERT_TRUE(first && again);
  EXPECT_TRUE(first->equals(again->reveal()));
}

}  // namespace
}  // namespace bco::crypto
