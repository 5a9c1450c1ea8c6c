// From files to a checked set of objects.
#include "api/load.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "api/files.h"

namespace bco::api {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Key;
using testing::Not;

const std::string kRegistry = R"(apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: ClearBladeRegistry
metadata: {name: main}
spec:
  project: my-project
  region: us-central1
  registry: devices
  ownerId: site-a
  serviceAccountSecretRef: {name: clearblade}
---
)";
const std::string kFleet = R"(apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: BalenaFleet
metadata: {name: sensors}
spec:
  fleet: acme/sensors
  tokenSecretRef: {name: balena}
  registryRef: {name: main}
---
)";
const std::string kDevice = R"(apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: BalenaDevice
metadata: {name: gate-7}
spec:
  uuid: 7cf02a69e4d34c9da573914963cf54fd
  fleetRef: {name: sensors}
---
)";
const std::string kSecrets = R"(apiVersion: v1
kind: Secret
metadata: {name: balena}
stringData: {token: S3CRET}
---
apiVersion: v1
kind: Secret
metadata: {name: clearblade}
stringData: {service-account.json: '{"token":"S3CRET"}'}
---
)";

class LoadManifests : public testing::Test {
 protected:
  LoadManifests() {
    std::string name = (fs::temp_directory_path() / "bco-load-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
  }
  ~LoadManifests() override { fs::remove_all(dir_); }

  fs::path write(const std::string& name, const std::string& text) const {
    const fs::path path = dir_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  // The problems of these files; `dir_` is left out of them.
  [[nodiscard]] ProblemTexts problemsOf(const std::vector<fs::path>& paths,
                                        const fs::path& secretsDir = {}) const {
    auto loaded = loadManifests(paths, secretsDir);
    if (loaded) return {};
    for (std::string& text : loaded.error()) {
      EXPECT_THAT(text, Not(HasSubstr("S3CRET")));
      for (auto at = text.find(dir_.string()); at != std::string::npos;
           at = text.find(dir_.string())) {
        text.erase(at, dir_.string().size() + 1);
      }
    }
    return loaded.error();
  }

  fs::path dir_;
};

TEST_F(LoadManifests, ReadsAFileOfManyDocuments) {
  const auto loaded =
      loadManifests({write("all.yaml", kRegistry + kFleet + kDevice + kSecrets)}, {});
  ASSERT_TRUE(loaded) << loaded.error().front();
  EXPECT_THAT(loaded->registries, ElementsAre(Key(ObjectKey{"default", "main"})));
  EXPECT_THAT(loaded->fleets, ElementsAre(Key(ObjectKey{"default", "sensors"})));
  EXPECT_THAT(loaded->devices, ElementsAre(Key(ObjectKey{"default", "gate-7"})));
  EXPECT_TRUE(loaded->secrets.at({"default", "balena"}).values.at("token").equals("S3CRET"));
}

TEST_F(LoadManifests, ReadsADirectorysManifestsAndNothingElse) {
  write("a.yaml", kRegistry);
  write("b.yml", kFleet);
  write("c.json",
        "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"balena\"},"
        "\"stringData\":{\"token\":\"x\"}}");
  write("d.yaml", kSecrets.substr(kSecrets.find("---\n") + 4));
  write("notes.txt", "not: [yaml");
  write(".hidden.yaml", "not: [yaml");
  write("below/e.yaml", kDevice);
  fs::create_directories(dir_ / "folder.yaml");
  const auto loaded = loadManifests({dir_}, {});
  ASSERT_TRUE(loaded) << loaded.error().front();
  EXPECT_EQ(loaded->fleets.size(), 1U);
  EXPECT_EQ(loaded->secrets.size(), 2U);
  EXPECT_TRUE(loaded->devices.empty());
}

TEST_F(LoadManifests, ReadsSeveralPathsAsOne) {
  const auto loaded =
      loadManifests({write("a.yaml", kRegistry), write("b.yaml", kFleet + kSecrets)}, {});
  EXPECT_TRUE(loaded);
}

TEST_F(LoadManifests, FindsSecretsInTheSecretsDirectory) {
  const auto file = write("all.yaml", kRegistry + kFleet);
  write("secrets/balena/token", "S3CRET\n");
  write("secrets/clearblade/service-account.json", "{}");
  EXPECT_TRUE(loadManifests({file}, dir_ / "secrets"));
}

TEST_F(LoadManifests, SaysWhichSecretOrKeyIsMissing) {
  const auto file = write("all.yaml", kRegistry + kFleet);
  EXPECT_THAT(problemsOf({file}),
              ElementsAre("all.yaml:9:35: spec.serviceAccountSecretRef.name: there is no Secret "
                          "default/clearblade, and no --secrets-dir is given",
                          "all.yaml:16:26: spec.tokenSecretRef.name: there is no Secret "
                          "default/balena, and no --secrets-dir is given"));
  write("secrets/balena/token", "S3CRET");
  EXPECT_THAT(problemsOf({file}, dir_ / "secrets"),
              ElementsAre("all.yaml:9:35: spec.serviceAccountSecretRef.name: there is no Secret "
                          "default/clearblade, and no readable file "
                          "secrets/clearblade/service-account.json"));
  const auto other = write("other.yaml", kRegistry + R"(apiVersion: v1
kind: Secret
metadata: {name: clearblade}
stringData: {account: S3CRET}
)");
  EXPECT_THAT(problemsOf({other}, dir_ / "secrets"),
              ElementsAre("other.yaml:9:35: spec.serviceAccountSecretRef.name: Secret "
                          "default/clearblade has no key service-account.json"));
}

TEST_F(LoadManifests, SaysWhichCaIsMissing) {
  const std::string ca = "  caSecretRef: {name: my-ca}\n---\n";
  const auto with = [&](const std::string& document) {
    return document.substr(0, document.size() - 4) + ca;
  };
  EXPECT_THAT(problemsOf({write("all.yaml", with(kRegistry) + with(kFleet) + kSecrets)}),
              ElementsAre(HasSubstr("all.yaml:10:23: spec.caSecretRef.name: there is no Secret "
                                    "default/my-ca"),
                          HasSubstr("all.yaml:19:23: spec.caSecretRef.name: there is no Secret "
                                    "default/my-ca")));
}

TEST_F(LoadManifests, SaysWhichTimeZoneThereIsNot) {
  const std::string windows = R"(  keys:
    windows:
    - {days: [Sat], start: "02:00", duration: 1h, timeZone: Europe/Berlin}
    - {start: "02:00", duration: 1h}
    - start: "02:00"
      duration: 1h
      timeZone: Europe/Berlni
---
)";
  const auto file =
      write("all.yaml", kRegistry + kFleet.substr(0, kFleet.size() - 4) + windows + kSecrets);
  EXPECT_THAT(problemsOf({file}),
              ElementsAre("all.yaml:24:17: spec.keys.windows[].timeZone: there is no time zone "
                          "Europe/Berlni in /usr/share/zoneinfo: correct the name, or install "
                          "tzdata"));
}

TEST_F(LoadManifests, TellsTheFilesThatHoldSecrets) {
  const auto file = write("all.yaml", kRegistry + kFleet);
  const auto secrets = write("secrets.yaml", kSecrets);
  EXPECT_THAT(loadManifests({file, secrets}, {})->secretFiles, ElementsAre(secrets));
  write("secrets/balena/token", "S3CRET\n");
  write("secrets/clearblade/service-account.json", "{}");
  EXPECT_THAT(loadManifests({file}, dir_ / "secrets")->secretFiles,
              ElementsAre(dir_ / "secrets/balena/token", dir_ / "secrets/bco-key-seed/seed",
                          dir_ / "secrets/clearblade/service-account.json"));
}

TEST_F(LoadManifests, DoesNotNeedTheKeySeed) {
  EXPECT_TRUE(loadManifests({write("all.yaml", kRegistry + kSecrets)}, {}));
}

TEST_F(LoadManifests, SaysWhichReferenceDangles) {
  EXPECT_THAT(problemsOf({write("fleet.yaml", kFleet + kSecrets)}),
              ElementsAre("fleet.yaml:7:23: spec.registryRef.name: there is no ClearBladeRegistry "
                          "default/main"));
  EXPECT_THAT(
      problemsOf({write("device.yaml", kDevice)}),
      ElementsAre("device.yaml:6:20: spec.fleetRef.name: there is no BalenaFleet default/sensors"));
}

TEST_F(LoadManifests, DoesNotFollowReferencesAcrossNamespaces) {
  std::string elsewhere = kFleet;
  elsewhere.replace(elsewhere.find("{name: sensors}"), 15, "{name: sensors, namespace: iot}");
  EXPECT_THAT(problemsOf({write("all.yaml", kRegistry + elsewhere + kDevice + kSecrets)}),
              ElementsAre(HasSubstr("there is no Secret iot/balena"),
                          HasSubstr("there is no ClearBladeRegistry iot/main"),
                          HasSubstr("there is no BalenaFleet default/sensors")));
}

TEST_F(LoadManifests, RefusesTwoObjectsOfOneName) {
  EXPECT_THAT(problemsOf({write("a.yaml", kRegistry + kSecrets), write("b.yaml", kRegistry)}),
              ElementsAre("b.yaml:3:18: metadata.name: duplicate: ClearBladeRegistry default/main "
                          "stands already at a.yaml:1"));
  EXPECT_THAT(problemsOf({write("c.yaml", kRegistry + kFleet + kFleet + kSecrets)}),
              ElementsAre(HasSubstr("c.yaml:21:18: metadata.name: duplicate: BalenaFleet "
                                    "default/sensors stands already at c.yaml:11")));
  EXPECT_THAT(problemsOf({write("d.yaml", kRegistry + kSecrets + kSecrets)}),
              ElementsAre(HasSubstr("duplicate: Secret default/balena"),
                          HasSubstr("duplicate: Secret default/clearblade")));
}

TEST_F(LoadManifests, RefusesTwoObjectsForOneFleet) {
  std::string other = kFleet;
  other.replace(other.find("name: sensors"), 13, "name: others");
  write("all.yaml", kSecrets + kRegistry + kFleet + other);
  EXPECT_THAT(problemsOf({dir_}),
              ElementsAre(AllOf(HasSubstr("spec.fleet: duplicate: this fleet is described already"),
                                HasSubstr("all.yaml:"))));
}

TEST_F(LoadManifests, ReadsAList) {
  write("all.yaml", kSecrets + kRegistry + R"(apiVersion: v1
kind: List
items:
- apiVersion: provisioning.balena-clearblade.io/v1alpha1
  kind: BalenaFleet
  metadata: {name: sensors}
  spec:
    fleet: acme/sensors
    tokenSecretRef: {name: balena}
    registryRef: {name: main}
- apiVersion: provisioning.balena-clearblade.io/v1alpha1
  kind: BalenaDevice
  metadata: {name: gate-7}
  spec: {uuid: 7cf02a69e4d34c9da573914963cf54fd, fleetRef: {name: sensors}, typo: 1}
)");
  EXPECT_THAT(problemsOf({dir_}), ElementsAre(AllOf(HasSubstr(":34:77: "), HasSubstr("typo"))));
}

TEST_F(LoadManifests, ReadsADirectoryInOrderOfName) {
  for (const char* name : {"c.yaml", "a.yaml", "b.yaml"}) write(name, kRegistry);
  write("secrets/clearblade/service-account.json", "{}");
  EXPECT_THAT(problemsOf({dir_}, dir_ / "secrets"),
              ElementsAre(HasSubstr("b.yaml:3:18: "), HasSubstr("c.yaml:3:18: ")));
}

TEST_F(LoadManifests, RefusesTwoDevicesOfOneUuid) {
  std::string other = kDevice;
  other.replace(other.find("gate-7"), 6, "gate-8");
  EXPECT_THAT(problemsOf({write("a.yaml", kRegistry + kFleet + kSecrets + kDevice + other)}),
              ElementsAre(HasSubstr("spec.uuid: duplicate: this device is declared already at "
                                    "a.yaml:29")));
}

TEST_F(LoadManifests, AllowsADeviceOnceInEachNamespace) {
  const auto elsewhere = [](std::string text) {
    const std::string name = "metadata: {name: ";
    for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += name.size()) {
      text.insert(at + std::string("metadata: {").size(), "namespace: iot, ");
    }
    return text;
  };
  std::string fleet = kFleet;
  fleet.replace(fleet.find("acme/"), 5, "acme2/");
  EXPECT_THAT(problemsOf({write("a.yaml", kRegistry + kFleet + kSecrets + kDevice +
                                              elsewhere(kRegistry + fleet + kSecrets + kDevice))}),
              testing::IsEmpty());
}

