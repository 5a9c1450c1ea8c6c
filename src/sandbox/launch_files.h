// The files by which scripts find a sandbox that has started.
#pragma once

#include <string>

#include "core/result.h"
#include "sandbox/world_file.h"

namespace bco::sandbox {

struct Addresses {
  std::string httpUrl;
  std::string httpsUrl;
  std::string caFile;
};

// {"http_url", "https_url", "ca_file", "token", "tokens", "service_account", "service_accounts",
//  "fleets", "registries", "pid"}. Accounts name the HTTPS listener as their url.
[[nodiscard]] std::string readyJson(const Addresses& addresses, const WorldPlan& plan,
                                    const BuiltWorld& built);

// {"systemKey","token","url","project"}, as ClearBlade's console exports it.
[[nodiscard]] std::string serviceAccountJson(const ServiceAccount& account, const std::string& url);

// DIR/balena/token, DIR/clearblade/service-account.json, DIR/ca/ca.crt: a tree that the operator
// takes as its --secrets-dir. kUnavailable: can't write.
[[nodiscard]] Status writeSecrets(const std::string& directory, const std::string& url,
                                  const BuiltWorld& built, const std::string& caPem);

// Writes the file beside its place and moves it there, so that nobody reads half of it.
// `isSecret`: for its owner's eyes alone.
[[nodiscard]] Status writeWhole(const std::string& path, const std::string& text,
                                bool isSecret = false);

}  // namespace bco::sandbox
