#include "core/device_uuid.h"

#include <algorithm>

#include "core/text.h"

namespace bco {

std::optional<DeviceUuid> DeviceUuid::parse(std::string_view text) {
  if (!isDeviceUuid(text)) return std::nullopt;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  DeviceUuid uuid;
  uuid.size_ = static_cast<std::uint8_t>(text.size() / 2);
  for (std::size_t i = 0; i < uuid.size_; ++i) {
    uuid.bytes_[i] = static_cast<std::uint8_t>(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
  }
  return uuid;
}

std::string DeviceUuid::text() const { return toHex({bytes_.data(), size_}); }

}  // namespace bco
