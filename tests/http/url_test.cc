#include "http/url.h"

#include <gmock/gmock.h>

namespace bco::http {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Url, IsTakenApart) {
  const auto url = parseUrl("https://Api.Balena-Cloud.com/v7/device(uuid='a')?$select=id");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->origin(), "https://api.balena-cloud.com:443");
  EXPECT_EQ(url->target, "/v7/device(uuid='a')?$select=id");
}

TEST(Url, HasAPathAlways) {
  EXPECT_EQ(parseUrl("https://host")->target, "/");
  EXPECT_EQ(parseUrl("https://host?x=1")->target, "/?x=1");
  EXPECT_EQ(parseUrl("https://host:8443/a")->port, 8443);
}

TEST(Url, MayBePlainOnThisMachineOnly) {
  for (const auto* text :
       {"http://127.0.0.1:80/", "http://127.8.9.10/", "http://localhost:8080/x"}) {
    EXPECT_TRUE(parseUrl(text)) << text;
  }
  for (const auto* text :
       {"http://example.com/", "http://127.evil.example/", "http://127.0.0.1.nip.io/",
        "http://localhost.example/", "http://10.0.0.1/", "http://0.0.0.0/"}) {
    const auto url = parseUrl(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(url.error().message, HasSubstr("https://"));
  }
}

TEST(Url, IsRefusedWhenTheLibraryOrTheStandardCouldNotUseIt) {
  for (const auto* text : {"", "ftp://host/", "https://", "https:///path", "https://host:0/",
                           "https://host:99999/", "https://host:x/", "https://[::1]/",
                           "https://[fe80::1]:443/", "https://host/a b", "https://host/a\r\nX: y",
                           "https://host/\xc3\xa9", "https://host/#part", "//host/", "host/path"}) {
    EXPECT_FALSE(parseUrl(text)) << text;
  }
  EXPECT_THAT(parseUrl("https://[::1]/").error().message, HasSubstr("IPv6"));
}

TEST(Url, NeverShowsWhatIsSecretInAnError) {
  const auto userInfo = parseUrl("https://user:password@host/");
  ASSERT_FALSE(userInfo);
  EXPECT_THAT(userInfo.error().message, Not(HasSubstr("password")));
  for (const auto* text :
       {"ftp://user:password@host/", "user:password@host", "https://user:password/x@host/",
        "https://user:password?x@host/", "https://user:password#x@host/", "http://us:password@h",
        "https://[::1]:password@host/", "https://host:password/x@y", "https://:password#@host/"}) {
    const auto malformed = parseUrl(text);
    ASSERT_FALSE(malformed) << text;
    EXPECT_THAT(malformed.error().message, Not(HasSubstr("password"))) << text;
  }
  EXPECT_EQ(displayUrl("https://host/path?token=abc"), "https://host/path");
  EXPECT_LT(displayUrl("https://host/" + std::string(1000, 'x')).size(), 150U);
}

}  // namespace
}  // namespace bco::http
