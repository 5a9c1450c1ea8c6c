#include "sandbox/connections.h"

#include <dirent.h>
#include <sys/socket.h>

#include <cstdlib>
#include <memory>

namespace bco::sandbox {
namespace {

bool isConnected(int descriptor) {
  sockaddr_storage peer{};
  socklen_t size = sizeof(peer);
  return ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
         (peer.ss_family == AF_INET || peer.ss_family == AF_INET6);
}

}  // namespace

std::size_t openConnections() {
  struct Closer {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, Closer> directory(::opendir("/proc/self/fd"));
  if (!directory) return 0;
  std::size_t count = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] != '.' && isConnected(std::atoi(entry->d_name))) ++count;
  }
  return count;
}

}  // namespace bco::sandbox
