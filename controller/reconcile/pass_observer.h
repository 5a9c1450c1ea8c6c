// What the reconcilers tell of their passes and sweeps, for measuring.
#pragma once

#include <optional>
#include <string_view>

#include "api/device.h"
#include "core/time.h"
#include "plan/reason.h"
#include "reconcile/report.h"

namespace bco {

// What a pass that writes is about.
enum class Operation { kProvision, kAdopt, kRotate, kExtend, kHeal, kRemove };
inline constexpr std::size_t kOperations = 6;
[[nodiscard]] std::string_view nameOf(Operation operation);  // "provision"

enum class PassOutcome {
  kSucceeded,
  kFailed,
  kRepeated,  // the world had changed, or the budget's turn had not come: no failure
};
inline constexpr std::size_t kPassOutcomes = 3;
[[nodiscard]] std::string_view nameOf(PassOutcome outcome);  // "succeeded"

// What a plan is about; nullopt when it writes nothing, or nothing but our own notes.
[[nodiscard]] std::optional<Operation> operationOf(const Plan& plan);

// One call of DeviceReconciler::reconcile().
struct PassReport {
  struct Work {
    Operation operation;
    PassOutcome outcome;
  };
  api::ObjectKey fleet;
  Duration took{};
  bool failed = false;
  bool comesAgain = false;
  std::optional<Work> work = std::nullopt;
  // A conflict that the object's status did not show before.
  std::optional<Reason> conflict = std::nullopt;
};

// Notes how `pass` over `object`, whose status is that of before, has ended. Pure.
void note(PassReport& report, const Pass& pass, const api::BalenaDevice& object);

// One sweep of a fleet.
struct SweepReport {
  struct Snapshots {
    TimePoint balena;
    TimePoint registry;
  };
  api::ObjectKey fleet;
  Duration took{};
  std::optional<Snapshots> snapshots;  // when they were taken; nullopt: the sweep failed
};

// Thread-safe; must not block.
class PassObserver {
 public:
  virtual ~PassObserver() = default;
  virtual void onPass(const PassReport& report) = 0;
  virtual void onSweep(const SweepReport& report) = 0;
};

}  // namespace bco
