#include "kube/json.h"

#include <gmock/gmock.h>

#include "tests/kube/padded.h"

namespace bco::kube {
namespace {

using test::Padded;
using testing::ElementsAre;

// ---- lines of a watch

struct Read {
  WatchEventType type;
  std::string object;
  std::string resourceVersion;
  bool endsInitialList;

  bool operator==(const Read&) const = default;
};

Result<Read> readLine(std::string_view line) {
  EventReader reader;
  const Padded padded(line);
  const auto event = reader.read(padded.view());
  if (!event) return fail(event.error());
  return Read{event->type, std::string(event->object), std::string(event->resourceVersion),
              event->endsInitialList};
}

void expectRefused(std::string_view line) {
  const auto event = readLine(line);
  ASSERT_FALSE(event) << line;
  EXPECT_EQ(event.error().code, ErrorCode::kInternal);
}

TEST(WatchEvent, HasATypeAnObjectAndItsVersion) {
  const std::string object =
      R"({"apiVersion":"v1","kind":"X","metadata":{"name":"a","resourceVersion":"7","uid":"u"},)"
      R"("spec":{"text":"} \" {","list":[1,{"a":[]}]}})";
  const std::vector<std::pair<std::string, WatchEventType>> types = {
      {"ADDED", WatchEventType::kAdded},
      {"MODIFIED", WatchEventType::kModified},
      {"DELETED", WatchEventType::kDeleted},
      {"BOOKMARK", WatchEventType::kBookmark}};
  for (const auto& [name, type] : types) {
    const auto event = readLine(R"({"type":")" + name + R"(","object":)" + object + "}");
    ASSERT_TRUE(event) << event.error().message;
    EXPECT_EQ(*event, (Read{type, object, "7", false}));
  }
}

TEST(WatchEvent, MayHaveItsMembersInAnyOrder) {
  const std::string object =
      R"({"spec":{"metadata":{"resourceVersion":"1"}},"metadata":{"labels":{"a":"b"},"resourceVersion":"8"}})";
  EXPECT_EQ(readLine(R"({"object":)" + object + R"(,"type":"ADDED"})"),
            (Read{WatchEventType::kAdded, object, "8", false}));
}

TEST(WatchEvent, IsReadWhateverTheVersionIsWrittenLike) {
  EXPECT_EQ(readLine(R"({"type":"ADDED","object":{"metadata":{"resourceVersion":"a\u0062\"c"}}})")
                ->resourceVersion,
            "ab\"c");
}

TEST(WatchEvent, EndsTheInitialListByAnAnnotationOfABookmark) {
  const auto ends = [](const std::string& type, const std::string& annotations) {
    const auto event = readLine(R"({"type":")" + type + R"(","object":{"metadata":{)" +
                                annotations + R"("resourceVersion":"7"}}})");
    return event && event->endsInitialList;
  };
  EXPECT_TRUE(ends("BOOKMARK", R"("annotations":{"k8s.io/initial-events-end":"true"},)"));
  EXPECT_FALSE(ends("BOOKMARK", R"("annotations":{"k8s.io/initial-events-end":"false"},)"));
  EXPECT_FALSE(ends("BOOKMARK", R"("annotations":{"other":"true"},)"));
  EXPECT_FALSE(ends("BOOKMARK", R"("annotations":null,)"));
  EXPECT_FALSE(ends("BOOKMARK", ""));
  EXPECT_FALSE(ends("MODIFIED", R"("annotations":{"k8s.io/initial-events-end":"true"},)"))
      << "anybody may annotate an object";
}

TEST(WatchEvent, IsAnErrorWithAStatusOrOfATypeWeDoNotKnow) {
  const std::string status = R"({"kind":"Status","code":410,"metadata":{}})";
  EXPECT_EQ(readLine(R"({"type":"ERROR","object":)" + status + "}"),
            (Read{WatchEventType::kError, status, "", false}));
  EXPECT_EQ(readLine(R"({"type":"NEW","object":{}})")->type, WatchEventType::kError);
}

TEST(WatchEvent, IsRefusedWhenItIsNone) {
  for (const auto* const line :
       {"", " ", "null", "[]", "\"type\"", "{}", "<html>", R"({"type":"ADDED"})",
        R"({"object":{"metadata":{"resourceVersion":"7"}}})", R"({"type":"ADDED","object":null})",
        R"({"type":"ADDED","object":[]})", R"({"type":"ADDED","object":{}})",
        R"({"type":"ADDED","object":{"metadata":{}}})",
        R"({"type":"ADDED","object":{"metadata":null}})",
        R"({"type":"ADDED","object":{"metadata":{"resourceVersion":7}}})",
        R"({"type":"ADDED","object":{"metadata":{"resourceVersion":""}}})",
        R"({"type":"ADDED","object":{"metadata":{"resourceVersion":"7"})",
        R"({"type":1,"object":{"metadata":{"resourceVersion":"7"}}})"}) {
    expectRefused(line);
  }
}

