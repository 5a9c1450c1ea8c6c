#include "store/kubernetes_collection.h"

#include <gmock/gmock.h>

#include <sstream>

#include "tests/support/fake_clock.h"
#include "tests/support/scripted_transport.h"

namespace bco::store {
namespace {

using api::BalenaDevice;
using http::Method;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const api::ObjectKey kKey{"default", "a"};
const std::string kUrl =
    "https://host/apis/provisioning.balena-clearblade.io/v1alpha1/namespaces/default/balenadevices";
const std::string kManager = "?fieldManager=balena-clearblade-operator";
const std::string kOurs = R"("finalizers":["provisioning.balena-clearblade.io/deprovision"])";
const std::string kConflict = R"({"kind":"Status","reason":"Conflict","message":"m","code":409})";

struct Meta {
  int version = 0;
  std::string uid = "u1";
  bool hasFinalizer = false;
  bool isDeleted = false;
  int generation = 0;  // 0: it says none
};

// Device `a` as the server tells it. `more`: further fields of its spec.
std::string device(const Meta& meta, const std::string& more = "") {
  return R"({"metadata":{"name":"a","namespace":"default","uid":")" + meta.uid +
         R"(","resourceVersion":")" + std::to_string(meta.version) + "\"" +
         (meta.hasFinalizer ? "," + kOurs : "") +
         (meta.generation > 0 ? ",\"generation\":" + std::to_string(meta.generation) : "") +
         (meta.isDeleted ? R"(,"deletionTimestamp":"2026-11-23T07:00:00Z")" : "") +
         R"(},"spec":{"uuid":"7cf02a69e4d34c9da573914963cf54fd","fleetRef":{"name":"sensors"})" +
         more + "}}";
}

// What it says of its state only a later version of us can read.
std::string unreadable(const Meta& meta) { return device(meta, R"(,"state":"Dancing")"); }

// The same with the status failed().
std::string withFailure(std::string object) {
  object.pop_back();
  return object + R"(,"status":{"observedGeneration":0,"failureCount":1}})";
}

class KubernetesCollectionTest : public testing::Test {
 protected:
  // A complete list.
  void list(const std::vector<std::string>& objects) {
    devices_.restart();
    for (const auto& object : objects) devices_.put(object);
    devices_.synced();
  }

  // Which version is there; 0: none.
  [[nodiscard]] std::uint64_t version() const {
    const auto object = devices_.get(kKey);
    return object == nullptr ? 0 : object->meta.resourceVersion;
  }