TEST_F(LoadManifests, RefusesASeedSecretWithoutItsKey) {
  const std::string seed =
      "apiVersion: v1\nkind: Secret\nmetadata: {name: bco-key-seed}\nstringData: {sede: a}\n";
  EXPECT_THAT(problemsOf({write("a.yaml", kRegistry + kSecrets + seed)}),
              ElementsAre(HasSubstr("spec.keySeedSecretRef.key: Secret default/bco-key-seed has no "
                                    "key seed")));
  write("secrets/bco-key-seed/sede", "a");
  EXPECT_THAT(problemsOf({write("a.yaml", kRegistry + kSecrets)}, dir_ / "secrets"),
              ElementsAre(HasSubstr("bco-key-seed/seed")));
}

TEST_F(LoadManifests, NeedsAnOwner) {
  std::string without = kRegistry;
  without.erase(without.find("  ownerId"), std::string("  ownerId: site-a\n").size());
  EXPECT_THAT(problemsOf({write("a.yaml", without + kSecrets)}),
              ElementsAre("a.yaml:5:3: spec: ownerId: is required outside Kubernetes: choose a "
                          "name for this installation and keep it"));
}

TEST_F(LoadManifests, ChecksADevicesKeysAgainstItsFleets) {
  const std::string device = kDevice.substr(0, kDevice.size() - 4) + "  keys: {lifetime: 100h}\n";
  EXPECT_THAT(problemsOf({write("a.yaml", kRegistry + kFleet + kSecrets + device)}),
              ElementsAre(HasSubstr("spec.fleetRef.name: with what the fleet says, "
                                    "keys.rotateBefore (720h) is not shorter than keys.lifetime "
                                    "(100h)")));
}

