// What the object store would not write: a missing right, a quota, a webhook, a server that is
// away. None of it may be lost in silence.
#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "reconcile/device_reconciler.h"

namespace bco {

// Not that the object has gone or changed meanwhile: the next look sees that.
[[nodiscard]] bool isRefusal(const Error& error);

// Of one go over one fleet.
class RefusedWrites {
 public:
  // Takes note of how a write has ended; true when it was done.
  bool note(const Status& written);

  // What follows is another kind of write, which may be accepted.
  void goOn() { inARow_ = 0; }

  // So many in a row that the others of that kind would fare no better.
  [[nodiscard]] bool isHopeless() const { return inARow_ >= kHopeless; }
  // The first refusal, and how many more there were; nullopt: none.
  [[nodiscard]] std::optional<Error> error() const;

 private:
  static constexpr int kHopeless = 10;

  std::optional<Error> first_;
  int count_ = 0;
  int inARow_ = 0;
};

// Of what no status can tell, above all that a status can't be written: an error in the log and an
// event of the object, once until it succeeds. Thread-safe.
class UntoldWrites {
 public:
  explicit UntoldWrites(const Context& context) : context_(context) {}

  // Takes note of how a write to this object has ended; true when it was done.
  bool note(api::ObjectKind kind, const api::ObjectMeta& object, const Status& written);

 private:
  const Context& context_;
  std::mutex mutex_;  // guards told_
  std::set<std::pair<api::ObjectKind, api::ObjectKey>> told_;
};

}  // namespace bco
