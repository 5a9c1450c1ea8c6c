// The Kubernetes API server as it is: objects, Secrets, and who watches them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "store/memory_collection.h"
#include "tests/sim/machine.h"

namespace bco::sim {

using store::Shared;

// Told of every change of an object: `now` is nullptr when it has gone.
template <class Object>
class Watch {
 public:
  virtual ~Watch() = default;
  virtual void changed(const api::ObjectKey& key, const Shared<Object>& before,
                       const Shared<Object>& now) = 0;
};

template <class Object>
class Served {
 public:
  explicit Served(std::function<TimePoint()> now)
      : objects_(std::move(now), [](const Object&) {}) {}

  [[nodiscard]] Shared<Object> get(const api::ObjectKey& key) const { return objects_.get(key); }
  [[nodiscard]] store::ObjectList<Object> list() const { return objects_.list(); }

  // `op` gets the collection; whoever watches is told of what it makes of the object.
  template <class Op>
  auto change(const api::ObjectKey& key, Op op) {
    const Shared<Object> before = objects_.get(key);
    auto result = op(objects_);
    const Shared<Object> now = objects_.get(key);
    if (before != now) {
      if (before == nullptr || now == nullptr || !isSameToUsers(*before, *now)) ++version_;
      for (Watch<Object>* watch : watches_) watch->changed(key, before, now);
    }
    return result;
  }
  // Brings spec, labels and annotations in line, as somebody's kubectl apply.
  void apply(const Object& wanted) {
    change(wanted.meta.key, [&](auto& objects) { return objects.apply(wanted), 0; });
  }

  // Changes with every change but those of a status.
  [[nodiscard]] std::uint64_t version() const { return version_; }

  void add(Watch<Object>* watch) { watches_.push_back(watch); }
  void remove(Watch<Object>* watch) { std::erase(watches_, watch); }

 private:
  static bool isSameToUsers(const Object& a, const Object& b) {
    return a.meta.uid == b.meta.uid && a.meta.generation == b.meta.generation &&
           a.meta.deletedAt.has_value() == b.meta.deletedAt.has_value() &&
           a.meta.labels == b.meta.labels;
  }

  store::MemoryCollection<Object> objects_;
  std::vector<Watch<Object>*> watches_;
  std::uint64_t version_ = 0;
};

struct Cluster {
  explicit Cluster(Scheduler& scheduler)
      : registries([&scheduler] { return kEpoch + scheduler.now(); }),
        fleets([&scheduler] { return kEpoch + scheduler.now(); }),
        devices([&scheduler] { return kEpoch + scheduler.now(); }) {}

  Served<api::ClearBladeRegistry> registries;
  Served<api::BalenaFleet> fleets;
  Served<api::BalenaDevice> devices;

  [[nodiscard]] const std::map<std::string, std::string>& secrets() const { return secrets_; }
  // `name`: "name/key". Whatever there was of that name is overwritten.
  void putSecret(const std::string& name, std::string value) {
    if (secretPut) secretPut(value);
    secrets_[name] = std::move(value);
  }
  void removeSecret(const std::string& name) { secrets_.erase(name); }
  // Told of each value.
  std::function<void(const std::string&)> secretPut;

 private:
  std::map<std::string, std::string> secrets_;
};

}  // namespace bco::sim
