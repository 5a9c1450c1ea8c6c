#include "cli/version.h"

#include <iostream>

#include "cli/commands.h"

namespace bco::cli {

std::string_view versionText() { return BCO_VERSION; }

int runVersion() {
  std::cout << "balena-clearblade-operator " << versionText() << '\n';
  return kExitDone;
}

}  // namespace bco::cli