  // The server is asked to add our finalizer, or to remove it.
  test::ScriptedTransport::Step& expectFinalizer(bool present, const std::string& uid = "u1") {
    return transport_.expect(
        Method::kPatch, kUrl + "/a" + kManager + "&force=true",
        R"({"apiVersion":"provisioning.balena-clearblade.io/v1alpha1","kind":"BalenaDevice",)"
        R"("metadata":{"name":"a","namespace":"default","uid":")" +
            uid + "\"" + (present ? "," + kOurs : "") + "}}");
  }
  test::ScriptedTransport::Step& expectDeletion(int version) {
    return transport_.expect(
        Method::kDelete, kUrl + "/a",
        R"({"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Background",)"
        R"("preconditions":{"uid":"u1","resourceVersion":")" +
            std::to_string(version) + "\"}}");
  }

  [[nodiscard]] static api::DeviceStatus failed() {
    api::DeviceStatus status;
    status.failureCount = 1;
    return status;
  }
  test::ScriptedTransport::Step& expectStatus(int version) {
    return expectStatusOf(version, failed());
  }
  test::ScriptedTransport::Step& expectStatusOf(int version, const api::DeviceStatus& status) {
    BalenaDevice seen;
    seen.meta.key = kKey;
    seen.meta.uid = "u1";
    seen.meta.resourceVersion = static_cast<std::uint64_t>(version);
    return transport_.expect(
        Method::kPatch, kUrl + "/a/status" + kManager + "&force=true",
        R"({"apiVersion":"provisioning.balena-clearblade.io/v1alpha1","kind":"BalenaDevice",)"
        R"("metadata":{"name":"a","namespace":"default","uid":"u1","resourceVersion":")" +
            std::to_string(version) + R"("},)" + api::applyStatus(seen, status, true).members +
            "}");
  }
  // The server is asked for the object by name. "": there is none.
  void expectLook(const std::string& object) {
    transport_.expect(Method::kGet, kUrl + "?fieldSelector=metadata.name%3Da&limit=1")
        .reply(200,
               R"({"kind":"List","metadata":{"resourceVersion":"9"},"items":[)" + object + "]}");
  }

  [[nodiscard]] int linesLogged() const {
    return static_cast<int>(std::ranges::count(logged_.str(), '\n'));
  }
  std::vector<std::string> takeSeen() { return std::exchange(seen_, {}); }

  test::ScriptedTransport transport_;
  test::FakeClock clock_;
  kube::Client client_{{.server = "https://host"}, transport_, nullptr, clock_};
  std::ostringstream logged_;
  telemetry::Logger log_{{}, logged_};
  bool isLeader_ = true;
  const MayWrite mayWrite_ = [this] { return isLeader_; };
  std::vector<std::string> seen_;   // "3>5": versions before and now, "-" for none
  std::function<void()> onChange_;  // once
  KubernetesCollection<BalenaDevice> devices_{
      client_, log_, mayWrite_, [](const BalenaDevice& /*object*/) { return "new"; },
      [this](const Shared<BalenaDevice>& before, const Shared<BalenaDevice>& now) {
        const auto text = [](const Shared<BalenaDevice>& object) {
          return object == nullptr ? "-" : std::to_string(object->meta.resourceVersion);
        };
        seen_.push_back(text(before) + ">" + text(now));
        if (const auto action = std::exchange(onChange_, nullptr)) action();
      }};
};

// ---- what is asked for because the watch may be behind

TEST_F(KubernetesCollectionTest, LearnsWhatTheWatchHasNotToldYet) {
  list({});
  const kube::ListOptions options{.labelSelector = "shard=a", .fieldSelector = "spec.uuid=7c"};
  const auto expectList = [this] {
    return &transport_.expect(
        Method::kGet, kUrl + "?labelSelector=shard%3Da&fieldSelector=spec.uuid%3D7c&limit=500");
  };
  expectList()->reply(
      200, R"({"metadata":{"resourceVersion":"9"},"items":[)" + device({.version = 3}) + "]}");
  EXPECT_TRUE(devices_.learn(client_, "default", options));
  EXPECT_EQ(version(), 3U);
  EXPECT_THAT(takeSeen(), ElementsAre("->3"));
  devices_.put(device({.version = 3}));
  EXPECT_THAT(takeSeen(), IsEmpty()) << "the watch's echo";
  devices_.drop(device({.version = 4}));
  EXPECT_EQ(version(), 0U);
  expectList()->reply(400, R"({"kind":"Status","reason":"BadRequest","code":400})");
  EXPECT_EQ(devices_.learn(client_, "default", options).error().code, ErrorCode::kInvalid);
}

TEST_F(KubernetesCollectionTest, LearnsNothingFromBeforeAList) {
  list({});
  transport_.expect(Method::kGet, kUrl + "?limit=500")
      .then([this] { devices_.restart(); })
      .reply(200,
             R"({"metadata":{"resourceVersion":"9"},"items":[)" + device({.version = 3}) + "]}");
  EXPECT_EQ(devices_.learn(client_, "default", {}).error().code, ErrorCode::kUnavailable);
  devices_.synced();
  EXPECT_EQ(version(), 0U);
}

// ---- what the watch tells

TEST_F(KubernetesCollectionTest, FollowsTheWatch) {
  list({device({.version = 3})});
  devices_.put(device({.version = 5}));
  devices_.drop(device({.version = 6}));
  EXPECT_THAT(takeSeen(), ElementsAre("->3", "3>5", "5>-"));
}

