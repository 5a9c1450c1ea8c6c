// Seeded faults: which request gets which, decided by rules and one generator with a fixed seed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "server/http_server.h"

namespace bco::sandbox {

enum class FaultType {
  kStatus,   // answers with `status` and `body`
  kLatency,  // waits `delay`
  kReset,    // resets the connection
  kHang,     // never answers
  kLate,     // resets or hangs now, takes effect `delay` later
};

// What is done to a request instead of, or before, or after handling it.
struct Fault {
  FaultType type = FaultType::kStatus;
  // The call has taken effect when the fault strikes: the answer alone is lost or late.
  bool afterEffect = false;
  Duration delay{0};  // real time
  int status = 500;
  std::string body = "json";  // "json", "html", "empty", else the very text
  std::string contentType;    // of a body given as text
  std::string retryAfter;     // header value; "" for none
  bool hang = false;          // kLate: hang instead of reset
};

struct FaultRule {
  std::uint64_t id = 0;
  // A kind, a prefix of kinds that ends in '.', or "" for all.
  std::string kind;
  std::string route;  // a prefix of the request's target; "" for all
  double probability = 1;
  std::uint64_t skip = 0;              // lets the first of the matching requests go
  std::optional<std::uint64_t> count;  // strikes so often at most
  Fault fault;

  std::uint64_t seen = 0;
  std::uint64_t struck = 0;
};

// The world's mutex is to be held.
class Faults {
 public:
  std::uint64_t add(FaultRule rule);
  bool remove(std::uint64_t id);
  void clear() { rules_.clear(); }
  void seed(std::uint64_t seed) { state_ = seed; }

  // The first rule that strikes decides; rules after it don't see the request.
  [[nodiscard]] std::optional<Fault> strike(std::string_view kind, std::string_view target);

  [[nodiscard]] const std::vector<FaultRule>& rules() const { return rules_; }

 private:
  double random();

  std::vector<FaultRule> rules_;
  std::uint64_t lastId_ = 0;
  std::uint64_t state_ = 1;
};

[[nodiscard]] bool matchesKind(std::string_view pattern, std::string_view kind);
// The answer of a kStatus fault, in the shape of the side's own errors.
[[nodiscard]] server::Reply faultReply(const Fault& fault, std::string_view kind);

}  // namespace bco::sandbox
