// A fleet before the clouds in memory.
#pragma once

#include "tests/controller/reconcile/world.h"

namespace bco::test {

class Fleet : public World {
 protected:
  void expectNothingWritten() {
    EXPECT_EQ(writes(), 0);
    EXPECT_EQ(registry().size(), 0U);
  }
};

}  // namespace bco::test
