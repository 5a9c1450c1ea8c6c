// Recognises a changed Secret or object without keeping the values.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "core/secret.h"
#include "core/text.h"
#include "crypto/hash.h"

namespace bco {

[[nodiscard]] inline std::string digestOfInputs(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) {
    text += std::to_string(part.size()) + ':';
    text += part;
  }
  std::string digest = toHex(crypto::sha256(text));
  wipe(text.data(), text.size());
  return digest;
}

}  // namespace bco
