#include <iostream>

#include "cli/commands.h"

namespace bco::cli {

int runVersion() {
  std::cout << "balena-clearblade-operator " << BCO_VERSION << '\n';
  return kExitDone;
}

}  // namespace bco::cli
