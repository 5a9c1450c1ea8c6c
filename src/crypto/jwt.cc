#include "crypto/jwt.h"

#include "core/text.h"

namespace bco::crypto {

Result<std::string> signJwt(std::string_view claims, const PrivateKey& key) {
  std::string token = toBase64Url(R"({"alg":"ES256","typ":"JWT"})");
  token += '.';
  token += toBase64Url(claims);
  const auto signature = key.sign(token);
  if (!signature) return fail(signature.error());
  token += '.';
  token += toBase64Url(*signature);
  return token;
}

Result<Jwt> splitJwt(std::string_view token) {
  const auto parts = split(token, '.');
  if (parts.size() != 3) return fail(ErrorCode::kInvalid, "a token has three parts");
  auto header = fromBase64Url(parts[0]);
  auto claims = fromBase64Url(parts[1]);
  auto signature = fromBase64Url(parts[2]);
  if (!header || !claims || !signature) {
    return fail(ErrorCode::kInvalid, "a token's parts are base64url without padding");
  }
  return Jwt{std::move(*header), std::move(*claims),
             std::string(token.substr(0, parts[0].size() + 1 + parts[1].size())),
             std::move(*signature)};
}

}  // namespace bco::crypto
