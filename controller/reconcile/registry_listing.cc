#include "reconcile/registry_listing.h"

#include <algorithm>

namespace bco {

void RegistryListing::add(const clearblade::Registration& registration) {
  constexpr std::string_view kPrefix = "balena-";
  const ListedRegistration listed = summarize(registration, ownerId_);
  ++total_;
  if (listed.isOurs) ++owned_;
  if (!registration.id.starts_with(kPrefix)) return;
  const auto uuid = DeviceUuid::parse(std::string_view(registration.id).substr(kPrefix.size()));
  if (uuid) rows_.push_back({*uuid, listed});
}

void RegistryListing::complete(TimePoint takenAt) {
  std::ranges::sort(rows_, {}, &Row::uuid);
  rows_.shrink_to_fit();
  takenAt_ = takenAt;
}

const ListedRegistration* RegistryListing::find(const std::string& text) const {
  const auto uuid = DeviceUuid::parse(text);
  if (!uuid) return nullptr;
  const auto found = std::ranges::lower_bound(rows_, *uuid, {}, &Row::uuid);
  return found != rows_.end() && found->uuid == *uuid ? &found->registration : nullptr;
}

}  // namespace bco
