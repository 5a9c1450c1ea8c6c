// A UUID of balena's as its bytes: a third of what its text takes.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace bco {

// For what is held by the ten thousand; elsewhere a UUID is its text.
class DeviceUuid {
 public:
  // nullopt for what isDeviceUuid() refuses.
  [[nodiscard]] static std::optional<DeviceUuid> parse(std::string_view text);
  [[nodiscard]] std::string text() const;

  friend auto operator<=>(const DeviceUuid&, const DeviceUuid&) = default;

 private:
  friend struct std::hash<DeviceUuid>;
  static constexpr std::size_t kMaxBytes = 31;

  std::array<std::uint8_t, kMaxBytes> bytes_{};  // zeros behind the last
  std::uint8_t size_ = 0;
};

}  // namespace bco

template <>
struct std::hash<bco::DeviceUuid> {
  std::size_t operator()(const bco::DeviceUuid& uuid) const {
    return std::hash<std::string_view>()(
        {reinterpret_cast<const char*>(uuid.bytes_.data()), uuid.size_});
  }
};
