#include "endpoint/tokens.h"

#include <utility>

#include "core/text.h"

namespace bco::endpoint {
namespace {

constexpr std::size_t kShortest = 16;
constexpr std::string_view kScheme = "bearer ";

}  // namespace

Result<std::vector<SecretBytes>> parseTokens(const SecretBytes& text) {
  std::vector<SecretBytes> tokens;
  for (const std::string_view line : split(text.reveal(), '\n')) {
    const std::string_view token = trim(line);
    if (token.empty() || token.front() == '#') continue;
    if (token.size() < kShortest) {
      return fail(ErrorCode::kInvalid, "a token has less than 16 characters: openssl rand -hex 32");
    }
    if (token.find_first_of(" \t#") != std::string_view::npos) {
      return fail(ErrorCode::kInvalid,
                  "a token holds a blank or a '#': a comment is a line of its own");
    }
    tokens.emplace_back(token);
  }
  return tokens;
}

void Tokens::replace(std::vector<SecretBytes> tokens) {
  auto list = std::make_shared<const List>(std::move(tokens));
  std::lock_guard lock(mutex_);
  tokens_ = std::move(list);
}

bool Tokens::accept(std::optional<std::string_view> authorization) const {
  if (!authorization || authorization->size() < kScheme.size() ||
      !equalsIgnoreCase(authorization->substr(0, kScheme.size()), kScheme)) {
    return false;
  }
  const std::string_view token = trim(authorization->substr(kScheme.size()));
  std::shared_ptr<const List> tokens;
  {
    std::lock_guard lock(mutex_);
    tokens = tokens_;
  }
  bool accepted = false;
  for (const SecretBytes& each : *tokens) accepted |= each.equals(token);
  return accepted;
}

}  // namespace bco::endpoint
