#include "tests/kube/leader_world.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bco::test {
namespace {

using Json = nlohmann::json;
using std::chrono::hours;

constexpr Duration kCallDeadline = kube::kLeaseCallDeadline;
constexpr Duration kBoot = hours(1);

http::Response refusal(int code, const char* reason) {
  return {code,
          {{"Content-Type", "application/json"}},
          Json{{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", reason}}.dump()};
}

}  // namespace

// --- Actor

Actor::Actor(LeaseWorld& world, std::function<void()> body)
    : world_(world), fiber_(std::move(body)) {
  world_.resumeAt(world_.now, *this, generation_);
}

void Actor::sleepUntil(Duration time) {
  if (world_.ending) return;
  asleep_ = true;
  world_.resumeAt(std::max(time, world_.now), *this, ++generation_);
  fiber_.pause();
}

void Actor::wake() {
  if (asleep_) world_.resumeAt(world_.now, *this, generation_);
}

void Actor::resume(std::uint64_t generation) {
  if (fiber_.ended() || dead || !asleep_ || generation != generation_) return;
  if (world_.now < frozenUntil) {
    world_.resumeAt(frozenUntil, *this, generation);
    return;
  }
  asleep_ = false;
  fiber_.resume();
}

void Actor::finish() {
  asleep_ = false;
  if (!fiber_.ended()) fiber_.resume();
}

// --- Process

Process::Process(LeaseWorld& world, int number, double clockRate)
    : world_(world),
      number_(number),
      rate_(clockRate),
      skew_(world.upTo(hours(10))),
      random_(world.random()) {
  actor = std::make_unique<Actor>(world_, [this] { live(); });
}

TimePoint Process::now() const { return TimePoint(hours(500'000)) + skew_ + world_.now; }

SteadyPoint Process::steadyNow() const {
  const auto passed = static_cast<double>(world_.now.count()) * rate_;
  return SteadyPoint(kBoot * number_ + Duration(static_cast<Duration::rep>(passed)) + skipped_);
}

void Process::wait(std::unique_lock<std::mutex>& lock, Condition& condition, SteadyPoint deadline,
                   const std::stop_token& stop) {
  lock.unlock();
  {
    const std::stop_callback wake(stop, [this] { actor->wake(); });
    const Duration left = std::min(deadline - steadyNow(), Duration(hours(1)));
    const double real = std::ceil(static_cast<double>(left.count()) / rate_);
    waitsFor_ = &condition;
    if (!stop.stop_requested()) {
      actor->sleepUntil(world_.now + Duration(static_cast<Duration::rep>(real)));
    }
    waitsFor_ = nullptr;
    if (world_.ending) skipped_ += left;
  }
  lock.lock();
}

void Process::wakeAll(Condition& condition) {
  if (waitsFor_ == &condition) actor->wake();
}

std::vector<Result<http::Response>> Process::sendAll(std::span<const http::Request> requests) {
  std::vector<Result<http::Response>> results;
  for (const http::Request& request : requests) results.push_back(exchange(request));
  return results;
}

Result<http::Response> Process::exchange(const http::Request& request) {
  ++calls;
  const Course course = world_.course(*this);
  const Duration sent = world_.now;
  if (world_.ending || course.refused || world_.server.down) {
    actor->sleepUntil(sent + course.toServer);
    return fail(ErrorCode::kUnavailable, "connection refused");
  }
  const Duration deadline = sent + kCallDeadline;
  const bool answered = !course.lost && course.toServer + course.toClient < kCallDeadline;
  const auto answer = std::make_shared<http::Response>();
  if (!course.lost) {
    // Takes effect even if the deadline has passed then.
    world_.at(sent + course.toServer, [this, answer, method = std::string(nameOf(request.method)),
                                       body = std::string(request.body.reveal())] {
      *answer = world_.server.handle(method, body);
    });
  }
  actor->sleepUntil(answered ? sent + course.toServer + course.toClient : deadline);
  if (answered && !world_.ending) return std::move(*answer);
  return fail(Error{ErrorCode::kDeadline, "no answer", std::nullopt,
                    request.callClass != http::CallClass::kRead});
}

void Process::live() {
  kube::Client client({"https://kubernetes.default.svc", nullptr}, *this, nullptr, *this);
  while (!world_.ending) {
    kube::LeaderOptions options = world_.options;
    identity = std::to_string(number_) + '.' + std::to_string(++starts_);
    options.identity = identity;
    stop_ = {};
    elector = std::make_unique<kube::LeaderElector>(options, client, *this, random_, world_.logger);
    notify(Duration(0));  // the watch starts with what is there
    bool lostIt = false;
    elector->run(
        stop_.get_token(), [this] { ++started; },
        [this, &lostIt] {
          ++lost;
          wroteWhenLost |= elector->mayWrite(Duration(0));
          lostIt = true;
        });
    if (!lostIt) elector->release(allowRelease_);
    elector.reset();
    actor->sleepUntil(world_.now + restartAfter);
  }
}

void Process::stop(bool allowRelease) {
  allowRelease_ = allowRelease;
  stop_.request_stop();
}

void Process::freeze(Duration duration) {
  actor->frozenUntil = std::max(actor->frozenUntil, world_.now + duration);
}

void Process::cutWatch(Duration duration) {
  watchCutUntil_ = world_.now + duration;
  world_.at(watchCutUntil_, [this] { notify(Duration(0)); });
}

void Process::notify(Duration delay) {
  if (world_.now < watchCutUntil_) return;
  toldUntil_ = std::max(toldUntil_, world_.now + delay);
  const std::optional<std::string> news =
      world_.server.lease.is_null() ? std::nullopt : std::optional(world_.server.lease.dump());
  const auto deliver = [this, news, start = starts_](const auto& again) -> void {
    if (world_.now < actor->frozenUntil) {
      world_.at(actor->frozenUntil, [again] { again(again); });
    } else if (alive() && starts_ == start) {
      news ? elector->observe(*news) : elector->observeGone();
    }
  };
  world_.at(toldUntil_, [deliver] { deliver(deliver); });
}

// --- LeaseServer

http::Response LeaseServer::handle(const std::string& method, const std::string& body) {
  if (method == "GET") {
    return lease.is_null() ? refusal(404, "NotFound") : http::Response{200, {}, lease.dump()};
  }
  Json next = Json::parse(body);
  if (method == "POST") {
    if (!lease.is_null()) return refusal(409, "AlreadyExists");
    store(std::move(next));
    return {201, {}, lease.dump()};
  }
  if (method != "PUT") return refusal(405, "MethodNotAllowed");
  if (lease.is_null()) return refusal(404, "NotFound");
  if (next["metadata"]["resourceVersion"] != lease["metadata"]["resourceVersion"]) {
    return refusal(409, "Conflict");
  }
  // As the real one: what changes nothing is not stored.
  if (next != lease) store(std::move(next));
  return {200, {}, lease.dump()};
}

void LeaseServer::store(Json next) {
  const Json& spec = next["spec"];
  if (!lease.is_null()) {
    const Json& was = lease["spec"];
    const bool changesHands =
        spec["holderIdentity"] != "" && spec["holderIdentity"] != was["holderIdentity"];
    const auto more = spec["leaseTransitions"].get<int>() - was["leaseTransitions"].get<int>();
    if (more != (changesHands ? 1 : 0)) defects.push_back("leaseTransitions: " + next.dump());
    if (!changesHands && spec["acquireTime"] != was["acquireTime"]) {
      defects.push_back("acquireTime: " + next.dump());
    }
    if (spec["renewTime"] == was["renewTime"]) defects.push_back("renewTime: " + next.dump());
  }
  const std::string holder = spec["holderIdentity"];
  if (holders.empty() || holders.back() != holder) holders.push_back(holder);
  next["metadata"]["resourceVersion"] = std::to_string(++version_);
  lease = std::move(next);
  changed();
}

void LeaseServer::touch() {
  lease["metadata"]["resourceVersion"] = std::to_string(++version_);
  lease["metadata"]["labels"]["edits"] = std::to_string(version_);
  changed();
}

void LeaseServer::remove() {
  lease = nullptr;
  changed();
}

// --- LeaseWorld

LeaseWorld::~LeaseWorld() {
  ending = true;
  for (const auto& process : processes) {
    process->stop(false);
    process->actor->finish();
  }
  processes.clear();
}

Process& LeaseWorld::add(double clockRate) {
  server.changed = [this] {
    for (const auto& process : processes) process->notify(watchDelay());
  };
  const int number = static_cast<int>(processes.size()) + 1;
  return *processes.emplace_back(std::make_unique<Process>(*this, number, clockRate));
}

void LeaseWorld::at(Duration time, std::function<void()> task) {
  events_.push({std::max(time, now), order_++, std::move(task)});
}

void LeaseWorld::resumeAt(Duration time, Actor& actor, std::uint64_t generation) {
  at(time, [&actor, generation] { actor.resume(generation); });
}

void LeaseWorld::runUntil(Duration time) {
  while (!events_.empty() && events_.top().time <= time) {
    const Event event = events_.top();
    events_.pop();
    now = event.time;
    event.task();
    mostWriters = std::max(mostWriters, writers().size());
  }
  now = time;
}

std::vector<Process*> LeaseWorld::writers() const {
  std::vector<Process*> found;
  for (const auto& process : processes) {
    if (process->mayWrite()) found.push_back(process.get());
  }
  return found;
}

}  // namespace bco::test
