#include "endpoint/lookup.h"

namespace bco::endpoint {
namespace {

// Between two looks at whether the fleets have been looked at: right after a start.
constexpr Duration kFleetsLook = std::chrono::milliseconds(5);

}  // namespace

// One question at several accounts. Whoever has the device ends it; else the last one to answer.
class Lookup::Inquiry {
 public:
  Inquiry(Question question, std::size_t accounts)
      : question_(std::move(question)), pending_(accounts) {}

  [[nodiscard]] const Question& question() const { return question_; }
  [[nodiscard]] bool isOver() const {
    std::lock_guard lock(mutex_);
    return isOver_;
  }

  void found(Found found) { conclude(std::move(found), true); }
  void end(Error error) { conclude(fail(std::move(error)), true); }
  void missed() { conclude(Found{}, false); }
  void failed(Error error) { conclude(fail(std::move(error)), false); }

 private:
  void conclude(Result<Found> answer, bool isLast) {
    std::function<void(Result<Found>)> done;
    {
      std::lock_guard lock(mutex_);
      if (!answer) failure_ = answer.error();
      if (isOver_ || (--pending_ > 0 && !isLast)) return;
      isOver_ = true;
      if (!isLast && failure_) answer = fail(*failure_);
      // Accounts that are silent keep the rest of the question for longer than its asker waits.
      done = std::move(question_.done);
    }
    done(std::move(answer));
  }

  Question question_;
  mutable std::mutex mutex_;  // guards all below, and question_.done
  std::size_t pending_;
  bool isOver_ = false;
  std::optional<Error> failure_;
};

Lookup::Account Lookup::accountOf(const api::BalenaFleet& fleet) {
  return {fleet.meta.key.space, fleet.spec.apiUrl, fleet.spec.token.name, fleet.spec.token.key};
}

std::vector<Lookup::Fleet> Lookup::fleets() const {
  std::vector<Fleet> fleets;
  for (const auto& fleet : context_.store.fleets().list()) {
    if (!fleet->meta.deletedAt) fleets.push_back(fleet);
  }
  return fleets;
}

Errands* Lookup::errandsOf(const Account& account) {
  std::lock_guard lock(mutex_);
  if (stopped_) return nullptr;
  auto& errands = errands_[account];
  if (errands == nullptr) errands = std::make_unique<Errands>(context_.clock, threads_, most_);
  return errands.get();
}

void Lookup::stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  for (const auto& [account, errands] : errands_) errands->stop();
}

void Lookup::find(Question question) {
  std::map<Account, Fleet> accounts;
  for (const auto& fleet : fleets()) {
    const bool isAsked = !question.listedBy || *question.listedBy == fleet->meta.key;
    if (isAsked) accounts.emplace(accountOf(*fleet), fleet);
  }
  if (accounts.empty()) return question.done(Found{});
  const auto inquiry = std::make_shared<Inquiry>(std::move(question), accounts.size());
  for (const auto& [account, fleet] : accounts) {
    Errands* const errands = errandsOf(account);
    const auto errand = [this, fleet = fleet, inquiry](const std::stop_token& stop) {
      ask(fleet, *inquiry, stop);
    };
    if (errands != nullptr && errands->add(errand)) continue;
    inquiry->failed({ErrorCode::kUnavailable, "too many look-ups wait for this account"});
  }
}

void Lookup::ask(const Fleet& fleet, Inquiry& inquiry, const std::stop_token& stop) {
  if (inquiry.isOver()) return;
  const Question& question = inquiry.question();
  if (Status may = question.mayAsk(); !may) {
    const bool isKnown = may.error().code == ErrorCode::kAlreadyExists;
    return isKnown ? inquiry.end(std::move(may.error())) : inquiry.failed(std::move(may.error()));
  }
  auto client = clientOf(*fleet);
  if (!client) return inquiry.failed(std::move(client.error()));
  const SteadyPoint at = context_.clock.steadyNow();
  // Passes come first: what somebody asks for is nothing to what has been begun.
  auto device = (*client)->getDevice(question.uuid, {.lane = Lane::kSweep});
  if (!device) {
    if (device.error().code == ErrorCode::kNotFound) return inquiry.missed();
    return inquiry.failed(std::move(device.error()));
  }
  auto owner = ownerOf(*device, *fleet, question.deadline, stop);
  if (!owner) return inquiry.failed(std::move(owner.error()));
  if (*owner == nullptr) return inquiry.missed();
  // Where no pass is made nobody holds what is stored on a device.
  const bool isForPass =
      accountOf(**owner) == accountOf(*fleet) && context_.views.earlyReads().areWanted();
  inquiry.found({*owner, isForPass ? std::make_shared<EarlyRead>(EarlyRead{*std::move(device), at})
                                   : nullptr});
}

Result<Lookup::Fleet> Lookup::ownerOf(const balena::Device& device, const api::BalenaFleet& asked,
                                      SteadyPoint deadline, const std::stop_token& stop) const {
  while (true) {
    Fleet other;
    bool isWaitedFor = false;
    std::optional<Error> unknown;
    for (const auto& fleet : fleets()) {
      if (fleet->spec.apiUrl != asked.spec.apiUrl) continue;  // its ids mean nothing here
      const std::int64_t id = idOf(*fleet);
      if (id == device.fleetId && accountOf(*fleet) == accountOf(asked)) return fleet;
      if (id == device.fleetId) other = fleet;
      if (id != 0) continue;
      const auto view = context_.views.get(fleet->meta.key);
      if (!isLookedAt(*fleet)) {
        isWaitedFor = true;
      } else if (view || view.error().code != ErrorCode::kNotFound) {
        unknown = Error{ErrorCode::kUnavailable, "a fleet could not be looked at"};
      }
    }
    if (other != nullptr) return other;
    if (!isWaitedFor && unknown) return fail(*std::move(unknown));
    if (!isWaitedFor) return Fleet();
    if (context_.clock.steadyNow() >= deadline || !sleepFor(context_.clock, kFleetsLook, stop)) {
      return fail(ErrorCode::kUnavailable, "a fleet has not been looked at yet");
    }
  }
}

std::int64_t Lookup::idOf(const api::BalenaFleet& fleet) const {
  const auto view = context_.views.get(fleet.meta.key);
  return view ? (*view)->fleetId : fleet.status.fleetId;
}

bool Lookup::isLookedAt(const api::BalenaFleet& fleet) const {
  return context_.views.knows(fleet.meta.key) || fleet.status.observedGeneration >= 0;
}

Result<std::shared_ptr<balena::BalenaApi>> Lookup::clientOf(const api::BalenaFleet& fleet) {
  const auto view = context_.views.get(fleet.meta.key);
  if (view && (*view)->object->meta.uid == fleet.meta.uid &&
      (*view)->object->meta.generation == fleet.meta.generation) {
    return (*view)->balena;
  }
  return fleets_.clientOf(fleet);
}

}  // namespace bco::endpoint
