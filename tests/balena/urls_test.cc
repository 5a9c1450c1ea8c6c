#include "balena/urls.h"

#include <gtest/gtest.h>

#include "core/text.h"

namespace bco::balena {
namespace {

const Urls kUrls("https://api.balena-cloud.com/");
constexpr std::string_view kRoot = "https://api.balena-cloud.com/v7/";
constexpr std::string_view kPath =
    "projects/p/locations/us-central1/registries/r/devices/balena-7cf02a69e4d34c9da573914963cf54fd";

std::string readable(std::string_view url) { return percentDecode(url, false).value_or("?"); }

TEST(Urls, AreEscapedOnceWithKeysAndOptionNamesLeftLiteral) {
  EXPECT_EQ(kUrls.deviceCount(2000001),
            std::string(kRoot) + "device/$count?$filter=belongs_to__application%20eq%202000001");
  EXPECT_EQ(kUrls.fleet("acme/sensors"), std::string(kRoot) +
                                             "application?$filter=slug%20eq%20'acme%2Fsensors'"
                                             "&$select=id,slug,should_be_running__release"
                                             "&$expand=service($select=id,service_name)");
  EXPECT_EQ(kUrls.whoami(), "https://api.balena-cloud.com/actor/v1/whoami");
}

TEST(Urls, LetNoTextFromOutsideLeaveItsQuotes) {
  const std::string url = kUrls.fleet("a' or 1 eq 1&$filter=x#+%");
  EXPECT_EQ(url, std::string(kRoot) +
                     "application?$filter=slug%20eq%20"
                     "'a%27%27%20or%201%20eq%201%26%24filter%3Dx%23%2B%25'"
                     "&$select=id,slug,should_be_running__release"
                     "&$expand=service($select=id,service_name)");
}

TEST(Urls, AskForADeviceWithItsVariablesAtBothLevels) {
  EXPECT_EQ(readable(kUrls.device("7cf02a69e4d34c9da573914963cf54fd")),
            std::string(kRoot) +
                "device(uuid='7cf02a69e4d34c9da573914963cf54fd')"
                "?$select=id,uuid,device_name,is_online,last_connectivity_event"
                "&$expand=belongs_to__application($select=id),"
                "device_environment_variable($select=name,value;$filter=name in "
                "('GCP_CLIENT_PATH','GCP_DATA_TOPIC_ROOT','GCP_PROJECT_ID','GCP_PRIVATE_KEY')),"
                "service_install($select=id;$expand=installs__service($select=id,service_name),"
                "device_service_environment_variable($select=name,value;$filter=name in "
                "('GCP_CLIENT_PATH','GCP_DATA_TOPIC_ROOT','GCP_PROJECT_ID','GCP_PRIVATE_KEY')))");
}

TEST(Urls, ListAPageWithPublicVariablesAlone) {
  EXPECT_EQ(readable(kUrls.devicePage(5, {}, true, 17, 2000)),
            std::string(kRoot) +
                "device?$filter=belongs_to__application eq 5 and id gt 17"
                "&$orderby=id asc&$top=2000"
                "&$select=id,uuid,device_name,belongs_to__application"
                "&$expand=device_tag($select=tag_key,value),is_of__device_type($select=slug),"
                "device_environment_variable($select=name,value;$filter=name in "
                "('GCP_CLIENT_PATH','GCP_DATA_TOPIC_ROOT','GCP_PROJECT_ID'))");
  EXPECT_EQ(readable(kUrls.devicePage(5, {77}, false, 0, 10)),
            std::string(kRoot) +
                "device?$filter=belongs_to__application eq 5 and id gt 0"
                "&$orderby=id asc&$top=10"
                "&$select=id,uuid,device_name,belongs_to__application"
                "&$expand=is_of__device_type($select=slug),"
                "service_install($select=id;$filter=installs__service eq 77;$expand="
                "device_service_environment_variable($select=name,value;$filter=name in "
                "('GCP_CLIENT_PATH','GCP_DATA_TOPIC_ROOT','GCP_PROJECT_ID')))");
}

TEST(Urls, AskWhoLacksTheKeyByAnAntiJoin) {
  EXPECT_EQ(readable(kUrls.missingKeyPage(5, {}, 0, 10)),
            std::string(kRoot) +
                "device?$filter=belongs_to__application eq 5 and "
                "not(device_environment_variable/any(v:v/name eq 'GCP_PRIVATE_KEY')) and id gt 0"
                "&$orderby=id asc&$top=10&$select=id");
  EXPECT_EQ(readable(kUrls.missingKeyPage(5, {77}, 3, 10)),
            std::string(kRoot) +
                "service_install?$filter=installs__service eq 77 and "
                "not(device_service_environment_variable/any(v:v/name eq 'GCP_PRIVATE_KEY'))"
                " and id gt 3&$orderby=id asc&$top=10&$select=id");
}

TEST(Urls, AddressOneVariableByItsNaturalKey) {
  EXPECT_EQ(kUrls.variable({.deviceId = 12}, "GCP_PROJECT_ID")->text(),
            std::string(kRoot) + "device_environment_variable(device=12,name='GCP_PROJECT_ID')");
  EXPECT_EQ(kUrls.variable({.serviceInstallId = 55}, "GCP_PROJECT_ID")->text(),
            std::string(kRoot) +
                "device_service_environment_variable(service_install=55,name='GCP_PROJECT_ID')");
  EXPECT_EQ(kUrls.newVariable({.deviceId = 12}),
            std::string(kRoot) + "device_environment_variable?returnResource=false");
}

TEST(Urls, AskWhetherAVariableIsThereWithoutItsValue) {
  EXPECT_EQ(*kUrls.variableId({.deviceId = 12}, "GCP_PRIVATE_KEY"),
            std::string(kRoot) +
                "device_environment_variable(device=12,name='GCP_PRIVATE_KEY')?$select=id");
  EXPECT_FALSE(kUrls.variableId({}, "GCP_PRIVATE_KEY"));
  EXPECT_FALSE(kUrls.variableId({.deviceId = 12}, ""));
}

TEST(Urls, RemoveVariablesOnlyUnderTheWholeGuard) {
  EXPECT_EQ(readable(kUrls.guardedVariables({.deviceId = 12}, {12, 5, std::string(kPath)})->text()),
            std::string(kRoot) +
                "device_environment_variable?$filter=device eq 12 and name in "
                "('GCP_CLIENT_PATH','GCP_DATA_TOPIC_ROOT','GCP_PROJECT_ID','GCP_PRIVATE_KEY') and "
                "device/any(d:d/id eq 12 and d/belongs_to__application eq 5 and "
                "d/device_environment_variable/any(v:v/name eq 'GCP_CLIENT_PATH' and v/value eq '" +
                std::string(kPath) + "'))");
  EXPECT_EQ(
      readable(
          kUrls.guardedVariables({.serviceInstallId = 55}, {12, 5, std::string(kPath)})->text()),
      std::string(kRoot) +
          "device_service_environment_variable?$filter=service_install eq 55 and name in "
          "('GCP_CLIENT_PATH','GCP_DATA_TOPIC_ROOT','GCP_PROJECT_ID','GCP_PRIVATE_KEY') and "
          "service_install/any(si:si/device/any(d:d/id eq 12 and d/belongs_to__application eq 5)"
          " and si/device_service_environment_variable/any(v:v/name eq 'GCP_CLIENT_PATH' and "
          "v/value eq '" +
          std::string(kPath) + "'))");
}

TEST(Urls, RefuseToAddressRowsWithoutAKeyOrGuard) {
  const std::string path(kPath);
  EXPECT_FALSE(kUrls.variable({}, "GCP_PROJECT_ID"));
  EXPECT_FALSE(kUrls.variable({.deviceId = 1, .serviceInstallId = 2}, "GCP_PROJECT_ID"));
  EXPECT_FALSE(kUrls.variable({.deviceId = 0}, "GCP_PROJECT_ID"));
  EXPECT_FALSE(kUrls.variable({.serviceInstallId = -1}, "GCP_PROJECT_ID"));
  EXPECT_FALSE(kUrls.variable({.deviceId = 1}, ""));

  EXPECT_FALSE(kUrls.guardedVariables({}, {12, 5, path}));
  EXPECT_FALSE(kUrls.guardedVariables({.deviceId = 12}, {13, 5, path})) << "two devices";
  EXPECT_FALSE(kUrls.guardedVariables({.deviceId = 12}, {12, 0, path}));
  EXPECT_FALSE(kUrls.guardedVariables({.serviceInstallId = 55}, {0, 5, path}));
  EXPECT_FALSE(kUrls.guardedVariables({.deviceId = 12}, {12, 5, ""}));
}

TEST(Urls, StayFarBelowTheLimitOfTheRequestHead) {
  EXPECT_LT(kUrls.device(std::string(62, 'a')).size(), 2000U);
  EXPECT_LT(kUrls.devicePage(INT64_MAX, {INT64_MAX}, true, INT64_MAX, 2000).size(), 2000U);
  EXPECT_LT(kUrls.guardedVariables({.serviceInstallId = INT64_MAX}, {1, 2, std::string(kPath)})
                ->text()
                .size(),
            2000U);
}

}  // namespace
}  // namespace bco::balena
