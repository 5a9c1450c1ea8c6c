// The service-account file that ClearBlade hands out (research/clearblade-api.md, 1.1).
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "core/secret.h"

namespace bco::clearblade {

struct ServiceAccount {
  std::string systemKey;  // part of URLs by ClearBlade's design, and no credential by itself
  SharedSecret token;
  std::string url;  // of the admin plane, without a slash at its end
  std::string project;
};

// Reads {"systemKey","token","url","project"}, all four non-empty strings; other keys are ignored.
// kInvalid, in words that quote neither token nor text, when it is not that, when the URL is not
// https (http is for loopback only), or when it is for another project than `project`.
[[nodiscard]] Result<ServiceAccount> parseServiceAccount(const SecretBytes& json,
                                                         std::string_view project);

// A base URL to which credentials may be sent: https, or http to loopback; no user info, query or
// path. Returned without a slash at its end; kInvalid otherwise.
[[nodiscard]] Result<std::string> checkedBaseUrl(std::string_view url);

}  // namespace bco::clearblade
