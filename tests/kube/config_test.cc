#include "kube/config.h"

#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "core/text.h"
#include "tests/http/certificates.h"
#include "tests/support/fake_clock.h"

namespace bco::kube {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ClusterConfigTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = folder_ + "/" + name;
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }
  // Of one context, "c", with these members of cluster and user.
  std::string kubeconfig(const std::string& cluster, const std::string& user = "{}",
                         const std::string& name = "config") const {
    return write(name,
                 "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                 "contexts:\n- name: other\n  context: {cluster: none, user: none}\n"
                 "- name: c\n  context: {cluster: k, user: u}\n"
                 "clusters:\n- name: k\n  cluster: " +
                     cluster + "\nusers:\n- name: u\n  user: " + user + "\n");
  }
  Result<ClusterConfig> load(const std::string& path, const std::string& context = "") {
    return loadKubeconfig(path, context, clock_);
  }
  Result<ClusterConfig> choose(const ConfigChoice& choice) {
    return loadConfig(choice, surroundings_, clock_);
  }
  static std::string tokenOf(const ClusterConfig& config) {
    if (!config.token) return "none";
    const auto value = config.token->authorization();
    return value ? std::string((*value)->reveal()) : value.error().message;
  }
  void expectRefused(const Result<ClusterConfig>& config, const std::string& why) {
    ASSERT_FALSE(config) << why;
    EXPECT_EQ(config.error().code, ErrorCode::kInvalid) << config.error().message;
    EXPECT_THAT(config.error().message, HasSubstr(why));
    EXPECT_THAT(config.error().message, Not(HasSubstr("s3cret")));
  }

  const std::string folder_ = testing::TempDir() + "/config-" +
                              testing::UnitTest::GetInstance()->current_test_info()->name();
  test::FakeClock clock_;
  std::map<std::string, std::string> variables_;
  Surroundings surroundings_{.variable =
                                 [this](const std::string& name) {
                                   return variables_.contains(name) ? variables_[name] : "";
                                 },
                             .serviceAccount = folder_ + "/account"};
  const test::TestCa ca_;
};

// ---- a kubeconfig

TEST_F(ClusterConfigTest, IsThatOfTheCurrentContext) {
  const auto path = write("config", R"(apiVersion: v1
kind: Config
preferences: {}
current-context: b
clusters:
- name: one
  cluster:
    server: https://one.example:6443
- name: two
  cluster:
    server: https://two.example:6443/path
    tls-server-name: kubernetes.default.svc
    certificate-authority-data: )" + toBase64("ca of two") +
                                        R"(
contexts:
- name: a
  context: {cluster: one, user: me}
- name: b
  context: {cluster: two, user: you, namespace: things}
users:
- name: me
  user: {token: mine}
- name: you
  user: {token: yours}
)");
  const auto config = load(path);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server, "https://two.example:6443/path");
  EXPECT_EQ(config->serverName, "kubernetes.default.svc");
  EXPECT_EQ(config->caPem, "ca of two");
  EXPECT_EQ(config->space, "things");
  EXPECT_EQ(tokenOf(*config), "Bearer yours");
  EXPECT_FALSE(config->identity);
  EXPECT_FALSE(config->inCluster);
  EXPECT_EQ(config->origin, "kubeconfig " + path + ", context b");

  const auto other = load(path, "a");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->server, "https://one.example:6443");
  EXPECT_EQ(other->caPem, "") << "the system's certificates";
  EXPECT_EQ(other->space, "default");
  EXPECT_EQ(tokenOf(*other), "Bearer mine");
}

