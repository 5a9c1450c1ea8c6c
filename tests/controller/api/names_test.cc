#include "api/names.h"

#include <gtest/gtest.h>

#include <string>

namespace bco::api {
namespace {

const std::string k63(63, 'a');

TEST(ObjectName, IsADnsSubdomainWhoseLabelsMayBeLong) {
  for (const std::string& name :
       {std::string("a"), std::string("0.a-b.c"), std::string(253, 'a')}) {
    EXPECT_TRUE(isObjectName(name)) << name;
  }
  for (const std::string& name :
       {std::string(), std::string("A"), std::string("a_b"), std::string("a..b"), std::string(".a"),
        std::string("-a"), std::string("a-.b"), std::string(254, 'a')}) {
    EXPECT_FALSE(isObjectName(name)) << name;
  }
}

TEST(NamespaceName, IsOneDnsLabel) {
  EXPECT_TRUE(isNamespaceName(k63));
  for (const std::string& name :
       {std::string(), std::string("a.b"), std::string("a-"), k63 + "a"}) {
    EXPECT_FALSE(isNamespaceName(name)) << name;
  }
}

TEST(SecretKey, IsAFilesNameThatLeadsNowhereElse) {
  for (const char* key : {"a", "A_b-c.D", ".a", "a..b", "-"}) EXPECT_TRUE(isSecretKey(key)) << key;
  for (const char* key : {"", ".", "..", "..a", "a/b", "a b"})
    EXPECT_FALSE(isSecretKey(key)) << key;
  EXPECT_FALSE(isSecretKey(std::string(254, 'a')));
}

TEST(QualifiedName, MayHaveADomainBeforeIt) {
  for (const std::string& key :
       {std::string("a"), std::string("example.com/A_b.c-d"), "a/" + k63}) {
    EXPECT_TRUE(isQualifiedName(key)) << key;
  }
  for (const std::string& key :
       {std::string(), std::string("/a"), std::string("a/"), std::string("A.com/a"),
        std::string("a/b/c"), std::string("-a"), k63 + "a"}) {
    EXPECT_FALSE(isQualifiedName(key)) << key;
  }
}

TEST(LabelValue, MayBeEmpty) {
  for (const std::string& value : {std::string(), std::string("A_b.c-d"), k63}) {
    EXPECT_TRUE(isLabelValue(value)) << value;
  }
  for (const std::string& value : {std::string("a/b"), std::string("-"), k63 + "a"}) {
    EXPECT_FALSE(isLabelValue(value)) << value;
  }
}

}  // namespace
}  // namespace bco::api
