// The registry's JSON, both ways (research/clearblade-api.md, section 4). An answer that is not
// what is described there is kInternal, in words that quote nothing of it.
#pragma once

#include <functional>
#include <string>

#include "clearblade/api.h"

namespace bco::clearblade {

// A Device. 64-bit numbers come quoted or plain; times may be "", null or absent. An expiration
// time that is absent, or 1970-01-01T00:00:00Z as Google's service had for "none", means never.
[[nodiscard]] Result<Registration> parseRegistration(std::string body);

// Calls `visit` with each of a page's devices. Returns the next page's token, empty on the last
// one.
[[nodiscard]] Result<std::string> parsePage(std::string body,
                                            const std::function<void(const Registration&)>& visit);

[[nodiscard]] Result<Registry> parseRegistry(std::string body);

[[nodiscard]] std::string createBody(const NewRegistration& created);
// The fields that are set, and those only.
[[nodiscard]] std::string patchBody(const RegistrationPatch& patch);

}  // namespace bco::clearblade
