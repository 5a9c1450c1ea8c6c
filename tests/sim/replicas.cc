#include "tests/sim/replicas.h"

namespace bco::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kRenewDeadline = seconds(40);
constexpr Duration kLeaseDuration = seconds(60);

}  // namespace

void Replicas::start() {
  begin(0);
  if (parts_.scenario.leadership == Leadership::kBoth) begin(1);
  plan(parts_.scenario.crashes, &Replicas::crash);
  plan(parts_.scenario.freezes, &Replicas::freeze);
  if (isElected()) plan(2 * parts_.scenario.freezes, &Replicas::cutOff);
  if (parts_.scenario.skews) plan(2 * parts_.scenario.crashes, &Replicas::changeClock);
}

void Replicas::plan(Duration mean, void (Replicas::*happening)()) {
  if (mean <= Duration(0)) return;
  parts_.scheduler.after(parts_.dice.upTo(2 * mean), [this, mean, happening] {
    if (settled_) return;
    (this->*happening)();
    plan(mean, happening);
  });
}

bool Replicas::mayWrite(std::size_t index, int life) const {
  if (!isElected()) return true;
  const Slot& slot = slots_[index];
  if (!slot.leads || slot.process == nullptr || slot.process->life() != life) return false;
  const Duration renewed = slot.cutOffAt.value_or(parts_.scheduler.now());
  return parts_.scheduler.now() + kAttemptDeadline < renewed + kRenewDeadline;
}

void Replicas::begin(std::size_t index) {
  Slot& slot = slots_[index];
  if (slot.process != nullptr || (settled_ && slots_[1 - index].process != nullptr)) return;
  const int life = ++lives_;
  slot.leads = true;
  slot.cutOffAt.reset();
  slot.process = std::make_unique<Operator>(parts_, life, slot.skew,
                                            [this, index, life] { return mayWrite(index, life); });
}

void Replicas::end(std::size_t index) {
  Slot& slot = slots_[index];
  if (slot.process != nullptr && parts_.trace.isOn()) {
    parts_.trace.say(std::to_string(slot.process->life()) + " dies");
  }
  slot.process.reset();
  slot.leads = false;
}

void Replicas::endGently(std::size_t index, std::function<void()> then) {
  Slot& slot = slots_[index];
  if (slot.process == nullptr) return;
  if (slot.process->hasEnded()) {
    end(index);
    then();
    return;
  }
  parts_.scheduler.after(seconds(1), [this, index, life = slot.process->life(), then] {
    if (slots_[index].process != nullptr && slots_[index].process->life() == life) {
      endGently(index, then);
    }
  });
}

std::size_t Replicas::anySlot() {
  if (slots_[1].process == nullptr) return 0;
  if (slots_[0].process == nullptr) return 1;
  return parts_.dice.below(2);
}

// The other replica, or one that has been started instead of it.
void Replicas::takeOver(std::size_t from, Duration after) {
  parts_.scheduler.after(after, [this, from] {
    const auto leads = [](const Slot& slot) { return slot.leads && !slot.cutOffAt; };
    if (leads(slots_[0]) || leads(slots_[1])) return;
    if (slots_[1 - from].process == nullptr) {
      begin(1 - from);
    } else if (slots_[from].process == nullptr) {
      begin(from);
    } else {
      takeOver(from, seconds(10));
    }
  });
}

void Replicas::crash() {
  const std::size_t index = anySlot();
  Slot& slot = slots_[index];
  if (slot.process == nullptr) return;
  ++parts_.statistics.crashes;
  const bool gently = parts_.dice.chance(0.3) && !slot.process->machine().isFrozen();
  const Duration pause =
      isElected() ? (gently ? Duration(seconds(2)) : kLeaseDuration + parts_.dice.upTo(seconds(5)))
                  : Duration(1000) + parts_.dice.upTo(minutes(10));
  const auto next = [this, index, pause, leads = slot.leads] {
    if (!isElected()) {
      parts_.scheduler.after(pause, [this, index] { begin(index); });
    } else if (leads) {
      takeOver(index, pause);
    }
  };
  if (gently) {
    slot.process->stop();
    endGently(index, next);
  } else {
    end(index);
    next();
  }
}

