// The table of statuses and bodies, row by row.
#include "tests/sandbox/balena_fixture.h"

namespace bco::sandbox::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kVariables = "device_environment_variable";
constexpr const char* kServiceVariables = "device_service_environment_variable";

const std::string* header(const server::Reply& reply, std::string_view name) {
  for (const auto& [key, value] : reply.headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

class BalenaStatus : public BalenaTest {
 protected:
  void expectEmpty(const server::Reply& reply, int status) {
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(reply.body, "");
    EXPECT_EQ(header(reply, "Content-Type"), nullptr);
  }
  void expectText(const server::Reply& reply, int status, const std::string& text) {
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(reply.body, Json(text).dump());
    ASSERT_NE(header(reply, "Content-Type"), nullptr);
    EXPECT_THAT(*header(reply, "Content-Type"), StartsWith("application/json"));
  }
  server::Reply post(const std::string& name, const std::string& value) {
    return call("POST", kVariables, variable("device", deviceId, name, value));
  }
  server::Reply tag(const std::string& key, const std::string& value) {
    return call("POST", "device_tag",
                Json{{"device", deviceId}, {"tag_key", key}, {"value", value}}.dump());
  }
};

TEST_F(BalenaStatus, FindsOrAnswersAnEmptyListButNever404) {
  EXPECT_EQ(get("device(uuid='" + std::string(kUuid) + "')?$select=device_name"),
            Json::parse(R"([{"device_name":"press"}])"));
  const auto reply = call("GET", "device(uuid='00000000000000000000000000000000')?$select=id");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"d":[]})");
  EXPECT_EQ(call("GET", "device(1)").body, R"({"d":[]})");
}

TEST_F(BalenaStatus, AnswersACreateWithTheRowAndItsPlace) {
  const auto reply = post("A", "1");
  EXPECT_EQ(reply.status, 201);
  const Json row = Json::parse(reply.body);
  EXPECT_EQ(row["device"], Json({{"__id", deviceId}}));
  EXPECT_EQ(row["name"], "A");
  EXPECT_EQ(row["value"], "1");
  EXPECT_THAT(row["created_at"].get<std::string>(),
              testing::MatchesRegex("....-..-..T..:..:..[.]...Z"));
  const auto id = std::to_string(row["id"].get<std::int64_t>());
  ASSERT_NE(header(reply, "Location"), nullptr);
  EXPECT_EQ(*header(reply, "Location"), "/v7/device_environment_variable(@id)?@id=" + id);
}

TEST_F(BalenaStatus, AnswersACreateWithTheIdAloneWhenToldTo) {
  const auto reply = call("POST", "device_environment_variable?returnResource=false",
                          variable("device", deviceId, "A", "secret"));
  EXPECT_EQ(reply.status, 201);
  EXPECT_THAT(reply.body, testing::MatchesRegex(R"(\{"id":[0-9]+\})"));
}

TEST_F(BalenaStatus, AnswersChangesWithNothingAlsoWhenNothingMatches) {
  ASSERT_EQ(post("A", "1").status, 201);
  for (const std::string filter : {"name eq 'A'", "name eq 'nobody'"}) {
    expectEmpty(call("PATCH", kVariables + ("?$filter=" + filter), R"({"value":"2"})"), 200);
    expectEmpty(call("DELETE", kVariables + ("?$filter=" + filter)), 200);
  }
  const auto v6 = call("DELETE", "/v6/device_environment_variable?$filter=name eq 'A'");
  EXPECT_EQ(v6.status, 200);
  EXPECT_EQ(v6.body, "\"OK\"");
}

TEST_F(BalenaStatus, Answers401WithoutAWordForEverythingItWillNotExplain) {
  ASSERT_TRUE(cloud.addToken({.token = "old", .allFleets = true, .expires = now}));
  for (const std::string token : {"", "wrong", "old"}) {
    expectEmpty(call("GET", "device", "", token), 401);
  }
  expectEmpty(call("GET", "unicorn"), 401);
  expectEmpty(call("GET", "device", "", "join"), 401);
  expectEmpty(call("POST", "image_install", "{}"), 401);
  expectEmpty(call("POST", "api_key", "{}"), 401);
  const auto basic = call("GET", "device", "", "", {{"Authorization", "Basic YTpi"}});
  expectEmpty(basic, 401);
}

