// A harness with a defect, on which the driver is tested: it dies of a number above 99 behind "n=".
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.starts_with("n=") &&
      std::strtol(std::string(text.substr(2)).c_str(), nullptr, 10) > 99) {
    std::abort();
  }
  return 0;
}
