#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include "sandbox/certificates.h"
#include "sandbox/device_wire.h"
#include "sandbox/kinds.h"
#include "sandbox/launch_files.h"
#include "tests/sandbox/sandbox_fixture.h"

namespace bco::sandbox {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(WorldFile, IsReadIntoFleetsTokensAccountsAndRegistries) {
  const auto plan = parseWorld(R"({
    "fleets": [{"slug": "acme/sensors", "services": ["relay"], "devices": 2, "release": false}],
    "tokens": [{"token": "secret-token", "fleets": ["acme/sensors"]}],
    "serviceAccounts": [{"project": "p", "systemKey": "k", "token": "t"}],
    "registries": [{"project": "p", "region": "r", "registry": "g"}]})");
  ASSERT_TRUE(plan);
  Sandbox sandbox({.clock = ClockMode::kManual, .simulateDevices = false});
  const std::lock_guard lock(sandbox.world().mutex);
  const auto built = build(sandbox, *plan);
  ASSERT_TRUE(built) << built.error().message;
  EXPECT_EQ(built->tokens, std::vector<std::string>{"secret-token"});
  EXPECT_EQ(built->serviceAccounts.front().systemKey, "k");
  EXPECT_EQ(sandbox.balena().deviceUuids("acme/sensors").size(), 2U);
  EXPECT_NE(sandbox.clearBlade().findRegistry("p", "r", "g"), nullptr);
}

TEST(WorldFile, NamesDevicesByTheirUuids) {
  const auto plan = parseWorld(R"({"fleets": [{"slug": "acme/gateways", "services": ["main"],
      "devices": ["5d1c8e0b7a2f4c6d9e3b1a0f8c7d6e5f", "0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d"]}]})");
  ASSERT_TRUE(plan);
  Sandbox sandbox({.clock = ClockMode::kManual, .simulateDevices = false});
  const std::lock_guard lock(sandbox.world().mutex);
  ASSERT_TRUE(build(sandbox, *plan));
  EXPECT_TRUE(sandbox.balena().hasDevice("5d1c8e0b7a2f4c6d9e3b1a0f8c7d6e5f"));
  EXPECT_EQ(sandbox.balena().deviceUuids("acme/gateways").size(), 2U);
}

TEST(WorldFile, ThatIsWrongIsRefusedWithThePlaceAndWhatIsExpected) {
  const std::pair<const char*, const char*> cases[] = {
      {"{", "parse error at line 1, column 2"},
      {"[]", "world file: an object expected"},
      {R"({"fleet": []})",
       "world file: unknown key fleet; known here: fleets, tokens, serviceAccounts, registries"},
      {R"({"fleets": {}})", "world file: fleets: a list expected"},
      {R"({"fleets": [{"devices": 1}]})", "world file: fleets[0]: slug expected"},
      {R"({"fleets": [{"slug": "a/b"}, {"slug": "a/c", "device": 1}]})",
       "world file: fleets[1]: unknown key device; known here: slug, services, deviceType, "
       "release, "
       "devices"},
      {R"({"fleets": [{"slug": "a/b", "devices": -1}]})",
       "fleets[0]: devices: a list of UUIDs, or how many there are: a whole number from 0 to "
       "200000 expected, not -1"},
      {R"({"fleets": [{"slug": "a/b", "devices": 200001}]})", "expected, not 200001"},
      {R"({"fleets": [{"slug": "a/b", "devices": [1]}]})", "fleets[0]: "},
      {R"({"fleets": [{"slug": "a/b", "release": "yes"}]})", "fleets[0]: "},
      {R"({"tokens": ["secret"]})", "world file: tokens[0]: an object expected"},
      {R"({"tokens": [{"fleet": "a/b"}]})", "tokens[0]: unknown key fleet"},
      {R"({"serviceAccounts": [{"systemKey": "k"}]})", "serviceAccounts[0]: project expected"},
      {R"({"registries": [{"project": "p", "region": "r"}]})", "registries[0]: registry expected"},
      {R"({"registries": [{"id": "p"}]})", "registries[0]: unknown key id"}};
  for (const auto& [text, told] : cases) {
    const auto plan = parseWorld(text);
    ASSERT_FALSE(plan) << text;
    EXPECT_EQ(plan.error().code, ErrorCode::kInvalid);
    EXPECT_NE(plan.error().message.find(told), std::string::npos) << plan.error().message;
  }
}

TEST(WorldFile, ThatContradictsItselfIsRefused) {
  Sandbox sandbox({.clock = ClockMode::kManual, .simulateDevices = false});
  const std::lock_guard lock(sandbox.world().mutex);
  WorldPlan twice = defaultWorld(0);
  twice.registries.push_back(twice.registries.front());
  EXPECT_FALSE(build(sandbox, twice));
}

TEST(LaunchFiles, HoldWhatAScriptAndTheOperatorNeed) {
  const auto directory = std::filesystem::path(::testing::TempDir()) / "cloud-sandbox-launch-test";
  std::filesystem::remove_all(directory);
  const BuiltWorld built{{"token-1"}, {{"key", "account-token", "my-project"}}};
  ASSERT_TRUE(writeSecrets(directory.string(), "https://127.0.0.1:8443", built, "CA"));
  EXPECT_EQ(read(directory / "balena" / "token"), "token-1");
  EXPECT_EQ(json::parse(read(directory / "clearblade" / "service-account.json")),
            json({{"systemKey", "key"},
                  {"token", "account-token"},
                  {"url", "https://127.0.0.1:8443"},
                  {"project", "my-project"}}));
  EXPECT_EQ(read(directory / "ca" / "ca.crt"), "CA");
  const json ready =
      json::parse(readyJson({"http://a", "https://b", "ca.crt"}, defaultWorld(5), built));
  EXPECT_EQ(ready["http_url"], "http://a");
  EXPECT_EQ(ready["token"], "token-1");
  EXPECT_EQ(ready["service_account"]["url"], "https://b");
  EXPECT_EQ(ready["fleets"][0]["devices"], 5);
  EXPECT_FALSE(writeWhole((directory / "missing" / "file").string(), "x"));
  std::filesystem::remove_all(directory);
}

