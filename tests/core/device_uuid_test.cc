#include "core/device_uuid.h"

#include <gtest/gtest.h>

namespace bco {
namespace {

TEST(DeviceUuid, KeepsBothLengths) {
  for (const std::string text :
       {"0123456789abcdef0123456789abcdef",
        "00f123456789abcdef0123456789abcdef0123456789abcdef0123456789ab"}) {
    const auto uuid = DeviceUuid::parse(text);
    ASSERT_TRUE(uuid) << text;
    EXPECT_EQ(uuid->text(), text);
  }
}

TEST(DeviceUuid, IsNothingElse) {
  for (const std::string text : {"", "0123456789abcdef", "0123456789ABCDEF0123456789abcdef",
                                 "0123456789abcdef0123456789abcdeg"}) {
    EXPECT_FALSE(DeviceUuid::parse(text)) << text;
  }
}

TEST(DeviceUuid, EqualsItselfAlone) {
  const auto a = *DeviceUuid::parse("0123456789abcdef0123456789abcdef");
  const auto b = *DeviceUuid::parse("0123456789abcdef0123456789abcdee");
  const auto longer = *DeviceUuid::parse("0123456789abcdef0123456789abcdef" + std::string(30, '0'));
  EXPECT_EQ(a, a);
  EXPECT_NE(a, b);
  EXPECT_NE(a, longer) << "by its length alone";
  EXPECT_LT(b, a);
  EXPECT_EQ(std::hash<DeviceUuid>()(a), std::hash<DeviceUuid>()(DeviceUuid(a)));
}

}  // namespace
}  // namespace bco
