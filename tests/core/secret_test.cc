#include "core/secret.h"

#include <gtest/gtest.h>

#include <sstream>
#include <type_traits>

namespace bco {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(!Printable<SecretBytes>);
static_assert(!std::is_copy_constructible_v<SecretBytes> &&
              !std::is_copy_assignable_v<SecretBytes>);
static_assert(!std::is_convertible_v<SecretBytes, std::string_view>);
static_assert(!std::is_convertible_v<std::string, SecretBytes>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes>);

const std::string kLong(100, 's');

TEST(Secret, HoldsWhatItIsGiven) {
  EXPECT_EQ(SecretBytes("abc").reveal(), "abc");
  EXPECT_EQ(SecretBytes("abc").size(), 3U);
  EXPECT_TRUE(SecretBytes().empty());
  EXPECT_TRUE(SecretBytes("").empty());
  EXPECT_EQ(SecretBytes(std::string_view("a\0b", 3)).size(), 3U);
}

TEST(Secret, LeavesNothingBehindWhereItTakesFrom) {
  std::string small = "short";
  const char* const before = small.data();
  const SecretBytes secret = SecretBytes::take(std::move(small));
  EXPECT_EQ(secret.reveal(), "short");
  // The short string kept its bytes in its own object.
  EXPECT_EQ(std::string_view(before, 5), std::string_view("\0\0\0\0\0", 5));

  std::string large = kLong;
  const char* const storage = large.data();
  const SecretBytes taken = SecretBytes::take(std::move(large));
  EXPECT_EQ(taken.reveal().data(), storage) << "no copy was made";
}

TEST(Secret, IsEmptyAndWipedWhenMovedFrom) {
  for (const std::string& text : {std::string("short"), kLong}) {
    SecretBytes first(text);
    const char* const place = first.reveal().data();
    SecretBytes second(std::move(first));
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(second.reveal(), text);
    // A short string's bytes are in the object itself; a long one's moved on with their storage.
    EXPECT_EQ(place[0], text.size() < 15 ? '\0' : 's');
    first = std::move(second);
    EXPECT_EQ(first.reveal(), text);
    EXPECT_TRUE(second.empty());  // NOLINT(bugprone-use-after-move)
  }
}

TEST(Secret, SurvivesBeingAssignedToItself) {
  SecretBytes secret("abc");
  SecretBytes& same = secret;
  secret = std::move(same);
  EXPECT_EQ(secret.reveal(), "abc");
}

TEST(Secret, ClonesOnlyWhenAsked) {
  const SecretBytes secret(kLong);
  const SecretBytes copy = secret.clone();
  EXPECT_EQ(copy.reveal(), secret.reveal());
  EXPECT_NE(copy.reveal().data(), secret.reveal().data());
}

TEST(Secret, ComparesAllBytes) {
  const SecretBytes secret("abc");
  EXPECT_TRUE(secret.equals("abc"));
  for (const std::string_view other : {"", "ab", "abcd", "abd", "bbc", "ABC"}) {
    EXPECT_FALSE(secret.equals(other)) << other;
  }
  EXPECT_TRUE(SecretBytes().equals(""));
  EXPECT_FALSE(SecretBytes("\xff").equals("\x7f")) << "the sign bit counts";
}

TEST(Secret, IsSharedWithoutBeingCopied) {
  const SharedSecret shared = shareSecret(SecretBytes(kLong));
  const SharedSecret second = shared;
  EXPECT_EQ(second->reveal().data(), shared->reveal().data());
}

TEST(Wipe, OverwritesAllBytes) {
  std::string text = "secret";
  wipe(text.data(), text.size());
  EXPECT_EQ(text, std::string(6, '\0'));
  wipe(nullptr, 0);
}

}  // namespace
}  // namespace bco
