// Everything that is decided by chance in a world, from one seed.
#pragma once

#include <cstdint>
#include <vector>

#include "core/random.h"

namespace bco::sim {

// xoshiro256**: small and fast, and the same on every machine. Not for keys of the real world.
class Dice final : public Random {
 public:
  explicit Dice(std::uint64_t seed) {
    for (auto& word : state_) {
      seed += 0x9e3779b97f4a7c15ULL;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31);
    }
  }

  [[nodiscard]] std::uint64_t next() {
    const auto rotated = [](std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
    const std::uint64_t result = rotated(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotated(state_[3], 45);
    return result;
  }

  void fill(std::span<std::uint8_t> bytes) override {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (i % 8 == 0) word = next();
      bytes[i] = static_cast<std::uint8_t>(word >> (i % 8 * 8));
    }
  }

  [[nodiscard]] bool chance(double probability) {
    return static_cast<double>(next() >> 11) < probability * static_cast<double>(1ULL << 53);
  }
  // Uniform in [low, high].
  [[nodiscard]] int between(int low, int high) {
    return low + static_cast<int>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  [[nodiscard]] Duration between(Duration low, Duration high) { return low + upTo(high - low); }
  template <class T>
  [[nodiscard]] T oneOf(std::initializer_list<T> choices) {
    return choices.begin()[below(choices.size())];
  }
  template <class T>
  [[nodiscard]] T& pick(std::vector<T>& choices) {
    return choices[below(choices.size())];
  }

 private:
  std::uint64_t state_[4];
};

}  // namespace bco::sim
