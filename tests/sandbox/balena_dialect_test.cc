// The dialect of OData that clients rely on, form by form.
#include <set>

#include "tests/sandbox/balena_fixture.h"

namespace bco::sandbox::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// Five devices: press (with one tag, one variable), oven, and three belts.
class BalenaDialect : public BalenaTest {
 protected:
  BalenaDialect() {
    for (const char* name : {"belt-1", "belt-2", "Belt-3"}) {
      now += std::chrono::hours(1);
      EXPECT_TRUE(cloud.addDevice({.name = name, .fleet = "acme/plant", .online = false}));
    }
    EXPECT_TRUE(cloud.setTag(kUuid, "hall", "it's 5 & 50%"));
    EXPECT_TRUE(cloud.setVariable(kUuid, "", "A", "1"));
    EXPECT_TRUE(cloud.setVariable(kUuid, "main", "S", "x"));
  }
  std::vector<std::string> names(const std::string& filter) {
    auto found = column("device?$select=device_name&$filter=" + filter, "device_name");
    std::sort(found.begin(), found.end());
    return found;
  }
  std::string plant() const { return std::to_string(fleetId); }
};

TEST_F(BalenaDialect, Compares) {
  EXPECT_THAT(names("device_name eq 'oven'"), ElementsAre("oven"));
  EXPECT_THAT(names("device_name ne 'oven' and is_online eq true"), ElementsAre("press"));
  EXPECT_THAT(names("is_online eq false and not(device_name eq 'belt-1')"),
              ElementsAre("Belt-3", "belt-2"));
  EXPECT_THAT(names("(device_name eq 'oven') or (device_name eq 'press')"),
              ElementsAre("oven", "press"));
  EXPECT_THAT(names("id gt " + std::to_string(otherId)), ElementsAre("Belt-3", "belt-1", "belt-2"));
  EXPECT_THAT(names("id ge " + std::to_string(otherId) + " and id le " + std::to_string(otherId)),
              ElementsAre("oven"));
  EXPECT_THAT(names("id lt " + std::to_string(deviceId)), IsEmpty());
  EXPECT_THAT(names("id in (" + std::to_string(deviceId) + "," + std::to_string(otherId) + ",5)"),
              ElementsAre("oven", "press"));
  EXPECT_THAT(names("device_name in ('oven','nobody')"), ElementsAre("oven"));
}

TEST_F(BalenaDialect, LooksIntoTexts) {
  EXPECT_THAT(names("startswith(device_name,'belt')"), ElementsAre("belt-1", "belt-2"));
  EXPECT_THAT(names("endswith(device_name,'-2')"), ElementsAre("belt-2"));
  EXPECT_THAT(names("contains(device_name,'elt')"), ElementsAre("Belt-3", "belt-1", "belt-2"));
  EXPECT_THAT(names("startswith(tolower(device_name),'belt')"),
              ElementsAre("Belt-3", "belt-1", "belt-2"));
  EXPECT_THAT(names("startswith(uuid,'7cf02a6')"), ElementsAre("press"));
}

TEST_F(BalenaDialect, KnowsNull) {
  EXPECT_THAT(names("last_connectivity_event eq null"), ElementsAre("Belt-3", "belt-1", "belt-2"));
  EXPECT_THAT(names("last_connectivity_event ne null"), ElementsAre("oven", "press"));
  // As in SQL, what is null is neither greater nor not greater.
  EXPECT_THAT(names("last_connectivity_event gt datetime'2000-01-01T00:00:00Z'"),
              ElementsAre("oven", "press"));
  EXPECT_THAT(names("not(last_connectivity_event gt datetime'2000-01-01T00:00:00Z')"), IsEmpty());
  EXPECT_THAT(names("is_pinned_on__release eq null"), testing::SizeIs(5));
}

TEST_F(BalenaDialect, ReadsTimesAsLiteralsAndAsTexts) {
  const auto created =
      get("device?$filter=device_name eq 'belt-2'&$select=created_at")[0]["created_at"]
          .get<std::string>();
  EXPECT_THAT(names("created_at gt datetime'" + created + "'"), ElementsAre("Belt-3"));
  EXPECT_THAT(names("created_at ge '" + created + "'"), ElementsAre("Belt-3", "belt-2"));
}

TEST_F(BalenaDialect, ReadsQuotedTextsHoweverTheyAreEncoded) {
  EXPECT_EQ(get("device_tag?$filter=value eq 'it''s 5 %26 50%25'").size(), 1U);
  EXPECT_EQ(get("device_tag?$filter=value%20eq%20%27it%27%27s%205%20%26%2050%25%27").size(), 1U);
  EXPECT_EQ(get("device_tag?$filter=value+eq+'it''s+5+%26+50%25'").size(), 1U);
  EXPECT_EQ(get("device_tag(device=" + std::to_string(deviceId) + ",tag_key=%27hall%27)").size(),
            1U);
}

