// Objects of one kind in the Kubernetes API: a cache that a watch fills, and
// writes that go to the server.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/json_decode.h"
#include "api/json_encode.h"
#include "kube/client.h"
#include "kube/json.h"
#include "kube/watcher.h"
#include "store/kubernetes_kind.h"
#include "store/object_store.h"
#include "store/object_table.h"
#include "telemetry/log.h"

namespace bco::store {

// Asked before an object is changed: what a leader of the past has found out is old.
using MayWrite = std::function<bool()>;

// Thread-safe. What a write answers is in the cache when the write returns;
// what the watch tells later of the same or an older version is dropped, so
// that nobody is woken by his own write. An object leaves the cache when it is
// deleted or a list lacks it, and for no other reason.
template <class Object>
class KubernetesCollection final : public Collection<Object>, public kube::WatchSink {
 public:
  using typename Collection<Object>::StatusType;
  // Called after every change of an object, without a lock, with what was there
  // before (nullptr: nothing) and what is there now (nullptr: it has gone).
  using Listener = std::function<void(const Shared<Object>& before, const Shared<Object>& now)>;

  // The manifest of a new object.
  using Encode = std::function<std::string(const Object&)>;

  // `client`, `log` and `mayWrite` must outlive it.
  KubernetesCollection(kube::Client& client, telemetry::Logger& log, const MayWrite& mayWrite,
                       Encode encode, Listener changed)
      : client_(client),
        log_(log),
        mayWrite_(mayWrite),
        encode_(std::move(encode)),
        changed_(std::move(changed)) {}

  [[nodiscard]] Shared<Object> get(const api::ObjectKey& key) const override {
    std::lock_guard lock(mutex_);
    return objects_.get(key);
  }

  [[nodiscard]] ObjectList<Object> list() const override {
    std::lock_guard lock(mutex_);
    return objects_.list();
  }

  // Those behind the handles that `wanted` accepts.
  template <class Wanted>
  [[nodiscard]] ObjectList<Object> pick(const std::vector<DeviceIndex::Handle>& handles,
                                        Wanted wanted) const {
    std::lock_guard lock(mutex_);
    return objects_.pick(handles, wanted);
  }

  [[nodiscard]] Status create(Object object) override {
    if (!mayWrite_()) return isNotAllowed();
    return admit(client_, object);
  }

  // As create(), by a client that writes whoever leads.
  [[nodiscard]] Status admit(kube::Client& client, const Object& object) {
    return accept(
        client.create(Kind::kResource, object.meta.key.space, SecretBytes::take(encode_(object))),
        Source::kCreate);
  }

  [[nodiscard]] Status setStatus(const api::ObjectKey& key, const std::string& uid,
                                 StatusType status) override {
    // Of a subresource the server heeds no uid, only a version: without one a successor of the same
    // name would get this status. So it is written to what is known, which is looked up again when
    // somebody has changed the object meanwhile.
    for (int tries = kStatusTries;; --tries) {
      if (Status known = settle(key, uid); !known) return known;
      const auto current = find(key, uid);
      if (current == nullptr) return isGone(key);
      Status set = applyStatus(*current, *current, status, true);
      if (set || set.error().code != ErrorCode::kConflict) return set;
      if (tries == 0) {
        set.error().code = ErrorCode::kUnavailable;  // the object is there
        return set;
      }
      if (Status found = lookUp(key, uid); !found) return found;
    }
  }

  [[nodiscard]] Status updateStatus(const Object& seen, StatusType status) override {
    if (Status known = settle(seen.meta.key, seen.meta.uid); !known) return known;
    const auto current = find(seen.meta.key, seen.meta.uid);
    if (current == nullptr) return isGone(seen.meta.key);
    return applyStatus(*current, seen, status, true);
  }

