#include "plan/key_schedule.h"

#include <algorithm>

#include "crypto/hash.h"

namespace bco {

double hashFraction(const std::string& text) {
  const auto digest = crypto::sha256(text);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 6; ++i) bits = bits << 8 | digest[i];
  return static_cast<double>(bits) / static_cast<double>(1ULL << 48);
}

Duration scale(Duration duration, double factor) {
  return Duration(static_cast<Duration::rep>(static_cast<double>(duration.count()) * factor));
}

KeyTimes KeyTimes::of(Duration lifetime) {
  KeyTimes times;
  if (lifetime >= std::chrono::hours(1)) return times;
  const double factor = static_cast<double>(lifetime.count()) /
                        static_cast<double>(Duration(std::chrono::hours(24)).count());
  for (Duration* each : {&times.expiryMargin, &times.generationInterval, &times.young,
                         &times.firstCheck, &times.lateWriteHorizon}) {
    *each = scale(*each, factor);
  }
  return times;
}

bool isExpired(const std::optional<TimePoint>& expiresAt, TimePoint now, Duration skew,
               Duration margin) {
  if (!expiresAt || isSkewed(skew)) return false;
  const TimePoint earlier = std::min(now, now + skew);
  return *expiresAt <= earlier - margin;
}

bool isSkewed(Duration skew) { return skew > kMaxClockSkew || skew < -kMaxClockSkew; }

bool mayHaveExpired(const std::optional<TimePoint>& expiresAt, TimePoint now, Duration skew) {
  return expiresAt && isSkewed(skew) && *expiresAt <= std::max(now, now + skew);
}

TimePoint rotateAt(TimePoint issuedAt, const api::KeyPolicy& policy, const std::string& uuid) {
  const double offset = hashFraction("bco/rotate" + uuid) * 0.2 - 0.1;
  return std::chrono::ceil<std::chrono::seconds>(issuedAt + policy.lifetime - policy.rotateBefore +
                                                 scale(policy.rotateBefore, offset));
}

Duration spread(Duration interval, const std::string& uuid) {
  return scale(interval, 0.9 + hashFraction("bco/spread" + uuid) * 0.2);
}

TimePoint adoptedIssueTime(TimePoint now, const api::KeyPolicy& policy, const std::string& uuid) {
  const TimePoint first = rotateAt(now, policy, uuid);
  const Duration untilRotation = std::max(first - now, Duration::zero());
  return std::chrono::floor<std::chrono::seconds>(
      now - scale(untilRotation, hashFraction("bco/adopt" + uuid)));
}

crypto::Incarnation adoptedIncarnation(const std::string& uuid, const std::string& numId) {
  const auto digest = crypto::sha256("bco/adopt" + uuid + numId);
  crypto::Incarnation incarnation;
  std::copy_n(digest.begin(), incarnation.size(), incarnation.begin());
  return incarnation;
}

namespace {

struct Candidate {
  clearblade::Credential credential;
  const MarkedKey* key;  // nullptr: not listed
  bool isStored;

  // What the mark does not list is older than we know.
  [[nodiscard]] TimePoint issuedAt() const { return key == nullptr ? TimePoint{} : key->issuedAt; }
};

std::vector<Candidate> unexpired(const ObservedDevice& observed,
                                 const std::string& storedFingerprint, TimePoint now,
                                 const KeyTimes& times) {
  std::vector<Candidate> kept;
  for (std::size_t i = 0; i < observed.registration->credentials.size(); ++i) {
    const auto& credential = observed.registration->credentials[i];
    if (isExpired(credential.expiresAt, now, observed.clockSkew, times.expiryMargin)) continue;
    const std::string& fingerprint = observed.credentialFingerprints[i];
    kept.push_back({credential, observed.mark.mark.find(fingerprint),
                    !fingerprint.empty() && fingerprint == storedFingerprint});
  }
  return kept;
}

KeptCredentials toKept(std::vector<Candidate> candidates) {
  KeptCredentials result;
  for (Candidate& each : candidates) {
    if (each.key != nullptr) result.keys.push_back(*each.key);
    result.credentials.push_back(std::move(each.credential));
  }
  return result;
}

}  // namespace

KeptCredentials keepUnexpired(const ObservedDevice& observed, TimePoint now,
                              const KeyTimes& times) {
  return toKept(unexpired(observed, "", now, times));
}

std::optional<KeptCredentials> makeRoom(const ObservedDevice& observed,
                                        const std::string& storedFingerprint, TimePoint now,
                                        const KeyTimes& times) {
  auto kept = unexpired(observed, storedFingerprint, now, times);
  if (kept.size() >= clearblade::kMaxCredentials) {
    auto oldest = kept.end();
    for (auto each = kept.begin(); each != kept.end(); ++each) {
      if (each->isStored || each->issuedAt() > now - times.young) continue;
      if (oldest == kept.end() || each->issuedAt() < oldest->issuedAt()) oldest = each;
    }
    if (oldest == kept.end()) return std::nullopt;
    kept.erase(oldest);
  }
  return toKept(std::move(kept));
}

}  // namespace bco