TEST_F(LoadManifests, TellsTheMistakesOfAllFiles) {
  EXPECT_THAT(problemsOf({write("a.yaml", kFleet + "  - broken: [\n"),
                          write("b.yaml", "apiVersion: v1\nkind: Pod\n"), dir_ / "b.yaml"}),
              ElementsAre(HasSubstr("a.yaml:10:"), HasSubstr("b.yaml:2:7: kind: unknown kind Pod"),
                          HasSubstr("b.yaml:2:7: kind: unknown kind Pod")));
}

TEST_F(LoadManifests, SaysWhenThereIsNothing) {
  EXPECT_THAT(problemsOf({dir_}), ElementsAre(HasSubstr("no BalenaFleet, ClearBladeRegistry or "
                                                        "BalenaDevice in ")));
  EXPECT_THAT(problemsOf({write("a.yaml", "# nothing\n---\n")}),
              ElementsAre("no BalenaFleet, ClearBladeRegistry or BalenaDevice in a.yaml"));
  EXPECT_THAT(problemsOf({write("a.yaml", kSecrets), write("b.yaml", "")}),
              ElementsAre("no BalenaFleet, ClearBladeRegistry or BalenaDevice in a.yaml and the "
                          "other paths"));
}

TEST_F(LoadManifests, SaysWhichPathCantBeRead) {
  EXPECT_THAT(problemsOf({dir_ / "gone.yaml"}),
              ElementsAre("gone.yaml: no such file or directory"));
}

