#include "core/memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace bco {
namespace {

// glibc's own before it adapts, which it does only upwards.
constexpr int kLargeBlock = 128 * 1024;

// Those that can be written may have been, by relocations too: they stay.
int returnReadOnlyPages(dl_phdr_info* object, std::size_t, void*) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    const std::uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    ::madvise(reinterpret_cast<void*>(begin),  // NOLINT(performance-no-int-to-ptr)
              end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void returnLargeBlocksAtOnce() {
  ::mallopt(M_MMAP_THRESHOLD, kLargeBlock);
  ::mallopt(M_TRIM_THRESHOLD, kLargeBlock);
}

void returnFreeMemory() { ::malloc_trim(0); }

void returnStartupPages() { ::dl_iterate_phdr(returnReadOnlyPages, nullptr); }

}  // namespace bco
