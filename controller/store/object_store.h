// Where the desired objects live: the Kubernetes API, or memory filled from files. The seam between
// the engine and its mode.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/device.h"
#include "api/fleet.h"
#include "api/registry.h"
#include "core/result.h"
#include "core/secret.h"
#include "store/demand.h"
#include "store/object_list.h"

namespace bco::store {

// Labels to set, and to remove (nullopt), by name; others stay.
using LabelChanges = std::map<std::string, std::optional<std::string>>;

// The objects of one kind. Thread-safe; what is returned is a snapshot that never changes.
template <class Object>
class Collection {
 public:
  using StatusType = decltype(Object::status);

  virtual ~Collection() = default;

  // nullptr when there is none.
  [[nodiscard]] virtual Shared<Object> get(const api::ObjectKey& key) const = 0;
  [[nodiscard]] virtual ObjectList<Object> list() const = 0;
  // kAlreadyExists: an object of that name is there.
  [[nodiscard]] virtual Status create(Object object) = 0;
  // The following address an object by its uid too, so that a successor of the same name is left
  // alone: kNotFound then. None of them changes spec or generation.
  [[nodiscard]] virtual Status setStatus(const api::ObjectKey& key, const std::string& uid,
                                         StatusType status) = 0;
  [[nodiscard]] virtual Status setFinalizer(const api::ObjectKey& key, const std::string& uid,
                                            bool present) = 0;
  // kConflict: somebody has changed the object meanwhile.
  [[nodiscard]] virtual Status setLabels(const api::ObjectKey& key, const std::string& uid,
                                         const LabelChanges& changes) = 0;
  // As setStatus, unless anybody has changed the object since it was `seen`: kConflict then.
  [[nodiscard]] virtual Status updateStatus(const Object& seen, StatusType status) = 0;
  // With finalizers it is marked as being deleted and goes when the last finalizer does.
  [[nodiscard]] virtual Status remove(const api::ObjectKey& key, const std::string& uid) = 0;
  // Takes it away at once, whatever its finalizers: it is no longer desired, which is not the same
  // as desired to be gone, and changes nothing in the clouds.
  [[nodiscard]] virtual Status release(const api::ObjectKey& key, const std::string& uid) = 0;
};

struct Change {
  api::ObjectKind kind;
  api::ObjectKey key;
  std::string uuid;  // of a device; its object may be gone already
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  [[nodiscard]] virtual Collection<api::ClearBladeRegistry>& registries() = 0;
  [[nodiscard]] virtual Collection<api::BalenaFleet>& fleets() = 0;
  [[nodiscard]] virtual Collection<api::BalenaDevice>& devices() = 0;

  // Every object that desires this device, in order of namespace and name.
  [[nodiscard]] virtual std::vector<Shared<api::BalenaDevice>> devicesByUuid(
      const std::string& uuid) const = 0;
  [[nodiscard]] virtual ObjectList<api::BalenaDevice> devicesOfFleet(
      const api::ObjectKey& fleet) const = 0;

  // kNotFound when the Secret or its key is not there.
  [[nodiscard]] virtual Result<SecretBytes> secret(const std::string& space,
                                                   const api::SecretKeyRef& ref) const = 0;

  // The same, or where there is no such Secret and the store can make one: makes it with `value`.
  // Returns what is stored, which is somebody else's value if he was first. kInvalid: the Secret is
  // there, but not its key.
  [[nodiscard]] virtual Result<SecretBytes> secretOrCreate(const std::string& space,
                                                           const api::SecretKeyRef& ref,
                                                           const SecretBytes& value) = 0;

  // What follows is on the word of somebody outside, not by what a leader has found out: any
  // replica may do it. May block on the API server.
  //
  // Asks for what may have been told too lately for devicesByUuid() to know of it: before a device
  // counts as one that no object names. Nothing to do where all is known at once.
  [[nodiscard]] virtual Status lookAgain(const std::string& /*uuid*/) { return {}; }
  // Makes `seen`, as it is now, meet the demand. kNotFound: it has gone.
  [[nodiscard]] virtual Status demand(const api::BalenaDevice& seen, const Demand& demand) = 0;
  // Adds a device. kAlreadyExists: an object of that name is there.
  [[nodiscard]] virtual Status enrol(api::BalenaDevice device) = 0;

  // `listener` is called after every change of a device's object, of its status too, with its UUID.
  // As onChange()'s.
  virtual void onDeviceTouched(std::function<void(const std::string& uuid)> listener) = 0;

  // `listener` is called after every change of spec, labels, annotations or existence, and when an
  // object is marked as being deleted; not of status or finalizers, which only we change. On the
  // changing thread, without a lock held; it must live as long as objects change.
  virtual void onChange(std::function<void(const Change&)> listener) = 0;
};

}  // namespace bco::store
