#include "cli/options.h"

#include <gmock/gmock.h>

namespace bco::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kUuid = "7cf02a69e4d34c9da573914963cf54fd";

// What the line came to; `said` is what it printed.
struct Parsed {
  std::variant<Options, ParseExit> result;
  std::string said;
};

Parsed parse(std::vector<std::string> words) {
  words.insert(words.begin(), "balena-clearblade-operator");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  auto result = parseOptions(static_cast<int>(argv.size()), argv.data());
  std::string said = testing::internal::GetCapturedStdout();
  said += testing::internal::GetCapturedStderr();
  return {std::move(result), std::move(said)};
}

template <class Command>
Command parsed(std::vector<std::string> words) {
  const Parsed line = parse(std::move(words));
  const auto* options = std::get_if<Options>(&line.result);
  if (options == nullptr || !std::holds_alternative<Command>(*options)) {
    ADD_FAILURE() << line.said;
    return {};
  }
  return std::get<Command>(*options);
}

int exitCodeOf(const Parsed& line) {
  const auto* exit = std::get_if<ParseExit>(&line.result);
  return exit == nullptr ? -1 : exit->code;
}

TEST(Options, HandoverWritesUnlessItIsADryRun) {
  const auto handover = parsed<HandoverCommandOptions>({"handover", "--from", "old", "-f", "a"});
  EXPECT_EQ(handover.from, "old");
  EXPECT_FALSE(handover.dryRun);
  EXPECT_TRUE(
      parsed<HandoverCommandOptions>({"handover", "--from", "old", "-f", "a", "--dry-run"}).dryRun);
}

TEST(Options, SyncHasItsDefaults) {
  const auto sync = parsed<SyncOptions>({"sync", "-f", "fleet.yaml"});
  EXPECT_THAT(sync.common.files, ElementsAre("fleet.yaml"));
  EXPECT_TRUE(sync.common.secretsDir.empty());
  EXPECT_EQ(sync.common.logFormat, "text");
  EXPECT_EQ(sync.common.logLevel, "");
  EXPECT_EQ(sync.common.workers, 16);
  EXPECT_EQ(sync.common.attemptDeadline, 15s);
  EXPECT_EQ(sync.common.callDeadline, 40s);
  EXPECT_EQ(sync.common.retryInitial, 1s);
  EXPECT_EQ(sync.common.retryLongest, 5min);
  EXPECT_FALSE(sync.once);
  EXPECT_EQ(sync.timeout, 15min);
}

TEST(Options, SyncTakesEveryFlag) {
  const auto sync = parsed<SyncOptions>({"sync",
                                         "--once",
                                         "--timeout",
                                         "90s",
                                         "-f",
                                         "a.yaml",
                                         "--filename",
                                         "b",
                                         "--secrets-dir",
                                         "secrets",
                                         "--log-format",
                                         "json",
                                         "--log-level",
                                         "debug",
                                         "--workers",
                                         "3",
                                         "--attempt-deadline",
                                         "1s",
                                         "--call-deadline",
                                         "2s",
                                         "--retry-initial",
                                         "10ms",
                                         "--retry-longest",
                                         "1h30m"});
  EXPECT_TRUE(sync.once);
  EXPECT_EQ(sync.timeout, 90s);
  EXPECT_THAT(sync.common.files, ElementsAre("a.yaml", "b"));
  EXPECT_EQ(sync.common.secretsDir, "secrets");
  EXPECT_EQ(sync.common.logFormat, "json");
  EXPECT_EQ(sync.common.logLevel, "debug");
  EXPECT_EQ(sync.common.workers, 3);
  EXPECT_EQ(sync.common.attemptDeadline, 1s);
  EXPECT_EQ(sync.common.callDeadline, 2s);
  EXPECT_EQ(sync.common.retryInitial, 10ms);
  EXPECT_EQ(sync.common.retryLongest, 90min);
}

