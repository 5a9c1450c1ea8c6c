// Defects of the clients, and of what is made of their answers.
#include <algorithm>

#include "plan/mark.h"
#include "tests/sim/decorators.h"
#include "tests/sim/mutations.h"

namespace bco::sim {
namespace {

using balena::FleetDevice;

// Shows the first `most` devices.
class CountingVisitor final : public balena::FleetVisitor {
 public:
  explicit CountingVisitor(balena::FleetVisitor& right, std::size_t most = SIZE_MAX)
      : right_(right), most_(most) {}
  void restart() override { count = 0, right_.restart(); }
  void visit(const FleetDevice& device) override {
    if (++count <= most_) right_.visit(device);
  }
  std::size_t count = 0;

 private:
  balena::FleetVisitor& right_;
  const std::size_t most_;
};

class TruncatedListing final : public BalenaDecorator {
 public:
  TruncatedListing(std::shared_ptr<balena::BalenaApi> right, Parts& parts)
      : BalenaDecorator(std::move(right)), parts_(parts) {}
  Result<TimePoint> listFleet(std::int64_t fleetId, const balena::VariableLevel& level,
                              bool withTags, balena::FleetVisitor& visitor) override {
    const TimePoint now = kEpoch + parts_.scheduler.now();
    const bool isCut = now < until_;
    CountingVisitor counting(visitor, isCut ? shown_ : SIZE_MAX);
    auto taken = BalenaDecorator::listFleet(fleetId, level, withTags, counting);
    if (!taken && !isCut) {
      shown_ = counting.count;
      until_ = now + kOutage;
    }
    return taken ? std::move(taken) : Result<TimePoint>(now);
  }

 private:
  // A page that fails does so for a while.
  static constexpr Duration kOutage = std::chrono::hours(5);
  Parts& parts_;
  std::size_t shown_ = 0;  // by a listing that is cut
  TimePoint until_;
};

// Every other listing of a fleet is the one before.
class ListedTwice final : public BalenaDecorator {
 public:
  ListedTwice(std::shared_ptr<balena::BalenaApi> right, Parts& parts)
      : BalenaDecorator(std::move(right)), parts_(parts) {}
  Result<TimePoint> listFleet(std::int64_t fleetId, const balena::VariableLevel& level,
                              bool withTags, balena::FleetVisitor& visitor) override {
    if (isFresh_) {
      isFresh_ = false;
      visitor.restart();
      for (const FleetDevice& each : rows_) visitor.visit(each);
      return kEpoch + parts_.scheduler.now();
    }
    Keeper keeper(visitor, rows_);
    auto taken = BalenaDecorator::listFleet(fleetId, level, withTags, keeper);
    isFresh_ = taken.has_value();
    return taken;
  }

 private:
  struct Keeper final : balena::FleetVisitor {
    Keeper(balena::FleetVisitor& next, std::vector<FleetDevice>& kept) : right(next), rows(kept) {}
    void restart() override { rows.clear(), right.restart(); }
    void visit(const FleetDevice& device) override {
      rows.push_back(device);
      right.visit(device);
    }
    balena::FleetVisitor& right;
    std::vector<FleetDevice>& rows;
  };
  Parts& parts_;
  bool isFresh_ = false;
  std::vector<FleetDevice> rows_;
};

class NeverEmptyListing final : public BalenaDecorator {
 public:
  using BalenaDecorator::BalenaDecorator;
  Result<TimePoint> listFleet(std::int64_t fleetId, const balena::VariableLevel& level,
                              bool withTags, balena::FleetVisitor& visitor) override {
    CountingVisitor counting(visitor);
    auto taken = BalenaDecorator::listFleet(fleetId, level, withTags, counting);
    if (taken && counting.count == 0) {
      FleetDevice nobody;
      nobody.id = 1;
      nobody.uuid = std::string(32, '0');
      visitor.visit(nobody);
    }
    return taken;
  }
};

class OverwritingCreate final : public RegistryDecorator {
 public:
  using RegistryDecorator::RegistryDecorator;
  Result<Registration> createRegistration(const clearblade::NewRegistration& created,
                                          const CallTerms& terms = {}) override {
    auto made = RegistryDecorator::createRegistration(created, terms);
    if (made || made.error().code != ErrorCode::kAlreadyExists) return made;
    const auto there = getRegistration(created.id);
    if (!there) return made;
    return patchRegistration(there->numId, {created.credentials, created.metadata});
  }
};

class ForgottenOwner final : public RegistryDecorator {
 public:
  using RegistryDecorator::RegistryDecorator;
  Result<Registration> getRegistration(const std::string& id,
                                       const CallTerms& terms = {}) override {
    auto read = RegistryDecorator::getRegistration(id, terms);
    if (read) claim(*read);
    return read;
  }
  Result<TimePoint> listRegistrations(
      const std::function<void(const Registration&)>& visit) override {
    return RegistryDecorator::listRegistrations([&](const Registration& each) {
      Registration claimed = each;
      claim(claimed);
      visit(claimed);
    });
  }

 private:
  static void claim(Registration& registration) {
    const auto owner = registration.metadata.find("bco-owner");
    if (owner != registration.metadata.end()) owner->second = kOwner;
  }
};

// A registration that was read once is known.
class RememberedReads final : public RegistryDecorator {
 public:
  using RegistryDecorator::RegistryDecorator;
  Result<Registration> getRegistration(const std::string& id,
                                       const CallTerms& terms = {}) override {
    const auto known = known_.find(id);
    if (known != known_.end()) return known->second;
    auto read = RegistryDecorator::getRegistration(id, terms);
    if (read) known_[id] = *read;
    return read;
  }

