// A store that knows of no device before it is asked to look again, like a watch that is behind.
#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "store/object_store.h"

namespace bco::test {

class LateStore final : public store::ObjectStore {
 public:
  explicit LateStore(store::ObjectStore& store) : store_(store) {}

  [[nodiscard]] std::vector<store::Shared<api::BalenaDevice>> devicesByUuid(
      const std::string& uuid) const override {
    if (!hasLooked_) return {};
    return store_.devicesByUuid(uuid);
  }
  [[nodiscard]] Status lookAgain(const std::string& uuid) override {
    hasLooked_ = true;
    return store_.lookAgain(uuid);
  }

  // ── the other one's
  [[nodiscard]] store::Collection<api::ClearBladeRegistry>& registries() override {
    return store_.registries();
  }
  [[nodiscard]] store::Collection<api::BalenaFleet>& fleets() override { return store_.fleets(); }
  [[nodiscard]] store::Collection<api::BalenaDevice>& devices() override {
    return store_.devices();
  }
  [[nodiscard]] store::ObjectList<api::BalenaDevice> devicesOfFleet(
      const api::ObjectKey& fleet) const override {
    return store_.devicesOfFleet(fleet);
  }
  [[nodiscard]] Result<SecretBytes> secret(const std::string& space,
                                           const api::SecretKeyRef& ref) const override {
    return store_.secret(space, ref);
  }
  [[nodiscard]] Result<SecretBytes> secretOrCreate(const std::string& space,
                                                   const api::SecretKeyRef& ref,
                                                   const SecretBytes& value) override {
    return store_.secretOrCreate(space, ref, value);
  }
  [[nodiscard]] Status demand(const api::BalenaDevice& seen, const store::Demand& demand) override {
    return store_.demand(seen, demand);
  }
  [[nodiscard]] Status enrol(api::BalenaDevice device) override {
    return store_.enrol(std::move(device));
  }
  void onDeviceTouched(std::function<void(const std::string&)> listener) override {
    store_.onDeviceTouched(std::move(listener));
  }
  void onChange(std::function<void(const store::Change&)> listener) override {
    store_.onChange(std::move(listener));
  }

 private:
  store::ObjectStore& store_;
  std::atomic<bool> hasLooked_{false};
};

}  // namespace bco::test
