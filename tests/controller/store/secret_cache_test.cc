#include "store/secret_cache.h"

#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <future>
#include <sstream>
#include <thread>

#include "core/text.h"
#include "tests/controller/store/told_streams.h"
#include "tests/http/stepping_clock.h"
#include "tests/support/fake_random.h"
#include "tests/support/scripted_transport.h"

namespace bco::store {
namespace {

using http::Method;
using testing::HasSubstr;
using testing::Not;

const api::ObjectKey kSeed{"default", "bco-key-seed"};
const api::SecretKeyRef kRef{"bco-key-seed", "seed"};
const std::string kSecretsUrl = "https://host/api/v1/namespaces/default/secrets";
const std::string kCreateUrl = kSecretsUrl + "?fieldManager=balena-clearblade-operator";
const std::string kNotFound = R"({"kind":"Status","reason":"NotFound","code":404})";
const std::string kForbidden = R"({"kind":"Status","reason":"Forbidden","code":403})";
const std::string kExists = R"({"kind":"Status","reason":"AlreadyExists","code":409})";

std::string secret(const std::string& value, int version) {
  return R"({"metadata":{"name":"bco-key-seed","namespace":"default","uid":"u","resourceVersion":")" +
         std::to_string(version) + R"("},"data":{"seed":")" + toBase64(value) + R"("}})";
}
std::string event(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}
std::string listEnd(int version) {
  return event("BOOKMARK", R"({"metadata":{"annotations":{"k8s.io/initial-events-end":"true"},)"
                           R"("resourceVersion":")" +
                               std::to_string(version) + R"("}})");
}
std::string tooOld() {
  return event("ERROR", R"({"kind":"Status","reason":"Expired","code":410})");
}

class SecretCacheTest : public testing::Test {
 protected:
  void watch() { cache_.watch({kSeed}); }
  // The server asked to make it with `value` answers with what it is then.
  test::ScriptedTransport::Step& expectCreation(const std::string& value) {
    return transport_.expect(Method::kPost, kCreateUrl,
                             R"({"apiVersion":"v1","kind":"Secret","type":"Opaque","metadata":{)"
                             R"("name":"bco-key-seed"},"data":{"seed":")" +
                                 toBase64(value) + R"("}})");
  }
  Result<SecretBytes> make(const std::string& value) {
    return cache_.getOrCreate("default", kRef, SecretBytes(value));
  }
  // What is there; "-" if nothing.
  std::string seed() {
    const auto value = cache_.get("default", kRef);
    if (value) return std::string(value->reveal());
    EXPECT_EQ(value.error().code, ErrorCode::kNotFound) << value.error().message;
    return "-";
  }

  test::ScriptedTransport transport_;
  test::ToldStreams streams_;
  test::SteppingClock clock_;
  test::FakeRandom random_;
  kube::Client client_{{.server = "https://host"}, transport_, &streams_, clock_};
  std::ostringstream logged_;
  telemetry::Logger log_{{}, logged_};
  std::atomic<int> changes_ = 0;
  std::function<void()> onChange_ = [] {};
  SecretCache cache_{client_, clock_, random_, log_, [this](const api::ObjectKey& /*secret*/) {
                       ++changes_;
                       onChange_();
                     }};
};

TEST_F(SecretCacheTest, ReadsASecretThatIsNotWatchedAtEachUse) {
  transport_.expect(Method::kGet, kSecretsUrl + "/bco-key-seed").reply(200, secret("one", 1));
  transport_.expect(Method::kGet, kSecretsUrl + "/bco-key-seed").reply(200, secret("two", 2));
  transport_.expect(Method::kGet, kSecretsUrl + "/bco-key-seed").reply(404, kNotFound);
  EXPECT_EQ(seed(), "one");
  EXPECT_EQ(seed(), "two");
  EXPECT_EQ(seed(), "-");
}

TEST_F(SecretCacheTest, ReadsFromTheServerUntilTheWatchKnowsAll) {
  transport_.expect(Method::kGet, kSecretsUrl + "/bco-key-seed").reply(200, secret("one", 1));
  watch();
  streams_.awaitStream(1);
  EXPECT_EQ(seed(), "one");
  streams_.say(event("ADDED", secret("one", 1)) + listEnd(1));
  EXPECT_EQ(seed(), "one");
}

TEST_F(SecretCacheTest, FollowsTheWatchAndTellsOfChangesAlone) {
  watch();
  streams_.say(event("ADDED", secret("one", 1)) + listEnd(1));
  EXPECT_EQ(changes_, 1);
  streams_.say(event("MODIFIED", secret("one", 2)));
  EXPECT_EQ(changes_, 1);
  streams_.say(event("MODIFIED", secret("two", 3)));
  EXPECT_EQ(seed(), "two");
  EXPECT_EQ(changes_, 2);
  streams_.say(event("DELETED", secret("two", 4)));
  EXPECT_EQ(seed(), "-");
  EXPECT_EQ(changes_, 3);
}

