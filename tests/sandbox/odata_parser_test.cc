#include "sandbox/odata_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bco::sandbox::odata {
namespace {

using testing::ElementsAre;

TEST(ODataTarget, ReadsKeysNavigationAndCount) {
  const auto byId = parseTarget("device(123)");
  ASSERT_TRUE(byId);
  EXPECT_EQ(byId->resource, "device");
  ASSERT_EQ(byId->key.size(), 1U);
  EXPECT_EQ(byId->key[0].first, "");
  EXPECT_EQ(idOf(byId->key[0].second), 123);

  const auto natural = parseTarget("device_tag(device=1,tag_key=%27it%27%27s%20a%2Cb%27)");
  ASSERT_TRUE(natural);
  ASSERT_EQ(natural->key.size(), 2U);
  EXPECT_EQ(natural->key[1].first, "tag_key");
  EXPECT_EQ(*textOf(natural->key[1].second), "it's a,b");

  const auto deeper = parseTarget("application(slug='org/fleet')/owns__device/$count");
  ASSERT_TRUE(deeper);
  EXPECT_EQ(deeper->navigation, "owns__device");
  EXPECT_TRUE(deeper->count);
}

TEST(ODataTarget, RefusesWhatIsNoTarget) {
  for (const char* path :
       {"", "device(", "device)", "device()", "device(uuid=)", "device%281)", "device(1%29",
        "device(a=1%2Cb=2)", "device(a%3D1)", "$batch", "device/$count/$count", "device/owner",
        "device(1)/a/b", "device('x)", "device(1,2)", "de vice", "device(%zz)", "device(%2"}) {
    EXPECT_FALSE(parseTarget(path)) << path;
  }
}

TEST(ODataOptions, TakesTheLastOfEachAndIgnoresWhatHasNoDollar) {
  const auto options =
      parseOptions("$top=1&filter=nonsense((&$top=2&%24skip=3&%2524top=9&$count=true&x");
  ASSERT_TRUE(options);
  EXPECT_EQ(options->top, 2);
  EXPECT_EQ(options->skip, 3);
  EXPECT_FALSE(options->filter);
}

TEST(ODataOptions, NestsExpansions) {
  const auto options = parseOptions(
      "$expand=device_tag($select=tag_key,value;$filter=tag_key%20eq%20%27a;b%27;$orderby=id%20desc"
      ";$top=3),service_install($expand=installs__service($select=id)),owns__device/$count");
  ASSERT_TRUE(options);
  ASSERT_EQ(options->expand.size(), 3U);
  const auto& tags = options->expand[0];
  EXPECT_EQ(tags.name, "device_tag");
  EXPECT_THAT(tags.options.select, ElementsAre("tag_key", "value"));
  ASSERT_TRUE(tags.options.filter);
  EXPECT_EQ(*textOf(tags.options.filter->arguments[1].literal), "a;b");
  EXPECT_TRUE(tags.options.orderBy[0].descending);
  EXPECT_EQ(tags.options.top, 3);
  EXPECT_EQ(options->expand[1].options.expand[0].name, "installs__service");
  EXPECT_TRUE(options->expand[2].count);
}

TEST(ODataOptions, BindsAndTighterThanOrAndNotTightest) {
  const auto options =
      parseOptions("$filter=not%20a%20eq%201%20or%20b%20eq%202%20and%20c%20eq%203");
  ASSERT_TRUE(options);
  const auto& filter = *options->filter;
  ASSERT_EQ(filter.op, Operator::kOr);
  EXPECT_EQ(filter.arguments[0].op, Operator::kNot);
  EXPECT_EQ(filter.arguments[1].op, Operator::kAnd);
}

TEST(ODataOptions, ReadsAPlusAsASpaceAndAnEscapedPlusAsAPlus) {
  const auto options = parseOptions("$filter=a+eq+%27x%2By+z%27");
  ASSERT_TRUE(options);
  EXPECT_EQ(*textOf(options->filter->arguments[1].literal), "x+y z");
}

TEST(ODataOptions, PutsAliasesInTheirPlace) {
  const auto options = parseOptions("$filter=uuid%20eq%20@u%20and%20id%20gt%20@i&@u='x'&@i=5");
  ASSERT_TRUE(options);
  EXPECT_EQ(*textOf(options->filter->arguments[0].arguments[1].literal), "x");
  EXPECT_EQ(idOf(options->filter->arguments[1].arguments[1].literal), 5);
}

TEST(ODataOptions, RefusesWhatIsMalformed) {
  for (const char* query : {"$top=-1",
                            "$top=x",
                            "$top=1.5",
                            "$top=",
                            "$skip=-1",
                            "$Filter=a%20eq%201",
                            "$search=x",
                            "$filter=",
                            "$filter=a%20eq",
                            "$filter=(a%20eq%201",
                            "$filter=a%20eq%201)",
                            "$filter=a%20in%20()",
                            "$filter=a%20eq%20'x",
                            "$filter=a%20b",
                            "$filter=nofunction(a)",
                            "$filter=contains(a)",
                            "$filter=tolower(a,b)%20eq%20'x'",
                            "$filter=a%20eq%20datetime'x'",
                            "$filter=a/any(d%20d/b%20eq%201)",
                            "$filter=a%20eq%20@u",
                            "$filter=a%20eq%20@u&@u=b",
                            "$filter=a%20eq%201.5",
                            "$filter=%",
                            "$select=a,",
                            "$select=a;b",
                            "$orderby=a%20up",
                            "$expand=a($select=b,$top=1)",
                            "$expand=a($unknown=1)",
                            "$expand=a(select=b)",
                            "$expand=a/b",
                            "$expand=a(",
                            "$filter=a%20eq%2099999999999999999999"}) {
    EXPECT_FALSE(parseOptions(query)) << query;
  }
}

TEST(ODataOptions, SurvivesNestingWithoutEnd) {
  std::string filter = "$filter=";
  for (int i = 0; i < 4000; ++i) filter += "(";
  EXPECT_FALSE(parseOptions(filter));
  std::string expand = "$expand=";
  for (int i = 0; i < 2000; ++i) expand += "a($expand=";
  EXPECT_FALSE(parseOptions(expand));
  std::string nots = "$filter=";
  for (int i = 0; i < 3000; ++i) nots += "not%20";
  EXPECT_FALSE(parseOptions(nots));
  EXPECT_FALSE(parseOptions("$filter=a%20eq%20@a&@a=@a"));
}

}  // namespace
}  // namespace bco::sandbox::odata
