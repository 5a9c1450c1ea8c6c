#include "reconcile/registry_source.h"

#include <algorithm>
#include <array>

#include "clearblade/service_account.h"
#include "core/text.h"
#include "http/url.h"
#include "reconcile/inputs.h"
#include "reconcile/requests.h"

namespace bco {
namespace {

// Between two looks at a registry; and how old its description may be at the second.
constexpr Duration kCheckInterval = std::chrono::minutes(5);
constexpr Duration kDescriptionAge = std::chrono::minutes(4);

bool leadsToThisMachine(const SecretBytes& serviceAccount, const std::string& project) {
  const auto account = clearblade::parseServiceAccount(serviceAccount, project);
  if (!account) return false;
  const auto url = http::parseUrl(account->url);
  return url && http::isLoopback(url->host);
}

}  // namespace

SharedSecret drawSeed(Random& random) {
  std::array<std::uint8_t, crypto::kSeedBytes> bytes{};
  random.fill(bytes);
  auto seed = shareSecret(
      SecretBytes(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())));
  wipe(bytes.data(), bytes.size());
  return seed;
}

Result<SharedSecret> parseSeed(const SecretBytes& value) {
  const auto isSeed = [](std::string_view bytes) {
    return bytes.size() == crypto::kSeedBytes &&
           std::ranges::any_of(bytes, [](char byte) { return byte != '\0'; });
  };
  // Base64 first: 32 bytes that happen to be a text are the base64 of too few.
  if (auto decoded = fromBase64(trim(value.reveal()))) {
    if (isSeed(*decoded)) return shareSecret(SecretBytes::take(std::move(*decoded)));
    wipe(decoded->data(), decoded->size());
  } else if (isSeed(value.reveal())) {
    return shareSecret(value.clone());
  }
  return fail(ErrorCode::kInvalid,
              "the key seed must be 32 random bytes, not all zero, or their base64: openssl rand "
              "-base64 32");
}

Result<SharedSecret> RegistrySources::seedOf(const api::ClearBladeRegistry& registry) {
  const std::string& space = registry.meta.key.space;
  auto value = context_.store.secret(space, registry.spec.keySeed);
  const bool isMissing = !value && value.error().code == ErrorCode::kNotFound;
  std::unique_lock lock(mutex_);
  const bool wasStored = entries_[registry.meta.key].seedWasStored;
  lock.unlock();
  if (isMissing && wasStored) {
    // Another seed than that of the keys under way would cut devices off.
    return fail(ErrorCode::kNotFound,
                value.error().message + "; it was there before: put the key seed back");
  }
  if (isMissing) {
    const SecretBytes drawn = SecretBytes::take(toBase64(fallbackSeed_->reveal()));
    value = context_.store.secretOrCreate(space, registry.spec.keySeed, drawn);
    if (!value && value.error().code == ErrorCode::kNotFound) return fallbackSeed_;
    if (!value && value.error().code == ErrorCode::kForbidden) {
      return fail(
          ErrorCode::kNotFound,
          "Secret " + space + "/" + registry.spec.keySeed.name +
              " is not there, and the operator may not make Secrets in this namespace: make "
              "it, with 32 random bytes (openssl rand -base64 32) under " +
              registry.spec.keySeed.key);
    }
  }
  if (!value) return fail(value.error());
  lock.lock();
  entries_[registry.meta.key].seedWasStored = true;
  return parseSeed(*value);
}

Result<std::shared_ptr<const RegistryView>> RegistrySources::view(const api::ObjectKey& key) {
  auto made = makeView(key);
  if (!made) status_.failed(key, made.error());
  return made;
}

Status RegistrySources::describe(const std::string& path, clearblade::RegistryApi& registry) const {
  const auto described = registry.getRegistry();
  if (!described) return fail(withContext(described.error(), "clearblade"));
  if (!described->hasCaCertificates) return {};
  return fail(ErrorCode::kInvalid, "registry " + path +
                                       " has CA certificates and so refuses bare public keys: "
                                       "remove them, or use another registry");
}