TEST_F(SecretCacheTest, KnowsASecretThatItHasMadeBeforeTheWatchTellsOfIt) {
  watch();
  streams_.say(listEnd(5));
  EXPECT_EQ(seed(), "-");
  expectCreation("mine").reply(201, secret("mine", 6));
  EXPECT_TRUE(make("mine")->equals("mine"));
  EXPECT_EQ(seed(), "mine");
  EXPECT_TRUE(make("another")->equals("mine"));
  EXPECT_EQ(changes_, 1);
  streams_.say(event("ADDED", secret("mine", 6)));
  EXPECT_EQ(changes_, 1);
}

TEST_F(SecretCacheTest, KnowsASecretThatSomebodyElseHasMadeFirst) {
  watch();
  streams_.say(listEnd(5));
  expectCreation("mine").reply(409, kExists);
  transport_.expect(Method::kGet, kSecretsUrl + "/bco-key-seed").reply(200, secret("another's", 6));
  EXPECT_TRUE(make("mine")->equals("another's"));
  EXPECT_EQ(seed(), "another's");
}

TEST_F(SecretCacheTest, SaysThatASecretIsThereWithoutItsKey) {
  watch();
  std::string other = secret("one", 1);
  other.replace(other.find("\"seed\""), 6, "\"sede\"");
  streams_.say(event("ADDED", other) + listEnd(5));
  // Whether it may make Secrets or not.
  for (const int status : {409, 403}) {
    expectCreation("mine").reply(status, status == 409 ? kExists : kForbidden);
    transport_.expect(Method::kGet, kSecretsUrl + "/bco-key-seed").reply(200, other);
    const auto made = make("mine");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ErrorCode::kInvalid) << "none may be made up instead";
    EXPECT_THAT(made.error().message, HasSubstr("default/bco-key-seed has no key seed"));
  }
}

TEST_F(SecretCacheTest, LetsNothingOlderReplaceWhatItHasMade) {
  watch();
  streams_.say(listEnd(5));
  expectCreation("mine").reply(201, secret("mine", 9));
  ASSERT_TRUE(make("mine"));
  // What had that name before comes late.
  streams_.say(event("ADDED", secret("old", 7)));
  EXPECT_EQ(seed(), "mine");
  streams_.say(event("DELETED", secret("old", 8)));
  EXPECT_EQ(seed(), "mine");
  streams_.say(event("MODIFIED", secret("new", 10)));
  EXPECT_EQ(seed(), "new");
}

TEST_F(SecretCacheTest, KeepsWhatItHasMadeWhileAListWasRead) {
  watch();
  streams_.say(listEnd(5) + tooOld());
  streams_.awaitStream(2);
  expectCreation("mine").reply(201, secret("mine", 9));
  ASSERT_TRUE(make("mine"));
  streams_.say(listEnd(8));
  EXPECT_EQ(seed(), "mine");
}

TEST_F(SecretCacheTest, BelievesAListOfAServerThatWasRestoredFromABackup) {
  watch();
  streams_.say(event("ADDED", secret("new", 100)) + listEnd(100) + tooOld());
  streams_.say(event("ADDED", secret("old", 7)) + listEnd(8));
  EXPECT_EQ(seed(), "old");
  streams_.say(tooOld());
  streams_.say(listEnd(9));
  EXPECT_EQ(seed(), "-");
}

TEST_F(SecretCacheTest, DoesNotWaitForTheWatchesThatAreNoLongerWanted) {
  std::promise<void> letGo;
  onChange_ = [released = letGo.get_future().share()] { released.wait(); };
  watch();
  // Its watch is kept in here, as by a slow server.
  std::jthread telling([this] { streams_.say(event("ADDED", secret("one", 1)) + listEnd(1)); });
  while (changes_ == 0) std::this_thread::yield();
  auto unwatched = std::async(std::launch::async, [this] { cache_.watch({}); });
  EXPECT_EQ(unwatched.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  letGo.set_value();
  telling.join();
  cache_.watch({kSeed});
  streams_.awaitStream(2);
}

TEST_F(SecretCacheTest, KeepsTheLastStateThatItCouldRead) {
  watch();
  streams_.say(event("ADDED", secret("one", 1)) + listEnd(1));
  std::string broken = secret("two", 2);
  broken.replace(broken.find(toBase64("two")), 1, "?");
  streams_.say(event("MODIFIED", broken));
  EXPECT_EQ(seed(), "one");
  streams_.say(tooOld());
  streams_.say(event("ADDED", broken) + listEnd(2));
  EXPECT_EQ(seed(), "one");
  EXPECT_THAT(logged_.str(), HasSubstr("a Secret can't be used"));
  EXPECT_THAT(logged_.str(), Not(HasSubstr(broken.substr(broken.find('?'), 4))));
}

}  // namespace
}  // namespace bco::store
