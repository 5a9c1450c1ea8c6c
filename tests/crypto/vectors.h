// Keys made by an independent implementation of derive.cc's definition (HKDF by hand from HMAC,
// affine point arithmetic on big integers): whoever changes the derivation loses every stored key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/keys.h"

namespace bco::crypto::test {

// 00 01 … 1f
inline SecretBytes seed() {
  std::string bytes;
  for (char i = 0; i < 32; ++i) bytes += i;
  return SecretBytes::take(std::move(bytes));
}
// 10 11 … 1f
inline constexpr Incarnation kIncarnation = {0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
                                             0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f};
inline constexpr std::string_view kUuid = "7cf02a69e4d34c9da573914963cf54fd";

struct Vector {
  std::string_view uuid;
  std::uint32_t generation;
  std::string_view scalar;       // as hex
  std::string_view fingerprint;  // SHA-256 of the SPKI
};

inline constexpr Vector kVectors[] = {
    {kUuid, 0, "8baaa397a4c3c8a40f88384052360618ec64ff28d4dae44242b3efadd27267a3",
     "d4f4937f15f68717d485e7d4c72553f132c66699af00cd7f61a5eb711bc4836d"},
    {kUuid, 1, "fea8184770fabf1594cc26b55d6360b41f9addeee0ee89f5a77991d078870a14",
     "4d07ac810cf21793eb484177ce7204e325da85371a2333d1cc2108d6ffb19678"},
    {kUuid, 0xffffffff, "89f8ae7331df59748d190d890f2ab9e1230539a4ef30cc1adb20a2741cc38469",
     "9ddfa38bbffc959eaeeca38e2a02389afd21d06e5d414251d051008f82869bd2"},
    {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd", 0,
     "19beccbeeb0158d0a5fa2caede90867c75334de2ede07701c303b8eb137f728c",
     "a1d9a0f114f6734b2a6ec2fc0a98670c68b2af7a970e8267a51830d388e0e499"},
};

// The first of them as PEM.
inline constexpr std::string_view kPrivatePem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgi6qjl6TDyKQPiDhA\n"
    "UjYGGOxk/yjU2uRCQrPvrdJyZ6OhRANCAAQw8a5GSPJgGC7Ygp2Qoa8+zi9JTH8y\n"
    "1EBGsIxGzZ8Dy2qJ93V95PRxVGJYvI0KNdq62z+c0v3jb85UKa7H7f1W\n"
    "-----END PRIVATE KEY-----\n";
inline constexpr std::string_view kPublicPem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEMPGuRkjyYBgu2IKdkKGvPs4vSUx/\n"
    "MtRARrCMRs2fA8tqifd1feT0cVRiWLyNCjXauts/nNL942/OVCmux+39Vg==\n"
    "-----END PUBLIC KEY-----\n";

inline PrivateKey firstKey() { return PrivateKey::derive(seed(), kUuid, kIncarnation, 0).value(); }

}  // namespace bco::crypto::test
