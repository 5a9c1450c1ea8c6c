// Lookup's lists: what tells a device of ours from a UUID that somebody tries.
#include "endpoint/choice.h"
#include "endpoint/lookup.h"

namespace bco::endpoint {
namespace {

// Of a list nothing but the UUIDs.
class Collecting final : public balena::FleetVisitor {
 public:
  void restart() override { uuids.clear(); }
  void visit(const balena::FleetDevice& device) override {
    if (const auto uuid = DeviceUuid::parse(device.uuid)) uuids.push_back(*uuid);
  }

  std::vector<DeviceUuid> uuids;
};

}  // namespace

std::optional<api::ObjectKey> Lookup::listedBy(const std::string& uuid) const {
  for (const api::ObjectKey& key : context_.views.rolls().fleetsOf(uuid)) {
    const auto fleet = context_.store.fleets().get(key);
    const bool isThere = fleet != nullptr && !fleet->meta.deletedAt;
    if (isThere && takesInAnybody(fleet->spec)) return key;
  }
  return std::nullopt;
}

void Lookup::renewLists() {
  const SteadyPoint now = context_.clock.steadyNow();
  {
    std::lock_guard lock(mutex_);
    if (listedAt_ && now - *listedAt_ < kListsLast) return;
    listedAt_ = now;
  }
  std::map<Account, std::vector<Fleet>> accounts;
  for (const auto& fleet : fleets()) {
    if (takesInAnybody(fleet->spec)) accounts[accountOf(*fleet)].push_back(fleet);
  }
  if (accounts.empty()) return;
  context_.log.warn("strangers' look-ups are turned away: all devices are listed to know ours", {});
  for (const auto& [account, fleets] : accounts) {
    Errands* const errands = errandsOf(account);
    if (errands == nullptr || !beginList(account)) continue;
    const auto errand = [this, account = account, fleets = fleets](const std::stop_token& stop) {
      list(fleets, stop);
      endList(account);
    };
    if (!errands->add(errand)) endList(account);
  }
}

// One that is slow is not asked again meanwhile.
bool Lookup::beginList(const Account& account) {
  std::lock_guard lock(mutex_);
  return listing_.insert(account).second;
}

void Lookup::endList(const Account& account) {
  std::lock_guard lock(mutex_);
  listing_.erase(account);
}

void Lookup::list(const std::vector<Fleet>& fleets, const std::stop_token& stop) {
  for (const Fleet& fleet : fleets) {
    if (stop.stop_requested()) return;
    const std::int64_t id = idOf(*fleet);
    if (id == 0) continue;  // of what has not been looked at, the look-ups find nothing either
    const auto client = clientOf(*fleet);
    Collecting devices;
    const auto takenAt = client ? (*client)->listFleet(id, {}, false, devices)
                                : Result<TimePoint>(fail(client.error()));
    const std::string name = toString(fleet->meta.key);
    if (!takenAt) {
      context_.log.warn("the endpoint can't list a fleet",
                        {{"fleet", name}, {"error", takenAt.error().message}});
      continue;
    }
    const std::size_t count = devices.uuids.size();
    context_.views.rolls().put(fleet->meta.key, std::move(devices.uuids), *takenAt);
    context_.log.info("the endpoint has listed a fleet",
                      {{"fleet", name}, {"devices", std::to_string(count)}});
  }
}

}  // namespace bco::endpoint
