// A device before the clouds in memory.
#pragma once

#include "tests/controller/reconcile/world.h"

namespace bco::test {

class Device : public World {
 protected:
  // One device, provisioned.
  void provision(int n = 1) {
    addDevice(n);
    apply();
    syncAll();
    ASSERT_EQ(phaseOf(n), api::Phase::kReady) << readyOf(n).message;
    forgetCalls();
  }
  // As the cloud function left it: registered without a mark, everything stored.
  std::string preprovision(int n) {
    addDevice(n);
    const auto key = crypto::PrivateKey::generate();
    registry().add(
        {idOf(n), {{"ES256_PEM", key->publicKey().toPem(), std::nullopt}}, {{"site", "roof"}}});
    variables(n) = {
        {"GCP_CLIENT_PATH", "projects/p/locations/us-central1/registries/r/devices/" + idOf(n)},
        {"GCP_DATA_TOPIC_ROOT", "/devices/" + idOf(n)},
        {"GCP_PROJECT_ID", "p"},
        {"GCP_PRIVATE_KEY", std::string(toVariableValue(*key).reveal())}};
    return variables(n).at("GCP_PRIVATE_KEY");
  }
};

}  // namespace bco::test
