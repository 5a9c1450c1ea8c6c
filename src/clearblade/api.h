// What the program needs of ClearBlade IoT Core, and in what shape. The seam: the real client is
// clearblade/client.h, simulations bring their own.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/call_terms.h"
#include "core/result.h"

namespace bco::clearblade {

inline constexpr std::size_t kMaxCredentials = 3;
// Error::reason of a removal that is refused because of a gateway.
inline constexpr std::string_view kBoundToGateway = "BoundToGateway";

struct Credential {
  std::string format = "ES256_PEM";
  std::string publicKey;               // PEM, as the registry returns it
  std::optional<TimePoint> expiresAt;  // nullopt: never
};

using Metadata = std::map<std::string, std::string>;

// A device's entry in the registry.
struct Registration {
  std::string id;     // "balena-<uuid>"
  std::string numId;  // assigned by the registry, never used again: the address of every write
  std::vector<Credential> credentials;
  Metadata metadata;
  bool blocked = false;
  // When the registry last heard of the device, by event, state or heartbeat; it may lag minutes.
  // Not of one that is listed.
  std::optional<TimePoint> lastSeen = std::nullopt;
};

struct Registry {
  bool hasCaCertificates = false;  // then bare keys are refused
};

struct NewRegistration {
  std::string id;
  std::vector<Credential> credentials;
  Metadata metadata;
};

// The fields to replace; what is nullopt stays. At least one is set.
struct RegistrationPatch {
  std::optional<std::vector<Credential>> credentials;
  std::optional<Metadata> metadata;
};

// Thread-safe; blocks. Every operation can return kUnauthenticated, kForbidden, kThrottled,
// kUnavailable, kDeadline and kInternal; others are named where they mean something. Overrides
// repeat the default terms.
class RegistryApi {
 public:
  virtual ~RegistryApi() = default;

  [[nodiscard]] virtual Result<Registry> getRegistry() = 0;
  // Calls `visit` with every registration of the registry, page by page: a registry may be larger
  // than what anybody wants to hold of it. Returns when the first page was asked for. After an
  // error, what was visited is a part of unknown size.
  [[nodiscard]] virtual Result<TimePoint> listRegistrations(
      const std::function<void(const Registration&)>& visit) = 0;
  // By id. kNotFound.
  [[nodiscard]] virtual Result<Registration> getRegistration(const std::string& id,
                                                             const CallTerms& terms = {}) = 0;
  // kAlreadyExists: observe. kInvalid: the registry refuses the key or the metadata.
  [[nodiscard]] virtual Result<Registration> createRegistration(const NewRegistration& created,
                                                                const CallTerms& terms = {}) = 0;
  // kNotFound: deleted meanwhile.
  [[nodiscard]] virtual Result<Registration> patchRegistration(const std::string& numId,
                                                               const RegistrationPatch& patch,
                                                               const CallTerms& terms = {}) = 0;
  // Succeeds when it was gone already. kInvalid with reason kBoundToGateway: a person must unbind
  // it.
  [[nodiscard]] virtual Status deleteRegistration(const std::string& numId,
                                                  const CallTerms& terms = {}) = 0;

  // The registry's clock less ours, from the Date of the latest answer; zero before the first.
  [[nodiscard]] virtual Duration clockSkew() const = 0;
};

}  // namespace bco::clearblade
