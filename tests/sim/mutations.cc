#include "tests/sim/mutations.h"

#include <algorithm>
#include <array>

namespace bco::sim {

std::vector<Mutation> otherMutations() {
  std::vector<Mutation> all;
  all.push_back({.name = "random-keys",
                 .what = "keys are random instead of derived",
                 .key = [](Mutant& mutant, const SecretBytes&, std::string_view uuid,
                           const crypto::Incarnation& incarnation, std::uint32_t generation) {
                   std::array<char, crypto::kSeedBytes> seed{};
                   mutant.dice.fill({reinterpret_cast<std::uint8_t*>(seed.data()), seed.size()});
                   return crypto::PrivateKey::derive(
                       SecretBytes(std::string_view(seed.data(), seed.size())), uuid, incarnation,
                       generation);
                 }});
  all.push_back({.name = "seed-not-shared",
                 .what = "every process derives keys from a seed of its own",
                 .key = [](Mutant& mutant, const SecretBytes&, std::string_view uuid,
                           const crypto::Incarnation& incarnation, std::uint32_t generation) {
                   std::string& seed = mutant.seen["seed"];
                   if (seed.empty()) {
                     seed = std::to_string(mutant.dice.next());
                     seed.resize(crypto::kSeedBytes, '*');
                   }
                   return crypto::PrivateKey::derive(SecretBytes(seed), uuid, incarnation,
                                                     generation);
                 }});
  all.push_back({.name = "incarnation-ignored",
                 .what = "a registration made anew has the key of the one before",
                 .key = [](Mutant&, const SecretBytes& seed, std::string_view uuid,
                           const crypto::Incarnation&, std::uint32_t) {
                   return crypto::PrivateKey::derive(seed, uuid, {}, 0);
                 }});
  all.push_back({.name = "lease-gate-skipped",
                 .what = "writes are sent whoever leads",
                 .ignoresLease = true});
  all.push_back({.name = "brake-skipped",
                 .what = "stale registrations are removed however many they are",
                 .fleet = [](api::FleetSpec& spec) {
                   spec.stale.maxPercent = 100;
                   spec.stale.maxPerSync = 1000000;
                   spec.stale.maxPerDay = 1000000;
                 }});
  all.push_back({.name = "stale-at-once",
                 .what = "stale registrations are removed without waiting",
                 .fleet = [](api::FleetSpec& spec) { spec.stale.after = Duration(0); }});
  all.push_back(
      {.name = "stale-always-removed",
       .what = "stale registrations are removed although policy is Report",
       .fleet = [](api::FleetSpec& spec) { spec.stale.policy = api::StalePolicy::kDelete; }});
  all.push_back({.name = "finalizer-forgotten",
                 .what = "objects get no finalizer",
                 .device = [](api::BalenaDevice& device) {
                   if (!device.meta.hasFinalizer()) {
                     device.meta.finalizers.emplace_back(api::kFinalizer);
                   }
                 }});
  return all;
}

std::span<const Mutation> mutations() {
  static const std::vector<Mutation> kAll = [] {
    std::vector<Mutation> all = planMutations();
    for (auto part : {clientMutations(), otherMutations()}) {
      std::ranges::move(part, std::back_inserter(all));
    }
    return all;
  }();
  return kAll;
}

const Mutation* findMutation(const std::string& name) {
  const auto found = std::ranges::find(mutations(), name, &Mutation::name);
  return found == mutations().end() ? nullptr : &*found;
}

}  // namespace bco::sim
