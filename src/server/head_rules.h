// What RFC 9110 and 9112 say of single fields of a request's head, beyond their grammar. Pure.
#pragma once

#include <string_view>

namespace bco::server {

// A Host field's value: empty, or a name or address with or without a port (RFC 9112 3.2).
[[nodiscard]] bool isHost(std::string_view value);

// The only transfer coding that tells where a body ends, alone (RFC 9112 6.1): what frames it
// otherwise may see another end, and in what follows another request.
[[nodiscard]] bool isFraming(std::string_view transferEncoding);

// 100-continue is among the expectations (RFC 9110 10.1.1). Others mean nothing to us; who has them
// gets the same reply as if he had not.
[[nodiscard]] bool expectsContinue(std::string_view expect);

}  // namespace bco::server
