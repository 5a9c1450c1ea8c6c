#include "sandbox/launch_files.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace bco::sandbox {
namespace {

using nlohmann::json;

json accountJson(const ServiceAccount& account, const std::string& url) {
  return {{"systemKey", account.systemKey},
          {"token", account.token},
          {"url", url},
          {"project", account.project}};
}

}  // namespace

std::string serviceAccountJson(const ServiceAccount& account, const std::string& url) {
  return accountJson(account, url).dump();
}

std::string readyJson(const Addresses& addresses, const WorldPlan& plan, const BuiltWorld& built) {
  json fleets = json::array();
  for (const FleetPlan& fleet : plan.fleets) {
    fleets.push_back(
        {{"slug", fleet.spec.slug}, {"services", fleet.spec.services}, {"devices", fleet.devices}});
  }
  json registries = json::array();
  for (const RegistryPlan& registry : plan.registries) {
    registries.push_back(
        {{"project", registry.project}, {"region", registry.region}, {"registry", registry.id}});
  }
  json accounts = json::array();
  for (const ServiceAccount& account : built.serviceAccounts) {
    accounts.push_back(accountJson(account, addresses.httpsUrl));
  }
  const json ready = {{"pid", ::getpid()},
                      {"http_url", addresses.httpUrl},
                      {"https_url", addresses.httpsUrl},
                      {"ca_file", addresses.caFile},
                      {"token", built.tokens.empty() ? json() : json(built.tokens.front())},
                      {"tokens", built.tokens},
                      {"service_account", accounts.empty() ? json() : accounts.front()},
                      {"service_accounts", accounts},
                      {"fleets", fleets},
                      {"registries", registries}};
  return ready.dump(2) + '\n';
}

Status writeWhole(const std::string& path, const std::string& text, bool isSecret) {
  const std::string draft = path + ".part";
  {
    std::ofstream out(draft, std::ios::binary | std::ios::trunc);
    using std::filesystem::perms;
    std::error_code ignored;  // a file system without permissions has none to take away
    if (isSecret) {
      std::filesystem::permissions(draft, perms::owner_read | perms::owner_write, ignored);
    }
    out << text;
    out.flush();
    if (!out) return fail(ErrorCode::kUnavailable, "can't write " + path);
  }
  std::error_code error;
  std::filesystem::rename(draft, path, error);
  if (error) return fail(ErrorCode::kUnavailable, "can't write " + path + ": " + error.message());
  return {};
}

Status writeSecrets(const std::string& directory, const std::string& url, const BuiltWorld& built,
                    const std::string& caPem) {
  std::error_code error;
  for (const char* name : {"balena", "clearblade", "ca"}) {
    std::filesystem::create_directories(directory + '/' + name, error);
    if (error) return fail(ErrorCode::kUnavailable, "can't make " + directory + '/' + name);
  }
  Status written;
  if (!built.tokens.empty())
    written = writeWhole(directory + "/balena/token", built.tokens.front(), true);
  if (written && !built.serviceAccounts.empty()) {
    written = writeWhole(directory + "/clearblade/service-account.json",
                         serviceAccountJson(built.serviceAccounts.front(), url), true);
  }
  if (written) written = writeWhole(directory + "/ca/ca.crt", caPem);
  return written;
}

}  // namespace bco::sandbox
