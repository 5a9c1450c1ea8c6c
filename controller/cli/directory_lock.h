// One writer for one set of files.
#pragma once

#include <filesystem>

#include "core/result.h"

namespace bco::cli {

// Holds an exclusive advisory lock on a file or directory, which needs no right to write there.
class DirectoryLock {
 public:
  // kConflict: another process holds it.
  [[nodiscard]] static Result<DirectoryLock> acquire(const std::filesystem::path& path);
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace bco::cli
