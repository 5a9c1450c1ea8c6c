#include "core/text.h"

#include <gtest/gtest.h>

#include "core/utf8.h"
#include "tests/support/fake_random.h"

namespace bco {
namespace {

using Strings = std::vector<std::string_view>;

TEST(Hex, WritesLowerCaseAndReadsBoth) {
  const std::vector<std::uint8_t> bytes = {0x00, 0x0f, 0xa5, 0xff};
  EXPECT_EQ(toHex(bytes), "000fa5ff");
  EXPECT_EQ(toHex({}), "");
  EXPECT_EQ(fromHex("000fa5ff"), bytes);
  EXPECT_EQ(fromHex("000FA5fF"), bytes);
  EXPECT_EQ(fromHex(""), std::vector<std::uint8_t>{});
  for (const std::string_view text : {"0", "0g", "g0", " 0", "0x00", "00 "}) {
    EXPECT_EQ(fromHex(text), std::nullopt) << text;
  }
}

TEST(Printable, KeepsWhatPeopleWriteAndNothingThatMovesACursor) {
  const std::string bad = "\xef\xbf\xbd";
  for (const std::string_view text : {"", "lively-meadow", "Tür 7 \xe2\x82\xac \xf0\x9f\x8c\xb1"}) {
    EXPECT_EQ(printable(text), text);
  }
  EXPECT_EQ(printable("a\x1b[2Jb"), "a" + bad + "[2Jb");
  EXPECT_EQ(printable("a\nb\tc\x7f"), "a" + bad + "b" + bad + "c" + bad);
  EXPECT_EQ(printable("\xc2\x9b"
                      "1m"),
            bad + "1m")
      << "C1: CSI in one character";
  EXPECT_EQ(printable("a\u202eb\u2066\u2028"), "a" + bad + "b" + bad + bad);
  EXPECT_EQ(printable("\xff\xc3"), bad + bad) << "no UTF-8";
  EXPECT_EQ(printable(std::string_view("\0x", 2)), bad + "x");
}

// RFC 4648, section 10.
TEST(Base64, AgreesWithRfc4648) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(toBase64(bytes), text);
    EXPECT_EQ(fromBase64(text), bytes);
    const std::string_view unpadded = text.substr(0, text.find('='));
    EXPECT_EQ(toBase64Url(bytes), unpadded);
    EXPECT_EQ(fromBase64Url(unpadded), bytes);
  }
  EXPECT_EQ(toBase64("\xfb\xff\xfe"), "+//+");
  EXPECT_EQ(toBase64Url("\xfb\xff\xfe"), "-__-");
}

TEST(Base64, IsStrict) {
  for (const std::string_view text :
       {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zg==Zg==", "Zm8=\n",
        " Zm8=", "Zm\n8=", "Z-8=", "Zh==", "Zm9=", "Zg=a", "Zm9v=", "Zm9vZ"}) {
    EXPECT_EQ(fromBase64(text), std::nullopt) << text;
  }
  for (const std::string_view text :
       {"Zg==", "Zm8=", "Z", "Zh", "Zm9", "Zm+v", "Zm/v", "Zm9v Zg"}) {
    EXPECT_EQ(fromBase64Url(text), std::nullopt) << text;
  }
}

TEST(Base64, ReadsBackWhateverItWrites) {
  test::FakeRandom random;
  for (std::size_t size = 0; size < 200; ++size) {
    std::vector<std::uint8_t> bytes(size);
    random.fill(bytes);
    const std::string text(bytes.begin(), bytes.end());
    EXPECT_EQ(fromBase64(toBase64(text)), text);
    EXPECT_EQ(fromBase64Url(toBase64Url(text)), text);
    EXPECT_EQ(fromHex(toHex(bytes)), bytes);
    EXPECT_EQ(percentDecode(percentEncode(text), true), text);
  }
}

