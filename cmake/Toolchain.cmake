# Language level, warnings, hardening, sanitizers and where executables go: the same for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# Files of one target are compiled several at a time: their headers, the libraries' above all, are what takes
# time (docs/decisions/0006). 0 compiles each file alone, which is quicker after a change in a single one.
set(BATCH 8 CACHE STRING "How many files of a target are compiled as one unit")
if(BATCH GREATER 1)
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE ${BATCH})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)

set(SANITIZE "" CACHE STRING "Sanitizers to build with: empty, 'address,undefined' or 'thread'")
if(SANITIZE)
  add_compile_options(-fsanitize=${SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SANITIZE})
  # What sanitizers add confuses it (GCC 12 takes the standard library's stop_source for uninitialized); the
  # release build has the warning.
  add_compile_options(-Wno-maybe-uninitialized)
  if(SANITIZE STREQUAL "thread")
    # asio's fences are not understood; what they order here is ordered by locks as well.
    add_compile_options(-Wno-tsan)
  endif()
else()
  # The hardening that Debian builds its own packages with.
  add_compile_options(-fstack-protector-strong)
  add_compile_definitions($<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
  add_link_options(-Wl,-z,relro,-z,now -pie)
endif()
