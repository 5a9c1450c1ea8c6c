// The little of the API server's JSON that we read ourselves; objects go through as texts.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace bco::kube {

// A view of JSON that we hand out has this many readable bytes behind its end, as simdjson wants to
// parse it where it stands.
inline constexpr std::size_t kJsonPadding = 64;

// The cause that nothing can be created in a namespace any more.
inline constexpr std::string_view kNamespaceTerminating = "NamespaceTerminating";

// A `Status` object: how the API server says that something did not work.
struct StatusBody {
  int code = 0;
  std::string reason = {};
  std::string message = {};  // at most 2 kB of it
  std::optional<Duration> retryAfter = std::nullopt;
  bool versionTooLarge = false;  // a cause is ResourceVersionTooLarge
  bool uidDiffers = false;       // a cause is the field metadata.uid
  bool namespaceEnds = false;    // a cause is NamespaceTerminating
};
// nullopt: it is not one.
[[nodiscard]] std::optional<StatusBody> parseStatus(std::string_view json);

// metadata.uid of an object; empty when it has none.
[[nodiscard]] std::string uidOf(std::string& object);

// What a page of a list says beside its items.
struct ListMeta {
  std::string resourceVersion;
  std::string continueToken;  // empty: this was the last page
};
// Calls `onItem` with the text of each item in turn, padded. Items of built-in kinds have no
// apiVersion and kind of their own. kInternal: not a list; some items may have been told. `body`
// gets room behind its end.
[[nodiscard]] Result<ListMeta> readPage(std::string& body,
                                        const std::function<void(std::string_view item)>& onItem);

enum class WatchEventType { kAdded, kModified, kDeleted, kBookmark, kError };

// What one line of a watch tells.
struct WatchEvent {
  WatchEventType type = WatchEventType::kError;
  std::string_view object;           // its text, padded: a view into the line
  std::string_view resourceVersion;  // empty for kError; valid until the next read()
  bool endsInitialList = false;      // a bookmark: the streaming list is complete
};

// Reads one line after the other, in memory that it keeps. One thread at a time.
class EventReader {
 public:
  EventReader();
  ~EventReader();
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  // `line` must be padded. kInternal: not an event.
  [[nodiscard]] Result<WatchEvent> read(std::string_view line);

 private:
  struct Parser;
  const std::unique_ptr<Parser> parser_;
};

}  // namespace bco::kube
