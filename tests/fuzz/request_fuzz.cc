// Any bytes at all, in any pieces, are requests within their limits or an error; and any body is an
// Ask or a refusal that quotes nothing of it.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "core/text.h"
#include "endpoint/ask.h"
#include "server/message_parser.h"

namespace {

using bco::server::MessageParser;
using bco::server::Progress;

constexpr std::size_t kMaxHead = 512;
constexpr std::size_t kMaxBody = 1024;

void expect(bool held) {
  if (!held) std::abort();
}

void checkAsk(const bco::server::Request& request) {
  const auto ask =
      bco::endpoint::parseAsk(request.header("content-type").value_or(""), request.body);
  if (ask) {
    expect(bco::isDeviceUuid(ask->uuid));
    expect(ask->service != "undefined");
  } else {
    expect(ask.error().code == bco::ErrorCode::kInvalid && !ask.error().message.empty());
  }
}

// What a connection does: what could not be used yet comes again with more behind it. Returns the
// bodies of the requests and how it ended.
std::vector<std::string> feedAll(std::string_view data, std::size_t piece) {
  MessageParser parser(kMaxHead, kMaxBody);
  std::vector<std::string> bodies;
  std::string pending;
  while (!data.empty() || !pending.empty()) {
    const std::size_t taken = std::min(piece, data.size());
    pending += data.substr(0, taken);
    data.remove_prefix(taken);
    std::size_t used = 0;
    const Progress progress = parser.feed(pending, used);
    expect(used <= pending.size());
    pending.erase(0, used);
    if (progress == Progress::kDone) {
      expect(parser.request().body.size() <= kMaxBody);
      checkAsk(parser.request());
      bodies.push_back(parser.request().body);
      parser.reset();
      continue;
    }
    if (progress == Progress::kHeadDone) continue;
    if (progress != Progress::kNeedMore) {
      bodies.emplace_back("refused");
      break;
    }
    expect(pending.size() <= kMaxHead + piece);
    if (taken == 0) break;
  }
  return bodies;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)feedAll(text, size + 1);
  (void)feedAll(text, 1);
  (void)feedAll(text, 7);
  for (const char* type : {"application/json", "application/x-www-form-urlencoded"}) {
    checkAsk({.headers = {{"Content-Type", type}}, .body = std::string(text)});
  }
  return 0;
}
