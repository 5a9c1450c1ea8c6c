#include "kube/token.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/support/fake_clock.h"

namespace bco::kube {
namespace {

using namespace std::chrono_literals;

class TokenTest : public testing::Test {
 protected:
  void write(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }
  void TearDown() override { std::filesystem::remove(path_); }

  // The header value, or the error's text.
  static std::string valueOf(TokenSource& source) {
    const auto value = source.authorization();
    return value ? std::string((*value)->reveal()) : value.error().message;
  }

  test::FakeClock clock_;
  const std::string path_ = testing::TempDir() + "/token-" +
                            testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(TokenTest, MayStayTheSameForEver) {
  const auto source = TokenSource::fixed(SecretBytes("word\n"));
  EXPECT_EQ(valueOf(*source), "Bearer word");
  EXPECT_FALSE(source->renew(*source->authorization()));
}

TEST_F(TokenTest, IsReadAgainFromItsFileAfterAMinuteAndNotBefore) {
  write("one\n");
  const auto source = TokenSource::file(path_, clock_);
  EXPECT_EQ(valueOf(*source), "Bearer one");
  write("two");
  clock_.advance(59s);
  EXPECT_EQ(valueOf(*source), "Bearer one");
  clock_.advance(1s);
  EXPECT_EQ(valueOf(*source), "Bearer two");
}

TEST_F(TokenTest, IsReadAgainAtOnceWhenItWasRefused) {
  write("one");
  const auto source = TokenSource::file(path_, clock_);
  const auto one = *source->authorization();
  EXPECT_FALSE(source->renew(one)) << "the file says the same";
  write("two");
  EXPECT_TRUE(source->renew(one));
  EXPECT_EQ(valueOf(*source), "Bearer two");
  write("three");
  EXPECT_TRUE(source->renew(one)) << "somebody else has renewed it meanwhile";
  EXPECT_EQ(valueOf(*source), "Bearer two") << "and two was not refused";
}

TEST_F(TokenTest, StaysTheSameObjectWhileTheFileSaysTheSame) {
  write("one");
  const auto source = TokenSource::file(path_, clock_);
  const auto one = *source->authorization();
  clock_.advance(1min);
  EXPECT_EQ(*source->authorization(), one);
}

TEST_F(TokenTest, IsKeptWhileItsFileCannotBeReadOrHoldsNone) {
  write("one");
  const auto source = TokenSource::file(path_, clock_);
  EXPECT_EQ(valueOf(*source), "Bearer one");
  std::filesystem::remove(path_);
  clock_.advance(1min);
  EXPECT_EQ(valueOf(*source), "Bearer one");
  write("");
  clock_.advance(1min);
  EXPECT_EQ(valueOf(*source), "Bearer one");
}

TEST_F(TokenTest, IsAnErrorUntilItsFileIsThere) {
  const auto source = TokenSource::file(path_, clock_);
  EXPECT_EQ(source->authorization().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(valueOf(*source), "cannot read the Kubernetes token in " + path_);
  write("one");
  clock_.advance(1min);
  EXPECT_EQ(valueOf(*source), "Bearer one");
}

TEST_F(TokenTest, IsRefusedWhenItCouldNotBeOne) {
  for (const std::string text : {"", " \n", "a b", "a\nb", "a\x01", "\xc3\xa4"}) {
    const auto source = TokenSource::fixed(SecretBytes(text));
    ASSERT_FALSE(source->authorization());
    EXPECT_EQ(source->authorization().error().code, ErrorCode::kUnauthenticated);
  }
  EXPECT_THAT(valueOf(*TokenSource::fixed(SecretBytes("geheim x"))),
              testing::Not(testing::HasSubstr("geheim")));
}

TEST_F(TokenTest, IsRefusedWhenItsFileIsHuge) {
  write(std::string(100'000, 'x'));
  EXPECT_FALSE(TokenSource::file(path_, clock_)->authorization());
}

}  // namespace
}  // namespace bco::kube