TEST_F(LoadManifests, TakesTheStandaloneExamples) {
  write("secrets/balena/token", "S3CRET");
  write("secrets/clearblade/service-account.json", "{}");
  write("secrets/ca/ca.crt", "PEM");
  const fs::path examples = fs::path(BCO_EXAMPLES) / "standalone";
  EXPECT_THAT(problemsOf({examples / "fleet.yaml"}, dir_ / "secrets"), ElementsAre());
  const auto loaded = loadManifests({examples}, dir_ / "secrets");
  ASSERT_TRUE(loaded) << loaded.error().front();
  const FleetSpec& sensors = loaded->fleets.at({"default", "sensors"}).spec;
  EXPECT_EQ(sensors.fleet, "acme/sensors");
  EXPECT_EQ(sensors.apiUrl, "http://127.0.0.1:8080");
  EXPECT_EQ(sensors.devices, DeviceSource::kAll);
  EXPECT_EQ(sensors.service, "relay");
  const FleetSpec& gateways = loaded->fleets.at({"default", "gateways"}).spec;
  EXPECT_EQ(gateways.fleet, "acme/gateways");
  EXPECT_EQ(gateways.service, std::nullopt);
  EXPECT_EQ(gateways.apiUrl, sensors.apiUrl);
  EXPECT_EQ(loaded->devices.size(), 2U);
}

