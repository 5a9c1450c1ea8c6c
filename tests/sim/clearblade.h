// ClearBlade IoT Core's registry as it is, and a process's client of it.
#pragma once

#include <map>
#include <string>

#include "clearblade/api.h"
#include "tests/sim/link.h"

namespace bco::sim {

using clearblade::Registration;

// Told of what processes do to registrations, before and after.
class RegistryObserver {
 public:
  virtual ~RegistryObserver() = default;
  virtual void created(int process, const Registration& registration) = 0;
  virtual void patching(int process, const Registration& before,
                        const clearblade::RegistrationPatch& patch) = 0;
  virtual void patched(int process, const Registration& before, const Registration& after) = 0;
  virtual void removing(int process, const Registration& registration) = 0;
  virtual void removed(int process, const Registration& registration) = 0;
};

class ClearBladeCloud {
 public:
  ClearBladeCloud(Scheduler& scheduler, RegistryObserver& observer)
      : scheduler_(scheduler), observer_(observer) {}

  [[nodiscard]] const std::map<std::string, Registration>& rows() const { return rows_; }
  [[nodiscard]] const Registration* find(const std::string& id) const;
  // Of the row with this number; the number itself when there is none.
  [[nodiscard]] std::string idOf(const std::string& numId) const;
  // The hand of somebody else.
  [[nodiscard]] Registration* edit(const std::string& id);
  void put(Registration registration);
  void take(const std::string& id);
  // Who has another is refused so: 401 or 403.
  std::string account = "the service account, which is nobody's business";
  ErrorCode refusal = ErrorCode::kUnauthenticated;
  // Changes with every change.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  [[nodiscard]] TimePoint now() const { return kEpoch + scheduler_.now(); }

  // ── what requests do
  [[nodiscard]] Result<Registration> get(const std::string& id) const;
  [[nodiscard]] Result<Registration> create(int process,
                                            const clearblade::NewRegistration& created);
  [[nodiscard]] Result<Registration> patch(int process, const std::string& numId,
                                           const clearblade::RegistrationPatch& patch);
  [[nodiscard]] Status remove(int process, const std::string& numId);
  // Those with an id in [from, to).
  [[nodiscard]] std::vector<Registration> page(const std::string& from,
                                               const std::string& to) const;

 private:
  [[nodiscard]] Registration* byNumber(const std::string& numId);

  Scheduler& scheduler_;
  RegistryObserver& observer_;
  std::map<std::string, Registration> rows_;
  std::int64_t lastNumber_ = 4710;
  std::uint64_t version_ = 0;
};

class RegistryClient final : public clearblade::RegistryApi {
 public:
  RegistryClient(ClearBladeCloud& cloud, Link& link, int process, std::string account)
      : cloud_(cloud), link_(link), process_(process), account_(std::move(account)) {}

  [[nodiscard]] Result<clearblade::Registry> getRegistry() override;
  [[nodiscard]] Result<TimePoint> listRegistrations(
      const std::function<void(const Registration&)>& visit) override;
  [[nodiscard]] Result<Registration> getRegistration(const std::string& id,
                                                     const CallTerms& terms = {}) override;
  [[nodiscard]] Result<Registration> createRegistration(const clearblade::NewRegistration& created,
                                                        const CallTerms& terms = {}) override;
  [[nodiscard]] Result<Registration> patchRegistration(const std::string& numId,
                                                       const clearblade::RegistrationPatch& patch,
                                                       const CallTerms& terms = {}) override;
  [[nodiscard]] Status deleteRegistration(const std::string& numId,
                                          const CallTerms& terms = {}) override;
  [[nodiscard]] Duration clockSkew() const override { return skew_; }

 private:
  // The Date of an answer says how far the two clocks are apart.
  template <class T>
  Result<T> call(const Call& call, std::function<Result<T>()> effect) {
    Result<T> result = link_.call<T>(
        call, [&cloud = cloud_, account = account_, effect = std::move(effect)]() -> Result<T> {
          if (account != cloud.account) return fail(cloud.refusal, "not with this account");
          return effect();
        });
    if (result || result.error().code == ErrorCode::kNotFound) skew_ = cloud_.now() - link_.now();
    return result;
  }

  ClearBladeCloud& cloud_;
  Link& link_;
  const int process_;
  const std::string account_;
  Duration skew_{0};
};

}  // namespace bco::sim
