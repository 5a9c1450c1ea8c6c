// Two writers of one device's key, small enough for every interleaving to be tried: a registry
// whose PATCH replaces all credentials and knows no version, and a variable. Every call is one
// step; a write may also take effect late, at any step after its writer has given up on it and
// begun anew.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace bco::model {

using Key = int;  // 0: none

enum class Call {
  kReadVariable,
  kReadRegistration,
  kReadRegistrationAgain,  // if the stored key is none of the credentials that were read
  kPatch,
  kWriteVariable
};
using Order = std::vector<Call>;
// Of the program (docs/decisions/0002, DESIGN §4), which reads both at the same time: whichever is
// read first.
inline const Order kDeviceFirst = {Call::kReadVariable, Call::kReadRegistration, Call::kPatch,
                                   Call::kWriteVariable};
inline const Order kRegistrationFirst = {Call::kReadRegistration, Call::kReadVariable,
                                         Call::kReadRegistrationAgain, Call::kPatch,
                                         Call::kWriteVariable};

enum class Keys {
  kDerived,  // everybody makes the same key of a generation
  kRandom,   // everybody makes his own
};

struct Registration {
  bool exists = false;
  std::vector<Key> credentials;
  // The newest generation that the mark lists; of derived keys it names the key.
  int generation = 0;

  friend auto operator<=>(const Registration&, const Registration&) = default;
};

struct Setting {
  Keys keys = Keys::kDerived;
  std::array<Order, 2> orders = {kDeviceFirst, kDeviceFirst};  // of each writer
  // What the world begins with.
  Registration registration;
  Key stored = 0;
  bool rotationIsDue = false;
  // A PATCH that repairs also adds the next key when rotation is due.
  bool patchRotates = true;
  std::size_t writers = 2;
  int passes = 3;  // of each writer
  bool late = true;
};

struct Found {
  // The steps that lead to a device which was connected and is so no more; nullopt: none do.
  std::optional<std::vector<std::string>> violation;
  std::size_t states = 0;  // that were looked at
};
[[nodiscard]] Found search(const Setting& setting);

}  // namespace bco::model
