#include "api/files.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace bco::api {
namespace {

namespace fs = std::filesystem;

bool isManifest(const fs::directory_entry& entry) {
  const auto extension = entry.path().extension();
  if (extension != ".yaml" && extension != ".yml" && extension != ".json") return false;
  // A hidden file is an editor's, or the "..data" of a mounted volume.
  if (entry.path().filename().string().starts_with('.')) return false;
  std::error_code error;
  return !entry.is_directory(error);
}

std::string fingerprintOfEach(const std::vector<fs::path>& files) {
  std::string fingerprint;
  for (const fs::path& file : files) {
    struct stat info {};
    fingerprint += file.string();
    if (::stat(file.c_str(), &info) == 0) {
      for (const auto number :
           {static_cast<long>(info.st_ino), static_cast<long>(info.st_size),
            static_cast<long>(info.st_mtim.tv_sec), static_cast<long>(info.st_mtim.tv_nsec),
            static_cast<long>(info.st_ctim.tv_sec), static_cast<long>(info.st_ctim.tv_nsec)}) {
        fingerprint += ' ' + std::to_string(number);
      }
    }
    fingerprint += '\n';
  }
  return fingerprint;
}

}  // namespace

Result<std::vector<fs::path>> manifestFiles(const std::vector<fs::path>& paths) {
  std::vector<fs::path> files;
  for (const fs::path& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      if (!fs::exists(path, error)) {
        return fail(ErrorCode::kInvalid, path.string() + ": no such file or directory");
      }
      files.push_back(path);
      continue;
    }
    std::vector<fs::path> found;
    fs::directory_iterator entries(path, error);
    if (error) return fail(ErrorCode::kInvalid, path.string() + ": " + error.message());
    for (; entries != fs::directory_iterator(); entries.increment(error)) {
      if (isManifest(*entries)) found.push_back(entries->path());
    }
    if (error) return fail(ErrorCode::kInvalid, path.string() + ": " + error.message());
    std::ranges::sort(found);
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

Result<SecretBytes> readFile(const fs::path& path, std::size_t most) {
  std::error_code unknown;
  // Opening a pipe would wait for its writer.
  if (fs::exists(path, unknown) && !fs::is_regular_file(path, unknown)) {
    return fail(ErrorCode::kInvalid, path.string() + ": not a regular file");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::kInvalid, path.string() + ": " + std::strerror(errno));
  }
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (!error && size > most) {
    return fail(ErrorCode::kInvalid,
                path.string() + ": larger than " + std::to_string(most) + " bytes");
  }
  std::string content(error ? most : size, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (file.bad()) return fail(ErrorCode::kInvalid, path.string() + ": can't be read");
  content.resize(static_cast<std::size_t>(file.gcount()));
  return SecretBytes::take(std::move(content));
}

Result<SecretBytes> readSecretFile(const fs::path& secretsDir, const SecretKeyRef& ref) {
  constexpr std::size_t kLargest = 1U << 20;  // as in Kubernetes
  const fs::path path = secretsDir / ref.name / ref.key;
  std::error_code error;
  if (!fs::exists(path, error)) {
    // What can't be looked at may well be there.
    return error ? fail(ErrorCode::kUnavailable, path.string() + ": " + error.message())
                 : fail(ErrorCode::kNotFound, path.string() + ": no such file");
  }
  auto content = readFile(path, kLargest);
  if (!content) return content;
  std::string_view text = content->reveal();
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return SecretBytes(text);
}

bool isReadableByAll(const fs::path& file) {
  std::error_code error;
  const fs::path whole = fs::canonical(file, error);
  if (error || !fs::is_regular_file(whole, error)) return false;
  // The kubelet keeps what it mounts in "..2026_11_30_12_00_00.123", behind links.
  const auto isKubelets = [](const fs::path& part) { return part.string().starts_with(".."); };
  if (std::ranges::any_of(whole, isKubelets)) return false;
  const auto allows = [&](const fs::path& path, fs::perms permission) {
    return (fs::status(path, error).permissions() & permission) != fs::perms::none;
  };
  if (!allows(whole, fs::perms::others_read)) return false;
  fs::path folder = whole;
  do {
    folder = folder.parent_path();
    if (!allows(folder, fs::perms::others_exec)) return false;
  } while (folder != folder.root_path());
  return true;
}

std::string fingerprintOf(const std::vector<fs::path>& paths) {
  const auto files = manifestFiles(paths);
  if (!files) return "error: " + files.error().message;
  return fingerprintOfEach(*files);
}

std::string fingerprintOfSecrets(const fs::path& secretsDir) {
  if (secretsDir.empty()) return "";
  constexpr auto kOptions = fs::directory_options::follow_directory_symlink |
                            fs::directory_options::skip_permission_denied;
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator entry(secretsDir, kOptions, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    // DIR/<name>/<key> is all that is read.
    if (entry.depth() > 0) entry.disable_recursion_pending();
    files.push_back(entry->path());
  }
  if (error) return "error: " + error.message();
  std::ranges::sort(files);
  return fingerprintOfEach(files);
}

}  // namespace bco::api