TEST(Percent, EscapesAllButUnreservedCharacters) {
  EXPECT_EQ(percentEncode("azAZ09-._~"), "azAZ09-._~");
  EXPECT_EQ(percentEncode("a b/c?d=e&f+g'%(),\"\\"),
            "a%20b%2Fc%3Fd%3De%26f%2Bg%27%25%28%29%2C%22%5C");
  EXPECT_EQ(percentEncode("ä"), "%C3%A4");
  EXPECT_EQ(percentEncode(std::string_view("\0\n", 2)), "%00%0A");
}

TEST(Percent, DecodesAndRefusesHalfEscapes) {
  EXPECT_EQ(percentDecode("a%20b%2fc%2F", false), "a b/c/");
  EXPECT_EQ(percentDecode("a+b", false), "a+b");
  EXPECT_EQ(percentDecode("a+b%2B", true), "a b+");
  EXPECT_EQ(percentDecode("%41", false), "A");
  EXPECT_EQ(percentDecode("%2541", false), "%41") << "once only";
  for (const std::string_view text : {"%", "%4", "a%", "%4g", "%g4", "%%41", "% 41"}) {
    EXPECT_EQ(percentDecode(text, false), std::nullopt) << text;
  }
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_EQ(split("a;b;c", ';'), (Strings{"a", "b", "c"}));
  EXPECT_EQ(split(";a;;", ';'), (Strings{"", "a", "", ""}));
  EXPECT_EQ(split("", ';'), (Strings{""}));
  EXPECT_EQ(split("a", ';'), (Strings{"a"}));
}

TEST(Trim, TakesSpaceOffBothEnds) {
  EXPECT_EQ(trim(" \t\r\na b\n "), "a b");
  EXPECT_EQ(trim("a"), "a");
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim(" \n"), "");
}

TEST(Case, FoldsAsciiOnly) {
  EXPECT_EQ(toLower("AZaz09-Ä"), "azaz09-Ä");
  EXPECT_TRUE(equalsIgnoreCase("Retry-After", "retry-AFTER"));
  EXPECT_FALSE(equalsIgnoreCase("Retry-After", "Retry-Afte"));
  EXPECT_FALSE(equalsIgnoreCase("@", "`")) << "they differ by the bit that case does";
  EXPECT_TRUE(equalsIgnoreCase("", ""));
}

TEST(DeviceUuid, Is32Or62LowerCaseHexDigits) {
  const std::string hex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  EXPECT_TRUE(isDeviceUuid(hex.substr(0, 32)));
  EXPECT_TRUE(isDeviceUuid(hex.substr(0, 62)));
  for (const std::size_t size : {0U, 7U, 31U, 33U, 61U, 63U, 64U}) {
    EXPECT_FALSE(isDeviceUuid(hex.substr(0, size))) << size;
  }
  EXPECT_FALSE(isDeviceUuid("0123456789ABCDEF0123456789ABCDEF"));
  EXPECT_FALSE(isDeviceUuid("0123456789abcdeg0123456789abcdef"));
  EXPECT_FALSE(isDeviceUuid("7cf02a69-e4d3-4c9d-a573-914963cf"));
}

TEST(Utf8, KnowsTheSizeOfEveryCharacterAndNoneOfOtherBytes) {
  EXPECT_EQ(utf8Size("a"), 1U);
  EXPECT_EQ(utf8Size(std::string_view("\0", 1)), 1U);
  EXPECT_EQ(utf8Size("\xc2\x80"), 2U);
  EXPECT_EQ(utf8Size("\xe0\xa0\x80 and more"), 3U);
  EXPECT_EQ(utf8Size("\xed\x9f\xbf"), 3U);
  EXPECT_EQ(utf8Size("\xf0\x90\x80\x80"), 4U);
  EXPECT_EQ(utf8Size("\xf4\x8f\xbf\xbf"), 4U);
  for (const std::string_view text :
       {"", "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2 ", "\xe0\x9f\xbf", "\xe1\x80",
        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
        "\xf1\x80\x80"}) {
    EXPECT_EQ(utf8Size(text), 0U);
  }
}

}  // namespace
}  // namespace bco