  [[nodiscard]] Status setFinalizer(const api::ObjectKey& key, const std::string& uid,
                                    bool present) override {
    const auto current = find(key, uid);
    if (current == nullptr) return isGone(key);
    if (current->meta.hasFinalizer() == present) return {};
    if (!mayWrite_()) return isNotAllowed();
    auto answer = client_.apply(Kind::kResource, nameOf(key), "",
                                api::applyFinalizer(Object::kKind, current->meta, present));
    if (!answer || present) return accept(std::move(answer), Source::kUpdate);
    auto meta = api::decodeMeta(*answer);
    if (meta && meta->hasFinalizer()) {
      answer = client_.mergePatch(Kind::kResource, nameOf(key), "",
                                  SecretBytes::take(api::withoutFinalizer(*meta)));
      if (answer) meta = api::decodeMeta(*answer);
    }
    if (answer && !meta) return fail(std::move(meta.error()));
    // Nothing kept it any more: the answer shows it for the last time.
    if (answer && current->meta.deletedAt && meta->finalizers.empty()) {
      drop(*meta);
      return {};
    }
    return accept(std::move(answer), Source::kUpdate);
  }

  [[nodiscard]] Status setLabels(const api::ObjectKey& key, const std::string& uid,
                                 const LabelChanges& changes) override {
    const auto current = find(key, uid);
    if (current == nullptr) return isGone(key);
    if (!mayWrite_()) return isNotAllowed();
    return accept(client_.mergePatch(Kind::kResource, nameOf(key), "",
                                     SecretBytes::take(api::withLabels(current->meta, changes))),
                  Source::kUpdate);
  }

  [[nodiscard]] Status remove(const api::ObjectKey& key, const std::string& uid) override {
    if (!mayWrite_()) return isNotAllowed();
    return client_.remove(Kind::kResource, nameOf(key), kube::Precondition{.uid = uid});
  }

  [[nodiscard]] Status release(const api::ObjectKey& key, const std::string& uid) override {
    if (Status let = setFinalizer(key, uid, false); !let) return let;
    const auto free = find(key, uid);
    if (free == nullptr) return {};  // it was being deleted already
    // A pass may put the finalizer back at any moment, and deleting it then would deprovision.
    if (free->meta.hasFinalizer()) {
      return fail(ErrorCode::kConflict, toString(key) + " got its finalizer back");
    }
    if (!mayWrite_()) return isNotAllowed();
    return client_.remove(
        Kind::kResource, nameOf(key),
        {.uid = uid, .resourceVersion = std::to_string(free->meta.resourceVersion)});
  }

  // Changes spec, labels or annotations by a merge patch, as admit().
  [[nodiscard]] Status patch(kube::Client& client, const api::ObjectKey& key, std::string patch) {
    return accept(
        client.mergePatch(Kind::kResource, nameOf(key), "", SecretBytes::take(std::move(patch))),
        Source::kUpdate);
  }

  // Asks the server for the objects that `options` select, when the watch may be behind.
  // kUnavailable: a list begins just now.
  [[nodiscard]] Status learn(kube::Client& client, const std::string& space,
                             const kube::ListOptions& options) {
    const Epoch began = epoch();
    auto page = client.list(Kind::kResource, space, options);
    if (!page) return fail(std::move(page.error()));
    // What was read before a list must not count as told by it.
    if (epoch() != began) return fail(ErrorCode::kUnavailable, "all objects are just listed anew");
    const auto all = kube::readPage(*page, [this](std::string_view item) {
      if (auto object = read(item)) keep(std::move(*object), Source::kCreate);
    });
    return all ? Status() : fail(all.error());
  }

  // ── what the watch tells, on its thread
  void restart() override {
    std::lock_guard lock(mutex_);
    ++epoch_;
  }

  void put(std::string_view json) override {
    auto object = read(json);
    if (!object) return keepLast(json, object.error());
    keep(std::move(*object), Source::kWatch);
  }

  void drop(std::string_view json) override {
    if (const auto meta = api::decodeMeta(json)) drop(*meta);
  }

  void synced() override {
    std::vector<Shared<Object>> gone;
    {
      std::lock_guard lock(mutex_);
      std::erase_if(unreadable_, [this](const auto& each) { return each.second.told != epoch_; });
      gone = objects_.eraseIf([this](const Known& known) { return known.told != epoch_; });
    }
    for (const auto& object : gone) changed_(object, nullptr);
  }

