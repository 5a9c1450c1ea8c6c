// What a registry's status says: how the last look at it has ended, whoever looked.
#pragma once

#include "reconcile/refused_writes.h"
#include "reconcile/registry_listing.h"

namespace bco {

// The next status of a registry, by how a look at it has ended. Pure.
//
//   look                                         │ standing
//   ─────────────────────────────────────────────┼───────────────────────────────────────────────
//   complete listing                             │ current: Synced
//   its own description, where no fleet lists it │ current: Available
//   failed, and may pass by itself               │ in progress
//   failed: a Secret, a right, CA certificates   │ failed, until a person changes something
[[nodiscard]] api::RegistryStatus registryListed(const api::ClearBladeRegistry& registry,
                                                 const std::string& ownerId,
                                                 const RegistryListing& listing, TimePoint now);
[[nodiscard]] api::RegistryStatus registryAvailable(const api::ClearBladeRegistry& registry,
                                                    const std::string& ownerId, TimePoint now);
[[nodiscard]] api::RegistryStatus registryFailed(const api::ClearBladeRegistry& registry,
                                                 const Error& error, TimePoint now);

// It says so already of this generation.
[[nodiscard]] bool saysAvailable(const api::ClearBladeRegistry& registry,
                                 const std::string& ownerId);
[[nodiscard]] bool saysFailed(const api::ClearBladeRegistry& registry, const Error& error);

// Writes them, and tells of transitions in log and events. Registries that have gone have no
// status. Thread-safe.
class RegistryStatusWriter {
 public:
  explicit RegistryStatusWriter(const Context& context) : context_(context), untold_(context) {}

  // `smallerBudget`: see CloudFactory. `isFirst`: of this process.
  void listed(const api::ObjectKey& key, const std::string& ownerId, const RegistryListing& listing,
              const std::string& smallerBudget, bool isFirst);
  // `isInUse`: a fleet's listing is still to answer who has asked for a look by annotation.
  void available(const api::ObjectKey& key, const std::string& ownerId, bool isInUse);
  // Every fleet that uses the registry fails of it, again and again: one of them tells.
  void failed(const api::ObjectKey& key, const Error& error);

 private:
  void write(const api::ClearBladeRegistry& registry, api::RegistryStatus status);

  const Context& context_;
  UntoldWrites untold_;
};

}  // namespace bco