// ---- files

using SecretFiles = LoadManifests;

TEST_F(SecretFiles, AreReadWithoutTheEditorsLineBreak) {
  const SecretKeyRef ref{"balena", "token"};
  write("balena/token", "S3CRET\n");
  EXPECT_TRUE(readSecretFile(dir_, ref)->equals("S3CRET"));
  write("balena/token", "S3CRET\r\n");
  EXPECT_TRUE(readSecretFile(dir_, ref)->equals("S3CRET"));
  write("balena/token", "S3CRET\n\n");
  EXPECT_TRUE(readSecretFile(dir_, ref)->equals("S3CRET\n"));
}

TEST_F(SecretFiles, ThatAreMissingOrTooLargeAreErrors) {
  EXPECT_EQ(readSecretFile(dir_, {"balena", "token"}).error().code, ErrorCode::kNotFound);
  write("balena/token", std::string((1U << 20) + 1, 'x'));
  EXPECT_EQ(readSecretFile(dir_, {"balena", "token"}).error().code, ErrorCode::kInvalid);
}

using Fingerprint = LoadManifests;

TEST_F(Fingerprint, ChangesWithAFileItsNameAndItsGoing) {
  const auto a = write("a.yaml", "1");
  const std::string one = fingerprintOf({dir_});
  EXPECT_EQ(fingerprintOf({dir_}), one);
  write("notes.txt", "ignored");
  EXPECT_EQ(fingerprintOf({dir_}), one);
  write("b.yaml", "2");
  const std::string two = fingerprintOf({dir_});
  EXPECT_NE(two, one);
  write("b.yaml", "longer");
  EXPECT_NE(fingerprintOf({dir_}), two);
  fs::remove(dir_ / "b.yaml");
  EXPECT_EQ(fingerprintOf({dir_}), one);
  fs::rename(a, dir_ / "c.yaml");
  EXPECT_NE(fingerprintOf({dir_}), one);
  fs::remove_all(dir_);
  EXPECT_THAT(fingerprintOf({dir_}), HasSubstr("no such file"));
}

}  // namespace
}  // namespace bco::api