TEST(Kinds, NameEveryRequest) {
  const auto kind = [](const char* method, const std::string& target) {
    server::Request request;
    request.method = method;
    request.target = target;
    return classify(request).name;
  };
  EXPECT_EQ(kind("GET", "/v7/device(uuid='a')?$select=id"), "balena.device.get");
  EXPECT_EQ(kind("GET", "/v7/device?$filter=id%20gt%200"), "balena.device.list");
  EXPECT_EQ(kind("GET", "/v7/device/$count?$filter=id%20gt%200"), "balena.device.count");
  EXPECT_EQ(kind("POST", "/v7/device_service_environment_variable"), "balena.variable.create");
  EXPECT_EQ(kind("PATCH", "/v6/device_environment_variable(1)"), "balena.variable.update");
  EXPECT_EQ(kind("DELETE", "/v7/device_service_environment_variable?$filter=x"),
            "balena.variable.delete");
  EXPECT_EQ(kind("GET", "/v7/application(slug='a%2Fb')"), "balena.fleet.get");
  EXPECT_EQ(kind("GET", "/v7/service_install"), "balena.install.list");
  EXPECT_EQ(kind("GET", "/v7/api_key"), "balena.api_key.list");
  EXPECT_EQ(kind("GET", "/actor/v1/whoami"), "balena.whoami");
  EXPECT_EQ(kind("GET", "/device/v3/abc/state"), "balena.state");
  EXPECT_EQ(kind("POST", "/supervisor/v1/update"), "balena.supervisor");
  EXPECT_EQ(kind("GET", "/v9/device"), "balena.other");
  const std::string regional = "/api/v/4/webhook/execute/k/";
  EXPECT_EQ(kind("POST", "/api/v/1/code/k/getRegistryCredentials"), "clearblade.exchange");
  EXPECT_EQ(kind("POST", regional + "cloudiot_devices?"), "clearblade.device.create");
  EXPECT_EQ(kind("GET", regional + "cloudiot_devices?parent=p"), "clearblade.device.list");
  EXPECT_EQ(kind("GET", regional + "cloudiot?name=r"), "clearblade.registry.get");
  EXPECT_EQ(kind("GET", regional + "cloudiot?"), "clearblade.registry.get");
  EXPECT_EQ(kind("POST", regional + "cloudiot_devices?method=sendCommandToDevice&name=d"),
            "clearblade.device.command");
  EXPECT_EQ(kind("POST", regional + "cloudiotdevice_devices?name=d&method=publishEvent"),
            "bridge.publish");
  EXPECT_EQ(kind("PUT", regional + "cloudiot_devices"), "clearblade.unknown");
}

class OverSockets : public SandboxFixture {
 protected:
  server::Handler handler(Listener listener) {
    return [this, listener](server::Request request, server::Responder responder) {
      sandbox_.handle(std::move(request), std::move(responder), listener);
    };
  }
};

TEST_F(OverSockets, ADevicePublishesOverHttp) {
  const auto key = crypto::PrivateKey::generate().value();
  registerDevice(key);
  const std::string systemKey = control("GET", "registries")["registries"][0]["systemKey"];
  Relay relay(variables(key).get<std::map<std::string, std::string>>());
  const auto server = server::HttpServer::start({}, handler(Listener::kHttp)).value();
  DeviceWire wire(sandbox_.world().mutex);
  wire.connectTo("127.0.0.1", server->port());
  for (const std::string& token : {relay.token(systemKey, systemNow()), std::string("a.b.c")}) {
    std::promise<int> answered;
    wire.post("/api/v/4/webhook/execute/" + systemKey +
                  "/cloudiotdevice_devices?method=publishEvent&name=balena-" + uuid_,
              token, R"({"binaryData":"QUJD"})",
              [&](int status, const std::string&) { answered.set_value(status); });
    EXPECT_EQ(answered.get_future().get(), token == "a.b.c" ? 401 : 204);
  }
  EXPECT_EQ(control("GET", "traffic")["kinds"]["bridge.publish"]["requests"], 2);
}

TEST_F(OverSockets, AConnectionNobodyTakesIsNoAnswer) {
  DeviceWire wire(sandbox_.world().mutex);
  {
    // A port that was free a moment ago.
    const auto server = server::HttpServer::start({}, handler(Listener::kHttp)).value();
    wire.connectTo("127.0.0.1", server->port());
  }
  std::promise<int> answered;
  wire.post("/", "", "", [&](int status, const std::string&) { answered.set_value(status); });
  EXPECT_EQ(answered.get_future().get(), 0);
}

TEST_F(OverSockets, TheCertificateServesTls) {
  const auto certificates = makeCertificates({"localhost", "127.0.0.1"}).value();
  server::Options options;
  options.tls = certificates.server;
  EXPECT_TRUE(server::HttpServer::start(options, handler(Listener::kHttps)));
}

}  // namespace
}  // namespace bco::sandbox
