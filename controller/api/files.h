// The files behind `-f` and `--secrets-dir`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "api/object.h"
#include "core/result.h"
#include "core/secret.h"

namespace bco::api {

// The files that loadManifests() reads for `paths`. kInvalid names the path that can't be read.
[[nodiscard]] Result<std::vector<std::filesystem::path>> manifestFiles(
    const std::vector<std::filesystem::path>& paths);

// kInvalid when it can't be read or is larger than `most` bytes.
[[nodiscard]] Result<SecretBytes> readFile(const std::filesystem::path& path, std::size_t most);

// DIR/<name>/<key>, without the line break an editor leaves at its end. kNotFound when there is
// none.
[[nodiscard]] Result<SecretBytes> readSecretFile(const std::filesystem::path& secretsDir,
                                                 const SecretKeyRef& ref);

// Whether every user of this machine can read the file: by its own mode and those of the folders it
// is in. Never said of what Kubernetes has mounted: that has mode 0644, in a Pod of its own.
[[nodiscard]] bool isReadableByAll(const std::filesystem::path& file);

// Changes whenever one of the files does, appears or goes: by name, size, inode and time.
[[nodiscard]] std::string fingerprintOf(const std::vector<std::filesystem::path>& paths);

// The same of what is behind --secrets-dir; "" when there is none.
[[nodiscard]] std::string fingerprintOfSecrets(const std::filesystem::path& secretsDir);

}  // namespace bco::api
