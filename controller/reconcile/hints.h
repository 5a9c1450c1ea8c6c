// What the last snapshot of a registry says of a registration. Hints choose the order of calls;
// they never justify a write.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/time.h"

namespace bco {

enum class Hint { kUnknown, kAbsent, kPresent };

// Thread-safe.
class RegistrationHints {
 public:
  [[nodiscard]] Hint of(const std::string& id) const;
  // A complete list, as it was at `takenAt`. What was noted since stays.
  void replace(std::vector<std::string> presentIds, TimePoint takenAt);
  // What a call of ours has just shown, or left open.
  void note(const std::string& id, Hint hint, TimePoint at);

 private:
  struct Noted {
    Hint hint;
    TimePoint at;
  };
  mutable std::mutex mutex_;  // guards all below
  bool complete_ = false;     // ids that are not listed are absent
  std::unordered_map<std::string, Noted> noted_;
};

}  // namespace bco
