#include "api/json_writer.h"

#include <gtest/gtest.h>

namespace bco::api {
namespace {

using namespace std::chrono_literals;

std::string written(std::string_view text) {
  JsonWriter json;
  json.text("", text);
  return json.take();
}

TEST(JsonWriter, PutsCommasBetweenMembersAndItems) {
  JsonWriter json;
  json.openObject("");
  json.openObject("empty");
  json.closeObject();
  json.openList("list");
  json.text("", "[");
  json.text("", "{");
  json.openObject("");
  json.number("n", -5);
  json.boolean("yes", true);
  json.boolean("no", false);
  json.closeObject();
  json.number("", 9223372036854775807);
  json.closeList();
  json.optionalText("absent", "");
  json.optionalTime("never", std::nullopt);
  json.text("last", "");
  json.closeObject();
  EXPECT_EQ(json.take(),
            R"({"empty":{},"list":["[","{",{"n":-5,"yes":true,"no":false},9223372036854775807],)"
            R"("last":""})");
}

TEST(JsonWriter, WritesTimesToTheSecond) {
  JsonWriter json;
  json.openObject("");
  json.time("a", *parseRfc3339("2026-11-23T07:08:09Z"));
  json.time("b", *parseRfc3339("2026-11-23T07:08:09.999Z"));
  json.optionalTime("c", *parseRfc3339("1969-12-31T23:59:59.001Z"));
  json.time("d", *parseRfc3339("0999-02-03T00:00:00Z"));
  json.closeObject();
  EXPECT_EQ(json.take(),
            R"({"a":"2026-11-23T07:08:09Z","b":"2026-11-23T07:08:09Z","c":"1969-12-31T23:59:59Z",)"
            R"("d":"0999-02-03T00:00:00Z"})");
}

TEST(JsonWriter, WritesNoTimeThatNobodyReads) {
  JsonWriter json;
  json.openList("");
  json.time("", *parseRfc3339("9999-12-31T23:59:59-23:59"));
  json.time("", *parseRfc3339("0000-01-01T00:00:00+23:59"));
  json.time("", TimePoint::max());
  json.time("", TimePoint::min());
  json.closeList();
  EXPECT_EQ(json.take(), R"(["9999-12-31T23:59:59Z","0000-01-01T00:00:00Z",)"
                         R"("9999-12-31T23:59:59Z","0000-01-01T00:00:00Z"])");
}

TEST(JsonWriter, LeavesPlainTextAlone) {
  for (const std::string text : {"", "a", "it's <b>&/", "größe", "\u00a0", "\u00ff", "\u2027\u202a",
                                 "\ufefe", "\uff00", "\ufffd", "😀", "\U0010ffff"}) {
    EXPECT_EQ(written(text), "\"" + text + "\"");
  }
}

TEST(JsonWriter, EscapesWhatYamlWouldRefuseOrChange) {
  EXPECT_EQ(written("\"\\/"), R"("\"\\/")");
  EXPECT_EQ(written(std::string_view("\0\t\n\r\x1f", 5)), R"("\u0000\u0009\n\u000d\u001f")");
  EXPECT_EQ(written("\x7f\xc2\x80|\xc2\x85|\xc2\x9f"), R"("\u007f\u0080|\u0085|\u009f")");
  EXPECT_EQ(written("\u2028a\u2029"), R"("\u2028a\u2029")");
  EXPECT_EQ(written("\ufeff\ufffe\uffff"), R"("\ufeff\ufffe\uffff")");
}

TEST(JsonWriter, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(written("a\xff z"), "\"a\ufffd z\"");
  EXPECT_EQ(written("\xf0\x9f\x98"), "\"\ufffd\ufffd\ufffd\"");        // cut
  EXPECT_EQ(written("\xed\xa0\x80"), "\"\ufffd\ufffd\ufffd\"");        // a surrogate
  EXPECT_EQ(written("\xc0\xaf\""), "\"\ufffd\ufffd\\\"\"");            // overlong
  EXPECT_EQ(written("\xe2\x80\"\xa8"), "\"\ufffd\ufffd\\\"\ufffd\"");  // half of U+2028
}

}  // namespace
}  // namespace bco::api
