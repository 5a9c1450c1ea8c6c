// The Secrets that objects of ours name, each with a watch of its own: the
// right to read all of a namespace's is not needed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <vector>

#include "api/json_decode.h"
#include "api/object.h"
#include "core/clock.h"
#include "core/random.h"
#include "core/secret.h"
#include "kube/client.h"
#include "telemetry/log.h"

namespace bco::store {

// Thread-safe.
class SecretCache {
 public:
  // `changed` is called when a Secret's values differ from what they were, on
  // its watch's thread or that of getOrCreate().
  using Listener = std::function<void(const api::ObjectKey& secret)>;
  SecretCache(kube::Client& client, Clock& clock, Random& random, telemetry::Logger& log,
              Listener changed);
  ~SecretCache();
  SecretCache(const SecretCache&) = delete;
  SecretCache& operator=(const SecretCache&) = delete;

  // From now on exactly these are watched. Waits for nothing: a watch that is no longer wanted ends
  // in its own time.
  void watch(const std::set<api::ObjectKey>& secrets);
  // Ends all watches and waits for them.
  void stop();

  // One value, from memory if the Secret is watched, else from the server.
  // kNotFound: no such Secret, or no such key in it.
  [[nodiscard]] Result<SecretBytes> get(const std::string& space,
                                        const api::SecretKeyRef& ref) const;
  // As get(), and makes the Secret with `value` where there is none. What it is then is known to
  // all at once, before the watch tells of it. kInvalid: it is there without the key.
  [[nodiscard]] Result<SecretBytes> getOrCreate(const std::string& space,
                                                const api::SecretKeyRef& ref,
                                                const SecretBytes& value);

 private:
  class Watch;
  // nullptr: it is not watched.
  [[nodiscard]] std::shared_ptr<Watch> watchOf(const api::ObjectKey& secret) const;
  // From the server.
  [[nodiscard]] Result<api::SecretData> read(const api::ObjectKey& secret) const;

  kube::Client& client_;
  Clock& clock_;
  Random& random_;
  telemetry::Logger& log_;
  const Listener changed_;
  mutable std::mutex mutex_;  // guards all below
  std::map<api::ObjectKey, std::shared_ptr<Watch>> watches_;
  std::vector<std::shared_ptr<Watch>> ending_;  // told to stop, and perhaps in a call still
};

}  // namespace bco::store
