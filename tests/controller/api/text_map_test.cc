#include "api/text_map.h"

#include <gmock/gmock.h>

namespace bco::api {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(TextMap, KeepsItsEntriesInOrder) {
  TextMap map;
  map["b"] = "2";
  map.emplace("c", "3");
  map["a"] = "1";
  EXPECT_THAT(map, ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", "3")));
  EXPECT_EQ(map.size(), 3U);
  EXPECT_FALSE(map.empty());
}

TEST(TextMap, HasOneEntryOfAName) {
  TextMap map;
  map.emplace("a", "1");
  map.emplace("a", "2");
  EXPECT_THAT(map, ElementsAre(Pair("a", "1")));
  map["a"] = "3";
  EXPECT_THAT(map, ElementsAre(Pair("a", "3")));
}

TEST(TextMap, FindsEntriesByTheirNames) {
  TextMap map(std::map<std::string, std::string, std::less<>>{{"b", "2"}, {"d", "4"}});
  EXPECT_EQ(map.find("d")->second, "4");
  EXPECT_EQ(map.at("b"), "2");
  for (const auto* name : {"", "a", "c", "e", "dd"}) {
    EXPECT_FALSE(map.contains(name));
    EXPECT_EQ(map.find(name), map.end());
    EXPECT_THROW((void)map.at(name), std::out_of_range);
  }
}

TEST(TextMap, IsComparedByItsEntries) {
  TextMap map;
  map["a"] = "1";
  TextMap other;
  EXPECT_NE(map, other);
  other["a"] = "1";
  EXPECT_EQ(map, other);
  other["a"] = "2";
  EXPECT_NE(map, other);
}

}  // namespace
}  // namespace bco::api
