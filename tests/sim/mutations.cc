#include "tests/sim/mutations.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/text.h"

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
                           const crypto::Incarnation&, std::uint32_t generation) {
                   return crypto::PrivateKey::derive(seed, uuid, {}, generation);
                 }});
  all.push_back(
      {.name = "seed-logged",
       .what = "a line of the log at level debug holds the seed",
       .key = [](Mutant& mutant, const SecretBytes& seed, std::string_view uuid,
                 const crypto::Incarnation& incarnation, std::uint32_t generation) {
         mutant.log.debug("deriving", {{"uuid", uuid}, {"seed", toBase64(seed.reveal())}});
         return crypto::PrivateKey::derive(seed, uuid, incarnation, generation);
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

struct Expected {
  std::vector<std::string> breaks;
  std::uint64_t seed;
};

// The seeds were found by search. Whatever changes the worlds makes them out of date: then it takes
// longer, until they have been noted anew.
const std::map<std::string, Expected> kExpected = {
    {"variable-before-patch", {{"1"}, 1}},
    {"older-key-dropped", {{"1", "only expiry"}, 1}},
    {"expired-keys-kept", {{"1", "2"}, 2}},
    {"unknown-key-registered", {{"a key"}, 7}},
    {"never-rotates", {{"1"}, 1}},
    {"offline-rotated", {{"1"}, 10}},
    {"never-revokes", {{"5"}, 2}},
    {"revocation-not-rechecked", {{"5"}, 48}},
    {"never-verifies", {{"1", "5"}, 217}},
    {"hot-loop", {{"5"}, 1}},
    {"flapping", {{"5"}, 1}},
    {"adoption-changes-credentials", {{"3"}, 13}},
    {"deprovision-in-any-fleet", {{"6"}, 154}},
    {"absent-ignored", {{"5"}, 78}},
    {"drift-ignored", {{"5"}, 4}},
    {"failed-page-taken-as-empty", {{"6"}, 33}},
    {"empty-fleet-taken-as-deleted", {{"6"}, 41}},
    {"create-overwrites", {{"1", "3", "only expiry"}, 7}},
    {"ownership-ignored", {{"3"}, 437}},
    {"stale-observation-reused", {{"1", "after a write", "only expiry"}, 2}},
    {"unknown-outcome-retried", {{"after a write"}, 4}},
    {"foreign-metadata-lost", {{"3"}, 3}},
    {"skew-ignored", {{"only expiry"}, 18}},
    {"brake-per-pass", {{"6"}, 20}},
    {"random-keys", {{"1", "only expiry"}, 7}},
    {"seed-not-shared", {{"1", "only expiry"}, 7}},
    {"incarnation-ignored", {{"a registration made anew"}, 4}},
    {"seed-logged", {{"4"}, 1}},
    {"key-in-status", {{"4"}, 1}},
    {"late-write-not-looked-for", {{"5: what a late"}, 3}},
    {"one-snapshot-is-enough", {{"6"}, 16}},
    {"hour-ignored", {{"between two"}, 3}},
    {"lease-gate-skipped", {{"1", "3", "6", "only expiry"}, 10}},
    {"brake-skipped", {{"6"}, 20}},
    {"stale-at-once", {{"6"}, 19}},
    {"stale-always-removed", {{"6"}, 8}},
    {"finalizer-forgotten", {{"5"}, 317}}};

}  // namespace

std::span<const Mutation> mutations() {
  static const std::vector<Mutation> kAll = [] {
    std::vector<Mutation> all = planMutations();
    for (auto part : {clientMutations(), otherMutations()}) {
      std::ranges::move(part, std::back_inserter(all));
    }
    for (Mutation& each : all) {
      const Expected& expected = kExpected.at(each.name);
      each.breaks = expected.breaks;
      each.seed = expected.seed;
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
