#include "yaml/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bco::yaml {
namespace {

using testing::HasSubstr;

// A tree on one line: strings in quotes, other scalars with the first letter of their kind.
std::string show(const Node& node) {
  const std::string text(node.scalar.reveal());
  std::string parts;
  switch (node.kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return "b:" + text;
    case Kind::kInteger:
      return "i:" + text;
    case Kind::kFloat:
      return "f:" + text;
    case Kind::kString:
      return "'" + text + "'";
    case Kind::kSequence:
      for (const Node& item : node.items) parts += (parts.empty() ? "" : ", ") + show(item);
      return "[" + parts + "]";
    case Kind::kMapping:
      for (const Entry& entry : node.entries) {
        parts += (parts.empty() ? "" : ", ") + entry.key + "=" + show(entry.value);
      }
      return "{" + parts + "}";
  }
  return "?";
}

// All documents, or the error.
std::string read(std::string_view text, const Limits& limits = {}) {
  const auto documents = parse(text, "f.yaml", limits);
  if (!documents) {
    EXPECT_EQ(documents.error().code, ErrorCode::kInvalid);
    return documents.error().message;
  }
  std::string all;
  for (const Node& document : *documents) all += (all.empty() ? "" : " --- ") + show(document);
  return all;
}

TEST(Yaml, ReadsWhatKubernetesUsersWrite) {
  EXPECT_EQ(read("apiVersion: v1\n"
                 "kind: Secret  # a comment\n"
                 "metadata: {name: balena, labels: {}}\n"
                 "stringData:\n"
                 "  token: \"a\\tb\"\n"
                 "  it's: 'don''t'\n"
                 "items:\n"
                 "- 1\n"
                 "-   two\n"
                 "- - nested\n"),
            "{apiVersion='v1', kind='Secret', metadata={name='balena', labels={}}, "
            "stringData={token='a\tb', it's='don't'}, items=[i:1, 'two', ['nested']]}");
}

TEST(Yaml, ReadsBlockAndMultiLineScalars) {
  EXPECT_EQ(
      read("literal: |\n  a\n   b\n\n  c\nfolded: >-\n  a\n  b\nkeep: |+\n  a\n\nplain: a\n  b\n"
           "quoted: \"a\n  b\\\n  c\"\n"),
      "{literal='a\n b\n\nc\n', folded='a b', keep='a\n\n', plain='a b', quoted='a bc'}");
}

TEST(Yaml, ReadsJson) {
  EXPECT_EQ(read(R"({"a":1,"b":["\u00e4\/",true,null],"c":{"d":-1.5e3}})"),
            "{a=i:1, b=['ä/', b:true, null], c={d=f:-1.5e3}}");
  EXPECT_EQ(read("[1,\n 2]"), "[i:1, i:2]");
}

TEST(Yaml, ReadsJsonOfAnySizeInsideTheLimits) {
  std::string json = "{\"items\": [";
  for (int i = 0; i < 60000; ++i) json += R"({"name":"a device","n":1},)";
  json += "0]}";
  ASSERT_GT(json.size(), 1U << 20);
  const auto documents = parse(json, "f.yaml");
  ASSERT_TRUE(documents) << documents.error().message;
  EXPECT_EQ(documents->at(0).find("items")->items.size(), 60001U);
}

TEST(Yaml, ReadsSeveralDocumentsAndLeavesEmptyOnesOut) {
  EXPECT_EQ(read("a\n---\nb: 1\n---\n---\n# nothing\n---\n- c\n...\n---\nd\n--- |\n e\n"),
            "'a' --- {b=i:1} --- ['c'] --- 'd' --- 'e\n'");
  EXPECT_EQ(read(""), "");
  EXPECT_EQ(read("\n \n# only a comment\n"), "");
  EXPECT_EQ(read("---\n---\n"), "");
  EXPECT_EQ(read("%YAML 1.2\n---\na: b\n"), "{a='b'}");
}

TEST(Yaml, DoesNotCareAboutLineEndingsAndAByteOrderMark) {
  EXPECT_EQ(read("\xef\xbb\xbf"
                 "a: b\r\nc: |\r\n  d\r\n  e\r\n"),
            "{a='b', c='d\ne\n'}");
  EXPECT_EQ(read("\xef\xbb\xbf"
                 "{\"a\": 1}"),
            "{a=i:1}");
}

TEST(Yaml, GivesPlainScalarsTheirKinds) {
  const std::pair<std::string, std::string> cases[] = {
      {"true", "b:true"},
      {"false", "b:false"},
      {"null", "null"},
      {"~", "null"},
      {"", "null"},
      {"0", "i:0"},
      {"-0", "i:-0"},
      {"12", "i:12"},
      {"-3", "i:-3"},
      {"9223372036854775807", "i:9223372036854775807"},
      {"-9223372036854775808", "i:-9223372036854775808"},
      {"0.5", "f:0.5"},
      {"1e3", "f:1e3"},
      {"1E-3", "f:1E-3"},
      {"-1.5e+3", "f:-1.5e+3"},
      {"12:30", "'12:30'"},
      {"2026-11-23", "'2026-11-23'"},
      {"2026-11-23T07:00:00Z", "'2026-11-23T07:00:00Z'"},
      {"1.2.3", "'1.2.3'"},
      {"2160h", "'2160h'"},
      {"0xyz", "'0xyz'"},
      {"0x", "'0x'"},
      {"1e", "'1e'"},
      {"1e5f", "'1e5f'"},
      {".", "'.'"},
      {"-", "[null]"},
      {"+", "'+'"},
      {"_1", "'_1'"},
      {"7cf02a69e4d34c9da573914963cf54fd", "'7cf02a69e4d34c9da573914963cf54fd'"},
      {"nan", "'nan'"},
      {"Infinity", "'Infinity'"},
      {"yes sir", "'yes sir'"},
      {"acme/sensors", "'acme/sensors'"},
      {"a#b", "'a#b'"},
      {"<<", "'<<'"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(read("k:\n  " + text + "\n"), "{k=" + expected + "}") << text;
  }
}

TEST(Yaml, TakesQuotedScalarsForStringsAlways) {
  for (const std::string text : {"true", "null", "12", "017", "yes", "~", "", ".nan", "0x1f"}) {
    EXPECT_EQ(read("k: \"" + text + "\"\n"), "{k='" + text + "'}");
    EXPECT_EQ(read("k: '" + text + "'\n"), "{k='" + text + "'}");
  }
  EXPECT_EQ(read("k: |-\n  12\n"), "{k='12'}");
}

TEST(Yaml, RefusesPlainScalarsThatReadersDisagreeAboutWithAHint) {
  for (const std::string text : {"yes",   "Yes",   "YES",
                                 "no",    "NO",    "on",
                                 "Off",   "OFF",   "y",
                                 "N",     "True",  "TRUE",
                                 "False", "017",   "-017",
                                 "089",   "00",    "0x1f",
                                 "0X1F",  "0o17",  "0b11",
                                 "+0b1",  "1_000", "1_0.5",
                                 "+5",    "+1.5",  ".5",
                                 "-.5",   "5.",    "5.e3",
                                 "01.5",  "0_7",   "00000000000000000000000000000001"}) {
    const std::string error = read("k: " + text + "\n");
    EXPECT_THAT(error, testing::StartsWith("f.yaml:1:4: an ambiguous ")) << text;
    EXPECT_THAT(error, HasSubstr("quote it")) << text;
  }
  for (const std::string text : {"9223372036854775808", "-9223372036854775809", "1e400", "1e-400",
                                 "12345678901234567890123456789012"}) {
    EXPECT_EQ(read("k: " + text + "\n"),
              "f.yaml:1:4: a number out of range: quote it if it is text")
        << text;
  }
  for (const std::string text : {".inf", "-.Inf", "+.INF", ".nan", ".NaN", ".NAN"}) {
    EXPECT_EQ(read("k: " + text + "\n"), "f.yaml:1:4: not a finite number") << text;
  }
}

TEST(Yaml, RefusesKeysThatAreNoStrings) {
  const std::pair<std::string, std::string> cases[] = {
      {"1: a", "1:1: a key must be a string, not an integer: quote it"},
      {"1.5: a", "1:1: a key must be a string, not a number: quote it"},
      {"true: a", "1:1: a key must be a string, not a boolean: quote it"},
      {"~: a", "1:1: a key must be a string, not null: quote it"},
      {": a", "1:1: a key must be a string, not null: quote it"},
      {"? [a]\n: b", "1:3: a key must be a string, not a sequence: quote it"},
      {"? {a: b}\n: c", "1:3: a key must be a string, not a mapping: quote it"},
      {"on: a", "1:1: an ambiguous word: write true or false, or quote it if it is text"},
  };
  for (const auto& [text, error] : cases) EXPECT_EQ(read(text), "f.yaml:" + error) << text;
  EXPECT_EQ(read("'1': a\n\"on\": b\n"), "{1='a', on='b'}");
}

TEST(Yaml, RefusesWhatTheStrictSubsetLeavesOut) {
  const std::pair<std::string, std::string> cases[] = {
      {"a: &x 1", "1:4: anchors are not supported"},
      {"a: &x", "1:4: anchors are not supported"},
      {"a: &x [1]", "1:4: anchors are not supported"},
      {"&x a: b", "1:1: anchors are not supported"},
      {"a: &x {b: *x}", "1:4: anchors are not supported"},
      {"a: *x", "1:4: the referenced anchor is not defined"},
      {"a: !!str 1", "1:4: tags are not supported"},
      {"a: !t [1]", "1:4: tags are not supported"},
      {"a: !t {}", "1:4: tags are not supported"},
      {"a: !t", "1:4: tags are not supported"},
      {"a: ! 1", "1:4: tags are not supported"},
      {"a: ! \"1\"", "1:4: tags are not supported"},
      {"<<: {a: b}", "1:1: merge keys are not supported"},
      {"a: 1\nb: 2\na: 3", "3:1: the key \"a\" is given twice"},
      {"x: {a: 1, 'a': 2}", "1:11: the key \"a\" is given twice"},
      {"\"a\\nb\": 1\n\"a\\nb\": 2", "2:1: the key \"a?b\" is given twice"},
  };
  for (const auto& [text, error] : cases) EXPECT_EQ(read(text), "f.yaml:" + error) << text;
  EXPECT_EQ(read("'<<': a"), "{<<='a'}");
}

TEST(Yaml, NamesTheFirstKeyGivenTwiceWhereItStandsAgain) {
  EXPECT_EQ(read("z: 1\nz: 2\na: 1\na: 2\n"), "f.yaml:2:1: the key \"z\" is given twice");
}

TEST(Yaml, RefusesBrokenTextAndSaysWhere) {
  const std::pair<std::string, std::string> cases[] = {
      {",", "1:1: unexpected text after the end of a document"},
      {"a: ,", "1:4: end of map not found"},
      {"\"x\"\n)", "2:1: unexpected text after the end of a document"},
      {"a: 1\n...\nb: 2", "3:1: unexpected text after the end of a document"},
      {"{\"a\":1}{\"b\":2}", "1:8: unexpected text after the end of a document"},
      {"a: 1\n}", "2:1: "},
      {"a: \"x\nb: 2\n", "1:4: a quoted text that does not end"},
      {"a: \"x", "1:6: illegal EOF in scalar"},
      {"a: \"x\\\"", ""},
      {"a: 'x\nb: 2\n", ""},
      {"a: 'x''", ""},
      {"\"a", ""},
      {"a: \"x\" y", "1:8: "},
      {"[\"a\" \"b\"]", ""},
      {"a: [1, 2\nb: 3\n", "2:2: "},
      {"[1, 2", "1:5: a [ or { that is not closed"},
      {"{a: b\n", "2:1: end of map flow not found"},
      {"a: [1}", ""},
      {"a:\n\tb: c\n", "2:"},
      {"a: b: c", "1:5: "},
      {"a:\n  - b\n c: d\n", ""},
      {"a: \"\\q\"", "1:7: unknown escape character"},
      {"a: \"\\ud83d\\ude00\"", "1:11: invalid unicode"},
      {"a: @b", "1:4: unknown token"},
      {"a: `b", "1:4: unknown token"},
      {"a: %b", "1:4: unknown token"},
  };
  for (const auto& [text, error] : cases) {
    EXPECT_THAT(read(text), testing::StartsWith("f.yaml:" + error)) << text;
  }
}

TEST(Yaml, SaysThatATabIndentsWhatItCanNotRead) {
  const std::string cure = "; a tab indents this line: use spaces";
  EXPECT_EQ(read("a:\n\tb: 1\n"), "f.yaml:2:3: illegal map value" + cure);
  EXPECT_EQ(read("a:\n  b: 1\n\tc: 1\n"),
            "f.yaml:3:1: illegal tab when looking for indentation" + cure);
  EXPECT_EQ(read("a:\n  b: 1\n  \tc: 1\n"),
            "f.yaml:3:3: illegal tab when looking for indentation" + cure);
  EXPECT_EQ(read("a:\n\t- b\n"), "f.yaml:2:2: illegal block entry" + cure);
  EXPECT_EQ(read("-\ta: 1\n"), "f.yaml:1:4: illegal map value" + cure);
  EXPECT_EQ(read("a: b\tc: d\n"), "f.yaml:1:7: illegal map value");
  // Where they may stand.
  EXPECT_EQ(read("{\n\t\"a\":\t1\n}\n"), "{a=i:1}");
  EXPECT_EQ(read("a: |\n  \tb\n"), "{a='\tb\n'}");
  EXPECT_THAT(read("{\n\t\"a\" 1\n}\n"), testing::Not(HasSubstr(cure)));
}

TEST(Yaml, RefusesBytesThatAreNoText) {
  const std::pair<std::string, std::string> cases[] = {
      {"a: b\rc: d", "1:5: a control character"},
      {std::string("a: \0", 4), "1:4: a control character"},
      {"a\n b\x1b[0m", "2:3: a control character"},
      {"a: \x7f", "1:4: a control character"},
      {"a: \xff", "1:4: not UTF-8"},
      {"a: \xc3", "1:4: not UTF-8"},
      {"a: \xc0\xaf", "1:4: not UTF-8"},
      {"a: \xe0\x80\xaf", "1:4: not UTF-8"},
      {"a: \xed\xa0\x80", "1:4: not UTF-8"},
      {"a: \xf4\x90\x80\x80", "1:4: not UTF-8"},
      {"a: \xf5\x80\x80\x80", "1:4: not UTF-8"},
      {"a: \x80", "1:4: not UTF-8"},
      {"\xff\xfe"
       "a\0",
       "1:1: not UTF-8"},
      {"{\"a\": \xff}", "1:7: not UTF-8"},
      {"a: b\n\xef\xbb\xbf---\n", "2:1: a byte order mark in the middle of the text"},
  };
  for (const auto& [text, error] : cases) EXPECT_EQ(read(text), "f.yaml:" + error) << text;
  EXPECT_EQ(read("a: \xf0\x9f\x98\x80\xed\x9f\xbf\xee\x80\x80"),
            "{a='\xf0\x9f\x98\x80\xed\x9f\xbf\xee\x80\x80'}");
}

TEST(Yaml, QuotesNoValueInAnError) {
  for (const std::string text :
       {"token: *s3cret",        "token: \"s3cret",     "token: \"s3cret\\q\"",
        "token: s3cret: x",      "token: !s3cret x",    "token: &s3cret x",
        "token: [s3cret",        "token: @s3cret",      "token: \"s3cret\" s3cret",
        "token: s3cret\n\tx: y", "a: 1\n...\ns3cret",   "token: 0x53\n",
        "token: \"\\us3cret\"",  "token: |s3cret\n",    "token: 's3cret",
        "%s3cret s3cret\n",      "%YAML s3cret\n---\n", "%TAG s3cret\n---\n",
        "token: ,s3cret",        "token: \x01s3cret"}) {
    const auto documents = parse(text, "f.yaml");
    if (documents) continue;  // an unknown directive, for one
    EXPECT_EQ(documents.error().message.find("s3cret"), std::string::npos)
        << documents.error().message;
  }
}

TEST(Yaml, KnowsWhereEverythingStood) {
  const auto documents = parse("a: 1\nbb:\n  - x\n  - k: z\n---\n{\"k\": \"v\"}\n", "f.yaml");
  ASSERT_TRUE(documents);
  const Node& first = documents->at(0);
  const auto at = [](Position p) {
    return std::to_string(p.line) + ":" + std::to_string(p.column);
  };
  EXPECT_EQ(at(first.position), "1:1");
  EXPECT_EQ(at(first.find("a")->position), "1:4");
  EXPECT_EQ(at(first.entries[1].keyPosition), "2:1");
  EXPECT_EQ(at(first.find("bb")->items[0].position), "3:5");
  EXPECT_EQ(at(first.find("bb")->items[1].find("k")->position), "4:8");
  EXPECT_EQ(at(documents->at(1).find("k")->position), "6:7");

  const auto json = parse("{\"a\": 1,\n \"b\": 2}", "f.yaml");
  ASSERT_TRUE(json);
  EXPECT_EQ(at(json->at(0).position), "1:1");
  EXPECT_EQ(at(json->at(0).find("a")->position), "1:7");
  EXPECT_EQ(at(json->at(0).find("b")->position), "2:7");
  EXPECT_EQ(
      read("{\"a\": 017}"),
      "f.yaml:1:7: an ambiguous number: write it in plain decimal, or quote it if it is text");
}

TEST(Yaml, FindsKeysOfMappingsOnly) {
  const auto documents = parse("a: [b]\n", "f.yaml");
  ASSERT_TRUE(documents);
  EXPECT_NE(documents->at(0).find("a"), nullptr);
  EXPECT_EQ(documents->at(0).find("b"), nullptr);
  EXPECT_EQ(documents->at(0).find("a")->find("b"), nullptr);
}

TEST(Yaml, NamesKinds) {
  EXPECT_EQ(nameOf(Kind::kNull), "null");
  EXPECT_EQ(nameOf(Kind::kMapping), "a mapping");
}

TEST(YamlLimits, CapBytesDocumentsNodesAndDepth) {
  EXPECT_EQ(read("a: b", {.bytes = 4}), "{a='b'}");
  EXPECT_EQ(read("a: bc", {.bytes = 4}), "f.yaml:1:1: larger than 4 bytes");
  EXPECT_EQ(read("a\n---\nb\n", {.documents = 2}), "'a' --- 'b'");
  EXPECT_EQ(read("a\n---\n---\nb\n", {.documents = 2}),
            "f.yaml:3:1: too many documents: at most 2 in one file; spread them over several");
  EXPECT_EQ(read("[a, b]", {.nodes = 3}), "['a', 'b']");
  EXPECT_EQ(read("[a, b, c]", {.nodes = 3}), "f.yaml:1:8: too many values");
  EXPECT_EQ(read("[[a]]", {.depth = 2}), "[['a']]");
  EXPECT_EQ(read("[[[a]]]", {.depth = 2}), "f.yaml:1:3: nested too deeply");
  EXPECT_EQ(read("- - - a", {.depth = 2}), "f.yaml:1:5: nested too deeply");
}

// What a reader without caps chokes on: the parser alone takes over a gigabyte for some of these.
TEST(YamlLimits, EndHostileTextSoonWithAnError) {
  for (const std::string piece :
       {"[",     "{",  "[1,",  "{a: ",  "- ",   "? ",  "a: ", "\"\"",    ",",
        "---\n", "a ", "#a\n", "&a ",   "*a ",  "!a ", "[]",  "|\n",     "'",
        "\"",    "\\", ": ",   "...\n", "%a\n", "\t",  "\n",  "--- ,\n", "a:\n "}) {
    std::string text;
    while (text.size() < (17U << 16)) text += piece;
    EXPECT_THAT(read(text), testing::StartsWith("f.yaml:")) << piece;
  }
}

TEST(YamlLimits, RefuseAliasBombsBeforeTheyGrow) {
  std::string bomb = "a: &a [x, x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " [*" + static_cast<char>(c - 1) + ", *" +
            static_cast<char>(c - 1) + "]\n";
  }
  EXPECT_EQ(read(bomb), "f.yaml:1:4: anchors are not supported");
}

TEST(Yaml, SurvivesEveryTruncation) {
  const std::string text =
      "a: {b: [1, \"x\\u00e4\", 'y'], c: null}\nd: |+2\n    e\n\n? f\n: - g\n  - h: >-\n     i\n"
      "---\n\"j k\": l # m\n...\n";
  ASSERT_TRUE(parse(text, "f.yaml")) << read(text);
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto documents = parse(text.substr(0, size), "f.yaml");
    if (documents) continue;
    EXPECT_THAT(documents.error().message, HasSubstr("f.yaml:"));
  }
}

}  // namespace
}  // namespace bco::yaml
