// The lines of a watch: one JSON text each, as long as the server likes, cut anywhere by the
// network.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace bco::kube {

// Puts pieces together and cuts them at line breaks, in memory that never exceeds the longest line
// and one piece. One thread at a time.
class LineSplitter {
 public:
  // etcd takes objects of 1.5 MB, which escapes may blow up.
  static constexpr std::size_t kLongestLine = 4U << 20;

  explicit LineSplitter(std::size_t longestLine = kLongestLine) : longestLine_(longestLine) {}

  // Calls `onLine` for each line that `piece` completes, without its break, padded (kJsonPadding)
  // and valid for the call; empty ones are left out. False from it ends: false is returned then,
  // and the rest is not looked at. kInternal: a line is too long. After either, feed() no more.
  [[nodiscard]] Result<bool> feed(std::string_view piece,
                                  const std::function<bool(std::string_view line)>& onLine);

 private:
  const std::size_t longestLine_;
  std::string buffer_;        // begins with a line
  std::size_t searched_ = 0;  // of the buffer: no line break in it
};

}  // namespace bco::kube
