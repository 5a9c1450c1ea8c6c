// What happened, line by line, when somebody wants to read it, or to compare it.
#pragma once

#include <cstdio>
#include <functional>
#include <string>

#include "tests/sim/machine.h"

namespace bco::sim {

enum class Tracing { kOff, kHash, kPrint };

class Trace {
 public:
  Trace(const Scheduler& scheduler, Tracing tracing) : scheduler_(scheduler), tracing_(tracing) {}

  [[nodiscard]] bool isOn() const { return tracing_ != Tracing::kOff; }
  void say(const std::string& line) {
    if (!isOn()) return;
    const std::string text = formatRfc3339(kEpoch + scheduler_.now()) + " " + line + "\n";
    hash_ = hash_ * 0x100000001b3ULL ^ std::hash<std::string>{}(text);
    if (tracing_ == Tracing::kPrint) std::fwrite(text.data(), 1, text.size(), stdout);
  }
  // Of all that was said.
  [[nodiscard]] std::size_t hash() const { return hash_; }

 private:
  const Scheduler& scheduler_;
  const Tracing tracing_;
  std::size_t hash_ = 0;
};

}  // namespace bco::sim