TEST_F(KubernetesCollectionTest, ForgetsWhatAListDoesNotHold) {
  list({device({.version = 3})});
  list({});
  EXPECT_THAT(takeSeen(), ElementsAre("->3", "3>-"));
}

TEST_F(KubernetesCollectionTest, ForgetsNothingOverAListThatBrokeOff) {
  list({device({.version = 3})});
  devices_.restart();
  devices_.restart();
  devices_.put(device({.version = 3}));
  devices_.synced();
  EXPECT_EQ(version(), 3U);
}

TEST_F(KubernetesCollectionTest, DropsNothingForTheEndOfAPredecessor) {
  list({device({.version = 3})});
  transport_.expect(Method::kPost, kUrl + kManager, "new")
      .reply(201, device({.version = 9, .uid = "u2"}));
  ASSERT_TRUE(devices_.create({}));
  devices_.put(device({.version = 7, .isDeleted = true}));
  devices_.drop(device({.version = 8}));
  EXPECT_EQ(version(), 9U);
  EXPECT_THAT(takeSeen(), ElementsAre("->3", "3>9"));
}

TEST_F(KubernetesCollectionTest, TakesBackWhatHadLeftTheSelection) {
  list({device({.version = 3})});
  devices_.drop(device({.version = 5}));  // its label was changed
  devices_.put(device({.version = 7}));   // and back
  EXPECT_EQ(version(), 7U);
}

TEST_F(KubernetesCollectionTest, TakesBackNothingThatIsOlderThanItsEnd) {
  list({device({.version = 3})});
  devices_.drop(device({.version = 5}));
  devices_.put(device({.version = 4}));
  devices_.put(device({.version = 5}));
  EXPECT_EQ(version(), 0U);
}

// ---- what can't be read

TEST_F(KubernetesCollectionTest, ReadsWhatHasFieldsOfALaterVersion) {
  list({device({.version = 3}, R"(,"mood":{"of":["the",1.5,{"day":null}]})")});
  EXPECT_EQ(version(), 3U);
  EXPECT_EQ(linesLogged(), 0) << logged_.str();
}

TEST_F(KubernetesCollectionTest, KeepsTheLastStateThatItCouldRead) {
  list({device({.version = 3})});
  devices_.put(unreadable({.version = 5}));
  EXPECT_EQ(version(), 3U);
  list({unreadable({.version = 5})});
  EXPECT_EQ(version(), 3U);
  EXPECT_EQ(linesLogged(), 1) << "once a version: " << logged_.str();
  EXPECT_THAT(logged_.str(), HasSubstr("spec.state: expected one of"));
  devices_.put(unreadable({.version = 6}));
  EXPECT_EQ(linesLogged(), 2);
  EXPECT_THAT(takeSeen(), ElementsAre("->3"));
}

TEST_F(KubernetesCollectionTest, FollowsWhatCanBeReadAgain) {
  list({device({.version = 3})});
  devices_.put(unreadable({.version = 5}));
  devices_.put(device({.version = 6}));
  EXPECT_EQ(version(), 6U);
}

TEST_F(KubernetesCollectionTest, DropsWhatCouldNotBeReadWhenItHasGone) {
  list({device({.version = 3})});
  devices_.put(unreadable({.version = 5}));
  devices_.drop(unreadable({.version = 6}));
  EXPECT_EQ(version(), 0U);
  list({device({.version = 7, .uid = "u2"})});
  devices_.put(unreadable({.version = 8, .uid = "u2"}));
  list({});
  EXPECT_EQ(version(), 0U);
}

TEST_F(KubernetesCollectionTest, ShowsNothingOfWhatItNeverCouldRead) {
  list({unreadable({.version = 3})});
  EXPECT_EQ(version(), 0U);
  EXPECT_EQ(linesLogged(), 1);
  list({device({.version = 4})});
  EXPECT_EQ(version(), 4U);
}

