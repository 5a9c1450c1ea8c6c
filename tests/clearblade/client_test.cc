#include "clearblade/client.h"

#include "tests/clearblade/fixture.h"
#include "tests/support/listings.h"

namespace bco::clearblade {
namespace {

using http::CallClass;
using http::Method;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

class ClearBladeClient : public ClearBladeFixture {
 protected:
  Client client_{transport_, clock_, account_, registry_};

  const std::string byId_ =
      kWebhook + "cloudiot_devices?name=" + kRegistryPath + "%2Fdevices%2F" + kId;
  const std::string byNumId_ =
      kWebhook + "cloudiot_devices?name=" + kRegistryPath + "%2Fdevices%2F2912345678901234";
  const std::string list_ =
      kWebhook + "cloudiot_devices?parent=" + kRegistryPath + "&pageSize=500" + kListMask;
};

// ---- reading

TEST_F(ClearBladeClient, ReadsARegistration) {
  expectExchange();
  transport_.expect(Method::kGet, byId_ + kMask).reply(200, deviceAnswer());
  const auto registration = client_.getRegistration(kId);
  ASSERT_TRUE(registration) << registration.error().message;
  EXPECT_EQ(registration->id, kId);
  EXPECT_EQ(registration->numId, "2912345678901234");
  ASSERT_EQ(registration->credentials.size(), 2U);
  EXPECT_EQ(registration->credentials[0].format, "ES256_PEM");
  EXPECT_EQ(registration->credentials[0].publicKey, "PEM-1\n");
  EXPECT_EQ(registration->credentials[0].expiresAt, std::nullopt);
  EXPECT_EQ(registration->credentials[1].expiresAt, parseRfc3339("2030-01-01T00:00:00Z"));
  EXPECT_THAT(registration->metadata,
              UnorderedElementsAre(Pair("bco-owner", "site-a"), Pair("city", "Zürich")));
  EXPECT_TRUE(registration->blocked);
  EXPECT_EQ(registration->lastSeen, parseRfc3339("2026-11-23T07:00:00.25Z")) << "the latest";
  const auto& request = transport_.seen().back();
  EXPECT_EQ(request.kind, "clearblade.device.get");
  EXPECT_EQ(request.callClass, CallClass::kRead);
  EXPECT_EQ(request.credential, "ClearBlade-UserToken: reg1nSecret");
}

TEST_F(ClearBladeClient, ReadsWhatIsNullAbsentOrANumber) {
  expectExchange();
  transport_.expect(Method::kGet, byId_ + kMask)
      .reply(200, R"({"id":")" + kId +
                      R"(","numId":18446744073709551615,"metadata":null,)"
                      R"("credentials":[)"
                      R"({"publicKey":{"format":"RSA_PEM","key":"K"}},)"
                      R"({"publicKey":{"format":"RSA_PEM","key":"K"},"expirationTime":null},)"
                      R"({"publicKey":{"format":"RSA_PEM","key":"K"},)"
                      R"("expirationTime":"1970-01-01T00:00:00Z"}]})");
  const auto registration = client_.getRegistration(kId);
  ASSERT_TRUE(registration) << registration.error().message;
  EXPECT_EQ(registration->numId, "18446744073709551615");
  EXPECT_FALSE(registration->blocked);
  EXPECT_EQ(registration->lastSeen, std::nullopt);
  ASSERT_EQ(registration->credentials.size(), 3U);
  for (const Credential& credential : registration->credentials) {
    EXPECT_EQ(credential.expiresAt, std::nullopt);
    EXPECT_EQ(credential.format, "RSA_PEM");
  }
}

TEST_F(ClearBladeClient, TakesNoAnswerThatItDoesNotUnderstand) {
  expectExchange();
  for (const std::string& body :
       {std::string(), std::string("reg1nSecret"), std::string("{}"), std::string("[]"),
        R"({"id":")" + kId + "\"}", R"({"id":"balena-other","numId":"1"})" + std::string(),
        R"({"id":")" + kId + R"(","numId":"1","credentials":[{}]})",
        R"({"id":")" + kId +
            R"(","numId":"1","credentials":[{"publicKey":{"format":"F","key":"K"},)"
            R"("expirationTime":"soon"}]})"}) {
    transport_.expect(Method::kGet, byId_ + kMask).reply(200, body);
    const auto registration = client_.getRegistration(kId);
    ASSERT_FALSE(registration) << body;
    EXPECT_EQ(registration.error().code, ErrorCode::kInternal) << body;
    expectSilent(registration.error());
  }
}

