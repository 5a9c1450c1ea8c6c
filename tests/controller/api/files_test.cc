// Who can read a file that holds secrets.
#include "api/files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace bco::api {
namespace {

namespace fs = std::filesystem;

class ReadableFiles : public testing::Test {
 protected:
  ReadableFiles() {
    std::string name = (fs::temp_directory_path() / "bco-files-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
    fs::permissions(dir_, fs::perms(0755));
  }
  ~ReadableFiles() override { fs::remove_all(dir_); }

  fs::path write(const std::string& name, unsigned mode) const {
    const fs::path path = dir_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "S3CRET";
    fs::permissions(path, fs::perms(mode));
    return path;
  }

  fs::path dir_;
};

TEST_F(ReadableFiles, AreThoseWhoseModeLetsOthersRead) {
  EXPECT_TRUE(isReadableByAll(write("a/token", 0644)));
  EXPECT_TRUE(isReadableByAll(write("b/token", 0604)));
  EXPECT_FALSE(isReadableByAll(write("c/token", 0640)));
  EXPECT_FALSE(isReadableByAll(write("d/token", 0600)));
  EXPECT_FALSE(isReadableByAll(dir_ / "missing"));
  EXPECT_FALSE(isReadableByAll(dir_));
}

TEST_F(ReadableFiles, AreNotThoseInAFolderThatIsClosedToOthers) {
  const auto file = write("secrets/balena/token", 0644);
  EXPECT_TRUE(isReadableByAll(file));
  fs::permissions(dir_ / "secrets", fs::perms(0750));
  EXPECT_FALSE(isReadableByAll(file));
}

TEST_F(ReadableFiles, AreNotThoseThatKubernetesMounts) {
  write("secret/..2026_11_30_12_00_00.1/token", 0644);
  fs::create_symlink("..2026_11_30_12_00_00.1", dir_ / "secret/..data");
  fs::create_symlink("..data/token", dir_ / "secret/token");
  EXPECT_FALSE(isReadableByAll(dir_ / "secret/token"));
  fs::create_symlink(write("elsewhere", 0644), dir_ / "secret/link");
  EXPECT_TRUE(isReadableByAll(dir_ / "secret/link"));
}

}  // namespace
}  // namespace bco::api
