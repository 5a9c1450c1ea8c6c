// DESIGN §4: with keys that everybody derives no interleaving of two writers leaves a device with a
// key that is not registered; with keys that everybody draws for himself no order of calls is safe.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/model/two_writers.h"

namespace bco::model {
namespace {

Setting rotation() {
  Setting setting;
  setting.registration = {true, {1}, 0};
  setting.stored = 1;
  setting.rotationIsDue = true;
  return setting;
}

Setting provisioning() { return {}; }

// Somebody has deleted the variable.
Setting lostKey(bool rotationIsDue) {
  Setting setting = rotation();
  setting.stored = 0;
  setting.rotationIsDue = rotationIsDue;
  return setting;
}

// Somebody has deleted the credential of the stored key.
Setting lostCredential(bool rotationIsDue) {
  Setting setting = rotation();
  setting.registration.credentials.clear();
  setting.rotationIsDue = rotationIsDue;
  return setting;
}

// ... and the search was not over before it had begun.
void expectSafe(const Setting& setting) {
  const Found found = search(setting);
  std::string steps;
  for (const std::string& step : found.violation.value_or(std::vector<std::string>{})) {
    steps += step + "\n";
  }
  EXPECT_FALSE(found.violation) << steps;
  if (setting.writers == 2) {
    EXPECT_GT(found.states, 1000U);
  }
}

// Whichever of the two each writer reads first, of what the program reads at the same time.
void expectSafeInTheProgramsOrders(Setting setting) {
  for (const Order& one : {kDeviceFirst, kRegistrationFirst}) {
    for (const Order& other : {kDeviceFirst, kRegistrationFirst}) {
      setting.orders = {one, other};
      expectSafe(setting);
    }
  }
}

// Every order of the four calls in which the array that a PATCH replaces is read before.
std::vector<Order> allOrders() {
  Order order = {Call::kReadVariable, Call::kReadRegistration, Call::kPatch, Call::kWriteVariable};
  std::vector<Order> orders;
  do {
    const auto at = [&](Call call) { return std::ranges::find(order, call); };
    const bool readsFirst = at(Call::kReadRegistration) < at(Call::kPatch);
    if (readsFirst) orders.push_back(order);
  } while (std::next_permutation(order.begin(), order.end()));
  return orders;
}

TEST(TwoWriters, WithDerivedKeysNoInterleavingOfARotationIsUnsafe) {
  expectSafeInTheProgramsOrders(rotation());
}

TEST(TwoWriters, WithDerivedKeysNoInterleavingOfProvisioningIsUnsafe) {
  expectSafeInTheProgramsOrders(provisioning());
}

TEST(TwoWriters, WithDerivedKeysNoInterleavingAfterALossIsUnsafe) {
  for (const bool rotationIsDue : {false, true}) {
    for (const Setting& setting : {lostKey(rotationIsDue), lostCredential(rotationIsDue)}) {
      expectSafeInTheProgramsOrders(setting);
    }
  }
}

// Why every PATCH of credentials adds the next key when rotation is due.
TEST(TwoWriters, ARepairThatDoesNotRotateWhatIsDueIsUnsafe) {
  Setting setting = lostCredential(true);
  setting.patchRotates = false;
  EXPECT_TRUE(search(setting).violation);
}

TEST(TwoWriters, WithRandomKeysEveryOrderOfARotationsCallsIsUnsafe) {
  ASSERT_EQ(allOrders().size(), 12U);
  for (const bool late : {false, true}) {
    for (const Order& order : allOrders()) {
      Setting setting = rotation();
      setting.keys = Keys::kRandom;
      setting.orders = {order, order};
      setting.late = late;
      EXPECT_TRUE(search(setting).violation);
    }
  }
}

TEST(TwoWriters, WithRandomKeysALostKeyIsUnsafeInEveryOrder) {
  for (const Order& order : allOrders()) {
    Setting setting = lostKey(false);
    setting.keys = Keys::kRandom;
    setting.orders = {order, order};
    EXPECT_TRUE(search(setting).violation);
  }
}

// One writer alone, whose requests land in time, needs no derived keys: the search finds what is
// there, and nothing else.
TEST(TwoWriters, ARandomKeyIsSafeInTheHandsOfOne) {
  Setting setting = rotation();
  setting.keys = Keys::kRandom;
  setting.late = false;
  setting.writers = 1;
  expectSafe(setting);
}

}  // namespace
}  // namespace bco::model
