// PEM (RFC 7468): the text around DER.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "core/secret.h"

namespace bco::crypto {

struct PemBlock {
  std::string label;  // "PUBLIC KEY"
  SecretBytes der;
};

// The one block that `text` is. Lines may end in CRLF or trailing white space, the last newline may
// be missing; anything else around, between or inside (a second block, text before it, empty lines,
// header fields) is kInvalid, with the words `what` ("a public key") and nothing of the text.
[[nodiscard]] Result<PemBlock> decodePem(std::string_view text, std::string_view what);

// Lines of 64 characters, each with a newline, as OpenSSL writes them.
[[nodiscard]] SecretBytes encodePem(std::string_view label, std::string_view der);

}  // namespace bco::crypto
