// Objects of one kind in memory, with the semantics of the Kubernetes API: generation counts
// changes of spec, resourceVersion changes of anything, finalizers hold a deleted object back.
#pragma once

#include <algorithm>
#include <mutex>
#include <string>
#include <variant>

#include "store/object_store.h"
#include "store/object_table.h"

namespace bco::store {

// Thread-safe.
template <class Object>
class MemoryCollection final : public Collection<Object> {
 public:
  using typename Collection<Object>::StatusType;
  using Listener = std::function<void(const Object&)>;

  // `now` gives deletion times; `changed` is called after changes, without the lock, and `touched`,
  // if any, then and after changes of status and finalizers.
  MemoryCollection(std::function<TimePoint()> now, Listener changed, Listener touched = nullptr)
      : now_(std::move(now)), changed_(std::move(changed)), touched_(std::move(touched)) {}

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
    {
      std::lock_guard lock(mutex_);
      auto place = objects_.find(object.meta.key);
      if (place.object != nullptr) {
        return fail(ErrorCode::kAlreadyExists, std::string(api::nameOf(Object::kKind)) + " " +
                                                   toString(object.meta.key) + " exists");
      }
      object.meta.uid = std::to_string(++lastUid_);
      object.meta.generation = 1;
      object.meta.resourceVersion = ++lastVersion_;
      object.meta.deletedAt.reset();
      objects_.put(place, std::make_shared<const Object>(object));
    }
    tell(object, true);
    return {};
  }

  // Changes spec, labels or annotations. kNotFound: it has gone.
  template <class Change>
  [[nodiscard]] Status amend(const api::ObjectKey& key, const std::string& uid, Change change) {
    return update(key, uid, true, [&](Object& object) {
      const auto before = object.spec;
      change(object);
      if (!(object.spec == before)) ++object.meta.generation;
      return true;
    });
  }

  // Creates the object or brings spec, labels and annotations of the one that is there in line,
  // whose status, uid and finalizers stay. No change, no event.
  void apply(const Object& wanted) {
    Shared<Object> current = get(wanted.meta.key);
    if (current == nullptr) {
      if (create(wanted)) return;
      current = get(wanted.meta.key);
      if (current == nullptr) return;
    }
    const Status updated = update(wanted.meta.key, current->meta.uid, true, [&](Object& object) {
      if (object.spec == wanted.spec && object.meta.labels == wanted.meta.labels &&
          object.meta.annotations == wanted.meta.annotations) {
        return false;
      }
      if (!(object.spec == wanted.spec)) ++object.meta.generation;
      object.spec = wanted.spec;
      object.meta.labels = wanted.meta.labels;
      object.meta.annotations = wanted.meta.annotations;
      return true;
    });
    (void)updated;  // gone between the two: whoever removed it has the last word
  }

  [[nodiscard]] Status release(const api::ObjectKey& key, const std::string& uid) override {
    Shared<Object> gone;
    {
      std::lock_guard lock(mutex_);
      const auto found = objects_.find(key);
      if (found.object == nullptr || found.object->meta.uid != uid) return isGone(key);
      gone = found.object;
      objects_.erase(found);
    }
    tell(*gone, true);
    return {};
  }

  [[nodiscard]] Status setStatus(const api::ObjectKey& key, const std::string& uid,
                                 StatusType status) override {
    return update(key, uid, false, [&](Object& object) {
      object.status = std::move(status);
      return true;
    });
  }

  [[nodiscard]] Status updateStatus(const Object& seen, StatusType status) override {
    bool conflict = false;
    Status updated = update(seen.meta.key, seen.meta.uid, false, [&](Object& object) {
      conflict = object.meta.resourceVersion != seen.meta.resourceVersion;
      if (!conflict) object.status = std::move(status);
      return !conflict;
    });
    if (!conflict) return updated;
    return fail(ErrorCode::kConflict, toString(seen.meta.key) + " has changed meanwhile");
  }

  [[nodiscard]] Status setFinalizer(const api::ObjectKey& key, const std::string& uid,
                                    bool present) override {
    return update(key, uid, false, [&](Object& object) {
      if (object.meta.hasFinalizer() == present) return false;
      if (present) {
        object.meta.finalizers.emplace_back(api::kFinalizer);
      } else {
        std::erase(object.meta.finalizers, api::kFinalizer);
      }
      return true;
    });
  }

  [[nodiscard]] Status setLabels(const api::ObjectKey& key, const std::string& uid,
                                 const LabelChanges& changes) override {
    return update(key, uid, true, [&](Object& object) {
      const api::TextMap before = object.meta.labels;
      for (const auto& [name, value] : changes) {
        if (value) {
          object.meta.labels[name] = *value;
        } else {
          object.meta.labels.erase(name);
        }
      }
      return !(object.meta.labels == before);
    });
  }

  [[nodiscard]] Status remove(const api::ObjectKey& key, const std::string& uid) override {
    return update(key, uid, true, [&](Object& object) {
      if (object.meta.deletedAt) return false;
      object.meta.deletedAt = now_();
      return true;
    });
  }

 private:
  static Status isGone(const api::ObjectKey& key) {
    return fail(ErrorCode::kNotFound,
                std::string(api::nameOf(Object::kKind)) + " " + toString(key) + " is gone");
  }

  // Replaces the object by what `change` makes of it, unless it returns false. That an object has
  // gone is always told.
  template <class Change>
  Status update(const api::ObjectKey& key, const std::string& uid, bool notify, Change change) {
    Object object;
    {
      std::lock_guard lock(mutex_);
      auto found = objects_.find(key);
      if (found.object == nullptr || found.object->meta.uid != uid) return isGone(key);
      object = *found.object;
      if (!change(object)) return {};
      object.meta.resourceVersion = ++lastVersion_;
      if (object.meta.deletedAt && object.meta.finalizers.empty()) {
        objects_.erase(found);
        notify = true;
      } else {
        objects_.put(found, std::make_shared<const Object>(object));
      }
    }
    tell(object, notify);
    return {};
  }

  void tell(const Object& object, bool isChanged) const {
    if (isChanged) changed_(object);
    if (touched_) touched_(object);
  }

  const std::function<TimePoint()> now_;
  const Listener changed_;
  const Listener touched_;
  mutable std::mutex mutex_;  // guards all below
  ObjectTable<Object, std::monostate> objects_;
  std::uint64_t lastUid_ = 0;
  std::uint64_t lastVersion_ = 0;
};

}  // namespace bco::store
