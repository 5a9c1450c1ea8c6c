// Bytes that must not be seen: private keys, tokens, seeds, and request bodies that hold them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace bco {

// Owns bytes, wipes them when it lets go of them, and can't be printed, formatted or copied by
// accident. Not thread-safe for writing; any number of threads may read one.
class SecretBytes {
 public:
  SecretBytes() = default;
  // Copies from a place the caller is to wipe or does not own.
  explicit SecretBytes(std::string_view bytes) : bytes_(bytes) {}
  // Takes the string's storage over; what a short string leaves behind is wiped.
  static SecretBytes take(std::string&& bytes);

  ~SecretBytes();
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;

  [[nodiscard]] SecretBytes clone() const { return SecretBytes(reveal()); }

  // The bytes. Every use of this is a place to review.
  [[nodiscard]] std::string_view reveal() const { return bytes_; }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  // Compares in time that depends on the sizes alone.
  [[nodiscard]] bool equals(std::string_view other) const;

 private:
  void wipe() noexcept;
  std::string bytes_;
};

// A secret several parts hold at once, such as an API token that requests in flight still carry
// while a newer one is read.
using SharedSecret = std::shared_ptr<const SecretBytes>;

[[nodiscard]] inline SharedSecret shareSecret(SecretBytes secret) {
  return std::make_shared<const SecretBytes>(std::move(secret));
}

// Overwrites a buffer in a way that the compiler does not remove.
void wipe(void* data, std::size_t size) noexcept;

}  // namespace bco
