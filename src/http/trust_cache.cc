#include "http/trust_cache.h"

#include <filesystem>

#include "http/runtime.h"

namespace bco::http {
namespace {

// Changes with the file, which is replaced when certificates come or go.
std::string versionOf(const std::string& file) {
  std::error_code failed;
  const auto written = std::filesystem::last_write_time(file, failed);
  const auto size = std::filesystem::file_size(file, failed);
  if (failed) return {};
  return std::to_string(written.time_since_epoch().count()) + ' ' + std::to_string(size);
}

}  // namespace

Result<Trust> TrustCache::get(const std::optional<std::string>& caPem) {
  if (caPem && caPem->empty()) return Trust::load({.system = false, .extraPem = {}});  // refused
  const std::string key = caPem.value_or("");
  const std::string version = caPem ? std::string() : versionOf(systemCertificateFile());
  {
    std::unique_lock lock(mutex_);
    std::erase_if(entries_, [&](const auto& each) {
      const auto& [pem, entry] = each;
      const bool isUsed = entry.isLoading || (entry.trust && entry.trust->isShared());
      return !pem.empty() && !isUsed;
    });
    waitUntil(clock_, lock, loaded_, kForever, {}, [&] { return !entries_[key].isLoading; });
    Entry& entry = entries_[key];
    if (entry.trust && entry.version == version) return *entry.trust;
    entry.isLoading = true;
  }
  auto trust = Trust::load({.system = !caPem, .extraPem = key});
  std::lock_guard lock(mutex_);
  Entry& entry = entries_[key];
  entry.isLoading = false;
  if (trust) {
    entry.trust = *trust;
    entry.version = version;
  }
  clock_.wakeAll(loaded_);
  return trust;
}

}  // namespace bco::http