TEST(WatchEvent, IsReadAfterOneThatWasRefused) {
  EventReader reader;
  const Padded broken(R"({"type":"ADDED","object":{)");
  const Padded whole(R"({"type":"ADDED","object":{"metadata":{"resourceVersion":"7"}}})");
  EXPECT_FALSE(reader.read(broken.view()));
  EXPECT_EQ(reader.read(whole.view())->resourceVersion, "7");
}

// ---- pages of a list

struct Page {
  Result<ListMeta> meta;
  std::vector<std::string> items;
};

Page pageOf(std::string body) {
  Page page{fail(ErrorCode::kInternal, ""), {}};
  page.meta = readPage(body, [&page](std::string_view item) { page.items.emplace_back(item); });
  return page;
}

TEST(ListPage, HasItemsAndWhereToGoOn) {
  const auto page =
      pageOf(R"({"apiVersion":"v1","items":[{"a":"x\"]}"},{"b":[{}]}],"kind":"XList",)"
             R"("metadata":{"continue":"abc","remainingItemCount":3,"resourceVersion":"12"}})");
  ASSERT_TRUE(page.meta) << page.meta.error().message;
  EXPECT_EQ(page.meta->resourceVersion, "12");
  EXPECT_EQ(page.meta->continueToken, "abc");
  EXPECT_THAT(page.items, ElementsAre(R"({"a":"x\"]}"})", R"({"b":[{}]})"));
}

TEST(ListPage, MayHaveItsMembersInAnyOrderAndSpaceBetween) {
  const auto page = pageOf(
      "{ \"kind\": \"XList\",\n \"metadata\": {\"resourceVersion\": \"12\"},\n \"items\": [ "
      "{\"a\": 1} ] }\n");
  ASSERT_TRUE(page.meta);
  EXPECT_EQ(page.meta->continueToken, "");
  EXPECT_THAT(page.items, ElementsAre(testing::StartsWith("{\"a\": 1}")));
}

TEST(ListPage, MayBeEmpty) {
  for (const auto* const items : {"[]", "null"}) {
    const auto page =
        pageOf(std::string(R"({"metadata":{"resourceVersion":"1"},"items":)") + items + "}");
    EXPECT_TRUE(page.meta) << items;
    EXPECT_TRUE(page.items.empty());
  }
}

TEST(ListPage, IsRefusedWhenItIsNoList) {
  for (const auto* const body :
       {"", "null", "[]", "{}", "<html></html>", R"({"items":[]})",
        R"({"metadata":{"resourceVersion":"1"}})", R"({"metadata":{},"items":[]})",
        R"({"metadata":{"resourceVersion":"1"},"items":{}})",
        R"({"metadata":{"resourceVersion":"1"},"items":[1]})",
        R"({"metadata":{"resourceVersion":"1"},"items":[{"a":1})"}) {
    const auto page = pageOf(body);
    ASSERT_FALSE(page.meta) << body;
    EXPECT_EQ(page.meta.error().code, ErrorCode::kInternal);
  }
}

// ---- Status

TEST(StatusBody, IsRead) {
  const auto status = parseStatus(
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"no such \"x\"",)"
      R"("reason":"NotFound","details":{"name":"x","retryAfterSeconds":7,)"
      R"("causes":[{"reason":"Other"},{"message":"m"}]},"code":404})");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 404);
  EXPECT_EQ(status->reason, "NotFound");
  EXPECT_EQ(status->message, "no such \"x\"");
  EXPECT_EQ(status->retryAfter, Duration(7000));
  EXPECT_FALSE(status->versionTooLarge);
}

TEST(StatusBody, MayLackAnything) {
  const auto status = parseStatus(R"({"kind":"Status"})");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 0);
  EXPECT_EQ(status->reason, "");
  EXPECT_EQ(status->retryAfter, std::nullopt);
}

TEST(StatusBody, MayNameAVersionThatIsTooLarge) {
  EXPECT_TRUE(parseStatus(R"({"kind":"Status","reason":"Timeout","details":{"causes":[)"
                          R"({"reason":"Other"},{"reason":"ResourceVersionTooLarge"}]}})")
                  ->versionTooLarge);
}

TEST(StatusBody, MayNameTheUidAsTheCause) {
  EXPECT_TRUE(parseStatus(R"({"kind":"Status","reason":"Invalid","details":{"causes":[)"
                          R"({"field":"spec.x"},{"field":"metadata.uid"}]}})")
                  ->uidDiffers);
  EXPECT_FALSE(
      parseStatus(R"({"kind":"Status","details":{"causes":[{"field":"spec.uid"}]}})")->uidDiffers);
}

TEST(StatusBody, IsNoOtherText) {
  for (const auto* const body : {"", "nope", "<html>", "[]", "1", R"({"kind":"Pod"})", "{}"}) {
    EXPECT_FALSE(parseStatus(body)) << body;
  }
}

TEST(StatusBody, HasAShortMessageOfWholeCharacters) {
  std::string text;
  for (int i = 0; i < 1500; ++i) text += "ä";
  const auto status = parseStatus(R"({"kind":"Status","message":"x)" + text + "\"}");
  ASSERT_TRUE(status);
  EXPECT_LT(status->message.size(), 2010U);
  EXPECT_THAT(status->message, testing::EndsWith("ä…"));
}

}  // namespace
}  // namespace bco::kube
