#include "store/packed_device.h"

#include <gmock/gmock.h>

#include <limits>

#include "store/packing.h"

namespace bco::store {
namespace {

using api::BalenaDevice;
using testing::Lt;

const std::string kPackedUuid = "7cf02a69e4d34c9da573914963cf54fd";

TimePoint timeAt(int seconds) { return TimePoint(std::chrono::seconds(1'790'000'000 + seconds)); }

// One that is in order, as nearly all are.
BalenaDevice readyDevice() {
  BalenaDevice device;
  device.meta.key = {"iot", "sensors-" + kPackedUuid};
  device.meta.labels.emplace(api::kFleetLabel, "sensors");
  device.meta.labels.emplace(api::kDiscoveredLabel, "true");
  device.meta.finalizers = {api::kFinalizer};
  device.meta.uid = "3f080cd0-4595-4dfa-8a5f-37ca693a4440";
  device.meta.generation = 1;
  device.meta.resourceVersion = 12'345'678;
  device.spec.uuid = kPackedUuid;
  device.spec.fleet = "sensors";
  api::DeviceStatus& status = device.status;
  status.observedGeneration = 1;
  status.phase = api::Phase::kReady;
  status.deviceName = "quiet-forest";
  status.registration =
      "projects/my-project/locations/us-central1/registries/devices/devices/balena-" + kPackedUuid;
  status.key = {.fingerprint = "sha256:" + kPackedUuid + kPackedUuid,
                .generation = 0,
                .issuedAt = timeAt(0),
                .expiresAt = timeAt(7'776'000),
                .rotateAt = timeAt(5'184'000),
                .verifiedAt = timeAt(1)};
  status.lastSeen = timeAt(2);
  for (const auto* type : {"Ready", "Provisioned", "CredentialValid", "UpstreamAvailable"}) {
    status.conditions.push_back({type, true, "Synced", "", 1, timeAt(3)});
  }
  return device;
}

// Every field has a value of its own, none of them its default.
BalenaDevice unusualDevice() {
  BalenaDevice device = readyDevice();
  device.meta.key.name = "x";
  device.meta.annotations.emplace(api::kReleaseAnnotation, "deadbeefdeadbeefdeadbeef0");
  device.meta.uid = "17";
  device.meta.generation = 1'000'000'000'000;
  device.meta.resourceVersion = std::numeric_limits<std::uint64_t>::max();
  device.meta.deletedAt = timeAt(4);
  device.spec.state = api::DesiredState::kAbsent;
  device.spec.keys = {.lifetime = std::chrono::hours(1),
                      .rotateBefore = std::chrono::minutes(2),
                      .renewAfter = timeAt(-2'000'000'000),
                      .revokeBefore = timeAt(5)};
  device.spec.adoption = api::Adoption::kNever;
  device.spec.deletionPolicy = api::DeletionPolicy::kDelete;
  device.spec.suspend = true;
  api::DeviceStatus& status = device.status;
  status.observedGeneration = -1;
  status.phase = api::Phase::kAbsent;
  status.deviceName = "Gerät 7 – a0a0a0a0a0a0a0a0a";  // an odd number of digits at its end
  status.registration = "elsewhere";
  status.key->fingerprint = "";
  status.key->generation = 4'000'000'000;
  status.absentSince = timeAt(6);
  status.failureCount = 7;
  status.lastFailureTime = timeAt(7);
  status.lastHandledReconcileAt = "2026-11-30";
  status.conditions = {{"Ready", false, "Throttled", std::string(5000, 'm'), -3, TimePoint::min()}};
  return device;
}

void expectSame(const BalenaDevice& a, const BalenaDevice& b) {
  EXPECT_EQ(a.meta.key, b.meta.key);
  EXPECT_EQ(a.meta.labels, b.meta.labels);
  EXPECT_EQ(a.meta.annotations, b.meta.annotations);
  EXPECT_EQ(a.meta.finalizers, b.meta.finalizers);
  EXPECT_EQ(a.meta.uid, b.meta.uid);
  EXPECT_EQ(a.meta.generation, b.meta.generation);
  EXPECT_EQ(a.meta.resourceVersion, b.meta.resourceVersion);
  EXPECT_EQ(a.meta.deletedAt, b.meta.deletedAt);
  EXPECT_EQ(a.spec, b.spec);
  EXPECT_EQ(a.status, b.status);
}

TEST(PackedDevice, GivesBackAllThatWasPacked) {
  TextPool pool;
  for (const BalenaDevice& device : {readyDevice(), unusualDevice(), BalenaDevice()}) {
    expectSame(*PackedDevice(device, pool).unpack(pool), device);
  }
}

TEST(PackedDevice, TakesLessThanHalfOfWhatTheBareStructDoes) {
  TextPool pool;
  const BalenaDevice device = readyDevice();
  EXPECT_THAT(PackedDevice(device, pool).size(), Lt(sizeof(BalenaDevice) / 2));
}

TEST(PackedDevice, TellsNameAndFleetWithoutTheRest) {
  TextPool pool;
  const PackedDevice packed(readyDevice(), pool);
  EXPECT_EQ(packed.key(pool), readyDevice().meta.key);
  EXPECT_TRUE(packed.isOf({"iot", "sensors"}, pool));
  EXPECT_FALSE(packed.isOf({"iot", "gateways"}, pool));
  EXPECT_FALSE(packed.isOf({"default", "sensors"}, pool));
}

TEST(Packing, KeepsTextsThatNearlyHaveTheFormItLikes) {
  TextPool pool;
  const std::string texts[] = {"",
                               "a",
                               "0123456789abcdef",
                               "0123456789ABCDEF",
                               "x0123456789abcdef0",
                               "3f080cd0-4595-4dfa-8a5f-37ca693a444g",
                               "3f080cd0x4595-4dfa-8a5f-37ca693a4440",
                               "3F080CD0-4595-4DFA-8A5F-37CA693A4440",
                               std::string("a\0b", 3)};
  Packer packer(pool);
  for (const std::string& text : texts) {
    packer.text(text);
    packer.uid(text);
    packer.path(text);
    packer.common(text);
  }
  Unpacker unpacker(packer.bytes(), pool);
  for (const std::string& text : texts) {
    std::string found[4];
    unpacker.text(found[0]);
    unpacker.uid(found[1]);
    unpacker.path(found[2]);
    unpacker.common(found[3]);
    EXPECT_THAT(found, testing::Each(text));
  }
}

}  // namespace
}  // namespace bco::store
