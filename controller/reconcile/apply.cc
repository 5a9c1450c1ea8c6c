#include "reconcile/apply.h"

#include <algorithm>
#include <map>

#include "crypto/keys.h"

namespace bco {
namespace {

class Applier {
 public:
  Applier(const DesiredDevice& desired, const ObservedDevice& observed, const FleetView& fleet,
          const CallTerms& terms, Clock& clock, Random& random)
      : desired_(desired),
        fleet_(fleet),
        terms_(terms),
        clock_(clock),
        random_(random),
        mark_(observed.mark.mark) {
    if (observed.registration) credentials_ = observed.registration->credentials;
  }

  Status operator()(const CreateRegistration& step) {
    mark_ = step.mark;
    random_.fill(mark_.incarnation);
    auto credential = credentialFor(step.key);
    if (!credential) return fail(std::move(credential.error()));
    credentials_ = {*credential};
    auto created = registry().createRegistration(
        {step.id, {std::move(*credential)}, withMark({}, mark_)}, terms_);
    if (!created) {
      // Also after an unknown outcome: the next pass then reads before it creates.
      noteRegistration(Hint::kPresent);
      return fail(withContext(std::move(created.error()), "create registration"));
    }
    noteRegistration(Hint::kPresent);
    return {};
  }

  Status operator()(const PatchRegistration& step) {
    clearblade::RegistrationPatch patch;
    mark_ = step.mark;
    if (step.keep) {
      patch.credentials = *step.keep;
      if (step.add) {
        auto credential = credentialFor(*step.add);
        if (!credential) return fail(std::move(credential.error()));
        patch.credentials->push_back(std::move(*credential));
      }
      credentials_ = *patch.credentials;
    }
    patch.metadata = withMark(step.metadata, mark_);
    CallTerms terms = terms_;
    if (step.revokes) terms.lane = Lane::kRevocation;
    auto patched = registry().patchRegistration(step.numId, patch, terms);
    if (!patched) {
      if (patched.error().code == ErrorCode::kNotFound) noteRegistration(Hint::kUnknown);
      return fail(withContext(std::move(patched.error()), "patch registration"));
    }
    applied_.mark = mark_;
    if (step.keep) applied_.credentials = credentials_;
    return {};
  }

  Status operator()(const DeleteRegistration& step) {
    Status deleted = registry().deleteRegistration(step.numId, terms_);
    noteRegistration(deleted ? Hint::kAbsent : Hint::kUnknown);
    if (!deleted) return fail(withContext(std::move(deleted.error()), "delete registration"));
    return {};
  }

  Status operator()(const WriteVariables& step) {
    std::vector<balena::VariableWrite> writes;
    std::optional<std::uint32_t> delivered;
    for (const VariableChange& change : step.changes) {
      balena::VariableWrite write{change.name, {}, change.exists};
      if (const auto* text = std::get_if<std::string>(&change.value)) {
        write.value = SecretBytes(*text);
      } else {
        delivered = std::get<std::uint32_t>(change.value);
        const auto key = keyOf(*delivered);
        if (!key) return fail(key.error());
        write.value = toVariableValue(**key);
      }
      writes.push_back(std::move(write));
    }
    std::vector<Status> results = fleet_.balena->writeVariables(step.parent, writes, terms_);
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!results[i]) {
        return fail(withContext(std::move(results[i].error()), "write " + writes[i].name));
      }
    }
    if (step.readBack) {
      const auto isThere = fleet_.balena->hasVariable(step.parent, balena::kPrivateKey, terms_);
      if (!isThere) return fail(withContext(isThere.error(), "read back the key's variable"));
      if (!*isThere) {
        return fail(ErrorCode::kConflict, "the key's variable has been removed meanwhile");
      }
    }
    if (delivered) applied_.key = keyStatus(*delivered);
    return {};
  }

  Status operator()(const DeleteVariables& step) {
    Status deleted = fleet_.balena->deleteVariables(step.parent, step.guard, terms_);
    if (!deleted) return fail(withContext(std::move(deleted.error()), "delete variables"));
    return {};
  }

  [[nodiscard]] Applied applied() { return std::move(applied_); }

 private:
  [[nodiscard]] clearblade::RegistryApi& registry() const { return *fleet_.registry->registry; }

  void noteRegistration(Hint hint) {
    fleet_.registry->hints->note(desired_.uuid, hint, clock_.now());
  }

  // The key of this incarnation, derived once a pass.
  Result<const crypto::PrivateKey*> keyOf(std::uint32_t generation) {
    if (const auto found = keys_.find(generation); found != keys_.end()) return &found->second;
    auto key = fleet_.registry->keys.make(*fleet_.registry->seed, desired_.uuid, mark_.incarnation,
                                          generation);
    if (!key) return fail(std::move(key.error()));
    return &keys_.emplace(generation, std::move(*key)).first->second;
  }

  // The credential of a new key, which is also listed in the mark.
  Result<clearblade::Credential> credentialFor(const NewKey& key) {
    const auto derived = keyOf(key.generation);
    if (!derived) return fail(derived.error());
    const crypto::PublicKey& publicKey = (*derived)->publicKey();
    std::erase_if(mark_.keys, [&](const MarkedKey& k) { return k.generation == key.generation; });
    mark_.keys.push_back({shortFingerprint(publicKey), key.generation, key.issuedAt});
    return clearblade::Credential{"ES256_PEM", publicKey.toPem(), key.expiresAt};
  }

  [[nodiscard]] api::KeyStatus keyStatus(std::uint32_t generation) const {
    const crypto::PublicKey& key = keys_.at(generation).publicKey();
    api::KeyStatus status;
    status.fingerprint = "sha256:" + key.fingerprint();
    status.generation = generation;
    if (const MarkedKey* marked = mark_.find(shortFingerprint(key))) {
      status.issuedAt = marked->issuedAt;
    }
    for (const clearblade::Credential& credential : credentials_) {
      const auto registered = crypto::PublicKey::fromPem(credential.publicKey);
      if (registered && *registered == key) status.expiresAt = credential.expiresAt;
    }
    return status;
  }

  const DesiredDevice& desired_;
  const FleetView& fleet_;
  const CallTerms terms_;
  Clock& clock_;
  Random& random_;
  Mark mark_;
  std::vector<clearblade::Credential> credentials_;
  std::map<std::uint32_t, crypto::PrivateKey> keys_;
  Applied applied_;
};

}  // namespace

Result<Applied> apply(const Plan& plan, const DesiredDevice& desired,
                      const ObservedDevice& observed, const FleetView& fleet,
                      SteadyPoint observedAt, Clock& clock, Random& random, Lane lane) {
  const SteadyPoint sendBefore = observedAt + kObservationLifetime;
  Applier applier(desired, observed, fleet, {lane, sendBefore}, clock, random);
  for (const Step& step : plan.steps) {
    if (clock.steadyNow() >= sendBefore) {
      return fail(ErrorCode::kConflict, "what was observed is too old to act on");
    }
    Status done = std::visit(applier, step);
    if (!done) return fail(std::move(done.error()));
  }
  return applier.applied();
}

}  // namespace bco
