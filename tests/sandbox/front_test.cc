#include "tests/sandbox/sandbox_fixture.h"

namespace bco::sandbox {
namespace {

using namespace std::chrono_literals;

class SandboxFront : public SandboxFixture {
 protected:
  static json device(const std::string& id) { return {{"id", id}}; }
  std::string devices() {
    if (systemKey_.empty()) {
      const auto& account = built_.serviceAccounts.front();
      const json exchanged = json::parse(
          send("POST", "/api/v/1/code/" + account.systemKey + "/getRegistryCredentials",
               {{"project", "my-project"}, {"region", "us-central1"}, {"registry", "devices"}},
               {{"ClearBlade-UserToken", account.token}})
              .body);
      EXPECT_EQ(exchanged["url"], "http://cloud.test");
      systemKey_ = exchanged["systemKey"];
      token_ = exchanged["serviceAccountToken"];
    }
    return "/api/v/4/webhook/execute/" + systemKey_ + "/cloudiot_devices";
  }
  Pending startCreate(const std::string& id) {
    return start("POST", devices(), device(id), {{"ClearBlade-UserToken", token_}});
  }
  server::Reply create(const std::string& id) {
    devices();
    return send("POST", devices(), device(id), {{"ClearBlade-UserToken", token_}});
  }
  bool exists(const std::string& id) {
    return send("GET", "/_sandbox/registrations/" + id).status == 200;
  }
  json kind(const std::string& name) { return control("GET", "traffic")["kinds"][name]; }

