#include "kube/client.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/kube/scripted_streams.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scripted_transport.h"

namespace bco::kube {
namespace {

using http::CallClass;
using http::Method;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

constexpr Resource kLeases{"coordination.k8s.io", "v1", "leases"};
constexpr Resource kSecrets{"", "v1", "secrets"};
constexpr Resource kNamespaces{"", "v1", "namespaces"};
constexpr Resource kDevices{"provisioning.example", "v1alpha1", "devices"};
const std::string kServer = "https://kubernetes.default.svc:443";
const std::string kManager = "fieldManager=balena-clearblade-operator";

std::string refusal(const std::string& reason, int code) {
  return R"({"kind":"Status","message":"words","reason":")" + reason + R"(","code":)" +
         std::to_string(code) + "}";
}

class KubeClient : public testing::Test {
 protected:
  test::ScriptedTransport transport_;
  test::ScriptedStreams streams_;
  test::FakeClock clock_;
  std::shared_ptr<TokenSource> token_ = TokenSource::fixed(SecretBytes("word"));
  Client client_{{.server = kServer, .token = token_}, transport_, &streams_, clock_};

  [[nodiscard]] const test::SeenRequest& last() const { return transport_.seen().back(); }
};

// ---- what is sent

TEST_F(KubeClient, ReadsAnObjectByItsName) {
  transport_
      .expect(Method::kGet, kServer + "/apis/coordination.k8s.io/v1/namespaces/ns/leases/leader")
      .reply(200, "{}");
  EXPECT_EQ(client_.get(kLeases, {"ns", "leader"}), "{}");
  EXPECT_EQ(last().kind, "kube.get");
  EXPECT_EQ(last().callClass, CallClass::kRead);
  EXPECT_EQ(last().credential, "Authorization: Bearer word");
  EXPECT_THAT(last().headers, ElementsAre(Pair("Accept", "application/json")));
}

TEST_F(KubeClient, KnowsTheCoreGroupAndKindsWithoutNamespaces) {
  transport_.expect(Method::kGet, kServer + "/api/v1/namespaces/kube-system");
  transport_.expect(Method::kGet, kServer + "/api/v1/namespaces/ns/secrets/s");
  EXPECT_TRUE(client_.get(kNamespaces, {"", "kube-system"}));
  EXPECT_TRUE(client_.get(kSecrets, {"ns", "s"}));
}

TEST_F(KubeClient, MayTalkToAServerBehindAPath) {
  Client client({.server = "https://host/clusters/c1/"}, transport_, nullptr, clock_);
  transport_.expect(Method::kGet, "https://host/clusters/c1/version").reply(200, "{}");
  EXPECT_EQ(client.getPath("/version"), "{}");
  EXPECT_EQ(last().credential, "") << "there is no token";
}

TEST_F(KubeClient, EscapesWhatIsNoNameOfAnObject) {
  transport_.expect(Method::kGet, kServer + "/api/v1/namespaces/n%2Fs/secrets/a%3Fb");
  EXPECT_TRUE(client_.get(kSecrets, {"n/s", "a?b"}));
}

TEST_F(KubeClient, NeverTakesAllObjectsForOne) {
  for (const std::string name : {"", ".", ".."}) {
    EXPECT_EQ(client_.remove(kSecrets, {"ns", name}).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(client_.get(kSecrets, {"ns", name}).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(client_.update(kSecrets, {"ns", name}, SecretBytes("{}")).error().code,
              ErrorCode::kInvalid);
    EXPECT_EQ(client_.apply(kSecrets, {"ns", name}, "", {.uid = "u"}).error().code,
              ErrorCode::kInvalid);
    EXPECT_EQ(client_.mergePatch(kSecrets, {"ns", name}, "", SecretBytes("{}")).error().code,
              ErrorCode::kInvalid);
  }
}

TEST_F(KubeClient, ListsAPageOfANamespaceOrOfAll) {
  transport_.expect(Method::kGet, kServer +
                                      "/apis/provisioning.example/v1alpha1/namespaces/ns/"
                                      "devices?limit=500");
  transport_.expect(
      Method::kGet,
      kServer +
          "/apis/provisioning.example/v1alpha1/devices?labelSelector=a%3Db%2Cc%20in%20%28d%29"
          "&fieldSelector=metadata.name%3Dx&limit=7&continue=t%2Bk%3D&resourceVersion=0");
  EXPECT_TRUE(client_.list(kDevices, "ns", {}));
  EXPECT_TRUE(client_.list(kDevices, "",
                           {.labelSelector = "a=b,c in (d)",
                            .fieldSelector = "metadata.name=x",
                            .continueToken = "t+k=",
                            .resourceVersion = "0",
                            .limit = 7}));
  EXPECT_EQ(last().kind, "kube.list");
}

TEST_F(KubeClient, CreatesAndReplaces) {
  transport_
      .expect(Method::kPost, kServer + "/api/v1/namespaces/ns/secrets?" + kManager, R"({"a":1})")
      .reply(201, "made");
  EXPECT_EQ(client_.create(kSecrets, "ns", SecretBytes(R"({"a":1})")), "made");
  EXPECT_EQ(last().callClass, CallClass::kCreateDelete);
  transport_
      .expect(Method::kPut, kServer + "/api/v1/namespaces/ns/secrets/s?" + kManager, R"({"a":2})")
      .reply(200, "replaced");
  EXPECT_EQ(client_.update(kSecrets, {"ns", "s"}, SecretBytes(R"({"a":2})")), "replaced");
  EXPECT_EQ(last().callClass, CallClass::kUpdate);
  EXPECT_EQ(last().contentType, "application/json");
}

TEST_F(KubeClient, AppliesToOneObjectByItsUid) {
  transport_
      .expect(
          Method::kPatch,
          kServer + "/apis/provisioning.example/v1alpha1/namespaces/ns/devices/d/status?" +
              kManager + "&force=true",
          R"({"apiVersion":"provisioning.example/v1alpha1","kind":"Device","metadata":{"name":"d",)"
          R"("namespace":"ns","uid":"u-1"},"status":{"phase":"Ready"}})")
      .reply(200, R"({"kind":"Device","metadata":{"name":"d","uid":"u-1"}})");
  EXPECT_TRUE(
      client_.apply(kDevices, {"ns", "d"}, "status",
                    {.kind = "Device", .uid = "u-1", .members = R"("status":{"phase":"Ready"})"}));
  EXPECT_EQ(last().contentType, "application/apply-patch+yaml");
  EXPECT_EQ(last().callClass, CallClass::kUpdate);

  transport_.expect(Method::kPatch, kServer + "/api/v1/namespaces/n?" + kManager + "&force=true",
                    R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n","uid":"u-2",)"
                    R"("resourceVersion":"9","finalizers":["f"]}})");
  EXPECT_TRUE(client_.apply(kNamespaces, {"", "n"}, "",
                            {.kind = "Namespace",
                             .uid = "u-2",
                             .resourceVersion = "9",
                             .metadata = R"("finalizers":["f"])"}));
}

TEST_F(KubeClient, AppliesNothingWithoutAUid) {
  EXPECT_EQ(client_.apply(kDevices, {"ns", "d"}, "", {.kind = "Device"}).error().code,
            ErrorCode::kInternal);
}

// Seen of Kubernetes 1.34: the uid guards the object itself, but not its status.
TEST_F(KubeClient, NoticesThatAStatusWentToAnotherObjectOfThatName) {
  const std::string object =
      kServer + "/apis/provisioning.example/v1alpha1/namespaces/ns/devices/d";
  for (const auto* const answer : {R"({"metadata":{"uid":"u-2"}})", "{}", ""}) {
    transport_
        .expect(Method::kPatch, object + "/status?" + kManager + "&force=true",
                R"({"apiVersion":"provisioning.example/v1alpha1","kind":"Device","metadata":)"
                R"({"name":"d","namespace":"ns","uid":"u-1"},"status":{}})")
        .reply(200, answer);
    const auto applied =
        client_.apply(kDevices, {"ns", "d"}, "status",
                      {.kind = "Device", .uid = "u-1", .members = R"("status":{})"});
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().code, ErrorCode::kConflict);
  }
}

TEST_F(KubeClient, PatchesByMerging) {
  transport_.expect(Method::kPatch, kServer + "/api/v1/namespaces/ns/secrets/s?" + kManager,
                    R"({"data":{"a":null}})");
  EXPECT_TRUE(client_.mergePatch(kSecrets, {"ns", "s"}, "", SecretBytes(R"({"data":{"a":null}})")));
  EXPECT_EQ(last().contentType, "application/merge-patch+json");
}

TEST_F(KubeClient, DeletesWithPreconditions) {
  const std::string url = kServer + "/api/v1/namespaces/ns/secrets/s";
  transport_.expect(Method::kDelete, url,
                    R"({"apiVersion":"v1","kind":"DeleteOptions",)"
                    R"("propagationPolicy":"Background"})");
  EXPECT_TRUE(client_.remove(kSecrets, {"ns", "s"}));
  EXPECT_EQ(last().callClass, CallClass::kCreateDelete);
  transport_.expect(Method::kDelete, url,
                    R"({"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Orphan",)"
                    R"("preconditions":{"uid":"u","resourceVersion":"7"}})");
  EXPECT_TRUE(client_.remove(kSecrets, {"ns", "s"}, {.uid = "u", .resourceVersion = "7"},
                             Propagation::kOrphan));
}

// ---- what comes back

TEST_F(KubeClient, NamesCallAndObjectInItsErrors) {
  transport_
      .expect(Method::kGet, kServer + "/apis/coordination.k8s.io/v1/namespaces/ns/leases/leader")
      .reply(404, refusal("NotFound", 404));
  const auto missing = client_.get(kLeases, {"ns", "leader"});
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().message, "reading leases ns/leader: words (404)");

  transport_.expect(Method::kGet, kServer + "/apis/provisioning.example/v1alpha1/devices?limit=500")
      .fails({.code = ErrorCode::kUnavailable, .message = "no way"});
  EXPECT_EQ(client_.list(kDevices, "", {}).error().message, "listing devices: no way");
}

TEST_F(KubeClient, DoesNotRepeatWhatTheServerSaysOfSecrets) {
  transport_.expect(Method::kPost, kServer + "/api/v1/namespaces/ns/secrets?" + kManager, "{}")
      .reply(422, refusal("Invalid", 422));
  const auto refused = client_.create(kSecrets, "ns", SecretBytes("{}"));
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(refused.error().message, Not(HasSubstr("words")));
}

// ---- the token

class KubeClientToken : public testing::Test {
 protected:
  void write(const std::string& text) const { std::ofstream(path_) << text; }
  void TearDown() override { std::filesystem::remove(path_); }

