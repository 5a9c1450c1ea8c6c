#include "plan/mark.h"

#include <algorithm>
#include <charconv>

#include "core/text.h"

namespace bco {
namespace {

constexpr auto kManager = "bco-manager";
constexpr auto kOwner = "bco-owner";
constexpr auto kFleet = "bco-fleet";
constexpr auto kIncarnation = "bco-incarnation";
constexpr auto kKeys = "bco-keys";
constexpr auto kVerify = "bco-verify";

template <class Number>
std::optional<Number> parseNumber(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<MarkedKey> parseKey(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::size_t at = text.find('@');
  if (equals != kShortFingerprint || at == std::string_view::npos || at < equals)
    return std::nullopt;
  const auto generation = parseNumber<std::uint32_t>(text.substr(equals + 1, at - equals - 1));
  const auto issued = parseRfc3339(text.substr(at + 1));
  if (!generation || !issued || !fromHex(text.substr(0, equals))) return std::nullopt;
  return MarkedKey{std::string(text.substr(0, equals)), *generation, *issued};
}

std::optional<Mark> parseMark(const clearblade::Metadata& metadata) {
  const auto value = [&](const char* key) -> std::string_view {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string_view() : std::string_view(found->second);
  };
  Mark mark;
  mark.owner = value(kOwner);
  const auto fleetId = parseNumber<std::int64_t>(value(kFleet));
  const auto incarnation = fromHex(value(kIncarnation));
  if (mark.owner.empty() || !fleetId || !incarnation ||
      incarnation->size() != mark.incarnation.size()) {
    return std::nullopt;
  }
  mark.fleetId = *fleetId;
  std::ranges::copy(*incarnation, mark.incarnation.begin());
  // At least one: without any, the generations already used could not be told.
  for (const std::string_view text : split(value(kKeys), ';')) {
    auto key = parseKey(text);
    if (!key) return std::nullopt;
    mark.keys.push_back(std::move(*key));
  }
  mark.needsVerification = value(kVerify) == "true";
  return mark;
}

}  // namespace

const MarkedKey* Mark::newest() const {
  const auto newest = std::ranges::max_element(keys, {}, &MarkedKey::generation);
  return newest == keys.end() ? nullptr : &*newest;
}

const MarkedKey* Mark::find(std::string_view fingerprint) const {
  const auto found =
      std::ranges::find(keys, shortFingerprint(fingerprint), &MarkedKey::shortFingerprint);
  return found == keys.end() ? nullptr : &*found;
}

ReadMark readMark(const clearblade::Metadata& metadata) {
  const bool any = std::ranges::any_of(
      metadata, [](const auto& pair) { return pair.first.starts_with("bco-"); });
  if (!any) return {};
  auto mark = parseMark(metadata);
  if (!mark) return {MarkState::kBroken, {}};
  return {MarkState::kValid, std::move(*mark)};
}

clearblade::Metadata withMark(clearblade::Metadata metadata, const Mark& mark) {
  metadata[kManager] = kManagerName;
  metadata[kOwner] = mark.owner;
  metadata[kFleet] = std::to_string(mark.fleetId);
  metadata[kIncarnation] = toHex(mark.incarnation);
  std::string keys;
  for (const MarkedKey& key : mark.keys) {
    if (!keys.empty()) keys += ';';
    keys += key.shortFingerprint + '=' + std::to_string(key.generation) + '@' +
            formatRfc3339(key.issuedAt);
  }
  metadata[kKeys] = keys;
  metadata.erase(kVerify);
  if (mark.needsVerification) metadata[kVerify] = "true";
  return metadata;
}

std::optional<Mark> handedOver(const ReadMark& read, const std::string& from, const std::string& to,
                               const std::set<std::int64_t>& fleetIds) {
  if (read.state != MarkState::kValid || read.mark.owner != from ||
      !fleetIds.contains(read.mark.fleetId)) {
    return std::nullopt;
  }
  Mark mark = read.mark;
  mark.owner = to;
  return mark;
}

std::string shortFingerprint(std::string_view fingerprint) {
  return std::string(fingerprint.substr(0, kShortFingerprint));
}

std::string shortFingerprint(const crypto::PublicKey& key) {
  return shortFingerprint(key.fingerprint());
}

}  // namespace bco