Status RegistrySources::describeAgain(const std::shared_ptr<const RegistryView>& view) {
  const bool isAsked = !isInUse(view->key) && isAskedFor(view->key);
  {
    std::lock_guard lock(mutex_);
    Entry& entry = entries_[view->key];
    const SteadyPoint now = context_.clock.steadyNow();
    if (!isAsked && now - entry.describedAt < kDescriptionAge) return {};
    entry.describedAt = now;
  }
  Status described = describe(view->path, *view->registry);
  if (described || traitsOf(described.error().code).transient) return described;
  std::lock_guard lock(mutex_);
  Entry& entry = entries_[view->key];
  if (entry.view == view) entry.view = nullptr;  // `view` keeps it until the lock is released
  return described;
}

bool RegistrySources::isInUse(const api::ObjectKey& key) const {
  return std::ranges::any_of(context_.store.fleets().list(), [&](const auto& fleet) {
    return fleet->registryKey() == key && !fleet->meta.deletedAt;
  });
}

std::optional<Duration> RegistrySources::check(const api::ObjectKey& key,
                                               const std::stop_token& stop) {
  const auto object = context_.store.registries().get(key);
  if (object == nullptr || object->meta.deletedAt) return std::nullopt;
  const auto view = makeView(key);
  const Status looked = view ? describeAgain(*view) : Status(fail(view.error()));
  if (stop.stop_requested()) return std::nullopt;
  const bool isUsed = isInUse(key);
  std::unique_lock lock(mutex_);
  Entry& entry = entries_[key];
  entry.failedChecks = looked ? 0 : entry.failedChecks + 1;
  const int failures = entry.failedChecks;
  // What a listing can't read is not available, whatever the registry says of itself.
  const bool isUnreadable = isUsed && entry.listingFails;
  lock.unlock();
  if (!looked) {
    const Error& error = looked.error();
    status_.failed(key, error);
    if (!traitsOf(error.code).transient) return kCheckInterval;
    return std::max(backoff(context_.backoff, failures, context_.random),
                    error.retryAfter.value_or(Duration::zero()));
  }
  if (!isUnreadable) status_.available(key, (*view)->ownerId, isUsed);
  return kCheckInterval;
}

Result<std::shared_ptr<const RegistryView>> RegistrySources::makeView(const api::ObjectKey& key) {
  const auto object = context_.store.registries().get(key);
  if (object == nullptr) {
    return fail(ErrorCode::kNotFound, "there is no ClearBladeRegistry " + toString(key));
  }
  const std::string ownerId = object->spec.ownerId.value_or(context_.defaultOwnerId);
  if (ownerId.empty()) {
    return fail(ErrorCode::kInvalid, "ClearBladeRegistry " + toString(key) +
                                         " needs an ownerId: the cluster's own could not be read");
  }
  auto account = context_.store.secret(key.space, object->spec.serviceAccount);
  if (!account) return fail(std::move(account.error()));
  std::optional<std::string> caPem;
  if (object->spec.ca) {
    const auto ca = context_.store.secret(key.space, *object->spec.ca);
    if (!ca) return fail(ca.error());
    caPem = std::string(ca->reveal());
  }
  auto seed = seedOf(*object);
  if (!seed) return fail(withContext(std::move(seed.error()), "keySeedSecretRef"));
  const std::string inputs =
      digestOfInputs({account->reveal(), caPem.value_or(""), (*seed)->reveal(), object->meta.uid,
                      std::to_string(object->meta.generation)});
  // One for all views of a registry, those made at the same time too.
  std::shared_ptr<RegistrationHints> hints;
  {
    std::lock_guard lock(mutex_);
    Entry& entry = entries_[key];
    if (entry.view != nullptr && entry.inputs == inputs) return entry.view;
    if (entry.hints == nullptr || entry.path != object->path()) {
      entry.hints = std::make_shared<RegistrationHints>();
      entry.path = object->path();
    }
    hints = entry.hints;
  }
  const bool isLoopback = leadsToThisMachine(*account, object->spec.project);
  auto client = factory_.connectRegistry(*object, shareSecret(std::move(*account)), caPem);
  if (!client) return fail(std::move(client.error()));
  // Asked once for each new connection: it also shows early that the service account is of use.
  if (Status described = describe(object->path(), **client); !described) {
    return fail(std::move(described.error()));
  }
  auto view = std::make_shared<const RegistryView>(
      RegistryView{key, object->spec.project, object->path(), ownerId, *seed, *client, hints,
                   isLoopback, context_.keys});
  // The view before it, and with it its connections, is destroyed without the lock.
  std::shared_ptr<const RegistryView> before = view;
  std::lock_guard lock(mutex_);
  Entry& entry = entries_[key];
  if (entry.view != nullptr && entry.inputs == inputs) return entry.view;  // another fleet's
  entry.inputs = inputs;
  entry.describedAt = context_.clock.steadyNow();
  std::swap(entry.view, before);
  return view;
}

