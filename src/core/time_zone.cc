#include "core/time_zone.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "core/text.h"

namespace bco {
namespace {

constexpr std::size_t kHeaderSize = 44;
constexpr std::size_t kLargestFile = 1 << 20;

std::int64_t bigEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  if (bytes.size() == 4) return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
  return static_cast<std::int64_t>(value);
}

// How many of each there are in a block of a file.
struct ZoneCounts {
  std::size_t utc, standard, leaps, times, types, chars;

  [[nodiscard]] std::size_t blockSize(std::size_t timeSize) const {
    return times * (timeSize + 1) + types * 6 + chars + leaps * (timeSize + 4) + standard + utc;
  }
};

std::optional<ZoneCounts> readZoneHeader(std::string_view file) {
  if (file.size() < kHeaderSize || !file.starts_with("TZif") || file[4] < '2') return std::nullopt;
  const auto count = [&](std::size_t i) {
    return static_cast<std::size_t>(
        static_cast<std::uint32_t>(bigEndian(file.substr(20 + 4 * i, 4))));
  };
  const ZoneCounts counts{count(0), count(1), count(2), count(3), count(4), count(5)};
  for (std::size_t i = 0; i < 6; ++i) {
    if (count(i) > kLargestFile) return std::nullopt;
  }
  return counts;
}

// It becomes part of a path.
bool isZoneName(const std::string& name) {
  const auto parts = split(name, '/');
  return !parts.empty() && std::ranges::all_of(parts, [](std::string_view part) {
    return !part.empty() && std::ranges::all_of(part, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_' || c == '+' || c == '-';
    });
  });
}

}  // namespace

Result<TimeZone> TimeZone::load(const std::string& name, const std::filesystem::path& database) {
  if (name == "UTC") return TimeZone();
  if (!isZoneName(name)) return fail(ErrorCode::kInvalid, "not a time zone's name: " + name);
  std::error_code ignored;
  std::string bytes;
  if (std::filesystem::is_regular_file(database / name, ignored)) {
    std::ifstream file(database / name, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  if (bytes.empty()) {
    return fail(ErrorCode::kNotFound, "there is no time zone " + name + " in " + database.string() +
                                          ": correct the name, or install tzdata");
  }
  auto zone = parse(bytes);
  if (!zone) return fail(withContext(std::move(zone.error()), "time zone " + name));
  return zone;
}

Result<TimeZone> TimeZone::parse(std::string_view file) {
  const auto broken = [] { return fail(ErrorCode::kInvalid, "not a TZif file of version 2"); };
  if (file.size() > kLargestFile) return broken();
  // The first block is for readers of 32-bit times.
  const auto old = readZoneHeader(file);
  if (!old || file.size() < kHeaderSize + old->blockSize(4)) return broken();
  file.remove_prefix(kHeaderSize + old->blockSize(4));
  const auto counts = readZoneHeader(file);
  if (!counts || counts->types == 0 || file.size() < kHeaderSize + counts->blockSize(8)) {
    return broken();
  }
  const std::string_view times = file.substr(kHeaderSize);
  const std::string_view kinds = times.substr(counts->times * 8);
  const std::string_view types = kinds.substr(counts->times);
  const auto offsetOf = [&](std::size_t type) {
    return Duration(std::chrono::seconds(bigEndian(types.substr(type * 6, 4))));
  };
  TimeZone zone;
  zone.first_ = offsetOf(0);
  for (std::size_t i = 0; i < counts->times; ++i) {
    const auto type = static_cast<unsigned char>(kinds[i]);
    if (type >= counts->types) return broken();
    zone.transitions_.push_back({bigEndian(times.substr(i * 8, 8)), offsetOf(type)});
    if (i > 0 && zone.transitions_[i].at <= zone.transitions_[i - 1].at) return broken();
  }
  const std::string_view footer = file.substr(kHeaderSize + counts->blockSize(8));
  const std::size_t end = footer.find('\n', 1);
  if (!footer.starts_with('\n') || end == std::string_view::npos) return broken();
  if (end > 1) {
    zone.rule_ = ZoneRule::parse(footer.substr(1, end - 1));
    if (!zone.rule_) return broken();
  }
  return zone;
}

Duration TimeZone::offsetAt(TimePoint time) const {
  const std::int64_t seconds =
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  const auto next = std::ranges::upper_bound(transitions_, seconds, {}, &Transition::at);
  if (next == transitions_.end() && rule_) return rule_->offsetAt(time);
  return next == transitions_.begin() ? first_ : std::prev(next)->offset;
}

LocalTime TimeZone::toLocal(TimePoint time) const {
  return LocalTime{time.time_since_epoch() + offsetAt(time)};
}

TimePoint TimeZone::toUtc(LocalTime local) const {
  const TimePoint asUtc{local.time_since_epoch()};
  const Duration before = offsetAt(asUtc - std::chrono::hours(24));
  const Duration after = offsetAt(asUtc + std::chrono::hours(24));
  // By the earlier offset: the first of two, or a skipped time's substitute.
  const bool isAfter = offsetAt(asUtc - before) != before && offsetAt(asUtc - after) == after;
  return asUtc - (isAfter ? after : before);
}

}  // namespace bco