// As a virtual machine that is moved, or suspended.
void Replicas::freeze() {
  const std::size_t index = anySlot();
  Slot& slot = slots_[index];
  if (slot.process == nullptr) return;
  if (isElected() && parts_.dice.chance(0.5)) {
    // At the worst moment: a write has been decided on and not been sent.
    slot.process->link().beforeWrite = [this, index] { freezeNow(index); };
  } else {
    freezeNow(index);
  }
}

void Replicas::freezeNow(std::size_t index) {
  Slot& slot = slots_[index];
  if (settled_) return;
  // Somebody is there at all times.
  for (const Slot& each : slots_) {
    if (each.process != nullptr && each.process->machine().isFrozen()) return;
  }
  // Without a lease nothing but the hour of DESIGN stands between a frozen process and the others.
  const Duration longest = isElected() && parts_.dice.chance(0.7)
                               ? parts_.scenario.fleet.spec.keys.lifetime
                               : Duration(minutes(5));
  const Duration duration = parts_.dice.upTo(longest);
  if (parts_.trace.isOn()) {
    parts_.trace.say(std::to_string(slot.process->life()) + " freezes for " +
                     formatDuration(duration));
  }
  slot.process->machine().freeze(duration);
  if (!isElected() || !slot.leads) return;
  slot.cutOffAt = parts_.scheduler.now();
  const int life = slot.process->life();
  const bool isLost = duration > kLeaseDuration;
  if (isLost) takeOver(index, kLeaseDuration + parts_.dice.upTo(seconds(5)));
  // When it goes on it learns after a moment whether it still leads.
  parts_.scheduler.after(duration + parts_.dice.upTo(seconds(5)), [this, index, life, isLost] {
    Slot& thawed = slots_[index];
    if (thawed.process == nullptr || thawed.process->life() != life) return;
    if (!isLost) {
      thawed.cutOffAt.reset();
      return;
    }
    thawed.process->stop();
    endGently(index, [] {});
  });
}

// The leader can't renew its lease, but reaches the clouds.
void Replicas::cutOff() {
  for (std::size_t index = 0; index < slots_.size(); ++index) {
    Slot& slot = slots_[index];
    if (slot.process == nullptr || !slot.leads || slot.cutOffAt) continue;
    slot.cutOffAt = parts_.scheduler.now();
    const int life = slot.process->life();
    takeOver(index, kLeaseDuration + parts_.dice.upTo(seconds(5)));
    parts_.scheduler.after(kRenewDeadline, [this, index, life] {
      Slot& cut = slots_[index];
      if (cut.process == nullptr || cut.process->life() != life) return;
      cut.process->stop();
      endGently(index, [] {});
    });
    return;
  }
}

// Mostly by less than what expiry allows for; now and then by hours, for a while.
void Replicas::changeClock() {
  const std::size_t index = parts_.dice.below(2);
  const Duration most = parts_.dice.chance(0.6) ? Duration(minutes(9)) : Duration(minutes(60 * 30));
  slots_[index].skew = parts_.dice.upTo(2 * most) - most;
  if (slots_[index].process != nullptr) {
    slots_[index].process->machine().setSkew(slots_[index].skew);
  }
  parts_.scheduler.after(parts_.dice.upTo(parts_.scenario.timeToRotate / 4), [this, index] {
    slots_[index].skew = Duration(0);
    if (slots_[index].process != nullptr) {
      slots_[index].process->machine().setSkew(Duration(0));
    }
  });
}

void Replicas::settle() {
  settled_ = true;
  if (!isElected()) end(1);
  for (std::size_t index = 0; index < slots_.size(); ++index) {
    Slot& slot = slots_[index];
    slot.skew = Duration(0);
    if (slot.process == nullptr) continue;
    slot.process->machine().setSkew(Duration(0));
    // Nobody would want to wait until it goes on.
    if (slot.process->machine().isFrozen()) end(index);
  }
  const bool anyLeads = slots_[0].leads || slots_[1].leads;
  if (!anyLeads)
    parts_.scheduler.after(kLeaseDuration, [this] {
      if (!slots_[0].leads && !slots_[1].leads) begin(0);
    });
}

}  // namespace bco::sim