 private:
  using Kind = KubernetesKind<Object>;
  enum class Source { kWatch, kCreate, kUpdate };
  // More changes than these between two looks mean that somebody is at war with us.
  static constexpr int kStatusTries = 3;
  // The watch, and the answer to a create, are behind by no more deletions than this.
  static constexpr std::size_t kDroppedKept = 256;
  using Epoch = std::uint32_t;
  struct Known {
    Epoch told = 0;     // when the watch, or our creation, last told of it
    Epoch written = 0;  // when we last changed it
  };
  struct Unreadable {
    std::uint64_t version = 0;  // the one that was logged
    Epoch told = 0;
  };
  struct Dropped {
    std::string uid;
    std::uint64_t version = 0;  // of its end
    Epoch epoch = 0;
  };

  static kube::Name nameOf(const api::ObjectKey& key) { return {key.space, key.name}; }
  static Status isGone(const api::ObjectKey& key) {
    return fail(ErrorCode::kNotFound,
                std::string(api::nameOf(Object::kKind)) + " " + toString(key) + " is gone");
  }

  static Status isNotAllowed() {
    return fail(ErrorCode::kUnavailable, "not written: the lease may be another's by now");
  }

  [[nodiscard]] Epoch epoch() const {
    std::lock_guard lock(mutex_);
    return epoch_;
  }

  // nullptr unless it is the object of this uid.
  Shared<Object> find(const api::ObjectKey& key, const std::string& uid) const {
    auto current = get(key);
    return current != nullptr && current->meta.uid == uid ? current : nullptr;
  }

  // Asks the server for the object, when the watch is behind. kNotFound: it has gone.
  Status lookUp(const api::ObjectKey& key, const std::string& uid) {
    auto page = client_.list(Kind::kResource, key.space,
                             {.fieldSelector = "metadata.name=" + key.name, .limit = 1});
    if (!page) return fail(std::move(page.error()));
    Status found = isGone(key);
    const auto all = kube::readPage(*page, [&](std::string_view item) {
      auto object = read(item);
      if (!object) {
        found = fail(std::move(object.error()));
      } else if ((*object)->meta.uid == uid) {
        found = Status();
        keep(std::move(*object), Source::kUpdate);
      }
    });
    return all ? found : fail(all.error());
  }

  // Nothing is sent that would change nothing.
  Status applyStatus(const Object& current, const Object& seen, const StatusType& status,
                     bool ifUnchanged) {
    if (status == current.status) return {};
    const kube::Application application = api::applyStatus(seen, status, ifUnchanged);
    const kube::Application applied = api::applyStatus(current, current.status, false);
    if (application.members == applied.members) return {};
    if (!mayWrite_()) return isNotAllowed();
    Status accepted =
        accept(client_.apply(Kind::kResource, nameOf(seen.meta.key), "status", application),
               Source::kUpdate);
    if (!accepted && accepted.error().outcomeUnknown) {
      std::lock_guard lock(mutex_);
      inDoubt_.insert(seen.meta.key);
    }
    return accepted;
  }

  // A status that was sent, and perhaps written, is what the next one must be compared with: what
  // is known here may be older, and a status that equals it would wrongly not be sent.
  Status settle(const api::ObjectKey& key, const std::string& uid) {
    {
      std::lock_guard lock(mutex_);
      if (!inDoubt_.contains(key)) return {};
    }
    if (Status found = lookUp(key, uid); !found) return found;
    std::lock_guard lock(mutex_);
    inDoubt_.erase(key);
    return {};
  }

  void drop(const api::ObjectMeta& meta) {
    Shared<Object> gone;
    {
      std::lock_guard lock(mutex_);
      unreadable_.erase(meta.key);
      inDoubt_.erase(meta.key);
      auto found = objects_.find(meta.key);
      // A successor of the same name may be known already, by its creation.
      if (found.object == nullptr || found.object->meta.uid != meta.uid) return;
      objects_.erase(found);
      gone = std::move(found.object);
      dropped_.push_back({meta.uid, meta.resourceVersion, epoch_});
      if (dropped_.size() > kDroppedKept) dropped_.pop_front();
    }
    changed_(gone, nullptr);
  }

