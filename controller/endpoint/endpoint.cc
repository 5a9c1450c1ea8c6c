#include "endpoint/endpoint.h"

#include "endpoint/description.h"
#include "reconcile/requests.h"

namespace bco::endpoint {
namespace {

constexpr std::size_t kMostErrands = 4096;
constexpr std::string_view kDescriptionPath = "/openapi.json";
constexpr std::string_view kEverybody;
constexpr std::string_view kTooManyStrangers = "TooManyStrangers";
// Between two looks at whether all have their answers.
constexpr Duration kAnswersLook = std::chrono::milliseconds(10);

// What balena or the store says when it can't.
Answer answerTo(const Error& error) {
  const Duration wait = error.retryAfter.value_or(std::chrono::seconds(5));
  if (error.reason == kTooManyStrangers) return {Outcome::kLimited, {}, wait};
  if (error.code == ErrorCode::kThrottled) return {Outcome::kThrottled, {}, wait};
  return {Outcome::kUnavailable, {}, wait};
}

bool isDescription(const server::Request& request) {
  return request.target.substr(0, request.target.find('?')) == kDescriptionPath;
}

}  // namespace

struct Endpoint::Exchange {
  Request request = {};
  std::string method = {};
  std::string peer = {};
  SteadyPoint startedAt = {};
  std::optional<api::ObjectKey> listedBy = {};  // for the look-up: no stranger's
  Waiting::Id waiter = 0;
  std::shared_ptr<EarlyRead> read = {};  // for the pass that is waited for
  bool isDescription = false;
  server::Responder respond = {};

