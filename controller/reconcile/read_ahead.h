// Registrations that are read while their devices are: two clouds, one round trip.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "clearblade/api.h"
#include "core/call_terms.h"
#include "core/clock.h"

namespace bco {

// A pass asks, reads its device, and takes what threads in serve() have read by then. Nobody has to
// be there: what none of them has begun, the pass reads itself. Thread-safe.
class ReadAhead {
 public:
  class Reading;
  using Registration = clearblade::Registration;

  // `clock` must outlive it.
  explicit ReadAhead(Clock& clock) : clock_(clock) {}

  // Asks for a registration. Who lets go of what is returned has changed his mind: unless it has
  // begun it is not read, and else nobody waits for it.
  [[nodiscard]] std::shared_ptr<Reading> ask(std::shared_ptr<clearblade::RegistryApi> registry,
                                             std::string id, Lane lane = Lane::kFresh);
  // What was read, once, with the errors of getRegistration(); nullopt when nobody had begun, and
  // now nobody will. Waits for the registry's answer, not for a thread.
  [[nodiscard]] std::optional<Result<Registration>> take(const std::shared_ptr<Reading>& reading);

  // Reads what is asked for until `stop`; what has begun then is read to its end.
  void serve(const std::stop_token& stop);

 private:
  [[nodiscard]] std::shared_ptr<Reading> next(const std::stop_token& stop);

  Clock& clock_;
  std::mutex mutex_;  // guards asked_ and what all readings hold
  Condition isAsked_;
  std::deque<std::weak_ptr<Reading>> asked_;
};

}  // namespace bco