  test::ScriptedTransport transport_;
  test::ScriptedStreams streams_;
  test::FakeClock clock_;
  const std::string path_ = testing::TempDir() + "/client-token";
  Client client_{{.server = "https://host", .token = TokenSource::file(path_, clock_)},
                 transport_,
                 &streams_,
                 clock_};

  [[nodiscard]] std::vector<std::string> sent() const {
    std::vector<std::string> tokens;
    for (const auto& request : transport_.seen()) tokens.push_back(request.credential);
    return tokens;
  }
};

TEST_F(KubeClientToken, IsReadAgainWhenItIsRefusedAndTheCallMadeAgain) {
  write("old");
  transport_.expect(Method::kGet, "https://host/version").reply(200, "1");
  EXPECT_TRUE(client_.getPath("/version"));
  write("new");
  transport_.expect(Method::kPost, "https://host/api/v1/namespaces/n/secrets?" + kManager, "{}")
      .reply(401, refusal("Unauthorized", 401));
  transport_.expect(Method::kPost, "https://host/api/v1/namespaces/n/secrets?" + kManager, "{}")
      .reply(201, "made");
  EXPECT_EQ(client_.create(kSecrets, "n", SecretBytes("{}")), "made");
  EXPECT_THAT(sent(), ElementsAre("Authorization: Bearer old", "Authorization: Bearer old",
                                  "Authorization: Bearer new"));
}

TEST_F(KubeClientToken, IsBelievedToBeBadWhenItIsNoOther) {
  write("bad");
  transport_.expect(Method::kGet, "https://host/version").reply(401, refusal("Unauthorized", 401));
  EXPECT_EQ(client_.getPath("/version").error().code, ErrorCode::kUnauthenticated);
}

TEST_F(KubeClientToken, IsRenewedOnceForACall) {
  write("one");
  transport_.expect(Method::kGet, "https://host/a");
  EXPECT_TRUE(client_.getPath("/a"));
  write("two");
  transport_.expect(Method::kGet, "https://host/version").reply(401);
  transport_.expect(Method::kGet, "https://host/version").reply(401);
  EXPECT_EQ(client_.getPath("/version").error().code, ErrorCode::kUnauthenticated);
}

TEST_F(KubeClientToken, IsAnErrorOfTheCallWhenItCannotBeRead) {
  const auto refused = client_.getPath("/version");
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("reading /version: cannot read the Kubernetes"));
}

TEST_F(KubeClientToken, IsAlsoRenewedForAWatch) {
  write("old");
  transport_.expect(Method::kGet, "https://host/a");
  EXPECT_TRUE(client_.getPath("/a"));
  write("new");
  const std::string url =
      "https://host/api/v1/secrets?watch=true&allowWatchBookmarks=true&timeoutSeconds=300";
  streams_.expect(url).refuses(401, refusal("Unauthorized", 401));
  streams_.expect(url);
  EXPECT_TRUE(client_.watch(kSecrets, "", {}, [](std::string_view) { return true; }, {}));
  EXPECT_THAT(streams_.credentials(), ElementsAre("Bearer old", "Bearer new"));
}

// ---- watches

TEST_F(KubeClient, WatchesFromAVersion) {
  streams_
      .expect(kServer +
              "/apis/provisioning.example/v1alpha1/namespaces/ns/devices?watch=true"
              "&labelSelector=a%3Db&fieldSelector=metadata.name%3Dx&resourceVersion=12"
              "&allowWatchBookmarks=true&timeoutSeconds=301")
      .sends("ab")
      .sends("c");
  std::string seen;
  const auto ended = client_.watch(kDevices, "ns",
                                   {.labelSelector = "a=b",
                                    .fieldSelector = "metadata.name=x",
                                    .resourceVersion = "12",
                                    .serverTimeout = Duration(300'001),
                                    .idleTimeout = Duration(306'000)},
                                   [&](std::string_view bytes) {
                                     seen += bytes;
                                     return true;
                                   },
                                   {});
  EXPECT_TRUE(ended);
  EXPECT_EQ(seen, "abc");
  EXPECT_THAT(streams_.credentials(), ElementsAre("Bearer word"));
  EXPECT_EQ(streams_.silences().at(0), Duration(306'000));
}

TEST_F(KubeClient, AsksForAListAsAStream) {
  streams_.expect(kServer +
                  "/api/v1/secrets?watch=true&allowWatchBookmarks=true&timeoutSeconds=300"
                  "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
  EXPECT_TRUE(client_.watch(kSecrets, "", {.sendInitialEvents = true},
                            [](std::string_view) { return true; }, {}));
}

TEST_F(KubeClient, TellsWhyAWatchIsRefused) {
  const std::string url = kServer +
                          "/apis/coordination.k8s.io/v1/leases?watch=true"
                          "&resourceVersion=1&allowWatchBookmarks=true&timeoutSeconds=300";
  streams_.expect(url).refuses(410, refusal("Expired", 410));
  streams_.expect(url).fails(ErrorCode::kDeadline);
  const auto watch = [this] {
    return client_.watch(kLeases, "", {.resourceVersion = "1"},
                         [](std::string_view) { return true; }, {});
  };
  const auto gone = watch();
  EXPECT_EQ(gone.error().code, ErrorCode::kGone);
  EXPECT_EQ(gone.error().message, "watching leases: words (410)");
  EXPECT_EQ(watch().error().message, "watching leases: scripted");
}

TEST_F(KubeClient, WatchesNothingWithoutStreams) {
  Client client({.server = kServer}, transport_, nullptr, clock_);
  EXPECT_EQ(client.watch(kLeases, "", {}, [](std::string_view) { return true; }, {}).error().code,
            ErrorCode::kInternal);
}

TEST_F(KubeClient, CountsAStopBeforeTheAnswerAsAnEnd) {
  streams_
      .expect(kServer + "/api/v1/secrets?watch=true&allowWatchBookmarks=true&timeoutSeconds=300")
      .refuses(0);
  EXPECT_TRUE(client_.watch(kSecrets, "", {}, [](std::string_view) { return true; }, {}));
}

}  // namespace
}  // namespace bco::kube