TEST_F(ClearBladeClient, SaysNotFoundOnlyWhenTheRegistryDoes) {
  expectExchange();
  transport_.expect(Method::kGet, byId_ + kMask).reply(404, problem(404, "NOT_FOUND"));
  EXPECT_EQ(client_.getRegistration(kId).error().code, ErrorCode::kNotFound);

  transport_.expect(Method::kGet, byId_ + kMask).reply(404, "404 page not found");
  expectExchange();
  transport_.expect(Method::kGet, byId_ + kMask).reply(404, "404 page not found");
  EXPECT_EQ(client_.getRegistration(kId).error().code, ErrorCode::kForbidden);
}

TEST_F(ClearBladeClient, AsksForNoIdThatIsNone) {
  for (const char* id : {"", "ab", "7abc", "a/../b", "a&name=b"}) {
    EXPECT_EQ(client_.getRegistration(id).error().code, ErrorCode::kInvalid) << id;
    EXPECT_EQ(client_.createRegistration({id, {}, {}}).error().code, ErrorCode::kInvalid) << id;
  }
}

TEST_F(ClearBladeClient, ReadsWhetherARegistryHasCertificates) {
  const std::string url = kWebhook + "cloudiot?name=" + kRegistryPath;
  expectExchange();
  transport_.expect(Method::kGet, url).reply(200, R"({"id":"devices","credentials":[]})");
  EXPECT_FALSE(client_.getRegistry()->hasCaCertificates);
  transport_.expect(Method::kGet, url)
      .reply(200, R"({"id":"devices","credentials":[{"publicKeyCertificate":{}}]})");
  EXPECT_TRUE(client_.getRegistry()->hasCaCertificates);
  transport_.expect(Method::kGet, url).reply(200, R"({"id":"devices"})");
  EXPECT_FALSE(client_.getRegistry()->hasCaCertificates);
  transport_.expect(Method::kGet, url).reply(404, problem(404, "NOT_FOUND"));
  EXPECT_EQ(client_.getRegistry().error().code, ErrorCode::kForbidden);
  EXPECT_EQ(transport_.seen().back().kind, "clearblade.registry.get");
}

// ---- listing

TEST_F(ClearBladeClient, ListsAllPages) {
  expectExchange();
  transport_.expect(Method::kGet, list_)
      .reply(200, R"({"devices":[)" + deviceAnswer("1") + R"(],"nextPageToken":"tok/=+"})");
  transport_.expect(Method::kGet, list_ + "&pageToken=tok%2F%3D%2B")
      .reply(200, R"({"devices":[],"nextPageToken":"b"})");
  transport_.expect(Method::kGet, list_ + "&pageToken=b")
      .reply(200, R"({"devices":[)" + deviceAnswer("2") + "," + deviceAnswer("3") + "]}");
  const TimePoint start = clock_.now();
  const auto snapshot = test::listRegistrations(client_);
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_EQ(snapshot->takenAt, start);
  ASSERT_EQ(snapshot->registrations.size(), 3U);
  EXPECT_EQ(snapshot->registrations[2].numId, "3");
  EXPECT_EQ(transport_.seen().back().kind, "clearblade.device.list");
  EXPECT_EQ(transport_.seen().back().lane, Lane::kSweep);
}

TEST_F(ClearBladeClient, KnowsTheLastPageByAnyEmptyToken) {
  expectExchange();
  for (const char* body :
       {R"({"devices":[]})", R"({"devices":[],"nextPageToken":""})",
        R"({"devices":[],"nextPageToken":null})", R"({"devices":[],"nextPageToken":0})", "{}"}) {
    transport_.expect(Method::kGet, list_).reply(200, body);
    const auto snapshot = test::listRegistrations(client_);
    ASSERT_TRUE(snapshot) << body;
    EXPECT_TRUE(snapshot->registrations.empty());
  }
}