TEST_F(KubernetesCollectionTest, TakesASuccessorThatCantBeReadForTheEndOfWhatWasThere) {
  list({device({.version = 3})});
  list({unreadable({.version = 5, .uid = "u2"})});
  EXPECT_EQ(version(), 0U);
}

// ---- what need not be read

TEST_F(KubernetesCollectionTest, ReadsNoneOfWhatItKnows) {
  list({device({.version = 3})});
  devices_.put(unreadable({.version = 3}));
  devices_.put(unreadable({.version = 2}));
  EXPECT_EQ(linesLogged(), 0) << logged_.str();
  EXPECT_THAT(takeSeen(), ElementsAre("->3"));
}

TEST_F(KubernetesCollectionTest, ReadsASpecOnceAGeneration) {
  list({device({.version = 3, .generation = 1})});
  devices_.put(unreadable({.version = 4, .generation = 1}));
  EXPECT_EQ(linesLogged(), 0) << logged_.str();
  EXPECT_EQ(devices_.get(kKey)->spec.fleet, "sensors");
  devices_.put(unreadable({.version = 5, .generation = 2}));
  EXPECT_EQ(linesLogged(), 1);
  EXPECT_THAT(takeSeen(), ElementsAre("->3", "3>4"));
}

TEST_F(KubernetesCollectionTest, ReadsAllOfAListWhateverItKnew) {
  list({device({.version = 3, .generation = 1})});
  list({unreadable({.version = 3, .generation = 1})});
  EXPECT_EQ(linesLogged(), 1);
}

TEST_F(KubernetesCollectionTest, ReadsTheSpecOfASuccessor) {
  list({device({.version = 3, .generation = 1})});
  devices_.put(unreadable({.version = 5, .uid = "u2", .generation = 1}));
  EXPECT_EQ(linesLogged(), 1);
}

// ---- what we write

TEST_F(KubernetesCollectionTest, KnowsWhatItWroteAndIsNotToldOfIt) {
  list({device({.version = 3})});
  expectFinalizer(true).reply(200, device({.version = 5, .hasFinalizer = true}));
  ASSERT_TRUE(devices_.setFinalizer(kKey, "u1", true));
  devices_.put(device({.version = 4}));
  devices_.put(device({.version = 5, .hasFinalizer = true}));
  EXPECT_TRUE(devices_.get(kKey)->meta.hasFinalizer());
  EXPECT_THAT(takeSeen(), ElementsAre("->3", "3>5"));
}

TEST_F(KubernetesCollectionTest, BringsNothingBackWithAnAnswerThatComesLate) {
  list({});
  // The watch tells of its beginning and its end before the answer comes.
  devices_.put(device({.version = 2}));
  devices_.drop(device({.version = 6}));
  transport_.expect(Method::kPost, kUrl + kManager, "new").reply(201, device({.version = 2}));
  ASSERT_TRUE(devices_.create({}));
  EXPECT_EQ(version(), 0U);
}

TEST_F(KubernetesCollectionTest, DropsADeletedObjectWithItsLastFinalizer) {
  list({device({.version = 3, .hasFinalizer = true, .isDeleted = true})});
  expectFinalizer(false).reply(200, device({.version = 4, .isDeleted = true}));
  ASSERT_TRUE(devices_.setFinalizer(kKey, "u1", false));
  EXPECT_EQ(version(), 0U);
  devices_.put(device({.version = 4, .isDeleted = true}));
  EXPECT_EQ(version(), 0U);
}

TEST_F(KubernetesCollectionTest, WritesNothingWhenAnotherMayLead) {
  list({device({.version = 3, .hasFinalizer = true})});
  isLeader_ = false;
  api::DeviceStatus status;
  status.failureCount = 1;
  for (const Status& refused :
       {devices_.create({}), devices_.setStatus(kKey, "u1", status),
        devices_.updateStatus(*devices_.get(kKey), status),
        devices_.setFinalizer(kKey, "u1", false), devices_.setLabels(kKey, "u1", {{"a", "b"}}),
        devices_.remove(kKey, "u1"), devices_.release(kKey, "u1")}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  }
  EXPECT_THAT(transport_.seen(), IsEmpty());
}

