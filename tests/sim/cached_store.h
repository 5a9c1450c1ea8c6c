// A process's view of the objects: a cache that a watch fills, late, and writes that go to the
// server. What the Kubernetes store promises (docs/decisions/0004), without its wire.
#pragma once

#include <functional>
#include <set>

#include "tests/sim/cluster.h"
#include "tests/sim/link.h"

namespace bco::sim {

// How long news are on their way, drawn for each.
using Lag = std::function<Duration()>;

template <class Object>
class CachedCollection final : public store::Collection<Object>, public Watch<Object> {
 public:
  using typename store::Collection<Object>::StatusType;
  using Listener = std::function<void(const Shared<Object>& before, const Shared<Object>& now)>;

  CachedCollection(Served<Object>& server, Link& link, Scheduler& scheduler, Lag lag,
                   Listener changed)
      : server_(server),
        link_(link),
        scheduler_(scheduler),
        lag_(std::move(lag)),
        changed_(std::move(changed)) {
    for (const auto& object : server.list()) objects_[object->meta.key] = object;
    server.add(this);
  }
  ~CachedCollection() override {
    *alive_ = false;
    server_.remove(this);
  }

  // What the store makes of what was read; for a process that is made to read wrongly.
  std::function<void(Object&)> view;
  // Called before each status is written.
  std::function<void()> statusSet;

  [[nodiscard]] Shared<Object> get(const api::ObjectKey& key) const override {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : viewed(found->second);
  }
  [[nodiscard]] store::ObjectList<Object> list() const override {
    std::vector<Shared<Object>> all;
    for (const auto& [key, object] : objects_) all.push_back(viewed(object));
    return all;
  }

  [[nodiscard]] Status create(Object object) override {
    const api::ObjectKey key = object.meta.key;
    return write("create", key, "",
                 [object = std::move(object)](auto& objects) { return objects.create(object); });
  }
  [[nodiscard]] Status setStatus(const api::ObjectKey& key, const std::string& uid,
                                 StatusType status) override {
    if (statusSet) statusSet();
    const auto current = find(key, uid);
    if (current == nullptr) return isGone(key);
    if (current->status == status && !inDoubt_.contains(key)) return {};
    return noteDoubt(
        key, write("setStatus", key, uid, [key, uid, status = std::move(status)](auto& objects) {
          return objects.setStatus(key, uid, status);
        }));
  }
  [[nodiscard]] Status updateStatus(const Object& seen, StatusType status) override {
    const auto current = find(seen.meta.key, seen.meta.uid);
    if (current == nullptr) return isGone(seen.meta.key);
    if (current->status == status && !inDoubt_.contains(seen.meta.key)) return {};
    return noteDoubt(seen.meta.key, write("updateStatus", seen.meta.key, seen.meta.uid,
                                          [seen, status = std::move(status)](auto& objects) {
                                            return objects.updateStatus(seen, status);
                                          }));
  }
  [[nodiscard]] Status setFinalizer(const api::ObjectKey& key, const std::string& uid,
                                    bool present) override {
    const auto current = find(key, uid);
    if (current == nullptr) return isGone(key);
    if (current->meta.hasFinalizer() == present) return {};
    return write(present ? "hold" : "letGo", key, uid, [key, uid, present](auto& objects) {
      return objects.setFinalizer(key, uid, present);
    });
  }
  [[nodiscard]] Status setLabels(const api::ObjectKey& key, const std::string& uid,
                                 const store::LabelChanges& changes) override {
    return write("setLabels", key, uid, [key, uid, changes](auto& objects) {
      return objects.setLabels(key, uid, changes);
    });
  }
  [[nodiscard]] Status remove(const api::ObjectKey& key, const std::string& uid) override {
    return write("delete", key, uid,
                 [key, uid](auto& objects) { return objects.remove(key, uid); });
  }
  // Without its finalizer first, and then only as it was then.
  [[nodiscard]] Status release(const api::ObjectKey& key, const std::string& uid) override {
    if (Status let = setFinalizer(key, uid, false); !let) return let;
    const auto free = find(key, uid);
    if (free == nullptr) return {};
    return write("release", key, uid,
                 [key, uid, version = free->meta.resourceVersion](auto& objects) -> Status {
                   const auto now = objects.get(key);
                   if (now == nullptr || now->meta.uid != uid) return isGone(key);
                   if (now->meta.resourceVersion != version) {
                     return fail(ErrorCode::kConflict, toString(key) + " has changed");
                   }
                   return objects.remove(key, uid);
                 });
  }

  // ── what the watch tells: in order, late
  void changed(const api::ObjectKey& key, const Shared<Object>& before,
               const Shared<Object>& now) override {
    toldUntil_ = std::max(toldUntil_, scheduler_.now() + lag_());
    scheduler_.at(toldUntil_, [this, alive = alive_, key, before, now, order = ++told_] {
      if (!*alive) return;
      news_[order] = {key, before, now};
      // Those of one moment may come out of turn.
      for (auto next = news_.find(heard_ + 1); next != news_.end(); next = news_.find(heard_ + 1)) {
        const News news = next->second;
        news_.erase(next);
        ++heard_;
        hear(news);
      }
    });
  }

