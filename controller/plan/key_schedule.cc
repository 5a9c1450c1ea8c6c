#include "plan/key_schedule.h"

#include <algorithm>

#include "crypto/hash.h"

namespace bco {
namespace {

constexpr Duration kYoung = std::chrono::minutes(10);

// In [0, 1), the same in every process.
double hashFraction(const std::string& text) {
  const auto digest = crypto::sha256(text);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 6; ++i) bits = bits << 8 | digest[i];
  return static_cast<double>(bits) / static_cast<double>(1ULL << 48);
}

Duration scale(Duration duration, double factor) {
  return Duration(static_cast<Duration::rep>(static_cast<double>(duration.count()) * factor));
}

}  // namespace

bool isExpired(const std::optional<TimePoint>& expiresAt, TimePoint now, Duration skew) {
  if (!expiresAt || isSkewed(skew)) return false;
  const TimePoint earlier = std::min(now, now + skew);
  return *expiresAt <= earlier - kMaxClockSkew;
}

bool isSkewed(Duration skew) { return skew > kMaxClockSkew || skew < -kMaxClockSkew; }

bool mayHaveExpired(const std::optional<TimePoint>& expiresAt, TimePoint now, Duration skew) {
  return expiresAt && isSkewed(skew) && *expiresAt <= std::max(now, now + skew);
}

TimePoint rotateAt(TimePoint issuedAt, const api::KeyPolicy& policy, const std::string& uuid) {
  const double offset = hashFraction("bco/rotate" + uuid) * 0.2 - 0.1;
  return issuedAt + policy.lifetime - policy.rotateBefore + scale(policy.rotateBefore, offset);
}

Duration spread(Duration interval, const std::string& uuid) {
  return scale(interval, 0.9 + hashFraction("bco/spread" + uuid) * 0.2);
}

TimePoint adoptedIssueTime(TimePoint now, Duration lifetime, const std::string& uuid) {
  return std::chrono::floor<std::chrono::seconds>(
      now - scale(lifetime, hashFraction("bco/adopt" + uuid)));
}

crypto::Incarnation adoptedIncarnation(const std::string& uuid, const std::string& numId) {
  const auto digest = crypto::sha256("bco/adopt" + uuid + numId);
  crypto::Incarnation incarnation;
  std::copy_n(digest.begin(), incarnation.size(), incarnation.begin());
  return incarnation;
}

std::optional<KeptCredentials> makeRoom(const ObservedDevice& observed,
                                        const std::string& storedFingerprint, TimePoint now) {
  struct Candidate {
    clearblade::Credential credential;
    const MarkedKey* key;  // nullptr: not listed
    bool stored;
  };
  std::vector<Candidate> kept;
  for (std::size_t i = 0; i < observed.registration->credentials.size(); ++i) {
    const auto& credential = observed.registration->credentials[i];
    if (isExpired(credential.expiresAt, now, observed.clockSkew)) continue;
    const std::string& fingerprint = observed.credentialFingerprints[i];
    kept.push_back({credential, observed.mark.mark.find(fingerprint.substr(0, 16)),
                    !fingerprint.empty() && fingerprint == storedFingerprint});
  }
  if (kept.size() >= clearblade::kMaxCredentials) {
    // What the mark does not list is older than we know.
    const auto age = [](const Candidate& c) {
      return c.key == nullptr ? TimePoint{} : c.key->issuedAt;
    };
    auto oldest = kept.end();
    for (auto each = kept.begin(); each != kept.end(); ++each) {
      if (each->stored || age(*each) > now - kYoung) continue;
      if (oldest == kept.end() || age(*each) < age(*oldest)) oldest = each;
    }
    if (oldest == kept.end()) return std::nullopt;
    kept.erase(oldest);
  }
  KeptCredentials result;
  for (Candidate& each : kept) {
    if (each.key != nullptr) result.keys.push_back(*each.key);
    result.credentials.push_back(std::move(each.credential));
  }
  return result;
}

}  // namespace bco