// ---- status

TEST_F(KubernetesCollectionTest, WritesAStatusToTheVersionItKnows) {
  list({device({.version = 3})});
  expectStatus(3).reply(200, device({.version = 4}));
  EXPECT_TRUE(devices_.setStatus(kKey, "u1", failed()));
  EXPECT_EQ(version(), 4U);
}

TEST_F(KubernetesCollectionTest, LooksAgainWhenSomebodyHasChangedTheObjectMeanwhile) {
  list({device({.version = 3})});
  expectStatus(3).reply(409, kConflict);
  expectLook(device({.version = 7}));
  expectStatus(7).reply(200, device({.version = 8}));
  EXPECT_TRUE(devices_.setStatus(kKey, "u1", failed()));
  EXPECT_EQ(version(), 8U);
  EXPECT_THAT(takeSeen(), ElementsAre("->3", "3>7", "7>8"));
}

TEST_F(KubernetesCollectionTest, LooksWhatHasBecomeOfAStatusBeforeItWritesTheNext) {
  list({device({.version = 3})});
  expectStatus(3).fails({ErrorCode::kDeadline, "no answer", std::nullopt, true});
  EXPECT_FALSE(devices_.setStatus(kKey, "u1", failed()));
  // What is known here is as it was: but what was sent may have been written.
  expectLook(withFailure(device({.version = 4})));
  expectStatusOf(4, {}).reply(200, device({.version = 5}));
  EXPECT_TRUE(devices_.setStatus(kKey, "u1", {}));
  EXPECT_EQ(version(), 5U);
}

TEST_F(KubernetesCollectionTest, GivesNoSuccessorOfTheNameItsStatus) {
  list({device({.version = 3})});
  expectStatus(3).reply(409, kConflict);
  expectLook(device({.version = 9, .uid = "u2"}));
  EXPECT_EQ(devices_.setStatus(kKey, "u1", failed()).error().code, ErrorCode::kNotFound);
  expectStatus(3).reply(409, kConflict);
  expectLook("");
  EXPECT_EQ(devices_.setStatus(kKey, "u1", failed()).error().code, ErrorCode::kNotFound);
}

TEST_F(KubernetesCollectionTest, GivesUpForNowOnAnObjectThatKeepsChanging) {
  list({device({.version = 3})});
  for (int version = 3; version < 6; ++version) {
    expectStatus(version).reply(409, kConflict);
    expectLook(device({.version = version + 1}));
  }
  expectStatus(6).reply(409, kConflict);
  EXPECT_EQ(devices_.setStatus(kKey, "u1", failed()).error().code, ErrorCode::kUnavailable)
      << "a conflict would say that it has gone";
}

// ---- release

TEST_F(KubernetesCollectionTest, ReleasesJustWhatHasNoFinalizerAnyMore) {
  list({device({.version = 3, .hasFinalizer = true})});
  expectFinalizer(false).reply(200, device({.version = 4}));
  expectDeletion(4);
  EXPECT_TRUE(devices_.release(kKey, "u1"));
}

TEST_F(KubernetesCollectionTest, ReleasesWhatHasNeverHadAFinalizer) {
  list({device({.version = 3})});
  expectDeletion(3);
  EXPECT_TRUE(devices_.release(kKey, "u1"));
}

TEST_F(KubernetesCollectionTest, ReleasesNothingThatHasChangedMeanwhile) {
  list({device({.version = 3, .hasFinalizer = true})});
  expectFinalizer(false).reply(200, device({.version = 4}));
  expectDeletion(4).reply(409, kConflict);
  EXPECT_EQ(devices_.release(kKey, "u1").error().code, ErrorCode::kConflict);
}

