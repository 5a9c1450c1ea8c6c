#include "cli/directory_lock.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

namespace bco::cli {
namespace {

class DirectoryLockTest : public testing::Test {
 protected:
  DirectoryLockTest() {
    std::string name = (std::filesystem::temp_directory_path() / "bco-lock-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
  }
  ~DirectoryLockTest() override { std::filesystem::remove_all(dir_); }
  std::filesystem::path dir_;
};

TEST_F(DirectoryLockTest, HasOneHolder) {
  const auto first = DirectoryLock::acquire({dir_});
  ASSERT_TRUE(first);
  const auto second = DirectoryLock::acquire({dir_});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_THAT(second.error().message, testing::HasSubstr(dir_.string()));
}

TEST_F(DirectoryLockTest, IsFreeAgainAfterItsHolder) {
  {
    auto first = DirectoryLock::acquire({dir_});
    ASSERT_TRUE(first);
    const DirectoryLock moved(std::move(*first));
    EXPECT_FALSE(DirectoryLock::acquire({dir_})) << "moved, not let go";
  }
  EXPECT_TRUE(DirectoryLock::acquire({dir_}));
}

TEST_F(DirectoryLockTest, LocksTheDirectoryOfAFile) {
  std::ofstream(dir_ / "fleet.yaml") << "x";
  std::ofstream(dir_ / "other.yaml") << "x";
  const auto first = DirectoryLock::acquire({dir_ / "fleet.yaml", dir_ / "other.yaml"});
  ASSERT_TRUE(first);
  EXPECT_FALSE(DirectoryLock::acquire({dir_ / "other.yaml"}));
  EXPECT_FALSE(DirectoryLock::acquire({dir_}));
}

TEST_F(DirectoryLockTest, LocksEveryPath) {
  std::filesystem::create_directories(dir_ / "a");
  std::filesystem::create_directories(dir_ / "b");
  const auto first = DirectoryLock::acquire({dir_ / "a", dir_ / "b"});
  ASSERT_TRUE(first);
  EXPECT_FALSE(DirectoryLock::acquire({dir_ / "b"}));
  EXPECT_TRUE(DirectoryLock::acquire({dir_}));
}

TEST_F(DirectoryLockTest, SaysWhenThereIsNothingToLock) {
  const auto lock = DirectoryLock::acquire({dir_ / "gone"});
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace bco::cli
