// Reading JSON that holds a token.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/secret.h"

namespace bco::clearblade {

// The texts at `keys` of the JSON object `json`, in that order. kInvalid when one is missing, empty
// or no text; the error quotes nothing of `json`, and the copies that the parser makes are wiped.
[[nodiscard]] Result<std::vector<SecretBytes>> readTexts(const SecretBytes& json,
                                                         std::span<const std::string_view> keys);

}  // namespace bco::clearblade
