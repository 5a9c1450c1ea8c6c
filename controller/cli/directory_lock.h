// One writer for one set of files.
#pragma once

#include <filesystem>
#include <vector>

#include "core/result.h"

namespace bco::cli {

// Holds exclusive advisory locks on directories, which needs no right to write there.
class DirectoryLock {
 public:
  // Locks the directories among `paths` and those that hold the files among them. kConflict:
  // another process holds one; kInvalid: there is no such path.
  [[nodiscard]] static Result<DirectoryLock> acquire(
      const std::vector<std::filesystem::path>& paths);
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept = default;
  DirectoryLock& operator=(DirectoryLock&&) = delete;

 private:
  DirectoryLock() = default;
  std::vector<int> descriptors_;
};

}  // namespace bco::cli
