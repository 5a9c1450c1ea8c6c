// Looks for leaks when main has returned, before anything else has ended: the HTTP library's thread ends after OpenSSL and asio
// have cleaned up, so that what they keep for each thread would count as lost at exit. Stacks need not be whole to tell that
// apart, as they must where it is suppressed by name, which took two thirds of a test's time.
// Linked with --wrap=main; see LeakCheck.cmake.

#include <sanitizer/lsan_interface.h>

// The names are the linker's.
extern "C" int __real_main(int argc, char** argv);

extern "C" int __wrap_main(int argc, char** argv) {
  const int code = __real_main(argc, argv);
  __lsan_do_leak_check();
  return code;
}
