// RegistryApi over HTTP (research/clearblade-api.md).
#pragma once

#include <string>
#include <string_view>

#include "clearblade/api.h"
#include "clearblade/exchange.h"
#include "clearblade/registry_name.h"
#include "clearblade/service_account.h"
#include "core/clock.h"
#include "http/clock_skew.h"
#include "http/transport.h"

namespace bco::clearblade {

// Thread-safe. Needs `transport` and `clock` to outlive it. Make a new one when the service account
// changes.
//
// An answer that refuses the access leads to one new exchange and one more try, whose answer is
// believed. That is safe for writes: what was refused was not done.
// A registry that is not there is kForbidden, never kNotFound: that word is for devices.
class Client final : public RegistryApi {
 public:
  static constexpr std::size_t kPageSize = 500;  // the service's maximum

  Client(http::HttpTransport& transport, Clock& clock, const ServiceAccount& account,
         const RegistryName& registry);

  [[nodiscard]] Result<Registry> getRegistry() override;
  [[nodiscard]] Result<TimePoint> listRegistrations(
      const std::function<void(const Registration&)>& visit) override;
  [[nodiscard]] Result<Registration> getRegistration(const std::string& id,
                                                     const CallTerms& terms = {}) override;
  [[nodiscard]] Result<Registration> createRegistration(const NewRegistration& created,
                                                        const CallTerms& terms = {}) override;
  [[nodiscard]] Result<Registration> patchRegistration(const std::string& numId,
                                                       const RegistrationPatch& patch,
                                                       const CallTerms& terms = {}) override;
  [[nodiscard]] Status deleteRegistration(const std::string& numId,
                                          const CallTerms& terms = {}) override;
  [[nodiscard]] Duration clockSkew() const override {
    return skew_.latest().value_or(Duration::zero());
  }

 private:
  // One call on the regional plane: `path` is what follows the webhook. The body of a 2xx answer.
  [[nodiscard]] Result<std::string> call(http::Request request, std::string_view path,
                                         const std::string& what);

  http::HttpTransport& transport_;
  Clock& clock_;
  const RegistryName registry_;
  Exchange exchange_;
  http::ClockSkew skew_;
};

}  // namespace bco::clearblade
