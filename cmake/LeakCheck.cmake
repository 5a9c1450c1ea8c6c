# bco_check_leaks(TARGET): under ASan the program looks for leaks as soon as its main has returned.
function(bco_check_leaks target)
  if(SANITIZE MATCHES "address")
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/leak_check.cc)
    target_link_options(${target} PRIVATE -Wl,--wrap=main)
  endif()
endfunction()
