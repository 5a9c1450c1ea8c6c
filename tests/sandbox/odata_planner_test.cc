// How many rows a query looks at.
#include "sandbox/odata_planner.h"

#include <gtest/gtest.h>

#include "sandbox/odata_binder.h"
#include "sandbox/odata_parser.h"
#include "sandbox/odata_query.h"

namespace bco::sandbox::odata {
namespace {

// Sees all, and counts how often it was asked.
class Counter final : public Visibility {
 public:
  [[nodiscard]] bool sees(const Resource&, const Row&) const override {
    ++looks;
    return true;
  }
  mutable std::size_t looks = 0;
};

// Two fleets with 1000 things each, each with a label; ids 1 to 2000 and 10001 to 12000.
class ODataPlanner : public testing::Test {
 protected:
  ODataPlanner() {
    schema.addField(fleet, "name", FieldType::kText);
    schema.relate(schema.addReference(thing, "fleet", fleet), "fleet", "thing");
    schema.addField(thing, "uuid", FieldType::kText);
    schema.addNaturalKey(thing, {"uuid"});
    schema.relate(schema.addReference(label, "thing", thing), "thing", "label");
    schema.addField(label, "name", FieldType::kText);
    store.emplace(schema);
    put(fleet, 1, {makeText("a")});
    put(fleet, 2, {makeText("b")});
    for (std::int64_t i = 1; i <= 2000; ++i) {
      put(thing, i,
          {i <= 1000 ? std::int64_t{1} : std::int64_t{2}, makeText("u" + std::to_string(i))});
      put(label, 10000 + i, {i, makeText("n")});
    }
  }
  void put(const Resource& resource, std::int64_t id, std::vector<Value> values) {
    Row row;
    row.values = {id, TimePoint{}, TimePoint{}};
    row.values.insert(row.values.end(), values.begin(), values.end());
    store->put(resource, row);
  }
  // The ids found, in order; `looks` says at what price.
  std::vector<std::int64_t> run(const Resource& resource, const std::string& query) {
    auto options = parseOptions(query);
    EXPECT_TRUE(options && bind(*options, resource)) << query;
    const Counter counter;
    Shuffle shuffle = 1;
    std::vector<std::int64_t> ids;
    for (const auto* row : select({*store, &counter}, resource, *options, shuffle)) {
      ids.push_back(row->id());
    }
    looks = counter.looks;
    return ids;
  }

  Schema schema;
  Resource& fleet = schema.addResource("fleet");
  Resource& thing = schema.addResource("thing");
  Resource& label = schema.addResource("label");
  std::optional<Store> store;
  std::size_t looks = 0;
};

using Ids = std::vector<std::int64_t>;

TEST_F(ODataPlanner, LooksAtOneRowForAnIdOrAUniqueText) {
  EXPECT_EQ(run(thing, "$filter=id eq 7"), Ids{7});
  EXPECT_EQ(looks, 1U);
  EXPECT_EQ(run(thing, "$filter=uuid eq 'u7'"), Ids{7});
  EXPECT_EQ(looks, 1U);
  EXPECT_EQ(run(thing, "$filter=uuid eq 'nobody'"), Ids{});
  EXPECT_EQ(looks, 0U);
  EXPECT_EQ(run(thing, "$filter=uuid in ('u3','u1','x','u1')&$orderby=id"), (Ids{1, 3}));
  EXPECT_LE(looks, 3U);
  EXPECT_EQ(run(thing, "$filter=uuid eq 'u5' or id eq 5 or id eq 9&$orderby=id desc"), (Ids{9, 5}));
  EXPECT_LE(looks, 3U);
}

TEST_F(ODataPlanner, LooksAtAPageForAPage) {
  EXPECT_EQ(run(thing, "$filter=fleet eq 2 and id gt 1500&$orderby=id&$top=3"),
            (Ids{1501, 1502, 1503}));
  EXPECT_EQ(looks, 3U);
  EXPECT_EQ(run(thing, "$filter=fleet eq 1 and id lt 500&$orderby=id desc&$top=2&$skip=1"),
            (Ids{498, 497}));
  EXPECT_EQ(looks, 3U);
  EXPECT_EQ(run(thing, "$filter=id ge 5 and id le 6&$orderby=id"), (Ids{5, 6}));
  EXPECT_EQ(looks, 2U);
  EXPECT_EQ(run(thing, "$filter=id ge -9223372036854775808 and id le 9223372036854775807").size(),
            2000U);
  EXPECT_EQ(run(thing, "$orderby=id&$top=9223372036854775807&$skip=9223372036854775807"), Ids{});
  EXPECT_EQ(run(thing, "$top=5").size(), 5U);
  EXPECT_EQ(looks, 5U);
}

TEST_F(ODataPlanner, ComesBackFromRelationsToFewRows) {
  EXPECT_EQ(run(label, "$filter=thing/any(t:t/uuid eq 'u7')"), Ids{10007});
  EXPECT_LE(looks, 4U);
  EXPECT_EQ(run(label, "$filter=thing/uuid eq 'u7' and name eq 'n'"), Ids{10007});
  EXPECT_LE(looks, 4U);
  EXPECT_EQ(run(thing, "$filter=fleet/any(f:f/name eq 'b') and id gt 1998&$orderby=id&$top=1"),
            Ids{1999});
  EXPECT_LE(looks, 4U);
  // All things of a fleet are too many to come back from: labels are read in order instead.
  EXPECT_EQ(run(label, "$filter=thing/any(t:t/fleet eq 2) and id gt 11500&$orderby=id&$top=2"),
            (Ids{11501, 11502}));
  EXPECT_LE(looks, 8U);
}

TEST_F(ODataPlanner, FindsTheSameRowsHoweverItLooks) {
  for (const char* filter : {"fleet eq 1 and uuid eq 'u7'", "uuid eq 'u7' and contains(uuid,'7')",
                             "startswith(uuid,'u7') and endswith(uuid,'7') and length(uuid) eq 2",
                             "label/any(l:l/id eq 10007)", "not(id ne 7)",
                             "fleet/any(f:f/name eq 'a') and uuid in ('u7','u1007')"}) {
    EXPECT_EQ(run(thing, std::string("$filter=") + filter), Ids{7}) << filter;
  }
}

TEST_F(ODataPlanner, FollowsItsRowsWhenTheyChange) {
  put(thing, 7, {std::int64_t{2}, makeText("renamed")});
  EXPECT_EQ(run(thing, "$filter=uuid eq 'u7'"), Ids{});
  EXPECT_EQ(looks, 0U);
  EXPECT_EQ(run(thing, "$filter=uuid eq 'renamed'"), Ids{7});
  EXPECT_EQ(run(thing, "$filter=fleet eq 2&$orderby=id&$top=1"), Ids{7});
  store->erase(thing, 7);
  EXPECT_EQ(run(thing, "$filter=uuid eq 'renamed' or id eq 7"), Ids{});
  EXPECT_EQ(run(thing, "$filter=fleet eq 2&$orderby=id&$top=1"), Ids{1001});
}

}  // namespace
}  // namespace bco::sandbox::odata