TEST_F(ClearBladeClient, ListsNothingWhenAPageFailsOrRepeats) {
  expectExchange();
  const std::string page = R"({"devices":[],"nextPageToken":"a"})";
  transport_.expect(Method::kGet, list_).reply(200, page);
  transport_.expect(Method::kGet, list_ + "&pageToken=a").reply(503, "");
  EXPECT_EQ(test::listRegistrations(client_).error().code, ErrorCode::kUnavailable);

  transport_.expect(Method::kGet, list_).reply(200, page);
  transport_.expect(Method::kGet, list_ + "&pageToken=a").reply(200, page);
  EXPECT_EQ(test::listRegistrations(client_).error().code, ErrorCode::kInternal);

  transport_.expect(Method::kGet, list_).reply(200, "<html>");
  EXPECT_EQ(test::listRegistrations(client_).error().code, ErrorCode::kInternal);

  transport_.expect(Method::kGet, list_).reply(404, problem(404, "NOT_FOUND"));
  EXPECT_EQ(test::listRegistrations(client_).error().code, ErrorCode::kForbidden);
}

// ---- writing

TEST_F(ClearBladeClient, CreatesWithKeyExpiryAndMetadata) {
  expectExchange();
  transport_
      .expect(Method::kPost, kWebhook + "cloudiot_devices",
              R"({"id":")" + kId +
                  R"(","credentials":[{"publicKey":{"format":"ES256_PEM","key":"PEM\n"},)"
                  R"("expirationTime":"2030-01-01T00:00:00Z"}],)"
                  R"("metadata":{"bco-owner":"site-a","city":"Zürich \"x\""}})")
      .reply(200, deviceAnswer());
  const auto created =
      client_.createRegistration({kId,
                                  {{"ES256_PEM", "PEM\n", parseRfc3339("2030-01-01T00:00:00Z")}},
                                  {{"bco-owner", "site-a"}, {"city", "Zürich \"x\""}}});
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(created->numId, "2912345678901234");
  const auto& request = transport_.seen().back();
  EXPECT_EQ(request.kind, "clearblade.device.create");
  EXPECT_EQ(request.callClass, CallClass::kCreateDelete);
  EXPECT_THAT(request.headers, Contains(Pair("Content-Type", "application/json")));
}

TEST_F(ClearBladeClient, PatchesByNumIdAndOnlyWhatIsGiven) {
  expectExchange();
  transport_.expect(Method::kPatch, byNumId_ + "&updateMask=metadata", R"({"metadata":{"a":"b"}})")
      .reply(200, deviceAnswer());
  EXPECT_TRUE(client_.patchRegistration("2912345678901234", {std::nullopt, Metadata{{"a", "b"}}}));
  EXPECT_EQ(transport_.seen().back().kind, "clearblade.device.patch");
  EXPECT_EQ(transport_.seen().back().callClass, CallClass::kUpdate);
  EXPECT_EQ(transport_.seen().back().lane, Lane::kFresh);

  transport_
      .expect(Method::kPatch, byNumId_ + "&updateMask=credentials",
              R"({"credentials":[{"publicKey":{"format":"F","key":"K"}}]})")
      .reply(200, deviceAnswer());
  EXPECT_TRUE(client_.patchRegistration(
      "2912345678901234", {std::vector<Credential>{{"F", "K", std::nullopt}}, std::nullopt},
      {.lane = Lane::kRevocation}));
  EXPECT_EQ(transport_.seen().back().lane, Lane::kRevocation);

  transport_
      .expect(Method::kPatch, byNumId_ + "&updateMask=credentials%2Cmetadata",
              R"({"credentials":[],"metadata":{}})")
      .reply(200, deviceAnswer());
  EXPECT_TRUE(
      client_.patchRegistration("2912345678901234", {std::vector<Credential>{}, Metadata{}}));
}

