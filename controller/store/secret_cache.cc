#include "store/secret_cache.h"

#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "core/json_text.h"
#include "core/text.h"
#include "kube/watcher.h"
#include "store/watch_log.h"

namespace bco::store {
namespace {

constexpr kube::Resource kSecrets{"", "v1", "secrets"};

using Values = std::map<std::string, SecretBytes, std::less<>>;

Result<SecretBytes> valueOf(const Values& values, const std::string& space,
                            const api::SecretKeyRef& ref) {
  if (const auto value = values.find(ref.key); value != values.end()) return value->second.clone();
  return fail(ErrorCode::kNotFound, "Secret " + space + "/" + ref.name + " has no key " + ref.key);
}

SecretBytes manifestOf(const api::SecretKeyRef& ref, const SecretBytes& value) {
  std::string data = toBase64(value.reveal());
  std::string text = R"({"apiVersion":"v1","kind":"Secret","type":"Opaque","metadata":{"name":)";
  appendJsonString(text, ref.name);
  text += "},\"data\":{";
  appendJsonString(text, ref.key);
  text += ":\"" + data + "\"}}";
  wipe(data.data(), data.size());
  return SecretBytes::take(std::move(text));
}

bool isSame(const Values& a, const Values& b) {
  return std::ranges::equal(a, b, [](const auto& left, const auto& right) {
    return left.first == right.first && left.second.reveal() == right.second.reveal();
  });
}

}  // namespace

// One Secret, for as long as it lives.
class SecretCache::Watch final : public kube::WatchSink {
 public:
  Watch(SecretCache& cache, api::ObjectKey key)
      : cache_(cache),
        key_(std::move(key)),
        watcher_(cache.client_, optionsFor(key_, cache.log_), *this, cache.clock_, cache.random_),
        thread_([this](const std::stop_token& stop) {
          watcher_.run(stop);
          hasEnded_ = true;
        }) {}

  void requestStop() { thread_.request_stop(); }
  // To destroy it takes no time.
  [[nodiscard]] bool hasEnded() const { return hasEnded_; }

  // nullopt: not known yet.
  [[nodiscard]] std::optional<Result<SecretBytes>> get(const api::SecretKeyRef& ref) const {
    std::lock_guard lock(mutex_);
    if (!synced_) return std::nullopt;
    if (values_) return valueOf(*values_, key_.space, ref);
    return Result<SecretBytes>(fail(ErrorCode::kNotFound, "there is no Secret " + toString(key_)));
  }

  // What a call of ours has learned of it: the watch may be behind.
  void learn(api::SecretData secret) { set(std::move(secret.values), secret.resourceVersion); }

  void restart() override {
    std::lock_guard lock(mutex_);
    isTold_ = false;
  }
  void put(std::string_view json) override {
    auto secret = api::decodeSecret(json);
    if (secret) return learn(std::move(*secret));
    // That has not gone: it counts as what it was when it last could be read.
    cache_.log_.error("a Secret can't be used",
                      {{"secret", toString(key_)}, {"error", secret.error().message}});
    std::lock_guard lock(mutex_);
    isTold_ = true;
  }
  void drop(std::string_view json) override {
    if (const auto meta = api::decodeMeta(json)) set(std::nullopt, meta->resourceVersion);
  }
  void synced() override {
    std::unique_lock lock(mutex_);
    synced_ = true;
    if (isTold_) return;
    lock.unlock();
    set(std::nullopt, 0);
  }

 private:
  static kube::WatcherOptions optionsFor(const api::ObjectKey& key, telemetry::Logger& log) {
    kube::WatcherOptions options;
    options.resource = kSecrets;
    options.space = key.space;
    options.fieldSelector = "metadata.name=" + key.name;
    options.onTrouble = logTrouble(log, "secrets " + toString(key));
    return options;
  }

  // Of what is told since the last restart the highest version counts. What was told before never
  // does: where the server was restored from a backup, versions have gone back.
  void set(std::optional<Values> values, std::uint64_t version) {
    {
      std::lock_guard lock(mutex_);
      if (std::exchange(isTold_, true) && version < version_) return;
      version_ = version;
      const bool same =
          values.has_value() == values_.has_value() && (!values || isSame(*values, *values_));
      values_ = std::move(values);
      if (same) return;
    }
    cache_.changed_(key_);
  }

