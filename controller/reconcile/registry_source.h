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
#include "reconcile/registry_listing.h"
#include "reconcile/registry_status.h"
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
        status_(context) {}

  // The registry's view, made anew when its object or one of its Secrets has changed. kNotFound: no
  // such object or Secret; kInvalid: what it says can't be used. Why there is none, the registry's
  // status says too.
  [[nodiscard]] Result<std::shared_ptr<const RegistryView>> view(const api::ObjectKey& key);

  // A snapshot taken at `notBefore` or later. Of several callers one lists; the others wait for it,
  // and share its failure.
  [[nodiscard]] Result<std::shared_ptr<const RegistryListing>> listing(const RegistryView& view,
                                                                       TimePoint notBefore,
                                                                       const std::stop_token& stop);

  // Asks the registry for its own description, unless that was done a while ago, and has its status
  // say how it is; also of one that no fleet uses. Returns when to come again; nullopt when its
  // object has gone, or after a stop.
  std::optional<Duration> check(const api::ObjectKey& key, const std::stop_token& stop);

  // A fleet refers to it, and so lists it.
  [[nodiscard]] bool isInUse(const api::ObjectKey& key) const;

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
    SteadyPoint describedAt;         // when the registry was asked for its description
    bool listingFails = false;       // the last one has
    int failedChecks = 0;            // in a row
  };
  [[nodiscard]] Result<std::shared_ptr<const RegistryView>> makeView(const api::ObjectKey& key);
  // Whether the registry can be used, by its own description.
  [[nodiscard]] Status describe(const std::string& path, clearblade::RegistryApi& registry) const;
  // The same of a registry in use, if it is time to. Where a person is needed, there is no view any
  // more: who uses the registry fails as a new process would.
  [[nodiscard]] Status describeAgain(const std::shared_ptr<const RegistryView>& view);
  [[nodiscard]] Result<SharedSecret> seedOf(const api::ClearBladeRegistry& registry);
  [[nodiscard]] bool isAskedFor(const api::ObjectKey& key) const;
  // `isFirst`: of this process.
  [[nodiscard]] Result<std::shared_ptr<const RegistryListing>> list(const RegistryView& view,
                                                                    bool isFirst,
                                                                    const std::stop_token& stop);

  const Context& context_;
  CloudFactory& factory_;
  const SharedSecret fallbackSeed_;
  RegistryStatusWriter status_;
  std::mutex mutex_;  // guards entries_
  Condition listed_;
  std::map<api::ObjectKey, Entry> entries_;
};

// A new key seed.
[[nodiscard]] SharedSecret drawSeed(Random& random);
// The key seed of a Secret's value: 32 bytes, or their base64 text. kInvalid otherwise.
[[nodiscard]] Result<SharedSecret> parseSeed(const SecretBytes& value);

}  // namespace bco