TEST_F(KubernetesCollectionTest, DeletesNothingWhoseFinalizerAPassHasPutBack) {
  list({device({.version = 3, .hasFinalizer = true})});
  onChange_ = [this] { ASSERT_TRUE(devices_.setFinalizer(kKey, "u1", true)); };
  expectFinalizer(false).reply(200, device({.version = 4}));
  expectFinalizer(true).reply(200, device({.version = 5, .hasFinalizer = true}));
  EXPECT_EQ(devices_.release(kKey, "u1").error().code, ErrorCode::kConflict);
}

TEST_F(KubernetesCollectionTest, NeedsNoDeletionToReleaseWhatIsBeingDeleted) {
  list({device({.version = 3, .hasFinalizer = true, .isDeleted = true})});
  expectFinalizer(false).reply(200, device({.version = 4, .isDeleted = true}));
  EXPECT_TRUE(devices_.release(kKey, "u1"));
  EXPECT_EQ(version(), 0U);
}

// ---- lists that tell of lower versions

TEST_F(KubernetesCollectionTest, BelievesAListOfAServerThatWasRestoredFromABackup) {
  list({device({.version = 100, .hasFinalizer = true})});
  list({device({.version = 7})});
  EXPECT_EQ(version(), 7U);
  EXPECT_FALSE(devices_.get(kKey)->meta.hasFinalizer());
  devices_.put(device({.version = 8}));
  devices_.put(device({.version = 6}));
  EXPECT_EQ(version(), 8U);
}

TEST_F(KubernetesCollectionTest, BelievesAListThatBringsBackWhatWasDeletedAfterTheBackup) {
  list({device({.version = 100})});
  devices_.drop(device({.version = 101}));
  list({device({.version = 7})});
  EXPECT_EQ(version(), 7U);
}

TEST_F(KubernetesCollectionTest, KeepsWhatItWroteWhileAListWasRead) {
  list({device({.version = 3})});
  devices_.restart();
  expectFinalizer(true).reply(200, device({.version = 5, .hasFinalizer = true}));
  ASSERT_TRUE(devices_.setFinalizer(kKey, "u1", true));
  devices_.put(device({.version = 3}));
  devices_.synced();
  EXPECT_EQ(version(), 5U);
  list({device({.version = 4})});
  EXPECT_EQ(version(), 4U) << "the next list began later";
}

TEST_F(KubernetesCollectionTest, KeepsWhatItMadeWhileAListWasRead) {
  devices_.restart();
  transport_.expect(Method::kPost, kUrl + kManager, "new").reply(201, device({.version = 5}));
  ASSERT_TRUE(devices_.create({}));
  devices_.synced();
  EXPECT_EQ(version(), 5U);
}

TEST_F(KubernetesCollectionTest, BringsNothingBackThatItTookAwayWhileAListWasRead) {
  list({device({.version = 3, .hasFinalizer = true, .isDeleted = true})});
  devices_.restart();
  expectFinalizer(false).reply(200, device({.version = 4, .isDeleted = true}));
  ASSERT_TRUE(devices_.setFinalizer(kKey, "u1", false));
  devices_.put(device({.version = 3, .hasFinalizer = true, .isDeleted = true}));
  devices_.synced();
  EXPECT_EQ(version(), 0U);
}

// ---- what is asked for from outside

TEST_F(KubernetesCollectionTest, WritesWhatIsAskedForFromOutsideWhoeverLeads) {
  list({device({.version = 3})});
  isLeader_ = false;
  const std::string patch = R"({"spec":{"state":"Absent"}})";
  transport_.expect(Method::kPatch, kUrl + "/a" + kManager, patch)
      .reply(200, device({.version = 4}));
  EXPECT_TRUE(devices_.patch(client_, kKey, patch));
  EXPECT_EQ(version(), 4U) << "known at once";
}

}  // namespace
}  // namespace bco::store