 private:
  struct News {
    api::ObjectKey key;
    Shared<Object> before;
    Shared<Object> now;
  };

  static Status isGone(const api::ObjectKey& key) {
    return fail(ErrorCode::kNotFound, toString(key) + " is gone");
  }
  [[nodiscard]] Shared<Object> find(const api::ObjectKey& key, const std::string& uid) const {
    const auto found = objects_.find(key);
    return found != objects_.end() && found->second->meta.uid == uid ? found->second : nullptr;
  }
  [[nodiscard]] Shared<Object> viewed(const Shared<Object>& object) const {
    if (!view) return object;
    auto copy = std::make_shared<Object>(*object);
    view(*copy);
    return copy;
  }

  void hear(const News& news) {
    if (news.before == nullptr && news.now == nullptr) return;
    if (news.now != nullptr) {
      if (!ended_.contains(news.now->meta.uid)) keep(news.now);
      return;
    }
    ended_.insert(news.before->meta.uid);
    const auto found = objects_.find(news.key);
    if (found == objects_.end() || found->second->meta.uid != news.before->meta.uid) return;
    const Shared<Object> gone = found->second;
    objects_.erase(found);
    changed_(gone, nullptr);
  }

  void keep(const Shared<Object>& object) {
    Shared<Object>& known = objects_[object->meta.key];
    if (known != nullptr && known->meta.resourceVersion >= object->meta.resourceVersion) return;
    const Shared<Object> before = std::exchange(known, object);
    changed_(before, object);
  }

  // The answer to a write is what the object is now.
  template <class Op>
  Status write(const std::string& verb, const api::ObjectKey& key, const std::string& uid, Op op) {
    const Call call{Upstream::kKubernetes, verb + " " + toString(key), true, {}};
    const auto answer = link_.call<Shared<Object>>(
        call, [&server = server_, key, op = std::move(op)]() -> Result<Shared<Object>> {
          Status done = server.change(key, [&](auto& objects) { return op(objects); });
          if (!done) return fail(std::move(done.error()));
          return server.get(key);
        });
    if (!answer) return fail(answer.error());
    if (*answer == nullptr) {
      hear({key, find(key, uid), nullptr});
    } else if (verb == "create" ? !ended_.contains((*answer)->meta.uid)
                                : find(key, uid) != nullptr) {
      keep(*answer);
    }
    return {};
  }

  // A status that was perhaps written: the next is written whatever is known here.
  Status noteDoubt(const api::ObjectKey& key, Status written) {
    if (written) {
      inDoubt_.erase(key);
    } else if (written.error().outcomeUnknown) {
      inDoubt_.insert(key);
    }
    return written;
  }

  Served<Object>& server_;
  Link& link_;
  Scheduler& scheduler_;
  const Lag lag_;
  const Listener changed_;
  std::map<api::ObjectKey, Shared<Object>> objects_;
  std::set<std::string> ended_;  // uids
  std::set<api::ObjectKey> inDoubt_;
  Duration toldUntil_{0};
  std::uint64_t told_ = 0;
  std::uint64_t heard_ = 0;
  std::map<std::uint64_t, News> news_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class CachedStore final : public store::ObjectStore {
 public:
  CachedStore(Cluster& cluster, Link& link, Scheduler& scheduler, const Lag& lag);

  [[nodiscard]] CachedCollection<api::ClearBladeRegistry>& registries() override {
    return registries_;
  }
  [[nodiscard]] CachedCollection<api::BalenaFleet>& fleets() override { return fleets_; }
  [[nodiscard]] CachedCollection<api::BalenaDevice>& devices() override { return devices_; }
  [[nodiscard]] std::vector<Shared<api::BalenaDevice>> devicesByUuid(
      const std::string& uuid) const override;
  [[nodiscard]] store::ObjectList<api::BalenaDevice> devicesOfFleet(
      const api::ObjectKey& fleet) const override;
  [[nodiscard]] Result<SecretBytes> secret(const std::string& space,
                                           const api::SecretKeyRef& ref) const override;
  [[nodiscard]] Result<SecretBytes> secretOrCreate(const std::string& space,
                                                   const api::SecretKeyRef& ref,
                                                   const SecretBytes& value) override;
  void onChange(std::function<void(const store::Change&)> listener) override {
    listener_ = std::move(listener);
  }
  // Nobody calls an endpoint in these worlds.
  [[nodiscard]] Status demand(const api::BalenaDevice&, const store::Demand&) override {
    return fail(ErrorCode::kInternal, "the simulation has no endpoint");
  }
  [[nodiscard]] Status enrol(api::BalenaDevice) override {
    return fail(ErrorCode::kInternal, "the simulation has no endpoint");
  }
  void onDeviceTouched(std::function<void(const std::string&)>) override {}

 private:
  template <class Object>
  void tell(const Shared<Object>& before, const Shared<Object>& now) const;

  Cluster& cluster_;
  Link& link_;
  std::function<void(const store::Change&)> listener_;
  CachedCollection<api::ClearBladeRegistry> registries_;
  CachedCollection<api::BalenaFleet> fleets_;
  CachedCollection<api::BalenaDevice> devices_;
};

}  // namespace bco::sim