TEST(Options, PlanTakesItsFlags) {
  const auto plan = parsed<PlanOptions>({"plan", "-f", "a.yaml"});
  EXPECT_FALSE(plan.json);
  EXPECT_FALSE(plan.adopt);
  const auto json = parsed<PlanOptions>({"plan", "-f", "a.yaml", "-o", "json", "--adopt"});
  EXPECT_TRUE(json.json);
  EXPECT_TRUE(json.adopt);
}

TEST(Options, ProvisionAndDeprovisionTakeADevice) {
  const auto provision =
      parsed<DeviceOptions>({"provision", kUuid, "-f", "a.yaml", "--fleet", "sensors"});
  EXPECT_TRUE(provision.present);
  EXPECT_EQ(provision.uuid, kUuid);
  EXPECT_EQ(provision.fleet, "sensors");
  EXPECT_EQ(provision.timeout, 2min);
  const auto deprovision =
      parsed<DeviceOptions>({"deprovision", kUuid, "-f", "a.yaml", "--timeout", "5s"});
  EXPECT_FALSE(deprovision.present);
  EXPECT_EQ(deprovision.timeout, 5s);
}

TEST(Options, ProvisionAndDeprovisionWithoutFilesMeanACluster) {
  const auto named = parsed<DeviceOptions>(
      {"deprovision", kUuid, "--kubeconfig", "k", "--context", "c", "-n", "iot"});
  EXPECT_TRUE(named.common.files.empty());
  EXPECT_EQ(named.cluster.kubeconfig, "k");
  EXPECT_EQ(named.cluster.context, "c");
  EXPECT_EQ(named.cluster.space, "iot");
  EXPECT_EQ(parsed<DeviceOptions>({"provision", kUuid}).cluster.space, "");
  const auto controller = parsed<ControllerOptions>({"controller", "--context", "c", "-n", "iot"});
  EXPECT_EQ(controller.context, "c");
  EXPECT_EQ(controller.space, "iot");
}

TEST(Options, VersionNeedsNothing) { parsed<VersionOptions>({"version"}); }

TEST(Options, MetricsAreServedByTheControllerAndBySyncIfAskedFor) {
  EXPECT_EQ(parsed<ControllerOptions>({"controller"}).metrics.address, "0.0.0.0:8082");
  EXPECT_EQ(parsed<ControllerOptions>({"controller", "--metrics-addr", ""}).metrics.address, "");
  EXPECT_EQ(parsed<SyncOptions>({"sync", "-f", "a"}).metrics.address, "");
  const auto sync =
      parsed<SyncOptions>({"sync", "-f", "a", "--metrics-addr", ":9000", "--metrics-per-device"});
  EXPECT_EQ(sync.metrics.address, ":9000");
  EXPECT_TRUE(sync.metrics.perDevice);
}

TEST(Options, HelpIsNoError) {
  const Parsed help = parse({"--help"});
  EXPECT_EQ(exitCodeOf(help), kExitDone);
  EXPECT_THAT(help.said, HasSubstr("deprovision"));
  const Parsed ofSync = parse({"sync", "--help"});
  EXPECT_EQ(exitCodeOf(ofSync), kExitDone);
  EXPECT_THAT(ofSync.said, HasSubstr("(default 15m)"));
}

struct Bad {
  const char* name;
  std::vector<std::string> words;
  const char* said;
};
class BadLine : public testing::TestWithParam<Bad> {};

