// One registry: its client, and its latest complete snapshot, taken once for all fleets that use
// it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "reconcile/clients.h"
#include "reconcile/device_reconciler.h"
#include "reconcile/refused_writes.h"
#include "reconcile/registry_listing.h"
#include "reconcile/views.h"

namespace bco {

// Thread-safe; blocks on the cloud without holding a lock.
class RegistrySources {
 public:
  // `fallbackSeed` serves registries whose seed Secret does not exist.
  RegistrySources(const Context& context, CloudFactory& factory, SharedSecret fallbackSeed)
      : context_(context),
        factory_(factory),
        fallbackSeed_(std::move(fallbackSeed)),
        untold_(context) {}

  // The registry's view, made anew when its object or one of its Secrets has changed. kNotFound: no
  // such object or Secret; kInvalid: what it says can't be used.
  [[nodiscard]] Result<std::shared_ptr<const RegistryView>> view(const api::ObjectKey& key);

  // A snapshot taken at `notBefore` or later. Of several callers one lists; the others wait for it,
  // and share its failure.
  [[nodiscard]] Result<std::shared_ptr<const RegistryListing>> listing(const RegistryView& view,
                                                                       TimePoint notBefore,
                                                                       const std::stop_token& stop);

 private:
  struct Flight {
    std::optional<Result<std::shared_ptr<const RegistryListing>>> result;
  };
  struct Entry {
    bool seedWasStored = false;  // once
    std::string path;            // of the registry that `hints` are about
    std::shared_ptr<RegistrationHints> hints;
    std::string inputs;  // digest of what the view was made from
    std::shared_ptr<const RegistryView> view;
    std::shared_ptr<const RegistryListing> listing;
    std::shared_ptr<Flight> flight;  // of the listing under way
  };
  [[nodiscard]] Result<SharedSecret> seedOf(const api::ClearBladeRegistry& registry);
  [[nodiscard]] bool isAskedFor(const api::ObjectKey& key) const;
  // `isFirst`: of this process.
  [[nodiscard]] Result<std::shared_ptr<const RegistryListing>> list(const RegistryView& view,
                                                                    bool isFirst);
  void reportListing(const RegistryView& view, const RegistryListing& listing, bool isFirst);

  const Context& context_;
  CloudFactory& factory_;
  const SharedSecret fallbackSeed_;
  UntoldWrites untold_;
  std::mutex mutex_;  // guards entries_
  Condition listed_;
  std::map<api::ObjectKey, Entry> entries_;
};

// A new key seed.
[[nodiscard]] SharedSecret drawSeed(Random& random);
// The key seed of a Secret's value: 32 bytes, or their base64 text. kInvalid otherwise.
[[nodiscard]] Result<SharedSecret> parseSeed(const SecretBytes& value);

}  // namespace bco
