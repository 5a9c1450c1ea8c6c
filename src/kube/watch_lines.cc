#include "kube/watch_lines.h"

#include "kube/json.h"

namespace bco::kube {
namespace {

// What an idle watch keeps.
constexpr std::size_t kKeptBytes = 64 * 1024;

}  // namespace

Result<bool> LineSplitter::feed(std::string_view piece,
                                const std::function<bool(std::string_view line)>& onLine) {
  buffer_.reserve(buffer_.size() + piece.size() + kJsonPadding);
  buffer_ += piece;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = buffer_.find('\n', begin + searched_);
    const std::size_t size = (end == std::string::npos ? buffer_.size() : end) - begin;
    if (size > longestLine_) {
      return fail(ErrorCode::kInternal,
                  "a watch event is larger than " + std::to_string(longestLine_) + " bytes");
    }
    if (end == std::string::npos) break;
    searched_ = 0;
    if (size > 0 && !onLine(std::string_view(buffer_).substr(begin, size))) return false;
    begin = end + 1;
  }
  buffer_.erase(0, begin);
  searched_ = buffer_.size();
  if (buffer_.capacity() > kKeptBytes && buffer_.size() + kJsonPadding < kKeptBytes) {
    buffer_.shrink_to_fit();
  }
  return true;
}

}  // namespace bco::kube
