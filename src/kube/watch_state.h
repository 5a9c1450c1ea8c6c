// How a watch goes on, whatever happens to it. Pure: the I/O is in watcher.h.
//
//   phase          │ complete ³ │ bookmark ⁴ │ ended ⁵    │ kGone, kNotFound │ kInvalid  │ others
//   ───────────────┼────────────┼────────────┼────────────┼──────────────────┼───────────┼───────────
//   streaming list │ watch      │ pages ¹    │ pages      │ list anew        │ pages ¹   │ again ²
//   pages          │ watch      │ -          │ -          │ list anew        │ same page │ same page
//   watch          │ -          │ go on      │ same place │ list anew        │ list anew │ same place
//
//   ¹ now and ever after: this server can't stream lists; it refuses or, if it is none of
//     Kubernetes' own, ignores to be asked for it
//   ² after silence: pages, this time
//   ³ the list's end, or its last page
//   ⁴ a plain one, which ends no list
//   ⁵ by the server
//
// Every failure is followed by a pause; so is a watch that the server ended at once. A kNotFound is
// a kind that is not there: when it comes, nothing of what we saw is left.
//
// A server that is mute on an open connection is found out by its silence. One that has been heard
// to send bookmarks does so about every minute, and is mute after two and a half; that is known
// until all is listed anew. Of any other it is only known when it would end the watch itself.
#pragma once

#include <string>
#include <variant>

#include "core/error.h"
#include "core/time.h"

namespace bco::kube {

enum class WatchPhase { kStreamingList, kPages, kWatching };

struct WatchState {
  WatchPhase phase = WatchPhase::kStreamingList;
  std::string continueToken = {};    // kPages: of the next page; empty: the first
  std::string resourceVersion = {};  // kWatching: what comes after this
  bool canStream = true;
  bool hearsBookmarks = false;  // they have come on a watch since the last list

  bool operator==(const WatchState&) const = default;
};

// What happens.
struct PageRead {
  std::string resourceVersion;
  std::string continueToken;  // empty: the last page
};
struct ListEnded {  // a streaming one
  std::string resourceVersion;
};
struct Changed {  // an object
  std::string resourceVersion;
};
struct Bookmarked {
  std::string resourceVersion;
};
struct StreamEnded {
  bool atOnce = false;
};
struct Failed {
  ErrorCode code;
};
using Happening = std::variant<PageRead, ListEnded, Changed, Bookmarked, StreamEnded, Failed>;

struct Transition {
  WatchState state;
  bool pause = false;
};
// What can't happen in a phase changes nothing.
[[nodiscard]] Transition onHappening(WatchState state, const Happening& happening);

// After how much silence the server counts as mute, on a stream that it is to end after
// `serverTimeout`.
[[nodiscard]] Duration longestSilence(const WatchState& state, Duration serverTimeout);

}  // namespace bco::kube
