#include "crypto/curve.h"

#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include "crypto/openssl_ptr.h"

namespace bco::crypto {
namespace {

using Scalar = std::array<std::uint8_t, kScalarBytes>;

// n, the order of the group, as FIPS 186-5 and SEC 2 give it.
constexpr Scalar kOrder = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                           0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                           0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

// a < b, both big-endian, in constant time.
bool less(std::string_view a, const Scalar& b) {
  unsigned borrow = 0;
  for (std::size_t i = kScalarBytes; i-- > 0;) {
    borrow = (static_cast<unsigned char>(a[i]) - b[i] - borrow) >> 8 & 1;
  }
  return borrow == 1;
}

bool isZero(std::string_view bytes) {
  unsigned any = 0;
  for (const char byte : bytes) any |= static_cast<unsigned char>(byte);
  return any == 0;
}

// What point arithmetic needs again and again; not shared, for none of it is thread-safe.
struct Curve {
  GroupPtr group{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
  PointPtr point{group ? EC_POINT_new(group.get()) : nullptr};
  BnCtxPtr context{BN_CTX_secure_new()};

  [[nodiscard]] bool usable() const { return group && point && context; }
};

Curve& threadCurve() {
  thread_local Curve curve;
  return curve;
}

}  // namespace

std::optional<SecretBytes> scalarOfCandidate(const SecretBytes& candidate) {
  if (candidate.size() != kScalarBytes) return std::nullopt;
  std::string scalar(candidate.reveal());
  unsigned carry = 1;
  for (std::size_t i = kScalarBytes; i-- > 0;) {
    carry += static_cast<unsigned char>(scalar[i]);
    scalar[i] = static_cast<char>(carry & 0xff);
    carry >>= 8;
  }
  SecretBytes accepted = SecretBytes::take(std::move(scalar));
  // c <= n - 2 is c + 1 < n; a carry out is c = 2^256 - 1, far above n.
  if (carry != 0 || !less(accepted.reveal(), kOrder)) return std::nullopt;
  return accepted;
}

Result<SecretBytes> firstAcceptedScalar(
    const std::function<Result<SecretBytes>(std::uint8_t attempt)>& candidate) {
  for (unsigned attempt = 0; attempt <= UINT8_MAX; ++attempt) {
    const Result<SecretBytes> bytes = candidate(static_cast<std::uint8_t>(attempt));
    if (!bytes) return fail(bytes.error());
    if (auto scalar = scalarOfCandidate(*bytes)) return std::move(*scalar);
  }
  return fail(ErrorCode::kInternal, "256 candidates for a P-256 key in a row were out of range");
}

Result<Point> publicPoint(const SecretBytes& scalar) {
  const std::string_view bytes = scalar.reveal();
  if (bytes.size() != kScalarBytes || isZero(bytes) || !less(bytes, kOrder)) {
    return fail(ErrorCode::kInvalid, "not the private half of a P-256 key: out of range");
  }
  Curve& curve = threadCurve();
  const BnPtr number(BN_secure_new());
  Point point;
  if (number && curve.usable()) {
    BN_set_flags(number.get(), BN_FLG_CONSTTIME);
    if (BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), kScalarBytes,
                  number.get()) != nullptr &&
        EC_POINT_mul(curve.group.get(), curve.point.get(), number.get(), nullptr, nullptr,
                     curve.context.get()) == 1 &&
        EC_POINT_point2oct(curve.group.get(), curve.point.get(), POINT_CONVERSION_UNCOMPRESSED,
                           point.data(), point.size(), curve.context.get()) == point.size()) {
      return point;
    }
  }
  ERR_clear_error();
  return fail(ErrorCode::kInternal, "OpenSSL could not multiply on P-256");
}

bool isOnCurve(const Point& point) {
  Curve& curve = threadCurve();
  if (point[0] != POINT_CONVERSION_UNCOMPRESSED || !curve.usable()) return false;
  const bool valid = EC_POINT_oct2point(curve.group.get(), curve.point.get(), point.data(),
                                        point.size(), curve.context.get()) == 1;
  if (!valid) ERR_clear_error();
  return valid;
}

}  // namespace bco::crypto
