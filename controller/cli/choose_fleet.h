// The fleet of a device that one command is about.
#pragma once

#include <string>

#include "store/object_store.h"

namespace bco::cli {

// Where nothing declares the device: the one that is named (NAME or NAMESPACE/NAME), or the only
// one. `where` they are, for messages: "the files". kInvalid: there is none, or several.
[[nodiscard]] Result<store::Shared<api::BalenaFleet>> chooseFleet(store::ObjectStore& store,
                                                                  const std::string& name,
                                                                  const std::string& where);

// kInvalid: `name` is that of another fleet than the one in which the device is declared.
[[nodiscard]] Status checkFleet(const std::string& name, const api::BalenaDevice& declared);

}  // namespace bco::cli