TEST_F(BalenaStatus, LetsABadKeyReadWhatGuestsMayRead) {
  EXPECT_EQ(get("application", "wrong"), Json::array());
  EXPECT_EQ(get("service", "wrong"), Json::array());
  EXPECT_EQ(get("release", "wrong"), Json::array());
  EXPECT_FALSE(get("device_type", "wrong").empty());
  ASSERT_TRUE(cloud.addFleet({.slug = "acme/open", .isPublic = true}));
  EXPECT_EQ(get("application?$select=slug", "wrong"), Json::parse(R"([{"slug":"acme/open"}])"));
}

TEST_F(BalenaStatus, Answers401ToAServiceVariableWithoutItsInstall) {
  expectEmpty(call("POST", kServiceVariables, variable("service_install", 5, "A", "1")), 401);
  const auto foreign = idOf("service_install?$filter=device eq " + std::to_string(otherId));
  expectEmpty(
      call("POST", kServiceVariables, variable("service_install", foreign, "A", "1"), "plant"),
      401);
}

TEST_F(BalenaStatus, Answers409Or401ToAVariableOfAnUnknownDevice) {
  expectText(call("POST", kVariables, variable("device", 5, "A", "1")), 409,
             "Data is referenced by device.");
  expectEmpty(call("POST", kVariables, variable("device", 5, "A", "1"), "plant"), 401);
  expectEmpty(call("POST", kVariables, variable("device", otherId, "A", "1"), "plant"), 401);
  expectEmpty(call("POST", kVariables, variable("device", otherId, "A", "1"), "device"), 401);
}

TEST_F(BalenaStatus, SaysWhichKeyIsTaken) {
  const auto install = variable("service_install", installId, "A", "1");
  const auto tagBody = Json{{"device", deviceId}, {"tag_key", "k"}, {"value", "v"}}.dump();
  ASSERT_EQ(post("A", "1").status, 201);
  ASSERT_EQ(call("POST", kServiceVariables, install).status, 201);
  ASSERT_EQ(call("POST", "device_tag", tagBody).status, 201);
  expectText(post("A", "2"), 409, "\"device\" and \"name\" must be unique.");
  expectText(call("POST", kServiceVariables, install), 409,
             "\"device\" and \"service\" and \"name\" must be unique.");
  expectText(call("POST", "device_tag", tagBody), 409,
             "\"device\" and \"tag_key\" must be unique.");
  expectText(call("POST", "service_install",
                  Json{{"device", deviceId}, {"installs__service", serviceId}}.dump()),
             409, "\"device\" and \"installs__service\" must be unique.");
  expectText(
      call("POST", "service", Json{{"application", fleetId}, {"service_name", "main"}}.dump()), 409,
      "Unique key constraint violated");
}

TEST_F(BalenaStatus, LeavesGapsBetweenIds) {
  ASSERT_TRUE(cloud.addDevices("acme/lab", 50));
  const auto ids = column<std::int64_t>("device?$select=id&$orderby=id", "id");
  EXPECT_GT(ids.back() - ids.front(), static_cast<std::int64_t>(ids.size()) - 1);
}

TEST_F(BalenaStatus, BurnsAnIdWithEveryInsertThatFails) {
  const auto first = Json::parse(post("A", "1").body)["id"].get<std::int64_t>();
  for (int i = 0; i < 10; ++i) ASSERT_EQ(post("A", "1").status, 409);
  const auto second = Json::parse(post("B", "1").body)["id"].get<std::int64_t>();
  EXPECT_GT(second, first + 10);
}

TEST_F(BalenaStatus, RefusesBadNames) {
  constexpr const char* kCharacters =
      "Environment variable names can only contain alphanumeric characters and underscores.";
  for (const char* name : {"1A", "A-B", "A B", "\xc3\xa4"})
    expectText(post(name, "1"), 400, kCharacters);
  for (const char* name : {"RESIN", "BALENA", "USER"}) {
    expectText(post(name, "1"), 400, "Environment variables RESIN, BALENA, USER are reserved");
  }
  for (const char* name : {"RESIN_A", "BALENA_A"}) {
    expectText(post(name, "1"), 400,
               "Environment variables beginning with RESIN_, BALENA_ are reserved.");
  }
  expectEmpty(post(std::string(256, 'A'), "1"), 400);
  EXPECT_EQ(post("", "1").status, 201);
  EXPECT_EQ(post("RESINX", "1").status, 201);
  EXPECT_EQ(post(std::string(255, 'A'), "").status, 201);
}

