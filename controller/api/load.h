// From files on disk to a checked set of objects: all of it, or all that is wrong with it.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "api/parse.h"

namespace bco::api {

struct Manifests {
  std::map<ObjectKey, ClearBladeRegistry> registries;
  std::map<ObjectKey, BalenaFleet> fleets;
  std::map<ObjectKey, BalenaDevice> devices;
  std::map<ObjectKey, Secret> secrets;
  // Those that hold, or may hold, what nobody else should read: Secret documents, and files of
  // `secretsDir` that are no certificates.
  std::set<std::filesystem::path> secretFiles;
};

using ProblemTexts = std::vector<std::string>;

// Reads every path: a file, or a directory whose *.yaml, *.yml and *.json files (not those of its
// subdirectories) are read in order of name. Beyond what parseObject() checks of each document,
// these are problems: an unreadable path, no document at all, two objects of one kind and name, two
// devices with one UUID, a reference to a fleet, registry or Secret that is not there (a Secret may
// also stand in `secretsDir`, which may be empty), a registry without ownerId, a time zone that
// this machine does not know.
[[nodiscard]] tl::expected<Manifests, ProblemTexts> loadManifests(
    const std::vector<std::filesystem::path>& paths, const std::filesystem::path& secretsDir);

}  // namespace bco::api
