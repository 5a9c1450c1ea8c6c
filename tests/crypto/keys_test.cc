#include "crypto/keys.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <type_traits>

#include "core/text.h"
#include "crypto/hash.h"
#include "tests/crypto/vectors.h"

namespace bco::crypto {
namespace {

static_assert(!std::is_copy_constructible_v<PrivateKey>);

TEST(Derive, AgreesWithTheVectors) {
  for (const test::Vector& vector : test::kVectors) {
    const auto key =
        PrivateKey::derive(test::seed(), vector.uuid, test::kIncarnation, vector.generation);
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(key->publicKey().fingerprint(), vector.fingerprint) << vector.uuid;
    // The scalar stands at a fixed place of the DER, 36 bytes from its start.
    const auto pem = key->toPem();
    std::string base64;
    for (const std::string_view line : split(pem.reveal(), '\n')) {
      if (!line.starts_with("-")) base64 += line;
    }
    const std::string der = fromBase64(base64).value();
    EXPECT_EQ(toHex({reinterpret_cast<const std::uint8_t*>(der.data()) + 36, 32}), vector.scalar);
  }
}

TEST(Derive, WritesThePemThatIsKnownForIt) {
  const PrivateKey key = test::firstKey();
  EXPECT_TRUE(key.toPem().equals(test::kPrivatePem));
  EXPECT_EQ(key.publicKey().toPem(), test::kPublicPem);
}

TEST(Derive, GivesAnotherKeyForEveryOtherInput) {
  const auto otherSeed = SecretBytes(std::string(32, 'x'));
  Incarnation otherIncarnation = test::kIncarnation;
  otherIncarnation[15] ^= 1;
  const std::string otherUuid(32, 'a');
  std::set<std::string> prints;
  const auto add = [&](const Result<PrivateKey>& key) {
    prints.insert(key.value().publicKey().fingerprint());
  };
  add(PrivateKey::derive(test::seed(), test::kUuid, test::kIncarnation, 0));
  add(PrivateKey::derive(otherSeed, test::kUuid, test::kIncarnation, 0));
  add(PrivateKey::derive(test::seed(), otherUuid, test::kIncarnation, 0));
  add(PrivateKey::derive(test::seed(), test::kUuid, otherIncarnation, 0));
  add(PrivateKey::derive(test::seed(), test::kUuid, test::kIncarnation, 1));
  add(PrivateKey::derive(test::seed(), test::kUuid, test::kIncarnation, 0x01000000));
  EXPECT_EQ(prints.size(), 6U);
}

TEST(Derive, RefusesSeedsAndUuidsOfAnotherShape) {
  for (const std::size_t size : {0U, 31U, 33U}) {
    const auto key =
        PrivateKey::derive(SecretBytes(std::string(size, 's')), test::kUuid, test::kIncarnation, 0);
    ASSERT_FALSE(key) << size;
    EXPECT_EQ(key.error().code, ErrorCode::kInvalid);
  }
  for (const std::string_view uuid : {"", "7CF02A69E4D34C9DA573914963CF54FD", "7cf02a6"}) {
    EXPECT_FALSE(PrivateKey::derive(test::seed(), uuid, test::kIncarnation, 0)) << uuid;
  }
}

TEST(Derive, IsTheSameOnEveryThread) {
  std::vector<std::string> prints(4);
  {
    std::vector<std::jthread> threads;
    for (std::string& print : prints) {
      threads.emplace_back([&print] {
        for (std::uint32_t generation = 0; generation < 50; ++generation) {
          const auto key =
              PrivateKey::derive(test::seed(), test::kUuid, test::kIncarnation, generation).value();
          const auto signature = key.sign("message").value();
          print += key.publicKey().fingerprint();
          print += key.publicKey().verify("message", signature) ? '+' : '-';
        }
      });
    }
  }
  EXPECT_EQ(prints[0].find('-'), std::string::npos);
  for (const std::string& print : prints) EXPECT_EQ(print, prints[0]);
}

TEST(Generate, MakesAnotherKeyEachTime) {
  EXPECT_NE(PrivateKey::generate().value().publicKey(), PrivateKey::generate().value().publicKey());
}

TEST(Keys, SurviveTwoThousandRoundTrips) {
  for (std::uint32_t i = 0; i < 2000; ++i) {
    const PrivateKey key = PrivateKey::generate().value();
    const auto back = fromVariableValue(toVariableValue(key));
    ASSERT_TRUE(back) << back.error().message;
    ASSERT_EQ(back->publicKey(), key.publicKey());
    ASSERT_TRUE(back->toPem().equals(key.toPem().reveal()));
    const auto publicKey = PublicKey::fromPem(key.publicKey().toPem());
    ASSERT_TRUE(publicKey) << publicKey.error().message;
    ASSERT_EQ(*publicKey, key.publicKey());
    const std::string message = "message " + std::to_string(i);
    const auto signature = back->sign(message);
    ASSERT_TRUE(signature);
    ASSERT_TRUE(publicKey->verify(message, *signature));
  }
}

TEST(Keys, ForgetThePrivateHalfWhenMovedFrom) {
  PrivateKey key = test::firstKey();
  ASSERT_TRUE(key.sign("m"));
  const PrivateKey moved = std::move(key);
  EXPECT_TRUE(moved.toPem().equals(test::kPrivatePem));
  EXPECT_TRUE(moved.publicKey().verify("m", moved.sign("m").value()));
}

TEST(Verify, AcceptsTheSignatureOfRfc6979) {
  std::array<std::uint8_t, 65> point;
  const auto bytes = fromHex(
      "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
      "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
  std::copy(bytes->begin(), bytes->end(), point.begin());
  const auto raw = fromHex(
      "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
      "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
  const std::string signature(raw->begin(), raw->end());
  EXPECT_TRUE(PublicKey(point).verify("sample", signature));
  EXPECT_FALSE(PublicKey(point).verify("Sample", signature));
}

TEST(Verify, RefusesWhatIsNoSignatureOfThisKey) {
  const PrivateKey key = test::firstKey();
  const std::string good = key.sign("message").value();
  ASSERT_EQ(good.size(), 64U);
  ASSERT_TRUE(key.publicKey().verify("message", good));
  for (const std::size_t at : {0U, 31U, 32U, 63U}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_FALSE(key.publicKey().verify("message", bad)) << at;
  }
  EXPECT_FALSE(key.publicKey().verify("message", good.substr(0, 63)));
  EXPECT_FALSE(key.publicKey().verify("message", good + "x"));
  EXPECT_FALSE(key.publicKey().verify("message", ""));
  EXPECT_FALSE(key.publicKey().verify("message", std::string(64, '\0')));
  EXPECT_FALSE(key.publicKey().verify("message", std::string(64, '\xff')));
  EXPECT_FALSE(PrivateKey::generate().value().publicKey().verify("message", good));
  EXPECT_FALSE(PublicKey(std::array<std::uint8_t, 65>{}).verify("message", good));
}

TEST(Sign, WorksForAnEmptyMessageAndBinaryOnes) {
  const PrivateKey key = test::firstKey();
  for (const std::string& message : {std::string(), std::string("\0\xff\n", 3)}) {
    EXPECT_TRUE(key.publicKey().verify(message, key.sign(message).value()));
  }
}

TEST(Sha256, AgreesWithFips180) {
  EXPECT_EQ(toHex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(toHex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(SystemRandom, FillsAllBytesAndDiffers) {
  std::vector<std::uint8_t> first(100000);
  std::vector<std::uint8_t> second(first.size());
  SystemRandom random;
  random.fill(first);
  random.fill(second);
  EXPECT_NE(first, second);
  const auto zeros = std::count(first.begin(), first.end(), std::uint8_t{0});
  EXPECT_GT(zeros, 200);
  EXPECT_LT(zeros, 800) << "some 390 are expected";
  random.fill({});
}

}  // namespace
}  // namespace bco::crypto