TEST_F(BalenaStatus, RefusesBadValues) {
  for (const char* value : {"a\nb", "a\r"}) {
    expectText(post("A", value), 400, "Variable values cannot contain line break characters");
  }
  expectText(post("A", std::string(100'001, 'x')), 400,
             "It is necessary that each device environment variable has a value that has a Length "
             "(Type) that is less than or equal to 100000.");
  expectText(call("POST", kServiceVariables,
                  variable("service_install", installId, "A", std::string(100'001, 'x'))),
             400,
             "It is necessary that each device service environment variable has a value that has a "
             "Length (Type) that is less than or equal to 100000.");
  expectEmpty(
      call("POST", kVariables, Json{{"device", deviceId}, {"name", "A"}, {"value", 5}}.dump()),
      400);
  EXPECT_EQ(post("A", std::string(100'000, 'x')).status, 201);
}

TEST_F(BalenaStatus, RefusesBadTags) {
  expectText(tag("a b", "1"), 400, "Tag keys cannot contain whitespace.");
  expectText(tag("io.balena.x", "1"), 400, "Tag keys beginning with io.balena. are reserved.");
  expectText(tag("io.resin.x", "1"), 400, "Tag keys beginning with io.resin. are reserved.");
  EXPECT_EQ(tag("", "1").status, 400);
  EXPECT_EQ(tag(std::string(101, 'k'), "1").status, 400);
  EXPECT_THAT(tag("k", std::string(10'001, 'v')).body, HasSubstr("less than or equal to 10000."));
  EXPECT_EQ(tag("\xc3\xa4", "line\nbreak").status, 201);
  std::string hundred;
  for (int i = 0; i < 100; ++i) hundred += "\xc3\xa4";
  EXPECT_EQ(tag(hundred, "characters count, not bytes").status, 201);
}

TEST_F(BalenaStatus, RefusesAnEmptyPatch) {
  expectText(call("PATCH", "device(1)", "{}"), 400, "No fields to update");
  expectText(call("PATCH", "device(1)", R"({"nonsense":1})"), 400, "No fields to update");
}

TEST_F(BalenaStatus, RefusesAUrlItCannotParse) {
  for (const std::string what :
       {"device%28uuid='x'%29", "device(device=1%2Cname='x')", "device(uuid%3D'x')", "$batch",
        "device?$top=-1", "device?$top=x", "device?$Filter=id%20eq%201",
        "device?$filter=id%20in%20()", "device?$filter=id%20eq", "device?$search=x",
        "device?$compute=x", "device?$apply=x", "device?$expand=device_tag($select=id,$top=1)",
        "device(", "device?$filter=uuid%20eq%20@u"}) {
    expectText(call("GET", what), 400, "Malformed url: '/v7/" + what + "'");
  }
}

TEST_F(BalenaStatus, AnswersAnEmpty500ToWhatTheSchemaDoesNotKnow) {
  for (const std::string what :
       {"device?$select=unicorn", "device?$filter=unicorn eq 1", "device?$expand=unicorn",
        "device?$expand=device_tag($select=unicorn)", "device?$orderby=unicorn",
        "device_service_environment_variable?$filter=device eq 1",
        "device_service_environment_variable?$filter=service eq 1",
        "device?$expand=device_service_environment_variable", "device(device_name='press')",
        "device?$select=is_frozen", "device?$select=is_active",
        "service_install?$filter=installs__service eq 'main'"}) {
    expectEmpty(call("GET", what), 500);
  }
  expectEmpty(call("HEAD", "device"), 500);
}

TEST_F(BalenaStatus, AnswersAnEmpty500ToACreateThatLacksAField) {
  expectEmpty(call("POST", kVariables, R"({"name":"A","value":"1"})"), 500);
  expectEmpty(call("POST", kVariables), 500);
  server::Request request{.method = "POST", .target = "/v7/device_environment_variable"};
  request.headers = {{"Authorization", "Bearer admin"}, {"Content-Type", "text/plain"}};
  request.body = variable("device", deviceId, "A", "1");
  expectEmpty(cloud.handle(request), 500);
}

TEST_F(BalenaStatus, AnswersLikeExpressToABodyItCannotRead) {
  const auto broken = call("POST", kVariables, "{\"name\":");
  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(broken.body, StartsWith("<!DOCTYPE html>"));
  EXPECT_EQ(call("POST", kVariables, "[]").status, 400);
  const auto huge = post("A", std::string(512 * 1024, 'x'));
  EXPECT_EQ(huge.status, 413);
  EXPECT_THAT(huge.body, StartsWith("<!DOCTYPE html>"));
}

TEST_F(BalenaStatus, IgnoresUnknownOptionsAndBodyFields) {
  const auto body = Json{{"device", deviceId}, {"name", "A"}, {"value", "1"}, {"x", 1}, {"id", 7}};
  const auto reply = call("POST", kVariables, body.dump());
  EXPECT_EQ(reply.status, 201);
  EXPECT_NE(Json::parse(reply.body)["id"], 7);
  EXPECT_EQ(get("device?filter=id eq 1").size(), 2U);
  EXPECT_EQ(get("device?%2524filter=id eq 1").size(), 2U);
  EXPECT_EQ(get("device?%24filter=id eq 1").size(), 0U);
  EXPECT_EQ(get("device?$count=true&$inlinecount=allpages").size(), 2U);
}

TEST_F(BalenaStatus, AForgottenFilterHitsEveryRowTheKeySees) {
  for (const auto id : {deviceId, otherId}) {
    ASSERT_EQ(call("POST", kVariables, variable("device", id, "A", "1")).status, 201);
  }
  expectEmpty(
      call("PATCH", "device_environment_variable?filter=name eq 'B'", R"({"value":"2"})", "plant"),
      200);
  EXPECT_EQ(cloud.variable(kUuid, "", "A"), "2");
  EXPECT_EQ(cloud.variable(kOther, "", "A"), "1");
  expectEmpty(call("DELETE", kVariables), 200);
  EXPECT_EQ(get(kVariables), Json::array());
}

TEST_F(BalenaStatus, PutMakesARowOfItsOwnAndOnlyWhereItCan) {
  const auto key = "(device=" + std::to_string(deviceId) + ",name='A')";
  expectEmpty(call("PUT", kVariables + key, R"({"value":"1"})"), 200);
  const auto first = get(kVariables + key)[0];
  now += std::chrono::seconds(5);
  expectEmpty(call("PUT", kVariables + key, R"({"value":"2"})"), 200);
  const auto second = get(kVariables + key)[0];
  EXPECT_EQ(second["value"], "2");
  EXPECT_NE(second["id"], first["id"]);
  EXPECT_NE(second["created_at"], first["created_at"]);
  expectEmpty(call("PUT", "device_environment_variable?$filter=name eq 'A'", R"({"value":"1"})"),
              500);
  expectEmpty(call("PUT",
                   "device_service_environment_variable(service_install=" +
                       std::to_string(installId) + ",name='A')",
                   R"({"value":"1"})"),
              500);
}

TEST_F(BalenaStatus, PatchKeepsTheRowAndMovesItsTimeEvenForTheSameValue) {
  const Json before = Json::parse(post("A", "1").body);
  now += std::chrono::seconds(5);
  expectEmpty(call("PATCH", "device_environment_variable?$filter=name eq 'A'", R"({"value":"1"})"),
              200);
  const Json after = get(kVariables)[0];
  EXPECT_EQ(after["id"], before["id"]);
  EXPECT_EQ(after["created_at"], before["created_at"]);
  EXPECT_NE(after["modified_at"], before["modified_at"]);
}

TEST_F(BalenaStatus, ARenameOntoATakenNameChangesNothing) {
  ASSERT_EQ(post("A", "1").status, 201);
  ASSERT_EQ(post("B", "2").status, 201);
  expectText(call("PATCH", "device_environment_variable?$filter=name eq 'B'", R"({"name":"A"})"),
             409, "\"device\" and \"name\" must be unique.");
  EXPECT_EQ(cloud.variable(kUuid, "", "B"), "2");
}

TEST_F(BalenaStatus, KnowsOnlyItsOwnPaths) {
  expectEmpty(call("GET", "/v9/device"), 404);
  EXPECT_EQ(call("GET", "/ping", "", "").status, 200);
}

TEST_F(BalenaStatus, CanLackAFieldAndGetItBack) {
  ASSERT_TRUE(cloud.setFieldAbsent("device_environment_variable.modified_at", true));
  expectEmpty(call("GET", "device_environment_variable?$top=1&$select=modified_at"), 500);
  ASSERT_EQ(post("A", "1").status, 201);
  EXPECT_FALSE(get(kVariables)[0].contains("modified_at"));
  ASSERT_TRUE(cloud.setFieldAbsent("device_environment_variable.modified_at", false));
  EXPECT_TRUE(get(kVariables)[0].contains("modified_at"));
  ASSERT_TRUE(cloud.setFieldAbsent("device.is_frozen", false));
  EXPECT_EQ(get("device(uuid='" + std::string(kUuid) + "')?$select=is_frozen")[0]["is_frozen"],
            false);
}

}  // namespace
}  // namespace bco::sandbox::test
