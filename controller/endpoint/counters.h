// How often what was answered: for metrics.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "endpoint/answer.h"

namespace bco::endpoint {

// A snapshot. Counts only grow, but for `waiting`.
struct EndpointCounters {
  struct Row {
    int code;                  // the HTTP status
    std::string_view outcome;  // nameOf()
    std::uint64_t requests;
  };
  std::vector<Row> rows;        // one an outcome, zeros too
  std::uint64_t waiting = 0;    // requests that have no answer yet
  std::uint64_t malformed = 0;  // what the server refused as no HTTP request, too large or too slow
  std::uint64_t durationMs = 0;  // sum over `rows`
};

// Thread-safe.
class Counting {
 public:
  void begin() { ++begun_; }
  // One that has begun is about to be told its answer.
  void count(Outcome outcome, Duration took) {
    ++requests_[static_cast<std::size_t>(outcome)];
    durationMs_ += static_cast<std::uint64_t>(took.count());
  }
  void countMalformed() { ++malformed_; }

  [[nodiscard]] EndpointCounters snapshot() const {
    EndpointCounters counters;
    std::uint64_t answered = 0;
    for (std::size_t i = 0; i < kOutcomes; ++i) {
      const auto outcome = static_cast<Outcome>(i);
      counters.rows.push_back({statusOf(outcome), nameOf(outcome), requests_[i].load()});
      answered += counters.rows.back().requests;
    }
    // Read last: who has an answer has begun.
    counters.waiting = begun_.load() - answered;
    counters.malformed = malformed_.load();
    counters.durationMs = durationMs_.load();
    return counters;
  }

 private:
  std::atomic<std::uint64_t> begun_{0};
  std::array<std::atomic<std::uint64_t>, kOutcomes> requests_{};
  std::atomic<std::uint64_t> malformed_{0};
  std::atomic<std::uint64_t> durationMs_{0};
};

}  // namespace bco::endpoint
