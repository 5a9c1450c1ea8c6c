// The bearer tokens that are accepted.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/secret.h"

namespace bco::endpoint {

// A token a line; blank lines and those that begin with '#' are left out, so that a new one can be
// accepted before the old one is retired. None is a list, too: nobody is accepted. kInvalid: one
// that is too short to be safe, or holds what no token does.
[[nodiscard]] Result<std::vector<SecretBytes>> parseTokens(const SecretBytes& text);

// Thread-safe.
class Tokens {
 public:
  void replace(std::vector<SecretBytes> tokens);

  // `authorization`: the header's value. Compares with all of them, in a time that depends on sizes
  // alone.
  [[nodiscard]] bool accept(std::optional<std::string_view> authorization) const;

 private:
  using List = std::vector<SecretBytes>;
  mutable std::mutex mutex_;  // guards tokens_
  std::shared_ptr<const List> tokens_ = std::make_shared<const List>();
};

}  // namespace bco::endpoint
