// Wrongful removals: the real clients and the real reconcilers over the sandbox's clouds, and one
// read after the other that fails, lies, or is another account's, at each point of a sweep and of
// the passes it calls for. The devices are all there; not one registration may go.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "balena/client.h"
#include "clearblade/client.h"
#include "reconcile/engine.h"
#include "sandbox/balena_cloud.h"
#include "sandbox/clearblade_cloud.h"
#include "store/memory_store.h"
#include "tests/controller/reconcile/world.h"
#include "tests/support/handler_transport.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr int kDevices = 8;
constexpr auto kSlug = "acme/sensors";

// What becomes of the answer to a read.
enum class Lie {
  kUnavailable,
  kDeadline,
  kServerError,   // an empty 500
  kTooMany,       // 429
  kUnauthorized,  // 401, while whoami accepts the token
  kWrongAccount,  // 401, and whoami too: the token is no longer one of this account's
  kCutShort,      // half of the bytes
  kHalf,          // well-formed, with half of the rows
  kEmpty,         // well-formed, with nothing in it
  kOther,         // the answer to the same question about something else
  kOfYesterday,   // from before half of the devices were there
};
constexpr Lie kLies[] = {Lie::kUnavailable,  Lie::kDeadline,     Lie::kServerError, Lie::kTooMany,
                         Lie::kUnauthorized, Lie::kWrongAccount, Lie::kCutShort,    Lie::kHalf,
                         Lie::kEmpty,        Lie::kOther,        Lie::kOfYesterday};
constexpr const char* kNames[] = {"Unavailable", "Deadline",     "500",        "429",
                                  "401",         "WrongAccount", "CutShort",   "Half",
                                  "Empty",       "Other",        "OfYesterday"};

bool isRead(const http::Request& request) {
  return request.method == http::Method::kGet || request.kind == "clearblade.exchange";
}

// Which reads lie: of these kinds, from the `first` of them on, `count` times.
struct Plot {
  std::set<std::string, std::less<>> kinds;
  int first = 1;
  int count = 1;
  Lie lie = Lie::kUnavailable;
};

// Passes requests on and forges answers.
class LyingTransport final : public http::HttpTransport {
 public:
  explicit LyingTransport(http::HttpTransport& inner) : inner_(inner) {}

  std::optional<Plot> plot;
  std::map<std::string, std::string> yesterday;  // the answers of then, by URL
  bool records = false;
  int seen = 0;  // of the plot's kinds
  int struck = 0;
  int deletions = 0;

  [[nodiscard]] std::vector<Result<http::Response>> sendAll(
      std::span<const http::Request> requests) override {
    std::vector<Result<http::Response>> results;
    for (const http::Request& request : requests) {
      if (request.kind == "clearblade.device.delete") ++deletions;
      results.push_back(isRead(request) ? read(request) : inner_.send(request));
    }
    return results;
  }

 private:
  Result<http::Response> read(const http::Request& request) {
    if (!strikes(request)) {
      auto answer = inner_.send(request);
      if (records && answer) yesterday[request.url] = answer->body;
      return answer;
    }
    ++struck;
    switch (plot->lie) {
      case Lie::kUnavailable:
        return fail(ErrorCode::kUnavailable, "connection lost");
      case Lie::kDeadline:
        return fail(ErrorCode::kDeadline, "no answer in time");
      case Lie::kServerError:
        return http::Response{500, {}, ""};
      case Lie::kTooMany:
        return http::Response{429, {}, ""};
      case Lie::kUnauthorized:
      case Lie::kWrongAccount:
        return http::Response{401, {}, ""};
      default:
        return forge(request);
    }
  }

  bool strikes(const http::Request& request) {
    if (!plot) return false;
    const bool isAsked = plot->kinds.contains(request.kind);
    const bool accountGone =
        plot->lie == Lie::kWrongAccount && struck > 0 && request.kind == "balena.whoami";
    if (isAsked) ++seen;
    return accountGone || (isAsked && seen >= plot->first && seen < plot->first + plot->count);
  }

  Result<http::Response> forge(const http::Request& request) {
    if (plot->lie == Lie::kOfYesterday) {
      const auto found = yesterday.find(request.url);
      if (found != yesterday.end()) return http::Response{200, {}, found->second};
    }
    auto answer = inner_.send(request);
    if (!answer || answer->status != 200) return answer;
    if (plot->lie == Lie::kCutShort) {
      answer->body.resize(answer->body.size() / 2);
      return answer;
    }
    json body = json::parse(answer->body);
    for (const char* list : {"d", "devices"}) {
      if (body.contains(list)) body[list] = forged(body[list], request);
    }
    // ClearBlade's GET of one device.
    if (request.kind == "clearblade.device.get" && plot->lie == Lie::kEmpty) body = json::object();
    if (request.kind == "clearblade.device.get" && plot->lie == Lie::kOther) {
      body["id"] = "balena-" + std::string(32, 'e');
    }
    answer->body = body.dump();
    return answer;
  }

