// The calls a plan consists of. Each is idempotent or refused by the cloud when repeated. Keys
// stand in them by generation only: apply() derives them.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "balena/api.h"
#include "clearblade/api.h"
#include "plan/mark.h"

namespace bco {

// A key to be registered.
struct NewKey {
  std::uint32_t generation = 0;
  TimePoint issuedAt;
  TimePoint expiresAt;
};

// Registers the device with one key under a new random incarnation, which apply() draws.
struct CreateRegistration {
  std::string id;
  Mark mark;  // incarnation and keys are apply()'s to fill in
  NewKey key;
};

struct PatchRegistration {
  std::string numId;
  // The whole metadata to be: foreign pairs as just read, and the mark, whose keys are those of
  // `keep`; apply() adds the one of `add`.
  clearblade::Metadata metadata;
  Mark mark;
  // nullopt: metadata alone. Else the credentials that stay, as they were but for expiries that
  // the plan puts off, or gives to those without one.
  std::optional<std::vector<clearblade::Credential>> keep;
  std::optional<NewKey> add;
  bool revokes = false;  // what is cut can't wait
};

struct DeleteRegistration {
  std::string numId;
};

// GCP_PRIVATE_KEY is written with key `generation`, the others with the text.
struct VariableChange {
  std::string name;
  std::variant<std::string, std::uint32_t> value;
  bool exists = false;
};

struct WriteVariables {
  balena::VariableParent parent;
  std::vector<VariableChange> changes;
  // Looks afterwards whether there is a GCP_PRIVATE_KEY: a PATCH of a row that has gone meanwhile
  // succeeds like any other.
  bool readBack = false;
};

struct DeleteVariables {
  balena::VariableParent parent;
  balena::DeleteGuard guard;
};

using Step = std::variant<CreateRegistration, PatchRegistration, DeleteRegistration, WriteVariables,
                          DeleteVariables>;

// "create registration balena-… with key 0": for people; holds no secret.
[[nodiscard]] std::string describe(const Step& step);

}  // namespace bco
