// The requests that the official SDKs send, as they were recorded: raw, encoded as on the wire.
#include "tests/sandbox/balena_fixture.h"

namespace bco::sandbox::test {
namespace {

class BalenaTraffic : public BalenaTest {
 protected:
  BalenaTraffic() {
    EXPECT_TRUE(cloud.setVariable(kUuid, "", "GCP_PROJECT_ID", "p-0"));
    EXPECT_TRUE(cloud.setVariable(kUuid, "main", "GCP_PROJECT_ID", "p-0"));
    EXPECT_TRUE(cloud.setTag(kUuid, "k", "v"));
  }
  // The number of rows; -1 when the status is not 200.
  int rows(const std::string& target) {
    const auto reply = call("GET", target);
    return reply.status == 200 ? static_cast<int>(Json::parse(reply.body)["d"].size()) : -1;
  }
  std::string device() const { return std::to_string(deviceId); }
  std::string fleet() const { return std::to_string(fleetId); }
  std::string service() const { return std::to_string(serviceId); }
  std::string install() const { return std::to_string(installId); }
  const std::string uuid = kUuid;
};

TEST_F(BalenaTraffic, FindsDevices) {
  for (const std::string version : {"/v6", "/v7"}) {
    EXPECT_EQ(rows(version + "/device(uuid='" + uuid + "')"), 1);
    EXPECT_EQ(rows(version + "/device(uuid=%27" + uuid + "%27)?$select=id"), 1);
    EXPECT_EQ(rows(version + "/device(" + device() + ")"), 1);
    EXPECT_EQ(rows(version +
                   "/device?$orderby=device_name%20asc&$select=id,uuid"
                   "&$filter=belongs_to__application%20eq%20" +
                   fleet()),
              1);
  }
  EXPECT_EQ(rows("/v6/device?$filter=startswith(uuid,%277cf02a6%27)"), 1);
}

TEST_F(BalenaTraffic, FindsFleetsAndServices) {
  EXPECT_EQ(rows("/v6/application?$filter=(slug%20eq%20%27acme%2Fplant%27)%20or%20(uuid%20eq%20"
                 "%27acme%2Fplant%27)&$select=id"),
            1);
  EXPECT_EQ(rows("/v7/application?$filter=slug%20eq%20%27acme%2Fplant%27%20or%20uuid%20eq%20"
                 "%27acme%2Fplant%27"),
            1);
  EXPECT_EQ(rows("/v6/application(" + fleet() + ")?$select=id"), 1);
  EXPECT_EQ(rows("/v6/service?$filter=application%20eq%20" + fleet()), 2);
  const auto reply = call("GET", "/v7/application(" + fleet() + ")?$select=id&$expand=service");
  EXPECT_EQ(Json::parse(reply.body)["d"][0]["service"].size(), 2U);
  EXPECT_EQ(rows("/v7/application(" + fleet() + ")?$select=service&$expand=service($select=id)"),
            1);
  EXPECT_EQ(rows("/v7/application?$filter=is_directly_accessible_by__user/any(dau:1%20eq%201)"
                 "&$orderby=app_name%20asc"),
            2);
}

TEST_F(BalenaTraffic, SetsADeviceVariableThatExists) {
  const auto body = R"({"value":"p-1","device":)" + device() + R"(,"name":"GCP_PROJECT_ID"})";
  for (const std::string version : {"/v6", "/v7"}) {
    const auto post = call("POST", version + "/device_environment_variable", body);
    EXPECT_EQ(post.status, 409);
    EXPECT_NE(post.body.find("unique"), std::string::npos);
  }
  EXPECT_EQ(call("PATCH",
                 "/v6/device_environment_variable?$filter=(device%20eq%20" + device() +
                     ")%20and%20(name%20eq%20%27GCP_PROJECT_ID%27)",
                 R"({"value":"p-1"})")
                .status,
            200);
  EXPECT_EQ(cloud.variable(kUuid, "", "GCP_PROJECT_ID"), "p-1");
  EXPECT_EQ(call("PATCH",
                 "/v7/device_environment_variable?$filter=device%20eq%20" + device() +
                     "%20and%20name%20eq%20%27GCP_PROJECT_ID%27",
                 R"({"value":"p-2"})")
                .status,
            200);
  EXPECT_EQ(cloud.variable(kUuid, "", "GCP_PROJECT_ID"), "p-2");
}

TEST_F(BalenaTraffic, ReadsAndRemovesVariables) {
  EXPECT_EQ(rows("/v7/device_environment_variable?$select=value&$filter=device%20eq%20" + device() +
                 "%20and%20name%20eq%20%27GCP_PROJECT_ID%27"),
            1);
  EXPECT_EQ(
      rows("/v7/device_environment_variable?$orderby=name%20asc&$filter=device%20eq%20" + device()),
      1);
  EXPECT_EQ(rows("/v6/device_environment_variable?$orderby=name%20asc&$filter=device/any(d:d/"
                 "belongs_to__application%20eq%20" +
                 fleet() + ")"),
            1);
  EXPECT_EQ(call("DELETE", "/v6/device_environment_variable?$filter=(device%20eq%20" + device() +
                               ")%20and%20(name%20eq%20%27GCP_PROJECT_ID%27)")
                .body,
            "\"OK\"");
  EXPECT_EQ(cloud.variable(kUuid, "", "GCP_PROJECT_ID"), "");
}

TEST_F(BalenaTraffic, SetsServiceVariables) {
  EXPECT_EQ(rows("/v6/service_install?$select=id&$filter=(device%20eq%20" + device() +
                 ")%20and%20(installs__service%20eq%20" + service() + ")"),
            1);
  EXPECT_EQ(rows("/v7/service_install?$select=id&$filter=device/any(d:d/uuid%20eq%20%27" + uuid +
                 "%27)%20and%20installs__service/any(s:s/service_name%20eq%20%27main%27)"),
            1);
  EXPECT_EQ(call("PATCH",
                 "/v7/device_service_environment_variable?$filter=service_install%20eq%20" +
                     install() + "%20and%20name%20eq%20%27GCP_PROJECT_ID%27",
                 R"({"value":"p-1"})")
                .status,
            200);
  EXPECT_EQ(cloud.variable(kUuid, "main", "GCP_PROJECT_ID"), "p-1");
}

TEST_F(BalenaTraffic, ListsAndRemovesServiceVariables) {
  const std::string variables = "/device_service_environment_variable?$filter=";
  EXPECT_EQ(rows("/v7" + variables + "service_install/any(si:si/device%20eq%20" + device() + ")"),
            1);
  EXPECT_EQ(rows("/v7" + variables +
                 "service_install/any(si:si/device/any(d:d/belongs_to__application"
                 "%20eq%20" +
                 fleet() + "))&$orderby=name%20asc"),
            1);
  EXPECT_EQ(rows("/v6" + variables + "(service_install/any(si:(si/device%20eq%20" + device() +
                 ")%20and%20(si/service%20eq%20" + service() + ")))%20and%20(name%20eq%20%27X%27)"),
            0);
  EXPECT_EQ(call("DELETE", "/v6" + variables + "(service_install/any(si:(si/device%20eq%20" +
                               device() + ")%20and%20(si/service%20eq%20" + service() +
                               ")))%20and%20(name%20eq%20%27GCP_PROJECT_ID%27)")
                .status,
            200);
  EXPECT_EQ(rows("/v7/device_service_environment_variable"), 0);
}

TEST_F(BalenaTraffic, HandlesTags) {
  EXPECT_EQ(
      rows("/v7/device_tag?$orderby=tag_key%20asc&$filter=device/any(d:d/belongs_to__application"
           "%20eq%20" +
           fleet() + ")"),
      1);
  EXPECT_EQ(
      call("PATCH",
           "/v7/device_tag?$filter=device%20eq%20" + device() + "%20and%20tag_key%20eq%20%27k%27",
           R"({"value":"w"})")
          .status,
      200);
  EXPECT_EQ(rows("/v7/device_tag?$filter=value%20eq%20%27w%27"), 1);
}

TEST_F(BalenaTraffic, ShowsRunningServices) {
  const auto reply = call(
      "GET",
      "/v7/device(uuid=%27" + uuid +
          "%27)?$expand=image_install($select=id,download_progress,status,install_date;$filter="
          "status%20ne%20%27deleted%27;$expand=image($select=id;$expand=is_a_build_of__service("
          "$select=id,service_name)),is_provided_by__release($select=id,commit,raw_version))");
  ASSERT_EQ(reply.status, 200);
  const auto installs = Json::parse(reply.body)["d"][0]["image_install"];
  ASSERT_EQ(installs.size(), 2U);
  EXPECT_EQ(installs[0]["status"], "Running");
  EXPECT_TRUE(installs[0]["image"][0]["is_a_build_of__service"][0].contains("service_name"));
  EXPECT_TRUE(installs[0]["is_provided_by__release"][0].contains("commit"));
}

}  // namespace
}  // namespace bco::sandbox::test