  json forged(const json& rows, const http::Request& request) const {
    if (rows.is_number()) return plot->lie == Lie::kEmpty ? json(0) : json(rows.get<int>() / 2);
    if (!rows.is_array()) return rows;
    json result = json::array();
    if (plot->lie == Lie::kEmpty) return result;
    if (plot->lie == Lie::kOther) {
      for (json row : rows) {
        if (row.contains("uuid")) row["uuid"] = std::string(32, 'e');
        if (row.contains("belongs_to__application") && request.kind == "balena.device.list") {
          row["belongs_to__application"] = {{"__id", 99}};
        }
        result.push_back(row);
      }
      return result;
    }
    for (std::size_t i = 0; i < rows.size() / 2; ++i) result.push_back(rows[i]);
    return result;
  }

  http::HttpTransport& inner_;
};

// Everything but sockets and threads.
class WrongfulRemoval : public testing::Test {
 protected:
  WrongfulRemoval() {
    EXPECT_TRUE(cloud_.addFleet({.slug = kSlug, .services = {"main"}, .isPublic = true}));
    token_ = shareSecret(SecretBytes(*cloud_.addToken({.name = "op", .fleets = {kSlug}})));
    inCloud_ = &iot_.addRegistry("p", "us-central1", "r");
    const auto account = iot_.addServiceAccount({"", "", "p"});
    account_ = {account.systemKey, shareSecret(SecretBytes(account.token)), "https://admin", "p"};
    api::Manifests manifests;
    api::ClearBladeRegistry registry;
    registry.meta.key.name = "main";
    registry.spec.project = "p";
    registry.spec.region = "us-central1";
    registry.spec.registry = "r";
    registry.spec.ownerId = "site-a";
    registry.spec.serviceAccount.name = "clearblade";
    registry.spec.keySeed = {"seed", "seed"};
    manifests.registries[registry.meta.key] = registry;
    api::BalenaFleet fleet;
    fleet.meta.key = test::kFleetKey;
    fleet.spec.fleet = kSlug;
    fleet.spec.registry = "main";
    fleet.spec.token.name = "balena";
    fleet.spec.devices = api::DeviceSource::kAll;
    fleet.spec.stale = {api::StalePolicy::kDelete, 0ms, 1000, 100, 1000000};
    manifests.fleets[fleet.meta.key] = fleet;
    manifests.secrets[{"default", "balena"}].values["token"] = SecretBytes("t");
    manifests.secrets[{"default", "clearblade"}].values["service-account.json"] = SecretBytes("{}");
    manifests.secrets[{"default", "seed"}].values["seed"] =
        SecretBytes(std::string(crypto::kSeedBytes, '*'));
    store_.apply(std::move(manifests));
    provision(kDevices / 2);
    yesterday();
    provision(kDevices / 2);
    EXPECT_EQ(inCloud_->devices.size(), static_cast<std::size_t>(kDevices));
  }

  void provision(int count) {
    EXPECT_TRUE(cloud_.addDevices(kSlug, static_cast<std::size_t>(count)));
    Process process(*this);
    process.sweep();
    clock_.advance(10min);
  }
  // What both clouds answer now, for later.
  void yesterday() {
    lying_.records = true;
    Process process(*this);
    process.sweep();
    for (const auto& object : store_.devices().list()) {
      (void)process.reconciler.reconcile(object->spec.uuid);
    }
    lying_.records = false;
    clock_.advance(10min);
  }

  struct Factory final : CloudFactory {
    explicit Factory(WrongfulRemoval& test) : test_(test) {}
    [[nodiscard]] Result<std::shared_ptr<balena::BalenaApi>> connectBalena(
        const api::BalenaFleet&, SharedSecret, const std::optional<std::string>&) override {
      return std::make_shared<balena::Client>(test_.lying_, test_.clock_, "https://api",
                                              [this] { return test_.token_; });
    }
    [[nodiscard]] Result<std::shared_ptr<clearblade::RegistryApi>> connectRegistry(
        const api::ClearBladeRegistry&, SharedSecret, const std::optional<std::string>&) override {
      return std::make_shared<clearblade::Client>(
          test_.lying_, test_.clock_, test_.account_,
          clearblade::RegistryName{"p", "us-central1", "r"});
    }
    WrongfulRemoval& test_;
  };

