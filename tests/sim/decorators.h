// Clients that pass everything on: what a defect changes, it overrides.
#pragma once

#include <memory>

#include "balena/api.h"
#include "clearblade/api.h"

namespace bco::sim {

class BalenaDecorator : public balena::BalenaApi {
 public:
  explicit BalenaDecorator(std::shared_ptr<balena::BalenaApi> right) : right_(std::move(right)) {}

  [[nodiscard]] Result<balena::Fleet> getFleet(const std::string& slug) override {
    return right_->getFleet(slug);
  }
  [[nodiscard]] Result<TimePoint> listFleet(std::int64_t fleetId,
                                            const balena::VariableLevel& level, bool withTags,
                                            balena::FleetVisitor& visitor) override {
    return right_->listFleet(fleetId, level, withTags, visitor);
  }
  [[nodiscard]] Result<balena::Device> getDevice(const std::string& uuid,
                                                 const CallTerms& terms = {}) override {
    return right_->getDevice(uuid, terms);
  }
  [[nodiscard]] std::vector<Status> writeVariables(const balena::VariableParent& parent,
                                                   std::span<const balena::VariableWrite> writes,
                                                   const CallTerms& terms = {}) override {
    return right_->writeVariables(parent, writes, terms);
  }
  [[nodiscard]] Result<bool> hasVariable(const balena::VariableParent& parent,
                                         std::string_view name,
                                         const CallTerms& terms = {}) override {
    return right_->hasVariable(parent, name, terms);
  }
  [[nodiscard]] Status deleteVariables(const balena::VariableParent& parent,
                                       const balena::DeleteGuard& guard,
                                       const CallTerms& terms = {}) override {
    return right_->deleteVariables(parent, guard, terms);
  }

 protected:
  const std::shared_ptr<balena::BalenaApi> right_;
};

class RegistryDecorator : public clearblade::RegistryApi {
 public:
  using Registration = clearblade::Registration;
  explicit RegistryDecorator(std::shared_ptr<clearblade::RegistryApi> right)
      : right_(std::move(right)) {}

  [[nodiscard]] Result<clearblade::Registry> getRegistry() override {
    return right_->getRegistry();
  }
  [[nodiscard]] Result<TimePoint> listRegistrations(
      const std::function<void(const Registration&)>& visit) override {
    return right_->listRegistrations(visit);
  }
  [[nodiscard]] Result<Registration> getRegistration(const std::string& id,
                                                     const CallTerms& terms = {}) override {
    return right_->getRegistration(id, terms);
  }
  [[nodiscard]] Result<Registration> createRegistration(const clearblade::NewRegistration& created,
                                                        const CallTerms& terms = {}) override {
    return right_->createRegistration(created, terms);
  }
  [[nodiscard]] Result<Registration> patchRegistration(const std::string& numId,
                                                       const clearblade::RegistrationPatch& patch,
                                                       const CallTerms& terms = {}) override {
    return right_->patchRegistration(numId, patch, terms);
  }
  [[nodiscard]] Status deleteRegistration(const std::string& numId,
                                          const CallTerms& terms = {}) override {
    return right_->deleteRegistration(numId, terms);
  }
  [[nodiscard]] Duration clockSkew() const override { return right_->clockSkew(); }

 protected:
  const std::shared_ptr<clearblade::RegistryApi> right_;
};

}  // namespace bco::sim
