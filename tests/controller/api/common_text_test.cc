#include "api/common_text.h"

#include <gtest/gtest.h>

#include <sstream>

#include "api/object.h"

namespace bco::api {
namespace {

const std::string kTexts[] = {"",
                              "Ready",
                              "Adopted",
                              "Read",
                              "Ready ",
                              std::string(kReleaseAnnotation),
                              std::string(kFleetLabel) + "s",
                              "zebra",
                              std::string("\0x", 2),
                              std::string(100000, 'x')};

TEST(CommonText, HoldsAnyText) {
  for (const std::string& text : kTexts) {
    const CommonText common(text);
    EXPECT_EQ(common.view(), text);
    EXPECT_EQ(common.size(), text.size());
    EXPECT_EQ(common.empty(), text.empty());
    EXPECT_EQ(std::string(common), text);
  }
  EXPECT_EQ(CommonText().view(), "");
}

TEST(CommonText, IsCopiedMovedAndAssigned) {
  for (const std::string& text : kTexts) {
    for (const std::string& before : kTexts) {
      CommonText first(text);
      CommonText second(before);
      second = first;
      EXPECT_EQ(second, text);
      EXPECT_EQ(first, text);
      CommonText third(std::move(second));
      EXPECT_EQ(third, text);
      third = before;
      EXPECT_EQ(third, before);
      third = std::move(first);
      EXPECT_EQ(third, text);
      const CommonText& same = third;
      third = same;
      EXPECT_EQ(third, text);
    }
  }
}

TEST(CommonText, IsComparedAndAddedLikeAString) {
  const CommonText text = "Ready";
  EXPECT_TRUE(text == "Ready" && "Ready" == text);
  EXPECT_TRUE(text == std::string("Ready") && std::string_view("Ready") == text);
  EXPECT_TRUE(text == CommonText(std::string("Ready")));
  EXPECT_TRUE(text != "ready" && text != CommonText() && text != "");
  EXPECT_EQ(text + ": " + text + "!", "Ready: Ready!");
  std::string copy = text;
  copy = text;
  EXPECT_EQ(copy, "Ready");
  std::ostringstream out;
  out << text;
  EXPECT_EQ(out.str(), "Ready");
}

TEST(CommonText, StoresAKnownTextOnce) {
  EXPECT_EQ(sizeof(CommonText), 8U);
  for (const std::string_view known :
       {std::string_view("Adopted"), std::string_view("Ready"), std::string_view("WrongFleet"),
        kFinalizer, kDiscoveredLabel, kReleaseAnnotation}) {
    const CommonText text(known);
    const CommonText again(known);
    EXPECT_EQ(text.view().data(), again.view().data()) << known;
  }
}

}  // namespace
}  // namespace bco::api