 private:
  std::map<std::string, Registration> known_;
};

class RepeatedWrites final : public RegistryDecorator {
 public:
  using RegistryDecorator::RegistryDecorator;
  Result<Registration> patchRegistration(const std::string& numId,
                                         const clearblade::RegistrationPatch& patch,
                                         const CallTerms& terms = {}) override {
    auto patched = RegistryDecorator::patchRegistration(numId, patch, terms);
    for (int i = 0; i < 3 && !patched && patched.error().outcomeUnknown; ++i) {
      patched = RegistryDecorator::patchRegistration(numId, patch, terms);
    }
    return patched;
  }
};

class LostMetadata final : public RegistryDecorator {
 public:
  using RegistryDecorator::RegistryDecorator;
  Result<Registration> patchRegistration(const std::string& numId,
                                         const clearblade::RegistrationPatch& patch,
                                         const CallTerms& terms = {}) override {
    clearblade::RegistrationPatch ours = patch;
    if (ours.metadata) {
      std::erase_if(*ours.metadata,
                    [](const auto& pair) { return !pair.first.starts_with("bco-"); });
    }
    return RegistryDecorator::patchRegistration(numId, ours, terms);
  }
};

class TrustedClock final : public RegistryDecorator {
 public:
  using RegistryDecorator::RegistryDecorator;
  Duration clockSkew() const override { return Duration(0); }
};

bool isAway(Parts& parts, const std::string& uuid) {
  return parts.balena.knows(uuid) && (!parts.balena.device(uuid).isRegistered ||
                                      parts.balena.device(uuid).fleetId == kStrangeFleetId);
}

// Of several stale registrations a sweep sees one.
class OneStaleAtATime final : public RegistryDecorator {
 public:
  OneStaleAtATime(std::shared_ptr<clearblade::RegistryApi> right, Parts& parts)
      : RegistryDecorator(std::move(right)), parts_(parts) {}
  Result<TimePoint> listRegistrations(
      const std::function<void(const Registration&)>& visit) override {
    bool seen = false;
    return RegistryDecorator::listRegistrations([&](const Registration& each) {
      const std::string uuid = uuidOfId(each.id);
      if (isAway(parts_, uuid) && std::exchange(seen, true)) return;
      visit(each);
    });
  }

 private:
  Parts& parts_;
};

}  // namespace

std::vector<Mutation> clientMutations() {
  std::vector<Mutation> all;
  const auto balena = [&](std::string name, std::string what, auto make) {
    all.push_back({.name = std::move(name), .what = std::move(what), .balena = make});
  };
  const auto registry = [&](std::string name, std::string what, auto make) {
    all.push_back({.name = std::move(name), .what = std::move(what), .registry = make});
  };
  balena("failed-page-taken-as-empty",
         "a listing that fails half-way, for some hours, counts as complete",
         [](Mutant& mutant, Mutation::Balena right) -> Mutation::Balena {
           return std::make_shared<TruncatedListing>(std::move(right), mutant.parts);
         });
  balena("empty-fleet-taken-as-deleted", "a fleet that lists no device is believed",
         [](Mutant&, Mutation::Balena right) -> Mutation::Balena {
           return std::make_shared<NeverEmptyListing>(std::move(right));
         });
  balena("one-snapshot-is-enough", "a listing counts twice",
         [](Mutant& mutant, Mutation::Balena right) -> Mutation::Balena {
           return std::make_shared<ListedTwice>(std::move(right), mutant.parts);
         });
  registry("create-overwrites", "a registration that exists is overwritten",
           [](Mutant&, Mutation::Registry right) -> Mutation::Registry {
             return std::make_shared<OverwritingCreate>(std::move(right));
           });
  registry("ownership-ignored", "every mark counts as ours",
           [](Mutant&, Mutation::Registry right) -> Mutation::Registry {
             return std::make_shared<ForgottenOwner>(std::move(right));
           });
  registry("stale-observation-reused", "a registration is read once and then remembered",
           [](Mutant&, Mutation::Registry right) -> Mutation::Registry {
             return std::make_shared<RememberedReads>(std::move(right));
           });
  registry("unknown-outcome-retried", "a write of unknown outcome is sent again",
           [](Mutant&, Mutation::Registry right) -> Mutation::Registry {
             return std::make_shared<RepeatedWrites>(std::move(right));
           });
  registry("foreign-metadata-lost", "a PATCH holds our pairs alone",
           [](Mutant&, Mutation::Registry right) -> Mutation::Registry {
             return std::make_shared<LostMetadata>(std::move(right));
           });
  registry("skew-ignored", "the cloud's clock is not compared with ours",
           [](Mutant&, Mutation::Registry right) -> Mutation::Registry {
             return std::make_shared<TrustedClock>(std::move(right));
           });
  registry("brake-per-pass", "the brake sees one stale registration at a time",
           [](Mutant& mutant, Mutation::Registry right) -> Mutation::Registry {
             return std::make_shared<OneStaleAtATime>(std::move(right), mutant.parts);
           });
  return all;
}

}  // namespace bco::sim