  [[nodiscard]] bool isStranger() const { return !request.trusted && !listedBy; }
};

Endpoint::Endpoint(const Context& context, FleetSources& fleets, const EndpointOptions& options,
                   std::function<std::string()> isReady)
    : context_(context),
      options_(options),
      isReady_(std::move(isReady)),
      anybody_(options),
      trusted_(options),
      strangers_(options.strangers),
      allStrangers_(options.allStrangers),
      waiting_(std::make_shared<Waiting>(context.store, context.clock, options.deadline)),
      deadlines_([waiting = waiting_](const std::stop_token& stop) { waiting->run(stop); }),
      errands_(context.clock, options.threads, kMostErrands),
      lookup_(context, fleets, options.threads, kMostErrands) {
  context.views.rolls().want();
  context.store.onDeviceTouched(
      [waiting = waiting_](const std::string& uuid) { waiting->changed(uuid); });
}

Endpoint::~Endpoint() {
  // First: what is under way may still write.
  errands_.stop();
  lookup_.stop();
  context_.store.onDeviceTouched([](const std::string&) {});
  waiting_->settleAll({Outcome::kStopping, {}, std::chrono::seconds(1)});
}

void Endpoint::handle(server::Request request, server::Responder respond) {
  const auto exchange = std::make_shared<Exchange>();
  exchange->method = std::move(request.method);
  exchange->peer = std::move(request.peer);
  exchange->startedAt = context_.clock.steadyNow();
  exchange->isDescription = isDescription(request);
  exchange->respond = std::move(respond);
  ++open_;
  counting_->begin();
  if (const auto answer = answerEarly(request, *exchange)) return finish(*exchange, *answer);
  exchange->waiter =
      waiting_->add(exchange->request.verb, exchange->request.ask.uuid,
                    [this, exchange](const Answer& answer) { finish(*exchange, answer); });
  serve(exchange);
}

std::optional<Answer> Endpoint::limit(RateLimiter& limiter, const std::string& key) {
  const Duration wait = limiter.take(key, context_.clock.steadyNow());
  if (wait == Duration::zero()) return std::nullopt;
  return Answer{Outcome::kLimited, {}, wait};
}

std::optional<Answer> Endpoint::limitCaller(Limits& limits, const std::string& peer) {
  // Everybody's limit last: who is over his own must not use it up.
  if (auto limited = limit(limits.perAddress, addressKey(peer))) return limited;
  return limit(limits.total, std::string(kEverybody));
}

std::optional<Answer> Endpoint::answerEarly(const server::Request& request, Exchange& exchange) {
  exchange.request.trusted = tokens_.accept(request.header("authorization"));
  Limits& limits = exchange.request.trusted ? trusted_ : anybody_;
  if (auto limited = limitCaller(limits, exchange.peer)) return limited;
  const bool reads = exchange.method == "GET" || exchange.method == "HEAD";
  if (exchange.isDescription && reads) {
    return Answer{Outcome::kDescribed, std::string(description())};
  }
  if (exchange.method != "POST" && exchange.method != "DELETE") {
    return Answer{Outcome::kMethodNotAllowed};
  }
  exchange.request.verb = exchange.method == "POST" ? Verb::kProvision : Verb::kRemove;
  const bool needsToken = exchange.request.verb == Verb::kRemove || options_.authenticatePosts;
  if (needsToken && !exchange.request.trusted) return Answer{Outcome::kUnauthenticated};
  auto ask = parseAsk(request.header("content-type").value_or(""), request.body);
  if (!ask) return Answer{Outcome::kBadRequest, std::move(ask.error().message)};
  exchange.request.ask = *std::move(ask);
  if (auto limited = limit(limits.perDevice, exchange.request.ask.uuid)) return limited;
  if (draining_) return Answer{Outcome::kStopping, {}, std::chrono::seconds(1)};
  if (const std::string trouble = isReady_(); !trouble.empty()) {
    return Answer{Outcome::kUnavailable, trouble, std::chrono::seconds(1)};
  }
  return std::nullopt;
}

void Endpoint::serve(const Shared& exchange) {
  const Request& request = exchange->request;
  const DeviceObjects objects = likeliest(context_.store.devicesByUuid(request.ask.uuid));
  const auto fleet =
      objects.empty() ? nullptr : context_.store.fleets().get(governing(objects).fleetKey());
  const auto choice = choose(request, objects, fleet.get(), context_.clock.now());
  if (const auto* answer = std::get_if<Answer>(&choice)) return settle(exchange, *answer);
  if (const auto* changing = std::get_if<ChangeObject>(&choice)) {
    return change(exchange, changing->object);
  }
  doBlocking(exchange, [this, exchange] { lookUp(exchange); });
}

void Endpoint::doBlocking(const Shared& exchange, const std::function<void()>& errand) {
  if (!options_.storeBlocks) return errand();
  if (errands_.add([errand](const std::stop_token&) { errand(); })) return;
  settle(exchange, {Outcome::kUnavailable, {}, std::chrono::seconds(5)});
}

void Endpoint::lookUp(const Shared& exchange) {
  const std::string& uuid = exchange->request.ask.uuid;
  if (!exchange->request.trusted) exchange->listedBy = lookup_.listedBy(uuid);
  const bool isStranger = exchange->isStranger();
  const auto mayAsk = [this, isStranger, uuid, address = addressKey(exchange->peer)]() -> Status {
    // Somebody may have made it while this waited for its turn.
    if (isKnown(uuid)) return fail(ErrorCode::kAlreadyExists, "an object names the device");
    return isStranger ? mayLookUp(address) : Status();
  };
  Status looked = mayAsk();
  // What was declared a moment ago the watch may not have told yet, and a second object would be a
  // conflict.
  if (looked) looked = context_.store.lookAgain(uuid);
  if (isKnown(uuid)) return serve(exchange);
  if (!looked) return settle(exchange, answerTo(looked.error()));
  lookup_.find({uuid, exchange->listedBy, exchange->startedAt + options_.deadline, mayAsk,
                [this, exchange](auto found) { takeUp(exchange, std::move(found)); }});
}

bool Endpoint::isKnown(const std::string& uuid) const {
  return !context_.store.devicesByUuid(uuid).empty();
}

Status Endpoint::mayLookUp(const std::string& address) {
  const SteadyPoint now = context_.clock.steadyNow();
  const Duration wait =
      std::max(strangers_.look(address, now), allStrangers_.look(std::string(kEverybody), now));
  if (wait == Duration::zero()) return {};
  // Their own devices are to be told from what is tried.
  lookup_.renewLists();
  return fail(Error{.code = ErrorCode::kThrottled,
                    .message = "too many look-ups have found nothing",
                    .retryAfter = wait,
                    .reason = kTooManyStrangers});
}

void Endpoint::noteFruitless(const Exchange& exchange) {
  if (!exchange.isStranger()) return;
  const SteadyPoint now = context_.clock.steadyNow();
  // Several may have been under way when there was room for one.
  strangers_.count(addressKey(exchange.peer), now);
  allStrangers_.count(std::string(kEverybody), now);
}

void Endpoint::takeUp(const Shared& exchange, Result<Lookup::Found> found) {
  if (isKnown(exchange->request.ask.uuid)) return serve(exchange);
  if (!found) {
    // What was turned away has used up nothing, and comes of many honest callers too.
    const ErrorCode code = found.error().code;
    const bool isAsked = code != ErrorCode::kThrottled && code != ErrorCode::kAlreadyExists;
    if (isAsked) noteFruitless(*exchange);
    return settle(exchange, answerTo(found.error()));
  }
  auto choice = chooseForNew(exchange->request, found->fleet.get());
  if (const auto* answer = std::get_if<Answer>(&choice)) {
    if (answer->outcome == Outcome::kUnknownDevice) {
      context_.views.rolls().strike(exchange->request.ask.uuid);
      noteFruitless(*exchange);
    }
    return settle(exchange, *answer);
  }
  exchange->read = std::move(found->read);
  doBlocking(exchange, [this, exchange, made = std::get<MakeObject>(choice).device] {
    make(exchange, made);
  });
}

void Endpoint::make(const Shared& exchange, api::BalenaDevice device) {
  const std::string uuid = device.spec.uuid;
  const api::ObjectKey fleet = device.fleetKey();
  device.meta.annotations[api::kReconcileAnnotation] = newRequestToken();
  await(exchange, fleet.space, [&] {
    EarlyReads& reads = context_.views.earlyReads();
    if (exchange->read) reads.put(fleet, uuid, exchange->read);
    Status made = context_.store.enrol(std::move(device));
    if (made) return made;
    // It was for the pass of the object that is not made.
    (void)reads.take(fleet, uuid, context_.clock.steadyNow());
    // Of several callers one makes it, and all wait for it.
    return made.error().code == ErrorCode::kAlreadyExists ? Status() : made;
  });
}

void Endpoint::change(const Shared& exchange, const store::Shared<api::BalenaDevice>& object) {
  const Verb verb = exchange->request.verb;
  const bool isAsked = object->spec.state == stateOf(verb) && !isHandled(*object);
  const std::string& space = object->meta.key.space;
  if (isAsked && waiting_->has(verb, space, object->spec.uuid)) {
    return await(exchange, space, [] { return Status(); });
  }
  doBlocking(exchange, [this, exchange, object] {
    await(exchange, object->meta.key.space, [&] {
      return context_.store.demand(*object, {stateOf(exchange->request.verb), newRequestToken()});
    });
  });
}

void Endpoint::await(const Shared& exchange, const std::string& space,
                     const std::function<Status()>& write) {
  waiting_->aim(exchange->waiter, space);
  const Status written = write();
  if (written) return waiting_->arm(exchange->waiter);
  context_.log.warn("what the endpoint was asked for can't be written",
                    {{"uuid", exchange->request.ask.uuid}, {"error", written.error().message}});
  settle(exchange, answerTo(written.error()));
}

void Endpoint::settle(const Shared& exchange, const Answer& answer) {
  waiting_->settle(exchange->waiter, answer);
}

void Endpoint::finish(const Exchange& exchange, const Answer& answer) {
  server::Reply reply = toReply(answer);
  if (answer.outcome == Outcome::kDescribed) {
    reply.headers = {{"Content-Type", "application/json"}};
  }
  if (answer.outcome == Outcome::kMethodNotAllowed) {
    reply.headers.emplace_back("Allow",
                               exchange.isDescription ? "GET, HEAD, POST, DELETE" : "POST, DELETE");
  }
  const Duration took = context_.clock.steadyNow() - exchange.startedAt;
  counting_->count(answer.outcome, took);
  // Who is over his limit must not fill the log either.
  const bool isLimited = answer.outcome == Outcome::kLimited;
  context_.log.log(isLimited ? telemetry::LogLevel::kDebug : telemetry::LogLevel::kInfo, "request",
                   std::initializer_list<telemetry::Field>{
                       {"method", std::string_view(exchange.method).substr(0, 16)},
                       {"peer", exchange.peer},
                       {"uuid", exchange.request.ask.uuid},
                       {"status", statusOf(answer.outcome)},
                       {"outcome", nameOf(answer.outcome)},
                       {"ms", std::int64_t{took.count()}}});
  exchange.respond(std::move(reply));
  --open_;
}

server::Reply Endpoint::refuse(int status, const std::string& peer) {
  counting_->countMalformed();
  if (!limit(anybody_.perAddress, addressKey(peer))) {
    context_.log.info("request refused", {{"peer", peer}, {"status", status}});
  }
  return toRefusal(status);
}

std::string Endpoint::newRequestToken() {
  return newRequest(context_.clock.now(), context_.random);
}

void Endpoint::drain(SteadyPoint deadline) {
  draining_ = true;
  while (open_ > 0 && context_.clock.steadyNow() < deadline) {
    (void)sleepFor(context_.clock, kAnswersLook, {});
  }
  waiting_->settleAll({Outcome::kStopping, {}, std::chrono::seconds(1)});
}

}  // namespace bco::endpoint
