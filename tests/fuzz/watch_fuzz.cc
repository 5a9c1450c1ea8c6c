// Whatever a server sends: lines are what stands between line breaks, and what is read of them lies
// within them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "kube/json.h"
#include "kube/status.h"
#include "kube/watch_lines.h"

namespace {

constexpr std::size_t kLongestLine = 300;

void expect(bool held) {
  if (!held) std::abort();
}

void readAsEvent(bco::kube::EventReader& reader, std::string_view line) {
  // Just the room that is promised, so that AddressSanitizer sees who reads on.
  const auto bytes = std::make_unique<char[]>(line.size() + bco::kube::kJsonPadding);
  line.copy(bytes.get(), line.size());
  const std::string_view padded(bytes.get(), line.size());
  const auto event = reader.read(padded);
  if (!event) {
    expect(event.error().code == bco::ErrorCode::kInternal);
    return;
  }
  expect(event->object.data() >= padded.data());
  expect(event->object.data() + event->object.size() <= padded.data() + padded.size());
  expect(event->object.starts_with('{'));
  expect(event->type == bco::kube::WatchEventType::kError || !event->resourceVersion.empty());
  if (event->type == bco::kube::WatchEventType::kError) {
    static_cast<void>(bco::kube::errorOfEvent(event->object, "x"));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] + std::size_t{1};
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);

  bco::kube::LineSplitter lines(kLongestLine);
  bco::kube::EventReader reader;
  std::string seen;
  bool refused = false;
  for (std::size_t i = 0; i < text.size() && !refused; i += piece) {
    const auto fed = lines.feed(text.substr(i, piece), [&](std::string_view line) {
      expect(!line.empty() && line.size() <= kLongestLine);
      expect(line.find('\n') == std::string_view::npos);
      seen += line;
      seen += '\n';
      readAsEvent(reader, line);
      return true;
    });
    refused = !fed;
  }
  // All lines in order, but for empty ones and the last, which is not complete.
  std::string expected;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) break;
    if (end > begin) expected += text.substr(begin, end - begin + 1);
    begin = end + 1;
  }
  expect(refused ? expected.starts_with(seen) : expected == seen);

  std::string body(text);
  const auto page = bco::kube::readPage(body, [&](std::string_view item) {
    expect(item.data() >= body.data() && item.data() + item.size() <= body.data() + body.size());
  });
  expect(page || page.error().code == bco::ErrorCode::kInternal);
  expect(!page || !page->resourceVersion.empty());
  const auto status = bco::kube::parseStatus(text);
  expect(!status || status->message.size() <= 2010);
  return 0;
}
