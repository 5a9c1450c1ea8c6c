// The arithmetic of P-256 that keys need.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "core/result.h"
#include "core/secret.h"

namespace bco::crypto {

inline constexpr std::size_t kScalarBytes = 32;
// 0x04 ‖ x ‖ y
using Point = std::array<std::uint8_t, 65>;

// Steps 5 to 7 of FIPS 186-5 A.2.2: with c the big-endian number of 32 random bytes and n the order
// of the group, d = c + 1 if c <= n - 2; nothing otherwise. In constant time but for which of the
// two it is, which tells nothing about a key that is used.
[[nodiscard]] std::optional<SecretBytes> scalarOfCandidate(const SecretBytes& candidate);

// The scalar of the first of the candidates 0, 1, 2 … that is accepted. A candidate is refused once
// in 2^32, so that a source of which 256 in a row are is broken: kInternal.
[[nodiscard]] Result<SecretBytes> firstAcceptedScalar(
    const std::function<Result<SecretBytes>(std::uint8_t attempt)>& candidate);

// d·G for a scalar of 32 bytes. kInvalid unless 1 <= d <= n - 1.
[[nodiscard]] Result<Point> publicPoint(const SecretBytes& scalar);

// Whether these are the 65 bytes of a point of the curve.
[[nodiscard]] bool isOnCurve(const Point& point);

}  // namespace bco::crypto
