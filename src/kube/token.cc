#include "kube/token.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "core/text.h"

namespace bco::kube {
namespace {

constexpr Duration kLookInterval = std::chrono::minutes(1);
constexpr std::size_t kMostBytes = 64 * 1024;

// kUnauthenticated: not what a token looks like.
Result<SharedSecret> headerOf(const SecretBytes& token) {
  // A file's last line break is no part of the token; any other would split the header.
  const std::string_view text = trim(token.reveal());
  if (text.empty()) return fail(ErrorCode::kUnauthenticated, "the Kubernetes token is empty");
  if (!isVisibleAscii(text)) {
    return fail(ErrorCode::kUnauthenticated,
                "the Kubernetes token holds characters that no token has");
  }
  std::string value;
  value.reserve(text.size() + 7);
  value += "Bearer ";
  value += text;
  return shareSecret(SecretBytes::take(std::move(value)));
}

Result<SecretBytes> readFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMostBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  SecretBytes token = SecretBytes::take(std::move(text));
  if (file.bad() || !file.eof()) {
    return fail(ErrorCode::kUnavailable, "cannot read the Kubernetes token in " + path);
  }
  return token;
}

}  // namespace

std::shared_ptr<TokenSource> TokenSource::fixed(SecretBytes token) {
  std::shared_ptr<TokenSource> source(new TokenSource("", nullptr));
  source->current_ = headerOf(token);
  return source;
}

std::shared_ptr<TokenSource> TokenSource::file(std::string path, const Clock& clock) {
  return std::shared_ptr<TokenSource>(new TokenSource(std::move(path), &clock));
}

Result<SharedSecret> TokenSource::authorization() {
  std::lock_guard lock(mutex_);
  if (clock_ != nullptr && (!looked_ || clock_->steadyNow() >= *looked_ + kLookInterval)) read();
  return current_;
}

bool TokenSource::renew(const SharedSecret& refused) {
  std::lock_guard lock(mutex_);
  // Another call may have renewed it meanwhile.
  if (clock_ != nullptr && current_ && *current_ == refused) read();
  return current_ && *current_ != refused;
}

// Under the lock: the file is small and in memory, and whoever waits wants what it says.
void TokenSource::read() {
  looked_ = clock_->steadyNow();
  auto token = readFile(path_);
  auto header = token ? headerOf(*token) : Result<SharedSecret>(fail(token.error()));
  if (!header) {
    // The last one may still be good: files are replaced in steps.
    if (!current_) current_ = std::move(header);
    return;
  }
  if (!current_ || !(*current_)->equals((*header)->reveal())) current_ = std::move(header);
}

}  // namespace bco::kube
