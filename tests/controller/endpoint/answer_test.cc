#include "endpoint/answer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "endpoint/description.h"

namespace bco::endpoint {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

std::string header(const server::Reply& reply, std::string_view name) {
  for (const auto& [key, value] : reply.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(Answer, IsTheFunctionsOwnWhereItWentWell) {
  const auto created = toReply({Outcome::kCreated});
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.body, "device created");
  const auto deleted = toReply({Outcome::kDeleted});
  EXPECT_EQ(deleted.status, 200);
  EXPECT_EQ(deleted.body, "device deleted");
}

TEST(Answer, HasCode6AtTheTopForOneOutcomeAlone) {
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    const auto reply = toReply({outcome});
    if (statusOf(outcome) < 300) continue;  // plain text
    const json body = json::parse(reply.body);
    EXPECT_EQ(body.at("code") == 6, outcome == Outcome::kAlreadyProvisioned) << nameOf(outcome);
    EXPECT_NE(body.at("message"), "") << nameOf(outcome);
    EXPECT_EQ(header(reply, "Content-Type"), "application/json");
  }
}

TEST(Answer, SaysWhenToComeBackInWholeSeconds) {
  EXPECT_EQ(header(toReply({Outcome::kUnavailable, {}, 1500ms}), "Retry-After"), "2");
  EXPECT_EQ(header(toReply({Outcome::kUnavailable, {}, 1ms}), "Retry-After"), "1");
  EXPECT_EQ(header(toReply({Outcome::kUnavailable}), "Retry-After"), "");
}

TEST(Answer, IsJsonWhateverTheWordsHold) {
  const auto reply = toReply({Outcome::kRefused, "\xff\"\n"});
  EXPECT_EQ(json::parse(reply.body).at("code"), 9);
}

TEST(Description, HasEveryStatusThatIsAnsweredAndNoOther) {
  const json api = json::parse(description());
  EXPECT_EQ(api.at("openapi"), "3.1.0");
  std::set<std::string> described;
  for (const auto& [path, item] : api.at("paths").items()) {
    for (const auto& [verb, operation] : item.items()) {
      if (verb == "parameters") continue;
      for (const auto& [status, response] : operation.at("responses").items()) {
        described.insert(status);
      }
    }
  }
  std::set<std::string> answered{"408", "413", "431"};  // the server's
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    // Of other methods.
    if (outcome == Outcome::kMethodNotAllowed) continue;
    answered.insert(std::to_string(statusOf(outcome)));
  }
  EXPECT_EQ(described, answered);
}

TEST(Refusal, SaysWhyInJson) {
  for (const auto& [status, code] : {std::pair(400, 3), {408, 4}, {413, 3}, {431, 3}}) {
    const auto reply = toRefusal(status);
    EXPECT_EQ(reply.status, status);
    const auto body = nlohmann::json::parse(reply.body);
    EXPECT_EQ(body.at("code"), code) << status;
    EXPECT_FALSE(body.at("message").get<std::string>().empty()) << status;
    EXPECT_EQ(reply.headers, (server::Headers{{"Content-Type", "application/json"}}));
  }
}

}  // namespace
}  // namespace bco::endpoint
