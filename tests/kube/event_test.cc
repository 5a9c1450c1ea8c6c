#include "kube/event.h"

#include <gtest/gtest.h>

namespace bco::kube {
namespace {

TEST(EventMessage, IsLeftAloneWhileItFits) {
  EXPECT_EQ(cleanMessage("", 10), "");
  EXPECT_EQ(cleanMessage("0123456789", 10), "0123456789");
  EXPECT_EQ(cleanMessage("für 5 €", 10), "für 5 €") << "10 bytes";
}

TEST(EventMessage, IsCutBetweenCharacters) {
  EXPECT_EQ(cleanMessage("0123456789a", 10), "0123456…");
  EXPECT_EQ(cleanMessage("012345€€€", 10), "012345…");
  EXPECT_EQ(cleanMessage("01234567€", 10), "0123456…");
  EXPECT_EQ(cleanMessage("0123456😀😀", 10), "0123456…");
  for (std::size_t most = 3; most < 40; ++most) {
    EXPECT_LE(cleanMessage("aé€😀aé€😀aé€😀aé€😀", most).size(), most);
  }
}

TEST(EventMessage, IsValidUtf8WhateverItWas) {
  EXPECT_EQ(cleanMessage("a\xff\xc3z\xe2\x82", 20), "a??z??");
}

TEST(EventMessage, LosesAKeyEvenWhenTheCutWouldHaveLeftHalfOfIt) {
  const std::string key =
      "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49\n-----END PRIVATE KEY-----";
  EXPECT_EQ(cleanMessage("wrote " + key + " there", 60), "wrote [redacted] there");
  EXPECT_EQ(cleanMessage("MIGHAgEAMBMGByqGSM49AgEGCCqGSM49", 10), "[redacted]");
}

}  // namespace
}  // namespace bco::kube
