#include "http/gunzip.h"

#include <zlib.h>

#include <algorithm>

#include "core/text.h"

namespace bco::http {

Result<std::string> gunzip(std::string_view compressed, std::size_t limit) {
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  z_stream stream{};
  if (::inflateInit2(&stream, kGzipOnly) != Z_OK) {
    return fail(ErrorCode::kInternal, "no memory to decompress an answer");
  }
  // zlib reads through this pointer and never writes.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());

  std::string content;
  int state = Z_OK;
  while (state == Z_OK && content.size() <= limit) {
    const std::size_t used = content.size();
    // One byte over the limit shows that there is more.
    content.resize(std::min(limit + 1, std::max<std::size_t>(4 * compressed.size(), used * 2)));
    if (content.size() == used) break;
    stream.next_out = reinterpret_cast<Bytef*>(content.data() + used);
    stream.avail_out = static_cast<uInt>(content.size() - used);
    state = ::inflate(&stream, Z_NO_FLUSH);
    content.resize(content.size() - stream.avail_out);
  }
  const bool complete = state == Z_STREAM_END && stream.avail_in == 0;
  ::inflateEnd(&stream);
  if (content.size() > limit) return fail(tooLarge(limit));
  if (!complete) return fail(ErrorCode::kInternal, "the answer is not valid gzip");
  return content;
}

Result<Response> unpack(Response response, std::size_t limit) {
  const auto encoding = response.header("Content-Encoding");
  if (encoding && equalsIgnoreCase(*encoding, "gzip") && !response.body.empty()) {
    auto content = gunzip(response.body, limit);
    if (!content) return fail(std::move(content.error()));
    response.body = *std::move(content);
  }
  if (response.body.size() > limit) return fail(tooLarge(limit));
  return response;
}

Error tooLarge(std::size_t limit) {
  return {.code = ErrorCode::kInternal,
          .message = "the answer is larger than " + std::to_string(limit) + " bytes",
          .answerTooLarge = true};
}

}  // namespace bco::http