TEST_F(ClearBladeClient, RefusesWritesThatNameNoRegistrationOrNothing) {
  const RegistrationPatch patch{std::nullopt, Metadata{}};
  for (const std::string& numId : {std::string(), kId, std::string("12a")}) {
    EXPECT_EQ(client_.patchRegistration(numId, patch).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(client_.deleteRegistration(numId).error().code, ErrorCode::kInvalid);
  }
  EXPECT_EQ(client_.patchRegistration("12", {}).error().code, ErrorCode::kInvalid);
  const std::vector<Credential> four(4);
  EXPECT_EQ(client_.patchRegistration("12", {four, std::nullopt}).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(client_.createRegistration({kId, four, {}}).error().code, ErrorCode::kInvalid);
}

TEST_F(ClearBladeClient, SendsWritesOnTheTermsTheyWereGivenAlsoAfterANewExchange) {
  const CallTerms terms{Lane::kSweep, SteadyPoint(std::chrono::minutes(90))};
  expectExchange();
  transport_.expect(Method::kDelete, byNumId_).reply(401, problem(401, "UNAUTHENTICATED"));
  expectExchange();
  transport_.expect(Method::kDelete, byNumId_).reply(200, "{}");
  EXPECT_TRUE(client_.deleteRegistration("2912345678901234", terms));
  EXPECT_EQ(transport_.seen().back().sendBefore, terms.sendBefore);
  EXPECT_EQ(transport_.seen().back().lane, Lane::kSweep);
}

TEST_F(ClearBladeClient, DeletesByNumIdAndTakesGoneForDone) {
  expectExchange();
  transport_.expect(Method::kDelete, byNumId_).reply(200, "{}");
  EXPECT_TRUE(client_.deleteRegistration("2912345678901234"));
  transport_.expect(Method::kDelete, byNumId_).reply(204);
  EXPECT_TRUE(client_.deleteRegistration("2912345678901234"));
  transport_.expect(Method::kDelete, byNumId_).reply(404, problem(404, "NOT_FOUND"));
  EXPECT_TRUE(client_.deleteRegistration("2912345678901234"));
  transport_.expect(Method::kDelete, byNumId_)
      .reply(400, problem(400, "FAILED_PRECONDITION", " it's associated with "));
  const Status bound = client_.deleteRegistration("2912345678901234");
  EXPECT_EQ(bound.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(reasonOf(bound.error()), kBoundToGateway);
  EXPECT_THAT(bound.error().message, HasSubstr("unbind it"));
  EXPECT_EQ(transport_.seen().back().kind, "clearblade.device.delete");
  EXPECT_EQ(transport_.seen().back().callClass, CallClass::kCreateDelete);
}

TEST_F(ClearBladeClient, DoesNotTakeAMissingRegistryForADeletedRegistration) {
  transport_.expect(Method::kPost, kExchangeUrl, kExchangeBody)
      .reply(404, problem(404, "NOT_FOUND"));
  EXPECT_EQ(client_.deleteRegistration("2912345678901234").error().code, ErrorCode::kForbidden);
  expectExchange();
  transport_.expect(Method::kDelete, byNumId_).reply(404, "404 page not found");
  expectExchange();
  transport_.expect(Method::kDelete, byNumId_).reply(404, "404 page not found");
  EXPECT_EQ(client_.deleteRegistration("2912345678901234").error().code, ErrorCode::kForbidden);
}

TEST_F(ClearBladeClient, TellsAlreadyThereFromOtherConflicts) {
  const std::string body = R"({"id":")" + kId + R"(","credentials":[],"metadata":{}})";
  const NewRegistration created{kId, {}, {}};
  expectExchange();
  transport_.expect(Method::kPost, kWebhook + "cloudiot_devices", body)
      .reply(409, problem(409, "ALREADY_EXISTS"));
  EXPECT_EQ(client_.createRegistration(created).error().code, ErrorCode::kAlreadyExists);
  transport_.expect(Method::kPost, kWebhook + "cloudiot_devices", body)
      .reply(404, problem(404, "NOT_FOUND"));
  EXPECT_EQ(client_.createRegistration(created).error().code, ErrorCode::kForbidden);
  transport_.expect(Method::kPatch, byNumId_ + "&updateMask=metadata", R"({"metadata":{}})")
      .reply(404, problem(404, "NOT_FOUND"));
  EXPECT_EQ(client_.patchRegistration("2912345678901234", {std::nullopt, Metadata{}}).error().code,
            ErrorCode::kNotFound);
}

TEST_F(ClearBladeClient, KnowsThatAWriteWithAnUnreadableAnswerTookEffect) {
  expectExchange();
  transport_.expect(Method::kPatch, byNumId_ + "&updateMask=metadata", R"({"metadata":{}})")
      .reply(200, "<html>");
  const auto patched = client_.patchRegistration("2912345678901234", {std::nullopt, Metadata{}});
  EXPECT_EQ(patched.error().code, ErrorCode::kInternal);
  EXPECT_TRUE(patched.error().outcomeUnknown);
}

TEST_F(ClearBladeClient, KeepsTheTransportsUnknownOutcome) {
  expectExchange();
  transport_.expect(Method::kDelete, byNumId_)
      .fails({ErrorCode::kDeadline, "no answer in time", std::nullopt, true});
  const auto deleted = client_.deleteRegistration("2912345678901234");
  EXPECT_EQ(deleted.error().code, ErrorCode::kDeadline);
  EXPECT_TRUE(deleted.error().outcomeUnknown);
}

// ---- access

TEST_F(ClearBladeClient, ExchangesAgainOnceWhenItsAccessIsRefused) {
  for (const int status : {401, 403}) {
    Client client(transport_, clock_, account_, registry_);
    expectExchange();
    transport_.expect(Method::kDelete, byNumId_).reply(status, "Unauthorized");
    transport_.expect(Method::kPost, kExchangeUrl, kExchangeBody).reply(200, accessAnswer("newer"));
    transport_.expect(Method::kDelete, byNumId_).reply(200, "{}");
    EXPECT_TRUE(client.deleteRegistration("2912345678901234"));
    EXPECT_EQ(transport_.seen().back().credential, "ClearBlade-UserToken: newer");
  }
}

TEST_F(ClearBladeClient, BelievesTheSecondRefusal) {
  for (const auto& [status, code] :
       {std::pair(401, ErrorCode::kUnauthenticated), std::pair(403, ErrorCode::kForbidden)}) {
    Client client(transport_, clock_, account_, registry_);
    expectExchange();
    transport_.expect(Method::kDelete, byNumId_).reply(status, "token reg1nSecret refused");
    expectExchange();
    transport_.expect(Method::kDelete, byNumId_)
        .reply(status, problem(status, "X", "token reg1nSecret refused"));
    const auto deleted = client.deleteRegistration("2912345678901234");
    EXPECT_EQ(deleted.error().code, code);
    expectSilent(deleted.error());
  }
}

TEST_F(ClearBladeClient, SaysWhenTheNewExchangeFails) {
  expectExchange();
  transport_.expect(Method::kDelete, byNumId_).reply(401, "");
  transport_.expect(Method::kPost, kExchangeUrl, kExchangeBody).reply(401, "no");
  EXPECT_EQ(client_.deleteRegistration("2912345678901234").error().code,
            ErrorCode::kUnauthenticated);
}

TEST_F(ClearBladeClient, MeasuresTheRegistrysClock) {
  EXPECT_EQ(client_.clockSkew(), Duration::zero());
  expectExchange();
  const TimePoint theirs = clock_.now() + std::chrono::minutes(12);
  transport_.expect(Method::kDelete, byNumId_).reply(200, "{}", {{"date", formatHttpDate(theirs)}});
  EXPECT_TRUE(client_.deleteRegistration("2912345678901234"));
  const Duration skew = std::chrono::minutes(12) + std::chrono::milliseconds(500);
  EXPECT_EQ(client_.clockSkew(), skew) << "a Date names a second: its middle";
  transport_.expect(Method::kDelete, byNumId_).reply(200, "{}");
  EXPECT_TRUE(client_.deleteRegistration("2912345678901234"));
  EXPECT_EQ(client_.clockSkew(), skew) << "an answer without a date says nothing";
}

TEST_F(ClearBladeClient, PutsNoTokenIntoAUrl) {
  expectExchange();
  transport_.expect(Method::kGet, byId_ + kMask).reply(200, deviceAnswer());
  EXPECT_TRUE(client_.getRegistration(kId));
  for (const auto& request : transport_.seen()) {
    EXPECT_THAT(request.url, Not(HasSubstr(std::string(kToken))));
    EXPECT_THAT(request.url, Not(HasSubstr(std::string(kAdminToken))));
  }
}

}  // namespace
}  // namespace bco::clearblade
