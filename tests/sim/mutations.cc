#include "tests/sim/mutations.h"

#include <algorithm>
#include <array>
#include <map>

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

namespace {

// Found by search. Whatever changes the worlds makes these out of date: then it takes longer, until
// they have been noted anew.
const std::map<std::string, std::uint64_t> kSeeds = {{"unknown-key-registered", 8},
                                                     {"never-revokes", 12},
                                                     {"revocation-not-rechecked", 151},
                                                     {"never-verifies", 9},
                                                     {"adoption-changes-credentials", 405},
                                                     {"deprovision-in-any-fleet", 16},
                                                     {"absent-ignored", 26},
                                                     {"drift-ignored", 4},
                                                     {"failed-page-taken-as-empty", 611},
                                                     {"empty-fleet-taken-as-deleted", 1014},
                                                     {"create-overwrites", 7},
                                                     {"ownership-ignored", 370},
                                                     {"unknown-outcome-retried", 4},
                                                     {"foreign-metadata-lost", 6},
                                                     {"skew-ignored", 32},
                                                     {"brake-per-pass", 235},
                                                     {"random-keys", 7},
                                                     {"seed-not-shared", 6},
                                                     {"lease-gate-skipped", 171},
                                                     {"brake-skipped", 133},
                                                     {"stale-at-once", 4},
                                                     {"stale-always-removed", 8},
                                                     {"finalizer-forgotten", 21}};

}  // namespace

std::span<const Mutation> mutations() {
  static const std::vector<Mutation> kAll = [] {
    std::vector<Mutation> all = planMutations();
    for (auto part : {clientMutations(), otherMutations()}) {
      std::ranges::move(part, std::back_inserter(all));
    }
    for (Mutation& each : all) {
      if (const auto seed = kSeeds.find(each.name); seed != kSeeds.end()) each.seed = seed->second;
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
