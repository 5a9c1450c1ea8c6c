#include "http/proxy.h"

#include <gmock/gmock.h>

#include <map>

namespace bco::http {
namespace {

using testing::HasSubstr;
using testing::Not;

Result<ProxySettings> settingsOf(const std::map<std::string, std::string>& variables) {
  return ProxySettings::from([&](const std::string& name) {
    const auto at = variables.find(name);
    return at == variables.end() ? std::string() : at->second;
  });
}

std::string proxyOf(const std::map<std::string, std::string>& variables, const std::string& url) {
  const auto settings = settingsOf(variables);
  if (!settings) return settings.error().message;
  const auto proxy = settings->proxyFor(*parseUrl(url));
  return proxy ? proxy->address : "direct";
}

TEST(Proxy, ComesFromTheVariablesInEitherCase) {
  EXPECT_EQ(proxyOf({}, "https://a.example/"), "direct");
  EXPECT_EQ(proxyOf({{"HTTPS_PROXY", "http://p:3128"}}, "https://a.example/"), "http://p:3128");
  EXPECT_EQ(proxyOf({{"https_proxy", "p:3128"}}, "https://a.example/"), "http://p:3128");
  EXPECT_EQ(proxyOf({{"HTTP_PROXY", "http://p"}}, "https://a.example/"), "http://p:80");
  EXPECT_EQ(
      proxyOf({{"HTTPS_PROXY", "http://s:1/"}, {"HTTP_PROXY", "http://p:2"}}, "https://a.example/"),
      "http://s:1");
}

TEST(Proxy, IsNotUsedForThisMachine) {
  EXPECT_EQ(proxyOf({{"HTTPS_PROXY", "http://p:1"}}, "https://localhost:8443/"), "direct");
  EXPECT_EQ(proxyOf({{"HTTPS_PROXY", "http://p:1"}}, "https://127.0.0.1/"), "direct");
}

TEST(Proxy, IsNotUsedForWhatNoProxyNames) {
  const auto with = [](const std::string& noProxy, const std::string& url) {
    return proxyOf({{"HTTPS_PROXY", "http://p:1"}, {"no_proxy", noProxy}}, url) == "direct";
  };
  EXPECT_TRUE(with("*", "https://a.example/"));
  EXPECT_TRUE(with("b.example, A.example", "https://a.example/"));
  EXPECT_TRUE(with("example", "https://a.example/"));
  EXPECT_TRUE(with(".example", "https://a.example/"));
  EXPECT_TRUE(with("*.example", "https://a.example/"));
  EXPECT_FALSE(with("a.example", "https://ba.example/"));
  EXPECT_TRUE(with("10.0.0.0/8", "https://10.1.2.3/"));
  EXPECT_FALSE(with("10.0.0.0/8", "https://11.1.2.3/"));
  EXPECT_TRUE(with("0.0.0.0/0", "https://11.1.2.3/"));
  EXPECT_TRUE(with("a.example:8443", "https://a.example:8443/"));
  EXPECT_FALSE(with("a.example:8443", "https://a.example/"));
  EXPECT_FALSE(with(",,", "https://a.example/"));
}

TEST(Proxy, MayAskForAPassword) {
  const auto settings = settingsOf({{"HTTPS_PROXY", "http://me:p%40ss@proxy:3128"}});
  ASSERT_TRUE(settings);
  const auto proxy = settings->proxyFor(*parseUrl("https://a.example/"));
  ASSERT_TRUE(proxy);
  EXPECT_EQ(proxy->address, "http://proxy:3128");
  EXPECT_EQ(proxy->user, "me");
  EXPECT_EQ(proxy->password, "p@ss");
}

TEST(Proxy, OfAnotherKindIsRefusedWithoutShowingItsPassword) {
  for (const auto* address : {"socks5://me:word@p:1", "https://me:word@p", "http://me:word@"}) {
    const auto settings = settingsOf({{"HTTPS_PROXY", address}});
    ASSERT_FALSE(settings) << address;
    EXPECT_THAT(settings.error().message, Not(HasSubstr("word@p")));
    EXPECT_EQ(settings.error().code, ErrorCode::kInvalid);
  }
}

TEST(Proxy, TakesNothingOfAMalformedAddressForTheHost) {
  // Unescaped in the password, "/", "?" and "#" end the authority before the host.
  for (const auto* address :
       {"http://me:pass/word@p:1", "http://me:pass?word@p:1", "me:pass#word@p",
        "http://me:password", "http://p:1:2", "http://p:", "http://p:99999", "http://p q:1"}) {
    const auto settings = settingsOf({{"HTTPS_PROXY", address}});
    ASSERT_FALSE(settings) << address;
    EXPECT_EQ(settings.error().message,
              "HTTPS_PROXY: the proxy must be given as http://[user:password@]host:port");
    EXPECT_EQ(settings.error().code, ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace bco::http
