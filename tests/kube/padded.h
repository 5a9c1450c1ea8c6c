// Texts as the readers of src/kube want them.
#pragma once

#include <memory>
#include <string_view>

#include "kube/json.h"

namespace bco::test {

// A text with just the bytes behind its end that it promises, in memory of its own, so that
// AddressSanitizer sees who reads beyond.
class Padded {
 public:
  explicit Padded(std::string_view text)
      : size_(text.size()), bytes_(std::make_unique<char[]>(size_ + kube::kJsonPadding)) {
    text.copy(bytes_.get(), size_);
  }
  [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> bytes_;
};

}  // namespace bco::test
