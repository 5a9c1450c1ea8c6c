#include "clearblade/service_account.h"

#include <algorithm>
#include <array>

#include "clearblade/secret_texts.h"
#include "core/text.h"
#include "http/url.h"

namespace bco::clearblade {

Result<std::string> checkedBaseUrl(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  const auto parsed = http::parseUrl(url);
  if (!parsed) return fail(parsed.error());
  if (parsed->target != "/")
    return fail(ErrorCode::kInvalid, "a base URL has no path and no query");
  return std::string(url);
}

Result<ServiceAccount> parseServiceAccount(const SecretBytes& json, std::string_view project) {
  static constexpr std::array<std::string_view, 4> kKeys = {"systemKey", "token", "url", "project"};
  const auto invalid = [](std::string_view why) {
    return fail(ErrorCode::kInvalid, "service account: " + std::string(why));
  };
  auto texts = readTexts(json, kKeys);
  if (!texts) return invalid(texts.error().message);
  SecretBytes& token = (*texts)[1];
  if (!isVisibleAscii(token.reveal())) return invalid("token holds characters that no token has");
  const auto url = checkedBaseUrl((*texts)[2].reveal());
  if (!url) return invalid("url: " + url.error().message);
  if (const std::string_view its = (*texts)[3].reveal(); its != project) {
    return invalid("it is for project " + std::string(its) + ", the registry is in project " +
                   std::string(project));
  }
  return ServiceAccount{std::string((*texts)[0].reveal()), shareSecret(std::move(token)), *url,
                        std::string(project)};
}

}  // namespace bco::clearblade