TEST_F(ClusterConfigTest, MayBeJson) {
  const auto config = load(write(
      "config",
      R"({"current-context":"c","contexts":[{"name":"c","context":{"cluster":"k","user":"u"}}],)"
      R"("clusters":[{"name":"k","cluster":{"server":"https://host"}}],)"
      R"("users":[{"name":"u","user":{"token":"word"}}]})"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(tokenOf(*config), "Bearer word");
}

TEST_F(ClusterConfigTest, ReadsFilesBesideIt) {
  const auto files = ca_.issue("", "me");
  write("pki/ca.pem", "the ca");
  write("pki/me.pem", files.certificatePem);
  write("pki/me.key", files.privateKeyPem);
  write("pki/token", "filed");
  const auto config = load(kubeconfig("{server: 'https://host', certificate-authority: pki/ca.pem}",
                                      "{client-certificate: pki/me.pem, client-key: pki/me.key, "
                                      "tokenFile: pki/token, token: old}"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->caPem, "the ca");
  EXPECT_TRUE(config->identity);
  EXPECT_EQ(tokenOf(*config), "Bearer filed");
  write("pki/token", "newer");
  clock_.advance(std::chrono::minutes(1));
  EXPECT_EQ(tokenOf(*config), "Bearer newer") << "the file may be replaced";
}

TEST_F(ClusterConfigTest, PrefersDataToFilesAndTakesAbsolutePaths) {
  const auto files = ca_.issue("", "me");
  const auto token = write("far/token", "absolute");
  const auto config = load(kubeconfig(
      "{server: 'https://host', certificate-authority: missing, certificate-authority-data: " +
          toBase64("data") + "}",
      "{client-certificate-data: " + toBase64(files.certificatePem) +
          ", client-key-data: " + toBase64(files.privateKeyPem) + ", tokenFile: " + token + "}"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->caPem, "data");
  EXPECT_TRUE(config->identity);
  EXPECT_EQ(tokenOf(*config), "Bearer absolute");
}

TEST_F(ClusterConfigTest, NeedsNoUser) {
  const auto config =
      load(write("config",
                 "current-context: c\n"
                 "contexts: [{name: c, context: {cluster: k}}]\n"
                 "clusters: [{name: k, cluster: {server: 'http://127.0.0.1:8001'}}]\n"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(tokenOf(*config), "none");
}

TEST_F(ClusterConfigTest, IsRefusedWhereItNamesWhatIsNotThere) {
  const auto fine = kubeconfig("{server: 'https://host'}");
  expectRefused(load(fine, "nowhere"), "there is no context 'nowhere'");
  expectRefused(load(fine, "other"), "there is no cluster 'none'");
  expectRefused(load(write("a", "contexts: []\n")), "there is no current-context");
  expectRefused(load(write("b",
                           "current-context: c\n"
                           "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
                           "clusters: [{name: k, cluster: {server: 'https://host'}}]\n")),
                "there is no user 'u'");
  expectRefused(load(kubeconfig("{server: 'https://host', certificate-authority: no.pem}")),
                "certificate-authority");
  expectRefused(load(kubeconfig("{server: 'https://host'}", "{client-key: no.pem}")),
                "no.pem: there is no such file");
  EXPECT_EQ(load(folder_ + "/none").error().code, ErrorCode::kNotFound);
}

TEST_F(ClusterConfigTest, IsRefusedWhenItIsNoKubeconfig) {
  expectRefused(load(write("a", "- list\n")), "not a kubeconfig");
  expectRefused(load(write("b", "a: 1\n---\na: 2\n")), "not a kubeconfig");
  expectRefused(load(write("c", "a: {\n")), "c:");
  expectRefused(load(write("d", "")), "not a kubeconfig");
}

TEST_F(ClusterConfigTest, SaysWhereAndWhatToUseInsteadOfWhatIsNotSupported) {
  const std::string host = "{server: 'https://host'}";
  const std::vector<std::pair<std::string, std::string>> users = {
      {"{exec: {command: aws}}", "create token"},
      {"{auth-provider: {name: gcp}}", "create token"},
      {"{username: me, password: s3cret}", "use a token"},
      {"{password: s3cret}", "use a token"},
      {"{as: admin}", "impersonation is not supported"},
      {"{as-groups: [a]}", "impersonation is not supported"},
  };
  for (const auto& [user, why] : users) {
    const auto refused = load(kubeconfig(host, user));
    expectRefused(refused, why);
    EXPECT_THAT(refused.error().message, StartsWith(folder_ + "/config:14:")) << "the place";
  }
  expectRefused(load(kubeconfig("{server: 'https://host', insecure-skip-tls-verify: true}")),
                "set certificate-authority-data");
  expectRefused(load(kubeconfig("{server: 'https://host', proxy-url: 'http://p'}")), "HTTPS_PROXY");
  EXPECT_TRUE(load(kubeconfig("{server: 'https://host', insecure-skip-tls-verify: false}",
                              "{exec: null, as: ''}")))
      << "written but not set";
}

TEST_F(ClusterConfigTest, IsRefusedWithABadServerOrBadCertificates) {
  const auto mine = ca_.issue("", "me");
  const auto theirs = ca_.issue("", "them");
  expectRefused(load(kubeconfig("{server: 'http://far.example'}")), "this machine only");
  expectRefused(load(kubeconfig("{server: 'https://[fd00::1]:6443'}")), "use a host name");
  expectRefused(load(kubeconfig("{}")), "server:");
  expectRefused(load(kubeconfig("{server: 'https://host', certificate-authority-data: '%%'}")),
                "certificate-authority-data is not base64");
  const std::string host = "{server: 'https://host'}";
  expectRefused(load(kubeconfig(host, "{client-certificate-data: " + toBase64("s3cret") + "}")),
                "is not a PEM certificate");
  expectRefused(
      load(kubeconfig(host, "{client-certificate-data: " + toBase64(mine.certificatePem) +
                                ", client-key-data: " + toBase64(theirs.privateKeyPem) + "}")),
      "don't belong together");
  expectRefused(load(kubeconfig(host, "{client-key-data: " + toBase64(mine.privateKeyPem) + "}")),
                "is not a PEM certificate");
}

// ---- a Pod

TEST_F(ClusterConfigTest, IsThatOfThePodByTheNameOfTheService) {
  write("account/ca.crt", "the cluster's ca");
  write("account/token", "pods\n");
  write("account/namespace", "operators\n");
  variables_["KUBERNETES_SERVICE_HOST"] = "fd00:10:96::1";
  variables_["KUBERNETES_SERVICE_PORT"] = "6443";
  const auto config = choose({});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server, "https://kubernetes.default.svc:6443");
  EXPECT_EQ(config->caPem, "the cluster's ca");
  EXPECT_EQ(config->space, "operators");
  EXPECT_TRUE(config->inCluster);
  EXPECT_EQ(tokenOf(*config), "Bearer pods");
  write("account/token", "new\n");
  clock_.advance(std::chrono::minutes(1));
  EXPECT_EQ(tokenOf(*config), "Bearer new");
}

TEST_F(ClusterConfigTest, OfAPodNeedsItsFiles) {
  variables_["KUBERNETES_SERVICE_PORT"] = "443";
  const auto missing = choose({});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message,
              AllOf(HasSubstr("is its token mounted?"), HasSubstr("account/ca.crt")));
  write("account/ca.crt", "ca");
  EXPECT_EQ(choose({})->space, "default");
  variables_["KUBERNETES_SERVICE_PORT"] = "x";
  expectRefused(choose({}), "KUBERNETES_SERVICE_PORT");
}

// ---- which

TEST_F(ClusterConfigTest, IsLookedForInOrder) {
  const auto flag = kubeconfig("{server: 'https://flag'}", "{}", "flag");
  const auto variable = kubeconfig("{server: 'https://variable'}", "{}", "variable");
  kubeconfig("{server: 'https://home'}", "{}", "home/.kube/config");
  write("account/ca.crt", "ca");
  variables_ = {
      {"KUBECONFIG", variable}, {"KUBERNETES_SERVICE_PORT", "443"}, {"HOME", folder_ + "/home"}};
  EXPECT_EQ(choose({.kubeconfig = flag})->server, "https://flag");
  EXPECT_EQ(choose({})->server, "https://variable");
  variables_.erase("KUBECONFIG");
  EXPECT_EQ(choose({})->server, "https://kubernetes.default.svc:443");
  EXPECT_EQ(choose({.context = "c"})->server, "https://home") << "a Pod has no contexts";
  variables_.erase("KUBERNETES_SERVICE_PORT");
  EXPECT_EQ(choose({})->server, "https://home");
  variables_["HOME"] = folder_ + "/nobody";
  expectRefused(choose({}), "no cluster is configured");
  variables_.erase("HOME");
  expectRefused(choose({}), "no cluster is configured");
}

TEST_F(ClusterConfigTest, DoesNotLookElsewhereWhenWhatIsThereIsWrong) {
  variables_ = {{"HOME", folder_ + "/home"}};
  kubeconfig("{server: 'https://home', certificate-authority: gone}", "{}", "home/.kube/config");
  expectRefused(choose({}), "there is no such file");
  EXPECT_EQ(choose({.kubeconfig = folder_ + "/gone"}).error().code, ErrorCode::kNotFound);
}

TEST_F(ClusterConfigTest, IsOfTheFirstFileThatHasTheContext) {
  const auto bare = write("bare", "kind: Config\n");
  const auto dangling = write("dangling", "current-context: x\n");
  const auto good = kubeconfig("{server: 'https://good'}", "{}", "good");
  const auto later = write("later",
                           "current-context: d\n"
                           "contexts: [{name: d, context: {cluster: k}}]\n"
                           "clusters: [{name: k, cluster: {server: 'https://later'}}]\n");
  const std::string files = folder_ + "/none::" + bare + ":" + dangling + ":" + good + ":" + later;
  variables_["KUBECONFIG"] = files;
  EXPECT_EQ(choose({})->server, "https://good");
  EXPECT_EQ(choose({.context = "d"})->server, "https://later");
  expectRefused(choose({.context = "e"}), "has context 'e'");
  variables_["KUBECONFIG"] = folder_ + "/none:" + bare;
  expectRefused(choose({}), "its current context");
}

// ---- the pool

TEST_F(ClusterConfigTest, TellsThePoolWhomToTrustAndWhoWeAre) {
  const auto files = ca_.issue("", "me");
  ClusterConfig config;
  config.caPem = ca_.pem();
  config.serverName = "name";
  config.identity =
      *http::ClientIdentity::load(files.certificatePem, SecretBytes(files.privateKeyPem));
  const auto proxies = http::ProxySettings::always({"http://127.0.0.1:1", "", ""});
  const auto url = *http::parseUrl("https://host");
  const auto options = poolOptions(config, proxies);
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->serverName, "name");
  EXPECT_TRUE(options->identity);
  EXPECT_TRUE(options->proxies.proxyFor(url));
  EXPECT_EQ(sk_X509_OBJECT_num(X509_STORE_get0_objects(options->trust.store())), 1)
      << "the cluster's authority alone";
  config.inCluster = true;
  EXPECT_FALSE(poolOptions(config, proxies)->proxies.proxyFor(url));
  config.caPem = "nope";
  EXPECT_EQ(poolOptions(config, proxies).error().code, ErrorCode::kInvalid);
}

TEST_F(ClusterConfigTest, AsksTheProcessForItsVariables) {
  EXPECT_EQ(processSurroundings().variable("PATH"), std::string(std::getenv("PATH")));
  EXPECT_EQ(processSurroundings().variable("NO_SUCH_VARIABLE"), "");
}

}  // namespace
}  // namespace bco::kube