TEST_P(BadLine, IsBadInputAndSaysWhy) {
  const Parsed line = parse(GetParam().words);
  EXPECT_EQ(exitCodeOf(line), kExitBadInput);
  EXPECT_THAT(line.said, HasSubstr(GetParam().said));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadLine,
    testing::Values(
        Bad{"NoCommand", {}, "subcommand is required"},
        Bad{"UnknownCommand", {"run"}, "unknown command \"run\""},
        Bad{"UnknownFlag", {"sync", "-f", "a", "--fast"}, "--fast"},
        Bad{"NoFiles", {"sync"}, "--filename is required"},
        Bad{"BadDuration",
            {"sync", "-f", "a", "--timeout", "1d"},
            "expected a duration such as 15m, 90s or 1h30m, not 1d"},
        Bad{"BadFormat", {"sync", "-f", "a", "--log-format", "xml"}, "xml"},
        Bad{"BadLevel", {"sync", "-f", "a", "--log-level", "loud"}, "loud"},
        Bad{"NoWorkers", {"sync", "-f", "a", "--workers", "0"}, "--workers"},
        Bad{"BadOutput", {"plan", "-f", "a", "-o", "yaml"}, "yaml"},
        Bad{"NoFormerOwner", {"handover", "-f", "a"}, "--from is required"},
        Bad{"NoUuid", {"provision", "-f", "a"}, "uuid is required"},
        Bad{"FilesAndCluster", {"provision", kUuid, "-f", "a", "--context", "c"}, "excludes"},
        Bad{"SecretsWithoutFiles", {"provision", kUuid, "--secrets-dir", "s"}, "--filename"},
        Bad{"ShortUuid",
            {"provision", "7cf02a6", "-f", "a"},
            "expected the full UUID, 32 or 62 lower-case hex digits"}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(Options, TheEndpointIsServedWhereItIsAskedFor) {
  EXPECT_EQ(parsed<SyncOptions>({"sync", "-f", "x"}).endpoint.address, "");
  EXPECT_EQ(parsed<ControllerOptions>({"controller"}).endpoint.address, "");
  EXPECT_EQ(parsed<ServeOptions>({"serve", "-f", "x"}).endpoint.address, "0.0.0.0:8080");
  const auto serve = parsed<ServeOptions>({"serve",    "-f",
                                           "x",        "--endpoint-addr",
                                           "[::1]:80", "--endpoint-auth",
                                           "token",    "--endpoint-token-file",
                                           "t",        "--endpoint-tls-cert",
                                           "c",        "--endpoint-tls-key",
                                           "k",        "--endpoint-deadline",
                                           "3s",       "--endpoint-rate",
                                           "1.5",      "--endpoint-rate-per-address",
                                           "0",        "--endpoint-rate-per-device",
                                           "2"});
  EXPECT_EQ(serve.endpoint.address, "[::1]:80");
  EXPECT_EQ(serve.endpoint.auth, "token");
  EXPECT_EQ(serve.endpoint.tokenFile, "t");
  EXPECT_EQ(serve.endpoint.tlsCertificate, "c");
  EXPECT_EQ(serve.endpoint.tlsKey, "k");
  EXPECT_EQ(serve.endpoint.deadline, 3s);
  EXPECT_EQ(serve.endpoint.rate, 1.5);
  EXPECT_EQ(serve.endpoint.ratePerAddress, 0);
  EXPECT_EQ(serve.endpoint.ratePerDevice, 2);
}

TEST(Options, AnEndpointThatCantBeMeantIsRefused) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--endpoint-auth", "token"},
        {"--endpoint-auth", "password"},
        {"--endpoint-tls-cert", "c"},
        {"--endpoint-tls-key", "k"},
        {"--endpoint-rate", "-1"},
        {"--endpoint-addr", "127.0.0.1:80", "--once"}}) {
    std::vector<std::string> line{"sync", "-f", "x"};
    line.insert(line.end(), words.begin(), words.end());
    EXPECT_EQ(exitCodeOf(parse(line)), kExitBadInput) << words.front();
  }
}

TEST(Options, HealthCheckAsksThisMachineUnlessToldWhom) {
  EXPECT_EQ(parsed<HealthCheckOptions>({"healthcheck"}).url, "http://127.0.0.1:8081/readyz");
  EXPECT_EQ(parsed<HealthCheckOptions>({"healthcheck", "http://a:1/b"}).url, "http://a:1/b");
}

TEST(Options, AnOwnerForRegistriesThatNameNone) {
  EXPECT_EQ(parsed<ControllerOptions>({"controller"}).ownerId, "");
  EXPECT_EQ(parsed<ControllerOptions>({"controller", "--owner-id", "site-a"}).ownerId, "site-a");
}

}  // namespace
}  // namespace bco::cli