  // The answer to a write is what the object is now.
  Status accept(Result<std::string> answer, Source source) {
    if (!answer) return fail(std::move(answer.error()));
    auto object = read(*answer);
    if (!object) return fail(std::move(object.error()));
    keep(std::move(*object), source);
    return {};
  }

  // What is known already is not read again: most that the watch tells is the echo of our own
  // writes. What an earlier list told is not known well enough (see keep).
  [[nodiscard]] Result<Shared<Object>> read(std::string_view json) {
    return api::decodeChange<Object>(json, [this](const api::ObjectMeta& meta) -> Shared<Object> {
      std::lock_guard lock(mutex_);
      const auto found = objects_.find(meta.key);
      if (found.object == nullptr || found.object->meta.uid != meta.uid) return nullptr;
      const Known& note = found.note();
      return note.told == epoch_ || note.written == epoch_ ? found.object : nullptr;
    });
  }

  // What can't be read has not gone: it counts as what it was when it last could be.
  void keepLast(std::string_view json, const Error& error) {
    if (const auto meta = api::decodeMeta(json)) {
      std::lock_guard lock(mutex_);
      const auto found = objects_.find(meta->key);
      if (found.object != nullptr && found.object->meta.uid == meta->uid) {
        found.note().told = epoch_;
      }
      Unreadable& known = unreadable_[meta->key];
      known.told = epoch_;
      if (std::exchange(known.version, meta->resourceVersion) == meta->resourceVersion) return;
    }
    log_.error("an object can't be used",
               {{"kind", api::nameOf(Object::kKind)}, {"error", error.message}});
  }

  // The higher version counts, but what the watch tells first in an epoch, which is of its list,
  // counts whatever its version. A list is read after restart() and never from what the server has
  // cached of earlier times (no resourceVersion is asked for), so that it lacks nothing but what we
  // have written since; and where the server was restored from a backup, versions have gone back.
  void keep(Shared<Object> object, Source source) {
    Shared<Object> before;
    {
      std::lock_guard lock(mutex_);
      const api::ObjectMeta& meta = object->meta;
      auto place = objects_.find(meta.key);
      before = place.object;
      const bool isKnown = before != nullptr && before->meta.uid == meta.uid;
      // The watch may have told of its end before the answer to our write came.
      if (source == Source::kUpdate && !isKnown) return;
      if (source != Source::kUpdate) unreadable_.erase(meta.key);
      if (!isKnown && hasEnded(meta, source)) return;
      const Known known = before != nullptr ? place.note() : Known{};
      const bool isOfList =
          source == Source::kWatch && known.told != epoch_ && known.written != epoch_;
      const bool isNews =
          isOfList || before == nullptr || before->meta.resourceVersion < meta.resourceVersion;
      if (isNews) objects_.put(place, object);
      if (source != Source::kUpdate) place.note().told = epoch_;
      if (!isNews) return;
      if (source != Source::kWatch) place.note().written = epoch_;
    }
    changed_(before, object);
  }

  // What has gone stays gone, whatever comes late of it; unless a list that began later has it.
  [[nodiscard]] bool hasEnded(const api::ObjectMeta& meta, Source source) const {
    return std::ranges::any_of(dropped_, [&](const Dropped& each) {
      return each.uid == meta.uid && meta.resourceVersion <= each.version &&
             (source != Source::kWatch || each.epoch == epoch_);
    });
  }

  kube::Client& client_;
  telemetry::Logger& log_;
  const MayWrite& mayWrite_;
  const Encode encode_;
  const Listener changed_;
  mutable std::mutex mutex_;  // guards all below
  ObjectTable<Object, Known> objects_;
  Epoch epoch_ = 0;  // counts the lists that began
  std::map<api::ObjectKey, Unreadable> unreadable_;
  std::set<api::ObjectKey> inDoubt_;  // whose last status was perhaps written
  std::deque<Dropped> dropped_;       // the latest last
};

}  // namespace bco::store
