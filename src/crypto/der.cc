#include "crypto/der.h"

#include <algorithm>

namespace bco::crypto {
namespace {

using namespace std::string_view_literals;

// Each literal ends before a field; a comment names what it says.
// SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING …
constexpr auto kSpki =
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
    "\x03\x42\x00"sv;
// SEQUENCE { 0, SEQUENCE { id-ecPublicKey, prime256v1 }, OCTET STRING { SEQUENCE { 1, OCTET STRING
// …
constexpr auto kPkcs8 =
    "\x30\x81\x87\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce"
    "\x3d\x03\x01\x07\x04\x6d\x30\x6b\x02\x01\x01\x04\x20"sv;
// The same without the public half, so with other lengths.
constexpr auto kPkcs8Short =
    "\x30\x41\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d"
    "\x03\x01\x07\x04\x27\x30\x25\x02\x01\x01\x04\x20"sv;
// SEQUENCE { 1, OCTET STRING …
constexpr auto kSec1 = "\x30\x77\x02\x01\x01\x04\x20"sv;
constexpr auto kSec1Short = "\x30\x31\x02\x01\x01\x04\x20"sv;
// … [0] { prime256v1 } …
constexpr auto kCurve = "\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"sv;
// … [1] { BIT STRING …
constexpr auto kPublicHalf = "\xa1\x44\x03\x42\x00"sv;

static_assert(kSpki.size() + 65 == 91);
static_assert(kPkcs8.size() + 32 + kPublicHalf.size() + 65 == 138);
static_assert(kPkcs8Short.size() + 32 == 67);
static_assert(kSec1.size() + 32 + kCurve.size() + kPublicHalf.size() + 65 == 121);
static_assert(kSec1Short.size() + 32 + kCurve.size() == 51);

std::string_view viewOf(const Point& point) {
  return {reinterpret_cast<const char*>(point.data()), point.size()};
}

bool take(std::string_view& der, std::string_view expected) {
  if (!der.starts_with(expected)) return false;
  der.remove_prefix(expected.size());
  return true;
}

std::optional<Point> takePoint(std::string_view& der) {
  Point point;
  if (der.size() < point.size() || der[0] != 4) return std::nullopt;
  std::copy_n(der.begin(), point.size(), point.begin());
  der.remove_prefix(point.size());
  return point;
}

std::optional<KeyParts> decodeParts(std::string_view der, std::string_view head,
                                    std::string_view afterScalar, bool withPoint) {
  if (!take(der, head) || der.size() < kScalarBytes) return std::nullopt;
  KeyParts parts{SecretBytes(der.substr(0, kScalarBytes)), std::nullopt};
  der.remove_prefix(kScalarBytes);
  if (!take(der, afterScalar)) return std::nullopt;
  if (withPoint) {
    if (!take(der, kPublicHalf) || !(parts.point = takePoint(der))) return std::nullopt;
  }
  if (!der.empty()) return std::nullopt;
  return parts;
}

}  // namespace

std::string encodeSpki(const Point& point) {
  std::string der(kSpki);
  der += viewOf(point);
  return der;
}

std::optional<Point> decodeSpki(std::string_view der) {
  if (!take(der, kSpki)) return std::nullopt;
  auto point = takePoint(der);
  return der.empty() ? point : std::nullopt;
}

SecretBytes encodePkcs8(const SecretBytes& scalar, const Point& point) {
  std::string der;
  der.reserve(kPkcs8.size() + kScalarBytes + kPublicHalf.size() + point.size());
  der += kPkcs8;
  der += scalar.reveal();
  der += kPublicHalf;
  der += viewOf(point);
  return SecretBytes::take(std::move(der));
}

std::optional<KeyParts> decodePkcs8(std::string_view der) {
  if (auto parts = decodeParts(der, kPkcs8, {}, true)) return parts;
  return decodeParts(der, kPkcs8Short, {}, false);
}

std::optional<KeyParts> decodeSec1(std::string_view der) {
  if (auto parts = decodeParts(der, kSec1, kCurve, true)) return parts;
  return decodeParts(der, kSec1Short, kCurve, false);
}

}  // namespace bco::crypto
