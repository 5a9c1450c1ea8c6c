// Leader election: which of several replicas works.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "core/clock.h"
#include "core/random.h"
#include "kube/client.h"
#include "kube/lease_decision.h"
#include "telemetry/log.h"

namespace bco::kube {

inline constexpr Resource kLeases{"coordination.k8s.io", "v1", "leases"};
// What the transport of an elector's client should keep: several calls must fit into what is left
// of the renew deadline after the retry period.
inline constexpr Duration kLeaseCallDeadline = std::chrono::seconds(5);

struct LeaderOptions {
  Name lease;            // there need not be one
  std::string identity;  // unique to this process: makeIdentity()
  // How long others wait for a holder that is gone, and a holder tries to renew before it gives up.
  // Whole seconds.
  Duration leaseDuration{std::chrono::seconds(60)};
  // How long a holder that can't renew goes on writing.
  Duration renewDeadline{std::chrono::seconds(40)};
  // From one renewal to the next.
  Duration retryPeriod{std::chrono::seconds(15)};
};

// kInvalid unless leaseDuration > renewDeadline > 1.2 × retryPeriod > 0 (client-go's rule).
[[nodiscard]] Status validate(const LeaderOptions& options);

// "<name of the host or Pod>_<16 hex digits>": a restart is another holder.
[[nodiscard]] std::string makeIdentity(const std::string& hostName, Random& random);

// Takes the Lease when it is free, renews it while it leads, and tells when it has lost it.
//
// The rules are in lease_decision.h. This is no fence: a request sent while the lease was held may
// take effect later, so writes must be harmless when late. What it promises is that no two
// electors' mayWrite() are true at once, if their clocks run equally fast within (leaseDuration −
// renewDeadline) / leaseDuration and nobody edits or deletes the Lease by hand.
//
// The clock should be a BoottimeClock: a machine that was suspended past its lease must know it.
// A process that is stopped (SIGSTOP, no CPU) learns it from any monotonic clock, as mayWrite()
// asks the clock and not a flag.
//
// A leader that fails to renew tries again every 1 to 2 s. It stops writing at renewDeadline and
// has lost at leaseDuration, or as soon as it sees the Lease in other hands: so it outlives 30 s
// without an API server. What is lost is never taken up again: onLost is to end the process (after
// draining), and the next one stands by.
class LeaderElector {
 public:
  // All must outlive it. `client`: on a transport of its own with kLeaseCallDeadline, so that no
  // other call, limiter, breaker or write gate holds up a renewal.
  LeaderElector(LeaderOptions options, Client& client, Clock& clock, Random& random,
                telemetry::Logger& logger);

  // Runs until the stop (leading or not: see release()) or until the lease is lost. Both functions
  // are called on this thread and must return at once; onLost after mayWrite() has become false.
  void run(const std::stop_token& stop, const std::function<void()>& onStarted,
           const std::function<void()>& onLost);

  // Gives the lease back, so that another replica takes it at once and not after leaseDuration.
  // After run() has ended, and only when all work is drained: go on renewing while draining. If
  // `allowed` is false (a write of the last 30 s may still take effect) the lease is left to end by
  // itself. In either case mayWrite() is false from here on. Blocks for four calls at most.
  void release(bool allowed);

  // What a watch has seen: the Lease, or that it is gone. LeaseSink calls these; without a watch
  // the elector reads the Lease itself when it must, and takes over later. Thread-safe.
  void observe(std::string json);
  void observeGone();

  // Thread-safe and lock-free, as are all below. Leads, from before onStarted until onLost.
  [[nodiscard]] bool isLeader() const { return leading_.load(); }
  // May a write be sent now whose attempt ends within `attemptDeadline`? For http::WriteGate:
  // [&elector, deadline] { return elector.mayWrite(deadline); }
  [[nodiscard]] bool mayWrite(Duration attemptDeadline) const;
  // The time since the last renewal was sent; nullopt while not leading.
  [[nodiscard]] std::optional<Duration> renewalAge() const;
  // For /livez: false once run() has made no turn for renewDeadline + 20 s. It hangs then, or it
  // has lost or released the lease and the process should have ended. A leader that turns has
  // renewed within leaseDuration.
  [[nodiscard]] bool healthy() const;

 private:
  void read();
  // Takes or renews the Lease; creates it if `record` is nullopt. True if it leads from now on and
  // did not before.
  [[nodiscard]] bool write(const std::optional<LeaseRecord>& record);
  [[nodiscard]] bool taken(SteadyPoint sent, LeaseRecord record);
  void refused(bool update, const Error& error);
  void lose();
  // True if there is nothing more to do.
  [[nodiscard]] bool releaseOnce();
  void hear(std::optional<LeaseRecord> record);
  void announceHolder();
  void warn(std::string_view what, const Error& error);
  // With the mutex held.
  void look(std::optional<LeaseRecord> record);
  void pause(const Error& error);

  const LeaderOptions options_;
  const LeaseTerms terms_;
  Client& client_;
  Clock& clock_;
  Random& random_;
  telemetry::Logger& logger_;

  std::mutex mutex_;  // guards what follows, to heard_; not held over calls
  Condition changed_;
  LeaseState state_;
  std::string announced_;  // the holder that was last logged
  int failures_ = 0;       // in a row
  bool heard_ = false;     // something was observed

  std::atomic<bool> leading_{false};
  // Milliseconds of the clock's monotonic time.
  std::atomic<Duration::rep> renewed_;
  std::atomic<Duration::rep> mayWriteUntil_;
  std::atomic<Duration::rep> turned_;
};

}  // namespace bco::kube