Result<std::shared_ptr<const RegistryListing>> RegistrySources::listing(
    const RegistryView& view, TimePoint notBefore, const std::stop_token& stop) {
  bool isFirst = false;
  const auto flight = std::make_shared<Flight>();
  {
    std::unique_lock lock(mutex_);
    Entry& entry = entries_[view.key];
    while (const auto others = entry.flight) {
      waitUntil(context_.clock, lock, listed_, kForever, stop,
                [&] { return others->result.has_value(); });
      if (stop.stop_requested()) return fail(ErrorCode::kUnavailable, "stopping");
      if (!*others->result) return *others->result;
    }
    // One of the future was taken before the clock was set back.
    const bool isOfUse = entry.listing != nullptr && entry.listing->takenAt() >= notBefore &&
                         entry.listing->takenAt() <= context_.clock.now() &&
                         entry.listing->ownerId() == view.ownerId;
    if (isOfUse && !isAskedFor(view.key)) return entry.listing;
    entry.flight = flight;
    isFirst = entry.listing == nullptr;
  }
  Result<std::shared_ptr<const RegistryListing>> listing;
  try {
    listing = list(view, isFirst, stop);
  } catch (const std::exception& error) {  // or the others would wait for ever
    listing = fail(ErrorCode::kInternal, error.what());
  }
  std::lock_guard lock(mutex_);
  Entry& entry = entries_[view.key];
  entry.flight = nullptr;
  entry.listingFails = !listing;
  if (listing) entry.listing = *listing;
  flight->result = listing;
  context_.clock.wakeAll(listed_);
  return listing;
}

// Somebody has asked for a look by annotation since the last one.
bool RegistrySources::isAskedFor(const api::ObjectKey& key) const {
  const auto object = context_.store.registries().get(key);
  return object != nullptr &&
         reconcileRequest(object->meta) != object->status.lastHandledReconcileAt;
}

Result<std::shared_ptr<const RegistryListing>> RegistrySources::list(const RegistryView& view,
                                                                     bool isFirst,
                                                                     const std::stop_token& stop) {
  auto listing = std::make_shared<RegistryListing>(view.ownerId);
  const auto takenAt = view.registry->listRegistrations(
      [&](const clearblade::Registration& registration) { listing->add(registration); });
  if (!takenAt) {
    Error error = withContext(takenAt.error(), "clearblade");
    if (!stop.stop_requested()) status_.failed(view.key, error);
    return fail(std::move(error));
  }
  listing->complete(*takenAt);
  view.hints->replace(listing);
  status_.listed(view.key, view.ownerId, *listing,
                 factory_.smallerBudget(api::ObjectKind::kRegistry, view.key), isFirst);
  return listing;
}

}  // namespace bco