  std::string systemKey_;
  std::string token_;
};

TEST_F(SandboxFront, CountsRequestsByKindAndStatusAndConnections) {
  create("dev-1");
  create("dev-1");
  balena("GET", "device?$select=id");
  balena("GET", "device(uuid='" + uuid_ + "')?$select=id");
  balena("GET", "device/$count");
  const json traffic = control("GET", "traffic");
  EXPECT_EQ(traffic["kinds"]["clearblade.device.create"]["requests"], 2);
  EXPECT_EQ(traffic["kinds"]["clearblade.device.create"]["statuses"],
            json({{"200", 1}, {"409", 1}}));
  EXPECT_EQ(traffic["kinds"]["clearblade.exchange"]["requests"], 1);
  EXPECT_EQ(traffic["kinds"]["balena.device.list"]["requests"], 1);
  EXPECT_EQ(traffic["kinds"]["balena.device.get"]["requests"], 1);
  EXPECT_EQ(traffic["kinds"]["balena.device.count"]["requests"], 1);
  EXPECT_EQ(traffic["sides"], json({{"balena", 3}, {"clearblade", 3}, {"bridge", 0}}));
  EXPECT_EQ(traffic["connections"]["opened"], 6);
  EXPECT_EQ(traffic["inFlight"], json({{"now", 0}, {"max", 1}}));
  control("POST", "traffic/reset");
  EXPECT_TRUE(control("GET", "traffic")["kinds"].empty());
}

TEST_F(SandboxFront, AnswersCarryTheWorldsDate) {
  advance("1000h");
  const auto reply = balena("GET", "device?$select=id");
  const auto date = std::ranges::find(reply.headers, std::string("Date"),
                                      &std::pair<std::string, std::string>::first);
  ASSERT_NE(date, reply.headers.end());
  EXPECT_GT(parseHttpDate(date->second).value(), systemNow() + 999h);
}

TEST_F(SandboxFront, AStatusFaultHasTheShapeOfItsSideAndNoEffect) {
  control("POST", "faults",
          {{"kind", "clearblade.device."}, {"type", "status"}, {"status", 503}, {"count", 1}});
  const auto refused = create("dev-1");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(json::parse(refused.body)["error"]["status"], "UNAVAILABLE");
  EXPECT_FALSE(exists("dev-1"));
  EXPECT_EQ(create("dev-1").status, 200);

  control("POST", "faults",
          {{"route", "/v7/device"}, {"type", "status"}, {"status", 429}, {"retryAfter", "7"}});
  const auto throttled = balena("GET", "device?$select=id");
  EXPECT_EQ(throttled.status, 429);
  EXPECT_EQ(throttled.body, R"("Too Many Requests")");
  EXPECT_EQ(throttled.headers[1], std::make_pair(std::string("Retry-After"), std::string("7")));
  EXPECT_EQ(balena("GET", "application?$select=id").status, 200);
}

TEST_F(SandboxFront, AFaultAfterTheEffectLosesOnlyTheAnswer) {
  control("POST", "faults",
          {{"kind", "clearblade.device.create"},
           {"type", "status"},
           {"status", 502},
           {"body", "html"},
           {"when", "after"}});
  const auto reply = create("dev-1");
  EXPECT_EQ(reply.status, 502);
  EXPECT_NE(reply.body.find("<html>"), std::string::npos);
  EXPECT_TRUE(exists("dev-1"));
}

TEST_F(SandboxFront, SkipAndCountChooseTheRequestsThatAreStruck) {
  control("POST", "faults",
          {{"kind", "balena.fleet.list"},
           {"type", "status"},
           {"status", 500},
           {"body", "empty"},
           {"skip", 1},
           {"count", 2}});
  std::vector<int> statuses;
  for (int i = 0; i < 5; ++i) {
    statuses.push_back(balena("GET", "application?$select=id").status);
  }
  EXPECT_EQ(statuses, (std::vector<int>{200, 500, 500, 200, 200}));
  EXPECT_EQ(control("GET", "faults")["faults"][0]["struck"], 2);
}

TEST_F(SandboxFront, ProbabilityStrikesTheSameRequestsForTheSameSeed) {
  control("POST", "faults", {{"type", "status"}, {"status", 500}, {"probability", 0.5}});
  const auto strikes = [&] {
    control("POST", "faults/seed", {{"seed", 7}});
    std::string pattern;
    for (int i = 0; i < 40; ++i) {
      pattern += balena("GET", "application?$select=id").status == 500 ? 'x' : '.';
    }
    return pattern;
  };
  const std::string first = strikes();
  EXPECT_EQ(strikes(), first);
  EXPECT_NE(first.find('x'), std::string::npos);
  EXPECT_NE(first.find('.'), std::string::npos);
}

TEST_F(SandboxFront, AResetComesBeforeOrAfterTheEffect) {
  const json before = control(
      "POST", "faults", {{"kind", "clearblade.device.create"}, {"type", "reset"}, {"count", 1}});
  EXPECT_TRUE(create("dev-1").reset);
  EXPECT_FALSE(exists("dev-1"));
  control(
      "POST", "faults",
      {{"kind", "clearblade.device.create"}, {"type", "reset"}, {"when", "after"}, {"count", 1}});
  EXPECT_TRUE(create("dev-1").reset);
  EXPECT_TRUE(exists("dev-1"));
  EXPECT_EQ(kind("clearblade.device.create")["cut"], 2);
  control("DELETE", "faults/" + std::to_string(before["id"].get<int>()));
}

TEST_F(SandboxFront, AHangNeverAnswers) {
  devices();
  control("POST", "faults",
          {{"kind", "clearblade.device.create"}, {"type", "hang"}, {"when", "after"}});
  EXPECT_FALSE(startCreate("dev-1").isAnswered());
  EXPECT_TRUE(exists("dev-1"));
  EXPECT_EQ(control("GET", "traffic")["inFlight"]["now"], 0);
}

TEST_F(SandboxFront, LatencyDelaysInRealTime) {
  devices();
  control("POST", "faults",
          {{"kind", "clearblade.device.create"}, {"type", "latency"}, {"delay", "1ms"}});
  Pending pending = startCreate("dev-1");
  EXPECT_EQ(pending.future.get().status, 200);
  EXPECT_TRUE(exists("dev-1"));
}

TEST_F(SandboxFront, ALateEffectComesAfterTheConnectionWasLost) {
  devices();
  control("POST", "faults",
          {{"kind", "clearblade.device.create"}, {"type", "late"}, {"delay", "20ms"}});
  EXPECT_TRUE(create("dev-1").reset);
  // The effect comes on the wire's clock: a timer set now for a later time runs after it.
  std::promise<void> later;
  {
    const std::lock_guard lock(sandbox_.world().mutex);
    sandbox_.world().wire.after(20ms, [&] { later.set_value(); });
  }
  later.get_future().wait();
  EXPECT_TRUE(exists("dev-1"));
}

TEST_F(SandboxFront, AHeldRequestGoesOnWhenReleased) {
  devices();
  const json hold = control(
      "POST", "holds", {{"kind", "clearblade.device.create"}, {"when", "before"}, {"number", 2}});
  EXPECT_EQ(create("dev-1").status, 200);
  Pending pending = startCreate("dev-2");
  EXPECT_FALSE(pending.isAnswered());
  EXPECT_FALSE(exists("dev-2"));
  const json shown = control("GET", "holds")["holds"][0];
  EXPECT_EQ(shown["held"], true);
  EXPECT_EQ(shown["request"], "POST " + devices());
  EXPECT_EQ(control("GET", "traffic")["inFlight"]["now"], 1);
  control("POST", "holds/" + std::to_string(hold["id"].get<int>()) + "/release");
  ASSERT_TRUE(pending.isAnswered());
  EXPECT_EQ(pending.future.get().status, 200);
  EXPECT_TRUE(exists("dev-2"));
  EXPECT_TRUE(control("GET", "holds")["holds"].empty());
}

TEST_F(SandboxFront, EveryHoldPointCountsEveryRequest) {
  devices();
  for (const int number : {1, 2}) {
    control("POST", "holds", {{"kind", "clearblade.device.create"}, {"number", number}});
  }
  const Pending first = startCreate("dev-1");
  const Pending second = startCreate("dev-2");
  EXPECT_FALSE(first.isAnswered());
  EXPECT_FALSE(second.isAnswered());
  EXPECT_EQ(create("dev-3").status, 200);
  const json holds = control("GET", "holds")["holds"];
  for (const json& point : holds) EXPECT_EQ(point["held"], true);
}

TEST_F(SandboxFront, AHeldRequestThatIsDroppedHasNoEffectBeforeAndItsEffectAfter) {
  devices();
  for (const bool after : {false, true}) {
    const json hold =
        control("POST", "holds",
                {{"kind", "clearblade.device.create"}, {"when", after ? "after" : "before"}});
    const Pending pending = startCreate("dev-1");
    EXPECT_EQ(control("DELETE", "holds/" + std::to_string(hold["id"].get<int>()))["held"], true);
    EXPECT_FALSE(pending.isAnswered());
    EXPECT_EQ(exists("dev-1"), after);
    EXPECT_EQ(control("GET", "traffic")["inFlight"]["now"], 0);
  }
}

}  // namespace
}  // namespace bco::sandbox
