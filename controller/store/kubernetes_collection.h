// Objects of one kind in the Kubernetes API: a cache that a watch fills, and
// writes that go to the server.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "kube/client.h"
#include "kube/watcher.h"
#include "store/kubernetes_kind.h"
#include "store/object_store.h"
#include "telemetry/log.h"

namespace bco::store {

// Asked before an object is changed: what a leader of the past has found out is old.
using MayWrite = std::function<bool()>;

// Thread-safe. What a write answers is in the cache when the write returns;
// what the watch tells later of the same or an older version is dropped, so
// that nobody is woken by his own write.
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
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second.object;
  }

  [[nodiscard]] std::vector<Shared<Object>> list() const override {
    std::lock_guard lock(mutex_);
    std::vector<Shared<Object>> all;
    all.reserve(objects_.size());
    for (const auto& [key, entry] : objects_) all.push_back(entry.object);
    return all;
  }

  [[nodiscard]] Status create(Object object) override {
    return accept(
        client_.create(Kind::kResource, object.meta.key.space, SecretBytes::take(encode_(object))),
        Source::kCreate);
  }

  [[nodiscard]] Status setStatus(const api::ObjectKey& key, const std::string& uid,
                                 StatusType status) override {
    const auto current = find(key, uid);
    if (current == nullptr) return isGone(key);
    return applyStatus(*current, *current, status, false);
  }

  [[nodiscard]] Status updateStatus(const Object& seen, StatusType status) override {
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
    if (answer && !present) {
      const auto meta = api::decodeMeta(*answer);
      if (!meta) return fail(meta.error());
      if (meta->hasFinalizer()) {
        answer = client_.mergePatch(Kind::kResource, nameOf(key), "",
                                    SecretBytes::take(api::withoutFinalizer(*meta)));
      }
    }
    if (answer && current->meta.deletedAt) {
      // Nothing kept it any more: the answer shows it for the last time.
      const auto meta = api::decodeMeta(*answer);
      if (meta && meta->finalizers.empty()) {
        drop(*answer);
        return {};
      }
    }
    return accept(std::move(answer), Source::kUpdate);
  }

  [[nodiscard]] Status remove(const api::ObjectKey& key, const std::string& uid) override {
    if (!mayWrite_()) return isNotAllowed();
    return client_.remove(Kind::kResource, nameOf(key), kube::Precondition{.uid = uid});
  }

  [[nodiscard]] Status release(const api::ObjectKey& key, const std::string& uid) override {
    if (Status let = setFinalizer(key, uid, false); !let) return let;
    return remove(key, uid);
  }

  // ── what the watch tells, on its thread
  void restart() override {
    std::lock_guard lock(mutex_);
    ++epoch_;
  }

  void put(std::string_view json) override {
    auto object = Kind::decode(json);
    if (!object) {
      // The schema let it through, and we can't read it: treated as if it were
      // not there.
      log_.error("an object can't be used",
                 {{"kind", api::nameOf(Object::kKind)}, {"error", object.error().message}});
      drop(json);
      return;
    }
    keep(std::make_shared<const Object>(std::move(*object)), Source::kWatch);
  }

  void drop(std::string_view json) override {
    const auto meta = api::decodeMeta(json);
    if (!meta) return;
    Shared<Object> gone;
    {
      std::lock_guard lock(mutex_);
      const auto found = objects_.find(meta->key);
      // A successor of the same name may be known already, by its creation.
      if (found == objects_.end() || found->second.object->meta.uid != meta->uid) return;
      gone = std::move(found->second.object);
      objects_.erase(found);
      dropped_.push_back(meta->uid);
      if (dropped_.size() > kDroppedKept) dropped_.pop_front();
    }
    changed_(gone, nullptr);
  }

  void synced() override {
    std::vector<Shared<Object>> gone;
    {
      std::lock_guard lock(mutex_);
      for (auto each = objects_.begin(); each != objects_.end();) {
        if (each->second.epoch == epoch_) {
          ++each;
          continue;
        }
        gone.push_back(std::move(each->second.object));
        each = objects_.erase(each);
      }
    }
    for (const auto& object : gone) changed_(object, nullptr);
  }

 private:
  using Kind = KubernetesKind<Object>;
  enum class Source { kWatch, kCreate, kUpdate };
  // The watch, and the answer to a create, are behind by no more deletions than this.
  static constexpr std::size_t kDroppedKept = 256;
  struct Entry {
    Shared<Object> object;
    std::uint64_t epoch = 0;  // of the last list that held it
  };

  static kube::Name nameOf(const api::ObjectKey& key) { return {key.space, key.name}; }
  static Status isGone(const api::ObjectKey& key) {
    return fail(ErrorCode::kNotFound,
                std::string(api::nameOf(Object::kKind)) + " " + toString(key) + " is gone");
  }

  static Status isNotAllowed() {
    return fail(ErrorCode::kUnavailable, "not written: the lease may be another's by now");
  }

  // nullptr unless it is the object of this uid.
  Shared<Object> find(const api::ObjectKey& key, const std::string& uid) const {
    auto current = get(key);
    return current != nullptr && current->meta.uid == uid ? current : nullptr;
  }

  // Nothing is sent that would change nothing.
  Status applyStatus(const Object& current, const Object& seen, const StatusType& status,
                     bool ifUnchanged) {
    const kube::Application application = api::applyStatus(seen, status, ifUnchanged);
    const kube::Application applied = api::applyStatus(current, current.status, false);
    if (application.members == applied.members) return {};
    if (!mayWrite_()) return isNotAllowed();
    return accept(client_.apply(Kind::kResource, nameOf(seen.meta.key), "status", application),
                  Source::kUpdate);
  }

  // The answer to a write is what the object is now.
  Status accept(Result<std::string> answer, Source source) {
    if (!answer) return fail(std::move(answer.error()));
    auto object = Kind::decode(*answer);
    if (!object) return fail(std::move(object.error()));
    keep(std::make_shared<const Object>(std::move(*object)), source);
    return {};
  }

  void keep(Shared<Object> object, Source source) {
    Shared<Object> before;
    {
      std::lock_guard lock(mutex_);
      const auto found = objects_.find(object->meta.key);
      const bool isKnown =
          found != objects_.end() && found->second.object->meta.uid == object->meta.uid;
      // The watch may have told of its end before the answer to our write came.
      if (source == Source::kUpdate && !isKnown) return;
      // What has gone stays gone, whatever comes late of it.
      if (!isKnown && std::ranges::find(dropped_, object->meta.uid) != dropped_.end()) return;
      Entry& entry = objects_[object->meta.key];
      if (source != Source::kUpdate) entry.epoch = epoch_;
      if (isKnown && entry.object->meta.resourceVersion >= object->meta.resourceVersion) return;
      before = std::exchange(entry.object, object);
    }
    changed_(before, object);
  }

  kube::Client& client_;
  telemetry::Logger& log_;
  const MayWrite& mayWrite_;
  const Encode encode_;
  const Listener changed_;
  mutable std::mutex mutex_;  // guards all below
  std::map<api::ObjectKey, Entry> objects_;
  std::uint64_t epoch_ = 0;
  std::deque<std::string> dropped_;  // uids, the latest last
};

}  // namespace bco::store
