#include "crypto/pem.h"

#include <gtest/gtest.h>

#include "crypto/keys.h"
#include "tests/crypto/vectors.h"

namespace bco::crypto {
namespace {

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
  std::string result(text);
  for (std::size_t at = 0; (at = result.find(what, at)) != std::string::npos; at += with.size()) {
    result.replace(at, what.size(), with);
  }
  return result;
}

TEST(PublicKeyFromPem, TakesEveryLineEnding) {
  const std::string pem(test::kPublicPem);
  for (const std::string& text :
       {pem, replaced(pem, "\n", "\r\n"), pem.substr(0, pem.size() - 1), pem + "\n \r\n",
        replaced(pem, "\n", " \t\n"), replaced(pem, "/\nM", "/M")}) {
    const auto key = PublicKey::fromPem(text);
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(key->toPem(), test::kPublicPem);
  }
}

TEST(PublicKeyFromPem, RefusesEverythingElse) {
  const std::string pem(test::kPublicPem);
  const std::string p384 =
      "-----BEGIN PUBLIC KEY-----\n"
      "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE8c8woMXvk1GniflE/MnX6ezUhT/iHtiK\n"
      "NiqMYTuO7Nj0oWOhtTGpGerdA9qERp2PNaF7f/jxMYwe9jXyC34cLyk3LieLrMCt\n"
      "ldkrjW+7NHsT1P68KI+f32WClXt4ppOH\n"
      "-----END PUBLIC KEY-----\n";
  const std::pair<std::string, std::string> cases[] = {
      {"nothing", ""},
      {"white space", " \n"},
      {"no PEM", "public"},
      {"a begin line alone", "-----BEGIN PUBLIC KEY-----\n"},
      {"dashes", "----------"},
      {"half a begin line", "-----BEGIN -----\nAA==\n-----END -----\n"},
      {"no END line", pem.substr(0, pem.find("-----END"))},
      {"another END line", replaced(pem, "END PUBLIC", "END PRIVATE")},
      {"a private key", std::string(test::kPrivatePem)},
      {"a certificate's label", replaced(pem, "PUBLIC KEY", "CERTIFICATE")},
      {"two keys", pem + pem},
      {"text before", "x\n" + pem},
      {"space before", " " + pem},
      {"text after", pem + "x"},
      {"an empty line inside", replaced(pem, "/\nM", "/\n\nM")},
      {"space inside a line", replaced(pem, "MFk", "M Fk")},
      {"header fields", replaced(pem, "KEY-----\nM", "KEY-----\nProc-Type: 4\n\nM")},
      {"no body", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"},
      {"bad base64", replaced(pem, "MFk", "M?k")},
      {"missing padding", replaced(pem, "==", "")},
      {"a shortened body", replaced(pem, "Vg==", "")},
      {"another curve", p384},
      {"a point that is not on the curve", replaced(pem, "39Vg==", "39Vw==")},
      {"a NUL inside", replaced(pem, "MFk", std::string_view("M\0k", 3))},
      {"a text without end", std::string(1 << 20, 'A')},
  };
  for (const auto& [name, text] : cases) {
    const auto key = PublicKey::fromPem(text);
    ASSERT_FALSE(key) << name;
    EXPECT_EQ(key.error().code, ErrorCode::kInvalid) << name;
  }
}

TEST(PublicKeyFromPem, SurvivesEveryTruncationAndEveryChangedByte) {
  const std::string pem(test::kPublicPem);
  for (std::size_t size = 0; size + 1 < pem.size(); ++size) {
    EXPECT_FALSE(PublicKey::fromPem(pem.substr(0, size))) << size;
  }
  for (std::size_t at = 0; at < pem.size(); ++at) {
    std::string changed = pem;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    const auto key = PublicKey::fromPem(changed);
    // A newline of the body that became a letter makes the base64 longer; nothing gets through.
    EXPECT_FALSE(key) << at;
  }
}

TEST(PrivateKeyFromPem, TakesEveryLineEnding) {
  const std::string pem(test::kPrivatePem);
  for (const std::string& text :
       {pem, replaced(pem, "\n", "\r\n"), pem.substr(0, pem.size() - 1), pem + " \n"}) {
    const auto key = PrivateKey::fromPem(SecretBytes(text));
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_TRUE(key->toPem().equals(pem));
  }
}

TEST(PrivateKeyFromPem, SaysWhyItRefusesAndQuotesNothing) {
  const std::string pem(test::kPrivatePem);
  const std::string otherHalf =
      replaced(std::string(test::kPrivatePem), "BG0wawIBAQQgi6qj", "BG0wawIBAQQgi6qk");
  const struct {
    std::string name;
    std::string text;
    std::string says;
  } cases[] = {
      {"nothing", "", "BEGIN"},
      {"a public key", std::string(test::kPublicPem), "something else"},
      {"halves that don't fit", otherHalf, "belong together"},
      {"encrypted PKCS#8", replaced(pem, "PRIVATE", "ENCRYPTED PRIVATE"), "encrypted"},
      {"encrypted SEC1",
       "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,1C\n\n"
       "pK5l\n-----END EC PRIVATE KEY-----\n",
       "encrypted"},
      {"secp256k1",
       "-----BEGIN PRIVATE KEY-----\n"
       "MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQgjlrolQK04T5bdZCNaTqi\n"
       "ZkO0JaiQBUNrV7yySElPRruhRANCAAQA4tXJM4fH/15k5sn25CipuH/P6URo/axT\n"
       "BgUKYVjIF6gyxS8nd0+T87qFAH3v5OCs8nwJeuMS20RIaCFxghgm\n"
       "-----END PRIVATE KEY-----\n",
       "not one of P-256"},
      {"Ed25519",
       "-----BEGIN PRIVATE KEY-----\n"
       "MC4CAQAwBQYDK2VwBCIEIFyu5viln+NjoBWCXH707kRHvk6EnSPGG8+GOYRV5hJ1\n"
       "-----END PRIVATE KEY-----\n",
       "not one of P-256"},
      {"no DER", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "DER"},
      {"bytes after the DER", replaced(pem, "7f1W\n", "7f1WAAAA\n"), "DER"},
      {"two keys", pem + pem, "follows"},
  };
  for (const auto& c : cases) {
    const auto key = PrivateKey::fromPem(SecretBytes(c.text));
    ASSERT_FALSE(key) << c.name;
    EXPECT_EQ(key.error().code, ErrorCode::kInvalid) << c.name;
    EXPECT_NE(key.error().message.find(c.says), std::string::npos)
        << c.name << ": " << key.error().message;
    EXPECT_EQ(key.error().message.find("MIG"), std::string::npos) << c.name;
  }
}

TEST(PrivateKeyFromPem, SurvivesEveryTruncationAndEveryChangedByte) {
  const std::string pem(test::kPrivatePem);
  for (std::size_t size = 0; size + 1 < pem.size(); ++size) {
    EXPECT_FALSE(PrivateKey::fromPem(SecretBytes(pem.substr(0, size)))) << size;
  }
  for (std::size_t at = 0; at < pem.size(); ++at) {
    std::string changed = pem;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    // OpenSSL overlooks a few changed version bytes; it must still be the same key then.
    const auto key = PrivateKey::fromPem(SecretBytes(changed));
    EXPECT_TRUE(!key || key->toPem().equals(pem)) << at;
  }
}

TEST(VariableValue, IsOneLineThatReadsBack) {
  const SecretBytes value = toVariableValue(test::firstKey());
  EXPECT_EQ(value.reveal().find_first_of("\r\n "), std::string::npos);
  const auto key = fromVariableValue(value);
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->toPem().equals(test::kPrivatePem));
}

TEST(VariableValue, RefusesWhatIsNoBase64OfAKey) {
  for (const std::string& value : {std::string(), std::string("not base64"),
                                   std::string(test::kPrivatePem), std::string("QUJD")}) {
    const auto key = fromVariableValue(SecretBytes(value));
    ASSERT_FALSE(key) << value;
    EXPECT_EQ(key.error().code, ErrorCode::kInvalid);
  }
}

TEST(Pem, WritesLinesOf64CharactersAndReadsThemBack) {
  for (const std::size_t size : {1U, 47U, 48U, 49U, 96U, 200U}) {
    const std::string der(size, 'x');
    const SecretBytes pem = encodePem("THING", der);
    const auto block = decodePem(pem.reveal(), "a thing");
    ASSERT_TRUE(block) << size;
    EXPECT_EQ(block->label, "THING");
    EXPECT_TRUE(block->der.equals(der));
  }
  EXPECT_TRUE(encodePem("T", std::string(48, '\0'))
                  .equals("-----BEGIN T-----\n" + std::string(64, 'A') + "\n-----END T-----\n"))
      << "a full line is followed by no empty one";
}

}  // namespace
}  // namespace bco::crypto
