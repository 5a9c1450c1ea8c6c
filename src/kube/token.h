// The bearer token of the moment.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "core/secret.h"

namespace bco::kube {

// A token that never changes, or a file that is replaced now and then, as a Pod's is every hour.
// Thread-safe.
class TokenSource {
 public:
  [[nodiscard]] static std::shared_ptr<TokenSource> fixed(SecretBytes token);
  // The file is read again at most once a minute, when it has changed. `clock` must outlive it.
  [[nodiscard]] static std::shared_ptr<TokenSource> file(std::string path, const Clock& clock);

  // The whole header value, "Bearer …". While a file can't be read, what it last held; kUnavailable
  // if that is nothing, kUnauthenticated if it holds no token.
  [[nodiscard]] Result<SharedSecret> authorization();
  // The server refused `refused`: the file is read again at once. True if there is another token.
  [[nodiscard]] bool renew(const SharedSecret& refused);

 private:
  TokenSource(std::string path, const Clock* clock) : path_(std::move(path)), clock_(clock) {}
  void read();

  const std::string path_;
  const Clock* const clock_;  // nullptr: fixed
  std::mutex mutex_;          // guards all below
  Result<SharedSecret> current_ = fail(ErrorCode::kUnavailable, "no Kubernetes token was read yet");
  std::optional<SteadyPoint> looked_;
};

}  // namespace bco::kube
