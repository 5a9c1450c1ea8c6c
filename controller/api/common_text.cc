#include "api/common_text.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <ostream>

#include "api/object.h"

namespace bco::api {
namespace {

// In order. One that is missing costs memory, and nothing else.
constexpr std::array kKnown = {
    std::string_view("Adopted"),
    std::string_view("AdoptionDisabled"),
    std::string_view("AlreadyExists"),
    std::string_view("Available"),
    std::string_view("Blocked"),
    std::string_view("BlockedInRegistry"),
    std::string_view("BoundInRegistry"),
    std::string_view("BoundToGateway"),
    std::string_view("BudgetReduced"),
    std::string_view("ClockSkew"),
    std::string_view("ClocksDiffer"),
    std::string_view("Conflict"),
    std::string_view("CopyOfKey"),
    std::string_view("CredentialMissing"),
    std::string_view("CredentialSlotsFull"),
    std::string_view("CredentialValid"),
    std::string_view("DeadlineExceeded"),
    std::string_view("Delivered"),
    std::string_view("Deprovisioned"),
    std::string_view("Deprovisioning"),
    std::string_view("DeviceNotFound"),
    std::string_view("DuplicateObject"),
    std::string_view("FleetNotReady"),
    std::string_view("Forbidden"),
    std::string_view("Gone"),
    std::string_view("InternalError"),
    std::string_view("Invalid"),
    std::string_view("KeyElsewhere"),
    std::string_view("KeyExpired"),
    std::string_view("KeyMismatch"),
    std::string_view("KeyMissing"),
    std::string_view("KeyOutdated"),
    std::string_view("KeyTooYoung"),
    std::string_view("KeyUnknown"),
    std::string_view("MarkUnreadable"),
    std::string_view("MovedToAnotherFleet"),
    std::string_view("NotFound"),
    std::string_view("NotOurs"),
    std::string_view("NotRegistered"),
    std::string_view("OwnershipConflict"),
    std::string_view("Provisioned"),
    std::string_view("Ready"),
    std::string_view("Reconciling"),
    std::string_view("Registered"),
    std::string_view("RemovalHalted"),
    std::string_view("ServiceNotInstalled"),
    std::string_view("SmallerBudgetElsewhere"),
    std::string_view("Stale"),
    std::string_view("Stalled"),
    std::string_view("Suspended"),
    std::string_view("Synced"),
    std::string_view("TakenOver"),
    std::string_view("Throttled"),
    std::string_view("Unauthenticated"),
    std::string_view("Unavailable"),
    std::string_view("UpstreamAvailable"),
    std::string_view("VariablesDrifted"),
    std::string_view("Verified"),
    std::string_view("WrongFleet"),
    kFinalizer,
    kDiscoveredLabel,
    kFleetLabel,
    kReconcileAnnotation,
    kReleaseAnnotation,
};
static_assert(std::ranges::is_sorted(kKnown));

using Size = std::uint32_t;

char* blockOf(std::uintptr_t bits) {
  return reinterpret_cast<char*>(bits);  // NOLINT(performance-no-int-to-ptr)
}

std::uintptr_t newBlock(std::string_view text) {
  const auto size = static_cast<Size>(text.size());
  char* const block = new char[sizeof size + text.size()];
  std::memcpy(block, &size, sizeof size);
  std::memcpy(block + sizeof size, text.data(), text.size());
  return reinterpret_cast<std::uintptr_t>(block);
}

}  // namespace

CommonText::CommonText(std::string_view text) {
  if (text.empty()) return;
  const auto known = std::ranges::lower_bound(kKnown, text);
  bits_ = known != kKnown.end() && *known == text
              ? static_cast<std::uintptr_t>(known - kKnown.begin()) * 2 + 1
              : newBlock(text);
}

CommonText::CommonText(const CommonText& other)
    : bits_(other.bits_ == 0 || other.bits_ % 2 == 1 ? other.bits_ : newBlock(other.view())) {}

CommonText::~CommonText() {
  if (bits_ % 2 == 0) delete[] blockOf(bits_);
}

std::string_view CommonText::view() const {
  if (bits_ == 0) return {};
  if (bits_ % 2 == 1) return kKnown[bits_ / 2];
  Size size = 0;
  std::memcpy(&size, blockOf(bits_), sizeof size);
  return {blockOf(bits_) + sizeof size, size};
}

std::ostream& operator<<(std::ostream& out, const CommonText& text) { return out << text.view(); }

}  // namespace bco::api