TEST_F(BalenaDialect, FollowsRelations) {
  EXPECT_THAT(names("belongs_to__application/slug eq 'acme/lab'"), ElementsAre("oven"));
  EXPECT_THAT(names("device_tag/any(t:t/tag_key eq 'hall')"), ElementsAre("press"));
  EXPECT_THAT(names("not(device_tag/any(t:t/tag_key eq 'hall')) and is_online eq true"),
              ElementsAre("oven"));
  EXPECT_THAT(names("service_install/all(s:s/installs__service/service_name eq 'main')"),
              ElementsAre("oven"));
  EXPECT_THAT(names("device_environment_variable/$count eq 1"), ElementsAre("press"));
  EXPECT_EQ(get("device_environment_variable?$filter=device/any(d:d/belongs_to__application eq " +
                plant() + ")")
                .size(),
            1U);
  EXPECT_EQ(get("device_service_environment_variable?$filter=service_install/device eq " +
                std::to_string(deviceId))
                .size(),
            1U);
  // A name without the variable means the row outside.
  EXPECT_THAT(names("device_tag/any(t:t/tag_key eq 'hall' and device_name eq 'oven')"), IsEmpty());
}

TEST_F(BalenaDialect, ShowsReferencesAsIdsAndExpandedAsLists) {
  const auto key = "device(uuid='" + std::string(kUuid) + "')";
  const auto plain = get(key + "?$select=id,belongs_to__application,is_pinned_on__release")[0];
  EXPECT_EQ(plain["belongs_to__application"], Json({{"__id", fleetId}}));
  EXPECT_EQ(plain["is_pinned_on__release"], Json());
  const auto expanded =
      get(key +
          "?$select=id,belongs_to__application&$expand=belongs_to__application($select=slug),"
          "is_pinned_on__release($select=id),device_tag($select=tag_key,value)")[0];
  EXPECT_EQ(expanded["belongs_to__application"], Json::parse(R"([{"slug":"acme/plant"}])"));
  EXPECT_EQ(expanded["is_pinned_on__release"], Json::array());
  EXPECT_EQ(expanded["device_tag"], Json::parse(R"([{"tag_key":"hall","value":"it's 5 & 50%"}])"));
}

TEST_F(BalenaDialect, TakesOptionsWithinExpansions) {
  ASSERT_TRUE(cloud.setTag(kUuid, "a", "1"));
  ASSERT_TRUE(cloud.setTag(kUuid, "b", "2"));
  const auto device = "device(" + std::to_string(deviceId) + ")?$select=id&$expand=";
  const auto top =
      get(device +
          "device_tag($select=tag_key;$filter=tag_key ne 'hall';$orderby=tag_key desc;$top=1)");
  EXPECT_EQ(top[0]["device_tag"], Json::parse(R"([{"tag_key":"b"}])"));
  EXPECT_EQ(get(device + "device_tag/$count")[0]["device_tag"], 3);
  EXPECT_EQ(get(device + "device_tag/$count($filter=value eq '2')")[0]["device_tag"], 1);
  EXPECT_EQ(get(device + "device_tag($select=id;$orderby=id desc)")[0]["device_tag"].size(), 3U);
}

TEST_F(BalenaDialect, ReachesSubCollectionsByPath) {
  const auto tags = get("device(" + std::to_string(deviceId) + ")/device_tag?$select=tag_key");
  EXPECT_EQ(tags, Json::parse(R"([{"tag_key":"hall"}])"));
  EXPECT_EQ(get("device(5)/device_tag?$select=id"), Json::array());
  EXPECT_EQ(get("device(" + std::to_string(deviceId) + ")/belongs_to__application?$select=slug"),
            Json::parse(R"([{"slug":"acme/plant"}])"));
}

TEST_F(BalenaDialect, OrdersAndPages) {
  EXPECT_THAT(column("device?$select=device_name&$orderby=device_name asc", "device_name"),
              ElementsAre("Belt-3", "belt-1", "belt-2", "oven", "press"));
  EXPECT_THAT(
      column("device?$select=device_name&$orderby=device_name desc&$top=2&$skip=1", "device_name"),
      ElementsAre("oven", "belt-2"));
  EXPECT_THAT(
      column("device?$select=device_name&$orderby=belongs_to__application/slug desc,device_name",
             "device_name"),
      ElementsAre("Belt-3", "belt-1", "belt-2", "press", "oven"));
  EXPECT_THAT(column("device?$select=device_name&$orderby=id desc&$top=1", "device_name"),
              ElementsAre("Belt-3"));
  // What is null comes last, and first the other way round.
  EXPECT_EQ(column("device?$select=device_name&$orderby=last_connectivity_event", "device_name")[4]
                .substr(1, 3),
            "elt");
  EXPECT_EQ(
      column("device?$select=device_name&$orderby=last_connectivity_event desc", "device_name")[0]
          .substr(1, 3),
      "elt");
  EXPECT_THAT(get("device?$top=0"), IsEmpty());
  // Paging by key.
  std::vector<std::string> all;
  std::int64_t last = 0;
  while (true) {
    const auto page = get("device?$filter=id gt " + std::to_string(last) +
                          "&$orderby=id asc&$top=2&$select=id,device_name");
    for (const auto& row : page) {
      last = row["id"];
      all.push_back(row["device_name"]);
    }
    if (page.size() < 2) break;
  }
  EXPECT_THAT(all, ElementsAre("press", "oven", "belt-1", "belt-2", "Belt-3"));
}

TEST_F(BalenaDialect, PromisesNoOrderThatNobodyAskedFor) {
  std::set<std::vector<std::string>> orders;
  for (int i = 0; i < 50; ++i) orders.insert(column("device?$select=device_name", "device_name"));
  EXPECT_GT(orders.size(), 10U);
}

TEST_F(BalenaDialect, Counts) {
  EXPECT_EQ(get("device/$count"), 5);
  EXPECT_EQ(get("device/$count?$filter=belongs_to__application eq " + plant()), 4);
  EXPECT_EQ(get("device/$count", "plant"), 4);
}

TEST_F(BalenaDialect, TakesAliases) {
  EXPECT_THAT(get("device?$select=device_name&$filter=uuid eq @u&@u='" + std::string(kOther) + "'"),
              Json::parse(R"([{"device_name":"oven"}])"));
}

TEST_F(BalenaDialect, SelectsEverythingUnlessTold) {
  const auto row = get("device(" + std::to_string(deviceId) + ")")[0];
  for (const char* field :
       {"id", "uuid", "device_name", "overall_status", "should_be_running__release",
        "api_heartbeat_state", "supervisor_version", "actor"}) {
    EXPECT_TRUE(row.contains(field)) << field;
  }
  EXPECT_FALSE(row.contains("is_frozen"));
  EXPECT_EQ(row["should_be_running__release"], row["is_running__release"]);
  EXPECT_TRUE(row["actor"].is_object());
  EXPECT_TRUE(
      Json::parse(call("GET", "/v6/device(" + std::to_string(deviceId) + ")").body)["d"][0]["actor"]
          .is_number());
}

TEST_F(BalenaDialect, FindsWhoLacksAVariableWithoutReadingAny) {
  const auto lacking =
      get("service_install?$filter=installs__service eq " + std::to_string(serviceId) +
          " and not(device_service_environment_variable/any(v:v/name eq 'S'))"
          "&$select=id&$expand=device($select=id,uuid)&$orderby=id asc&$top=1000");
  EXPECT_EQ(lacking.size(), 3U);
  for (const auto& row : lacking) EXPECT_NE(row["device"][0]["uuid"], kUuid);
  const auto drifted =
      get("device_service_environment_variable?$filter=name eq 'S' and value ne 'y' and "
          "service_install/any(si:si/device/any(d:d/belongs_to__application eq " +
          plant() + "))&$select=id");
  EXPECT_EQ(drifted.size(), 1U);
}

TEST_F(BalenaDialect, AnswersTheWholeDeviceInOneRequest) {
  const auto row = get(
      "device(uuid='" + std::string(kUuid) +
      "')?$select=id,uuid,device_name,is_online,is_connected_to_vpn,api_heartbeat_state,"
      "last_connectivity_event,supervisor_version&$expand=belongs_to__application($select=id,slug),"
      "is_of__device_type($select=slug),device_tag($select=tag_key,value),service_install($select="
      "id;"
      "$expand=installs__service($select=id,service_name),device_service_environment_variable("
      "$select=id,name,value;$filter=name in ('GCP_PRIVATE_KEY','S'))),device_environment_variable("
      "$select=id,name,value;$filter=name in ('A','GCP_PROJECT_ID'))")[0];
  EXPECT_EQ(row["uuid"], kUuid);
  EXPECT_EQ(row["belongs_to__application"][0]["slug"], "acme/plant");
  EXPECT_EQ(row["is_of__device_type"][0]["slug"], "raspberrypi4-64");
  EXPECT_EQ(row["device_environment_variable"][0]["value"], "1");
  ASSERT_EQ(row["service_install"].size(), 2U);
  for (const auto& install : row["service_install"]) {
    const bool main = install["installs__service"][0]["service_name"] == "main";
    EXPECT_EQ(install["device_service_environment_variable"].size(), main ? 1U : 0U);
  }
}

}  // namespace
}  // namespace bco::sandbox::test
