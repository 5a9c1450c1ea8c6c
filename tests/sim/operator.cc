#include "tests/sim/operator.h"

#include <algorithm>
#include <cstdlib>

namespace bco::sim {
namespace {

constexpr int kWorkers = 2;
constexpr int kPassesPerScrape = 100;

bool addsKey(const Plan& plan) {
  return std::ranges::any_of(plan.steps, [](const Step& step) {
    const auto* patch = std::get_if<PatchRegistration>(&step);
    return patch != nullptr && patch->add;
  });
}

std::function<bool()> gateOf(const Mutation* mutation, std::function<bool()> mayWrite) {
  if (mutation != nullptr && mutation->ignoresLease) return [] { return true; };
  return mayWrite;
}

}  // namespace

int Operator::Listener::overflow(int c) { return c; }

std::streamsize Operator::Listener::xsputn(const char* text, std::streamsize size) {
  const std::string_view line(text, static_cast<std::size_t>(size));
  parts_.invariants.spoken(line);
  if (parts_.trace.isOn() && line.size() > 25) {
    parts_.trace.say(std::to_string(life_) + " says " +
                     std::string(line.substr(25, line.find('\n') - 25)));
  }
  return size;
}

Operator::Operator(Parts& parts, int life, Duration skew, std::function<bool()> mayWrite)
    : parts_(parts),
      life_(life),
      machine_(parts.scheduler, parts.dice),
      dice_(parts.dice.next()),
      link_(life, machine_, parts.scheduler, parts.chaos, parts.trace, parts.invariants,
            gateOf(parts.mutation, std::move(mayWrite))),
      listener_(parts, life),
      logged_(&listener_),
      log_({telemetry::LogLevel::kDebug, telemetry::LogFormat::kText}, logged_),
      store_(parts.cluster, link_, parts.scheduler,
             [&parts] {
               const Duration lag = parts.dice.upTo(parts.scenario.longestLag);
               return std::max(lag, parts.watchCutUntil - parts.scheduler.now());
             }),
      mutant_{parts, dice_, log_},
      context_{.store = store_,
               .views = views_,
               .tally = tally_,
               .clock = machine_,
               .random = dice_,
               .log = log_,
               .events = *this,
               .backoff = {},
               .defaultOwnerId = {},
               .observer = &activity_,
               .keys = *this,
               .plan = [this](const auto& desired, const auto& observed,
                              TimePoint now) { return plan(desired, observed, now); }},
      engine_(context_, *this, drawSeed(dice_), EngineOptions{kWorkers, 2}) {
  machine_.setSkew(skew);
  store_.devices().statusSet = [this] { passEnded(); };
  if (parts.mutation != nullptr && parts.mutation->fleet) {
    store_.fleets().view = [&parts](api::BalenaFleet& fleet) { parts.mutation->fleet(fleet.spec); };
  }
  if (parts.mutation != nullptr) store_.devices().view = parts.mutation->device;
  if (parts.trace.isOn()) parts.trace.say(std::to_string(life) + " starts");
  machine_.spawn([this] {
    engine_.start();
    for (int i = 0; i < 2; ++i) machine_.spawn([this] { engine_.sweep(stop_.get_token()); });
    for (int i = 0; i < kWorkers + 1; ++i) {
      machine_.spawn([this] { engine_.work(stop_.get_token()); });
    }
    // One for several workers: some passes find it busy, and read for themselves.
    machine_.spawn([this] {
      machine_.current().readsAhead = true;
      engine_.readAhead(stop_.get_token());
    });
  });
}

Operator::~Operator() {
  scrape();
  machine_.kill();
}

void Operator::scrape() {
  telemetry::Families families;
  metrics::addFleets(families, context_, activity_);
  metrics::addDevices(families, store_);
  parts_.invariants.spoken(families.text());
}

void Operator::stop() {
  stop_.request_stop();
  machine_.wakeEverybody();
}

Result<std::shared_ptr<balena::BalenaApi>> Operator::connectBalena(
    const api::BalenaFleet& fleet, SharedSecret token, const std::optional<std::string>&) {
  const auto known = parts_.balena.getFleet(fleet.spec.fleet);
  std::shared_ptr<balena::BalenaApi> client = std::make_shared<BalenaClient>(
      parts_.balena, link_, life_, known ? known->id : 0, std::string(token->reveal()));
  const Mutation* mutation = parts_.mutation;
  if (mutation == nullptr || !mutation->balena) return client;
  return mutation->balena(mutant_, std::move(client));
}

Result<std::shared_ptr<clearblade::RegistryApi>> Operator::connectRegistry(
    const api::ClearBladeRegistry&, SharedSecret account, const std::optional<std::string>&) {
  std::shared_ptr<clearblade::RegistryApi> client = std::make_shared<RegistryClient>(
      parts_.registry, link_, life_, std::string(account->reveal()));
  const Mutation* mutation = parts_.mutation;
  if (mutation == nullptr || !mutation->registry) return client;
  return mutation->registry(mutant_, std::move(client));
}

void Operator::event(api::ObjectKind, const api::ObjectMeta& object, EventType,
                     std::string_view reason, const std::string& message) {
  parts_.invariants.spoken(toString(object.key) + " " + std::string(reason) + " " + message);
}

Result<crypto::PrivateKey> Operator::make(const SecretBytes& seed, std::string_view uuid,
                                          const crypto::Incarnation& incarnation,
                                          std::uint32_t generation) const {
  parts_.invariants.hide(seed.reveal());
  auto key = parts_.mutation != nullptr && parts_.mutation->key
                 ? parts_.mutation->key(mutant_, seed, uuid, incarnation, generation)
                 : crypto::PrivateKey::derive(seed, uuid, incarnation, generation);
  if (key) parts_.invariants.made(*key);
  return key;
}

Plan Operator::plan(const DesiredDevice& desired, const ObservedDevice& observed, TimePoint now) {
  const Mutation* mutation = parts_.mutation;
  if (link_.wasReadAhead(api::registrationId(desired.uuid))) ++machine_.current().requests;
  Plan plan = mutation != nullptr && mutation->plan
                  ? mutation->plan(mutant_, desired, observed, now)
                  : bco::plan(desired, observed, now);
  if (plan.verdict == Verdict::kAct && observed.registration && addsKey(plan)) {
    rotating_.insert(&machine_.current());
  }
  return plan;
}

// Of the current thread: what it has sent was for one device.
void Operator::passEnded() {
  if (++passes_ % kPassesPerScrape == 0) scrape();
  Thread& thread = machine_.current();
  if (rotating_.erase(&thread) > 0) {
    parts_.statistics.rotationRequests += thread.requests;
    if (!thread.isDisturbed) {
      ++parts_.statistics.undisturbedRotations;
      parts_.statistics.undisturbedRequests += thread.requests;
    }
  }
  thread.requests = 0;
  thread.isDisturbed = false;
}

}  // namespace bco::sim