  // One run of the operator's: what it knows of earlier ones is in the store.
  struct Process {
    explicit Process(WrongfulRemoval& test)
        : clock(test.clock_), factory(test), context{test.store_,  views,     tally,  test.clock_,
                                                     test.random_, test.log_, events, {}} {}
    void sweep() {
      fleetSync.sync(test::kFleetKey, {});
      while (queue.depth() > 0) {
        const std::string uuid = *queue.take({});
        queue.done(uuid);
        for (int pass = 0; pass < 3 && reconciler.reconcile(uuid) == Duration::zero(); ++pass) {
        }
      }
    }
    test::FakeClock& clock;
    Factory factory;
    FleetViews views;
    Tally tally;
    NoEvents events;
    Context context;
    RegistrySources registries{context, factory, nullptr};
    FleetSources fleets{context, registries, factory};
    WorkQueue queue{context.clock};
    FleetSync fleetSync{context, fleets, registries, queue};
    DeviceReconciler reconciler{context};
  };

  // A process that sweeps `sweeps` times while `plot` goes on, then once in truth.
  void expectNoRemoval(const Plot& plot, int sweeps, const std::string& name) {
    lying_.plot = plot;
    lying_.seen = lying_.struck = lying_.deletions = 0;
    Process process(*this);
    for (int i = 0; i < sweeps; ++i) {
      process.sweep();
      clock_.advance(10min);
    }
    worlds_ += lying_.struck > 0 ? 1 : 0;
    ASSERT_EQ(lying_.deletions, 0) << name;
    ASSERT_EQ(inCloud_->devices.size(), static_cast<std::size_t>(kDevices)) << name;
    lying_.plot.reset();
    process.sweep();
    clock_.advance(10min);
    ASSERT_EQ(lying_.deletions, 0) << name << ", afterwards";
  }

  static std::string nameOf(const Plot& plot) {
    std::string name = kNames[static_cast<int>(plot.lie)];
    for (const std::string& kind : plot.kinds) name += " " + kind;
    return name + ", from number " + std::to_string(plot.first) + ", " +
           std::to_string(plot.count) + " times";
  }
  void setRules(const api::StaleRules& rules) {
    api::Manifests manifests;
    const auto registry = store_.registries().list().front();
    manifests.registries[registry->meta.key] = *registry;
    api::BalenaFleet fleet = *store_.fleets().get(test::kFleetKey);
    fleet.spec.stale = rules;
    manifests.fleets[fleet.meta.key] = fleet;
    manifests.secrets[{"default", "balena"}].values["token"] = SecretBytes("t");
    manifests.secrets[{"default", "clearblade"}].values["service-account.json"] = SecretBytes("{}");
    manifests.secrets[{"default", "seed"}].values["seed"] =
        SecretBytes(std::string(crypto::kSeedBytes, '*'));
    store_.apply(std::move(manifests));
  }

  test::FakeClock clock_;
  test::FakeRandom random_;
  std::ostringstream logged_;
  telemetry::Logger log_{{telemetry::LogLevel::kError, telemetry::LogFormat::kText}, logged_};
  store::MemoryStore store_{clock_, {}};
  sandbox::BalenaCloud cloud_{{.now = [this] { return clock_.now(); },
                               .onDeviceUpdate = [](const std::string&, Duration) {},
                               .supervisor = nullptr}};
  sandbox::ClearBladeCloud iot_{[this] { return clock_.now(); }, random_};
  sandbox::CloudRegistry* inCloud_ = nullptr;
  test::HandlerTransport transport_{
      [this](const std::string& origin, const server::Request& request) -> server::Reply {
        if (origin.find("api") != std::string::npos) return cloud_.handle(request);
        const auto call = sandbox::ClearBladeCloud::classify(request);
        if (!call) return {404, {}, "404 page not found"};
        return iot_.handle(*call, request, "https://regional");
      }};
  LyingTransport lying_{transport_};
  SharedSecret token_;
  clearblade::ServiceAccount account_;
  int worlds_ = 0;  // in which a lie was told
};

constexpr int kAlways = 1000000;

const std::set<std::string, std::less<>> kListings = {"balena.device.count", "balena.device.list"};

// Evidence alone: the brake is wide open, and `after` is nothing.
TEST_F(WrongfulRemoval, NeverComesOfOneReadThatLies) {
  for (const char* kind :
       {"balena.fleet.get", "balena.device.count", "balena.device.list",
        "balena.device.missing_key", "balena.device.get", "clearblade.exchange",
        "clearblade.registry.get", "clearblade.device.list", "clearblade.device.get"}) {
    for (const Lie lie : kLies) {
      for (const auto& [first, count] : std::vector<std::pair<int, int>>{
               {1, 1}, {2, 1}, {3, 1}, {1, 2}, {1, kAlways}, {2, kAlways}}) {
        const Plot plot{{kind}, first, count, lie};
        expectNoRemoval(plot, 3, nameOf(plot));
        if (HasFatalFailure()) return;
      }
    }
  }
  EXPECT_GT(worlds_, 350);
}

