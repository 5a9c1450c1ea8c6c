// Trades the service account for access to one registry (research/clearblade-api.md, 1.3 and 1.4).
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "clearblade/registry_name.h"
#include "clearblade/service_account.h"
#include "core/clock.h"
#include "core/result.h"
#include "http/transport.h"

namespace bco::clearblade {

// What the exchange gives. Its lifetime is documented nowhere: it is used until it is refused.
struct Access {
  std::string webhook;  // "https://…/api/v/4/webhook/execute/<systemKey>/"
  SharedSecret token;
};
using AccessPtr = std::shared_ptr<const Access>;

// Thread-safe. One exchange is under way at a time: who comes meanwhile waits for its result, and
// shares its failure.
class Exchange {
 public:
  Exchange(http::HttpTransport& transport, Clock& clock, ServiceAccount account,
           RegistryName registry);

  // The cached access, or a new one when there is none or it is `refused`, which the registry did
  // not accept. Errors: the transport's; kUnauthenticated and kForbidden as ClearBlade answers;
  // kForbidden also when it knows no such registry; kInternal for an answer that is no access.
  [[nodiscard]] Result<AccessPtr> get(const AccessPtr& refused = nullptr);

 private:
  struct Flight {
    std::optional<Result<AccessPtr>> result;
  };
  [[nodiscard]] Result<AccessPtr> fetch() const;

  http::HttpTransport& transport_;
  Clock& clock_;
  const ServiceAccount account_;
  const RegistryName registry_;

  std::mutex mutex_;  // guards all below
  Condition landed_;
  AccessPtr current_;
  std::shared_ptr<Flight> flight_;
};

}  // namespace bco::clearblade