  SecretCache& cache_;
  const api::ObjectKey key_;
  mutable std::mutex mutex_;  // guards all below, to isTold_
  std::optional<Values> values_;
  std::uint64_t version_ = 0;  // since which it is so
  bool synced_ = false;
  bool isTold_ = false;  // anything since the last restart
  std::atomic<bool> hasEnded_{false};
  kube::Watcher watcher_;
  std::jthread thread_;
};

SecretCache::SecretCache(kube::Client& client, Clock& clock, Random& random, telemetry::Logger& log,
                         Listener changed)
    : client_(client), clock_(clock), random_(random), log_(log), changed_(std::move(changed)) {}

SecretCache::~SecretCache() { stop(); }

void SecretCache::watch(const std::set<api::ObjectKey>& secrets) {
  std::lock_guard lock(mutex_);
  std::erase_if(ending_, [](const auto& watch) { return watch->hasEnded(); });
  // Who calls this keeps a watch of his own, and perhaps locks, waiting: a thread that reads a page
  // just now is not joined here.
  std::erase_if(watches_, [&](const auto& each) {
    if (secrets.contains(each.first)) return false;
    each.second->requestStop();
    ending_.push_back(each.second);
    return true;
  });
  for (const auto& key : secrets) {
    auto& watch = watches_[key];
    if (watch == nullptr) watch = std::make_shared<Watch>(*this, key);
  }
}

void SecretCache::stop() {
  std::vector<std::shared_ptr<Watch>> ended;
  {
    std::lock_guard lock(mutex_);
    ended = std::exchange(ending_, {});
    for (auto& [key, watch] : std::exchange(watches_, {})) ended.push_back(std::move(watch));
  }
  for (const auto& watch : ended) watch->requestStop();
  // Joined without the lock, which their last calls may want.
}

std::shared_ptr<SecretCache::Watch> SecretCache::watchOf(const api::ObjectKey& secret) const {
  std::lock_guard lock(mutex_);
  const auto found = watches_.find(secret);
  return found == watches_.end() ? nullptr : found->second;
}

Result<api::SecretData> SecretCache::read(const api::ObjectKey& secret) const {
  const auto json = client_.get(kSecrets, {secret.space, secret.name});
  if (json) return api::decodeSecret(*json);
  if (json.error().code != ErrorCode::kNotFound) return fail(json.error());
  return fail(ErrorCode::kNotFound, "there is no Secret " + toString(secret));
}

Result<SecretBytes> SecretCache::get(const std::string& space, const api::SecretKeyRef& ref) const {
  const api::ObjectKey key{space, ref.name};
  if (const auto watch = watchOf(key)) {
    if (auto value = watch->get(ref)) return *std::move(value);
  }
  const auto secret = read(key);
  if (!secret) return fail(secret.error());
  return valueOf(secret->values, space, ref);
}

Result<SecretBytes> SecretCache::getOrCreate(const std::string& space, const api::SecretKeyRef& ref,
                                             const SecretBytes& value) {
  auto current = get(space, ref);
  if (current || current.error().code != ErrorCode::kNotFound) return current;
  const api::ObjectKey key{space, ref.name};
  const auto created = client_.create(kSecrets, space, manifestOf(ref, value));
  if (created) log_.info("made a Secret", {{"secret", toString(key)}, {"key", ref.key}});
  // Also who may not make it can find it there, without its key.
  auto secret = created ? api::decodeSecret(*created) : read(key);
  if (!secret) {
    const bool isThere = created || created.error().code == ErrorCode::kAlreadyExists;
    return fail(isThere ? std::move(secret.error()) : created.error());
  }
  auto result = valueOf(secret->values, space, ref);
  if (!result) result.error().code = ErrorCode::kInvalid;
  if (const auto watch = watchOf(key)) watch->learn(std::move(*secret));
  return result;
}

}  // namespace bco::store