// Both answers of a listing tell the same lie, sweep after sweep, so that the snapshots are
// complete by their own account: only a look at the device itself tells better.
TEST_F(WrongfulRemoval, NeverComesOfListingsThatAgreeOnALie) {
  for (const Lie lie : {Lie::kHalf, Lie::kEmpty, Lie::kOfYesterday}) {
    for (const int first : {1, 3, 5}) {
      const Plot plot{kListings, first, kAlways, lie};
      expectNoRemoval(plot, 5, nameOf(plot));
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_EQ(worlds_, 9);
}

// Then whatever else is asked lies as well, but does not say "not found".
TEST_F(WrongfulRemoval, NeverComesOfALookAtTheDeviceThatFails) {
  for (const Lie lie : {Lie::kHalf, Lie::kOfYesterday}) {
    for (const char* kind : {"balena.device.get", "clearblade.device.get", "clearblade.exchange"}) {
      for (const Lie second : kLies) {
        // These say "there is no such device", which is an answer: see the next test.
        if (std::string_view(kind) == "balena.device.get" &&
            (second == Lie::kEmpty || second == Lie::kHalf || second == Lie::kOfYesterday)) {
          continue;
        }
        lying_.plot.reset();
        Process process(*this);
        lying_.deletions = 0;
        for (int i = 0; i < 3; ++i) {
          lying_.plot = Plot{kListings, 1, kAlways, lie};
          lying_.seen = lying_.struck = 0;
          process.fleetSync.sync(test::kFleetKey, {});
          lying_.plot = Plot{{kind}, 1, kAlways, second};
          lying_.seen = lying_.struck = 0;
          while (process.queue.depth() > 0) {
            const std::string uuid = *process.queue.take({});
            process.queue.done(uuid);
            (void)process.reconciler.reconcile(uuid);
          }
          worlds_ += lying_.struck > 0 ? 1 : 0;
          clock_.advance(10min);
        }
        ASSERT_EQ(lying_.deletions, 0) << kNames[static_cast<int>(lie)] << " then " << kind << " "
                                       << kNames[static_cast<int>(second)];
      }
    }
  }
  EXPECT_GT(worlds_, 20);
}

// A token that has lost sight of half of the fleet: listings and looks agree, for ever. No program
// can tell that from deletion; the brake is for this.
TEST_F(WrongfulRemoval, NeverComesOfATokenThatSeesHalfOfTheFleet) {
  api::StaleRules rules;
  rules.policy = api::StalePolicy::kDelete;
  rules.after = 0ms;
  setRules(rules);
  auto kinds = kListings;
  kinds.insert("balena.device.get");
  for (const Lie lie : {Lie::kHalf, Lie::kEmpty, Lie::kOfYesterday}) {
    const Plot plot{kinds, 1, kAlways, lie};
    expectNoRemoval(plot, 6, nameOf(plot));
    if (HasFatalFailure()) return;
  }
}

// The table can fail: with the brake open the same lie is believed.
TEST_F(WrongfulRemoval, WouldComeOfTheSameTokenWithoutABrake) {
  auto kinds = kListings;
  kinds.insert("balena.device.get");
  lying_.plot = Plot{kinds, 1, kAlways, Lie::kHalf};
  lying_.seen = lying_.struck = 0;
  Process process(*this);
  for (int i = 0; i < 3; ++i) {
    process.sweep();
    clock_.advance(10min);
  }
  EXPECT_EQ(inCloud_->devices.size(), static_cast<std::size_t>(kDevices / 2));
}

// A token of another account, to which even a public fleet of this slug shows no device.
TEST_F(WrongfulRemoval, NeverComesOfAnotherAccountsToken) {
  const SharedSecret good = token_;
  ASSERT_TRUE(cloud_.addFleet({.slug = "other/fleet"}));
  for (const bool isKnown : {true, false}) {
    token_ = shareSecret(
        SecretBytes(isKnown ? *cloud_.addToken({.name = "other", .fleets = {"other/fleet"}})
                            : "no-such-token"));
    lying_.deletions = 0;
    Process process(*this);
    for (int i = 0; i < 3; ++i) {
      process.sweep();
      clock_.advance(10min);
      if (i == 0) continue;
      // It changes in the middle, too.
      token_ = good;
      process.sweep();
      clock_.advance(10min);
      token_ = shareSecret(SecretBytes("no-such-token"));
    }
    EXPECT_EQ(lying_.deletions, 0);
    token_ = good;
  }
}

}  // namespace
}  // namespace bco
