#include "core/secret.h"

#include <cstring>
#include <utility>

namespace bco {

void wipe(void* data, std::size_t size) noexcept {
  if (size != 0) explicit_bzero(data, size);
}

SecretBytes SecretBytes::take(std::string&& bytes) {
  SecretBytes secret;
  secret.bytes_ = std::move(bytes);
  // A short string was copied out of its own object, which still holds it.
  // NOLINTNEXTLINE(bugprone-use-after-move): that is the point
  bco::wipe(bytes.data(), bytes.capacity());
  bytes.clear();
  return secret;
}

SecretBytes::~SecretBytes() { wipe(); }

SecretBytes::SecretBytes(SecretBytes&& other) noexcept : bytes_(std::move(other.bytes_)) {
  other.wipe();
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = std::move(other.bytes_);
    other.wipe();
  }
  return *this;
}

bool SecretBytes::equals(std::string_view other) const {
  if (bytes_.size() != other.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < other.size(); ++i) {
    difference |= static_cast<unsigned char>(bytes_[i]) ^ static_cast<unsigned char>(other[i]);
  }
  return difference == 0;
}

void SecretBytes::wipe() noexcept {
  // The whole capacity: a moved-from or shortened string may keep old bytes behind its end.
  bco::wipe(bytes_.data(), bytes_.capacity());
  bytes_.clear();
}

}  // namespace bco
