#include "telemetry/redact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "crypto/keys.h"

namespace bco::telemetry {
namespace {

using testing::HasSubstr;
using testing::Not;

class Redacted : public testing::Test {
 protected:
  const std::string pem_{crypto::PrivateKey::generate().value().toPem().reveal()};
  // The body of the PEM: nothing of it may be left.
  const std::string body_ = pem_.substr(28, 64);

  static std::string replaceAll(std::string text, std::string_view what, std::string_view with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
      text.replace(at, what.size(), with);
    }
    return text;
  }
};

TEST_F(Redacted, LeavesOrdinaryTextAlone) {
  for (const std::string_view text :
       {"", "device provisioned", "uuid 7cf02a69e4d34c9da573914963cf54fd", "-----", "---- BEGIN",
        "eyJhbGciOiJFUzI1NiJ9", "LS0t", "projects/p/locations/l/registries/r"}) {
    EXPECT_EQ(redacted(text), text);
  }
}

TEST_F(Redacted, ReplacesAPemHoweverItsLinesAreWritten) {
  for (const std::string& pem :
       {pem_, replaceAll(pem_, "\n", "\\n"), replaceAll(pem_, "\n", "\r\n"),
        replaceAll(pem_, "\n", "\\\\n"), replaceAll(pem_, "\n", "%0A"), replaceAll(pem_, "\n", " "),
        replaceAll(pem_, "\n", "")}) {
    const std::string text = redacted("before " + pem + "after");
    EXPECT_THAT(text, testing::StartsWith("before [redacted]"));
    EXPECT_THAT(text, testing::EndsWith("after"));
    EXPECT_THAT(text, Not(HasSubstr("PRIVATE")));
    EXPECT_THAT(text, Not(HasSubstr(body_.substr(40))));
  }
}

TEST_F(Redacted, ReplacesAPemWithoutItsEndToTheEndOfTheText) {
  EXPECT_EQ(redacted("x " + pem_.substr(0, 100)), "x [redacted]");
  EXPECT_EQ(redacted("x " + pem_.substr(0, pem_.size() - 4)), "x [redacted]");
}

TEST_F(Redacted, ReplacesEveryOneOfSeveral) {
  EXPECT_EQ(redacted("a " + pem_ + "b " + pem_ + "c " + toBase64(pem_) + " d"),
            "a [redacted]\nb [redacted]\nc [redacted] d");
}

TEST_F(Redacted, ReplacesTheBase64OfAPemWhereverItStands) {
  const std::string value = toBase64(pem_);
  EXPECT_EQ(redacted("value=\"" + value + "\" end"), "value=\"[redacted]\" end");
  EXPECT_EQ(redacted(value), "[redacted]");
  EXPECT_EQ(redacted("t " + toBase64Url(pem_) + " end"), "t [redacted] end");
  // Inside other text that was encoded as a whole, at each place of a group of three bytes.
  for (const std::string_view before : {"{\"v\":\"", "{\"va\":\"", "{\"val\":\""}) {
    EXPECT_EQ(redacted("x " + toBase64(std::string(before) + pem_) + " y"), "x [redacted] y")
        << before;
  }
}

TEST_F(Redacted, ReplacesTheBodyOfAKeyWithoutItsFrame) {
  EXPECT_EQ(redacted("key " + body_ + " end"), "key [redacted] end");
  EXPECT_EQ(redacted("MHcCAQEEIOZfZ0yKzhU7Yj0Jb8DUZ6jhUCq0GyWvV1"), "[redacted]");
}

}  // namespace
}  // namespace bco::telemetry
