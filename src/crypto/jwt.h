// ES256 JSON Web Tokens as devices make them and the bridge checks them.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "crypto/keys.h"

namespace bco::crypto {

// header.payload.signature with {"alg":"ES256","typ":"JWT"}; `claims` is a JSON object's text.
[[nodiscard]] Result<std::string> signJwt(std::string_view claims, const PrivateKey& key);

// The parts of a token, none of them verified yet.
struct Jwt {
  std::string header;      // JSON text
  std::string claims;      // JSON text
  std::string signedPart;  // what the signature is over
  std::string signature;   // raw, r ‖ s for ES256
};
// kInvalid unless it is three parts of strict, unpadded base64url.
[[nodiscard]] Result<Jwt> splitJwt(std::string_view token);

}  // namespace bco::crypto
