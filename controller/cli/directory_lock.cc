#include "cli/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <system_error>

namespace bco::cli {
namespace {

Result<std::set<std::filesystem::path>> directoriesOf(
    const std::vector<std::filesystem::path>& paths) {
  std::set<std::filesystem::path> directories;  // several paths may lead to one
  for (const auto& path : paths) {
    std::error_code error;
    auto whole = std::filesystem::canonical(path, error);
    if (error) return fail(ErrorCode::kInvalid, path.string() + ": " + error.message());
    const bool isDirectory = std::filesystem::is_directory(whole, error);
    directories.insert(isDirectory ? std::move(whole) : whole.parent_path());
  }
  return directories;
}

}  // namespace

Result<DirectoryLock> DirectoryLock::acquire(const std::vector<std::filesystem::path>& paths) {
  const auto directories = directoriesOf(paths);
  if (!directories) return fail(directories.error());
  DirectoryLock lock;
  for (const auto& directory : *directories) {
    const int descriptor = ::open(directory.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
      return fail(ErrorCode::kInvalid, directory.string() + ": " + std::strerror(errno));
    }
    lock.descriptors_.push_back(descriptor);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) continue;
    if (errno == EWOULDBLOCK) {
      return fail(ErrorCode::kConflict,
                  directory.string() +
                      ": another process is syncing files of this directory; stop it first, or "
                      "give each a directory of its own");
    }
    return fail(ErrorCode::kInvalid,
                directory.string() + ": can't be locked: " + std::strerror(errno));
  }
  return lock;
}

DirectoryLock::~DirectoryLock() {
  for (const int descriptor : descriptors_) ::close(descriptor);
}

}  // namespace bco::cli
