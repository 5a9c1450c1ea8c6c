#include "kube/watch_state.h"

#include <algorithm>
#include <utility>

namespace bco::kube {
namespace {

constexpr Duration kBeyondServerTimeout = std::chrono::seconds(5);
constexpr Duration kBeyondBookmarks = std::chrono::seconds(150);

WatchState listAnew(const WatchState& state) {
  return {.phase = state.canStream ? WatchPhase::kStreamingList : WatchPhase::kPages,
          .canStream = state.canStream};
}

WatchState inPages(bool canStream) { return {.phase = WatchPhase::kPages, .canStream = canStream}; }

WatchState watching(const WatchState& state, const std::string& resourceVersion) {
  return {.phase = WatchPhase::kWatching,
          .resourceVersion = resourceVersion,
          .canStream = state.canStream,
          .hearsBookmarks = state.hearsBookmarks};
}

struct Next {
  WatchState state;

  Transition operator()(const PageRead& page) {
    if (state.phase != WatchPhase::kPages) return {std::move(state)};
    if (page.continueToken.empty()) return {watching(state, page.resourceVersion)};
    state.continueToken = page.continueToken;
    return {std::move(state)};
  }

  Transition operator()(const ListEnded& end) {
    if (state.phase == WatchPhase::kPages) return {std::move(state)};
    return {watching(state, end.resourceVersion)};
  }

  Transition operator()(const Changed& change) {
    // A streaming list can't be gone on with from its middle.
    if (state.phase == WatchPhase::kWatching) state.resourceVersion = change.resourceVersion;
    return {std::move(state)};
  }

  Transition operator()(const Bookmarked& bookmark) {
    if (state.phase == WatchPhase::kStreamingList) return {inPages(false)};
    if (state.phase == WatchPhase::kWatching) state.hearsBookmarks = true;
    return (*this)(Changed{bookmark.resourceVersion});
  }

  Transition operator()(const StreamEnded& end) {
    if (state.phase == WatchPhase::kStreamingList) return {inPages(true), true};
    return {std::move(state), end.atOnce};
  }

  Transition operator()(const Failed& failure) {
    switch (failure.code) {
      case ErrorCode::kGone:
      case ErrorCode::kNotFound:
        return {listAnew(state), true};
      case ErrorCode::kInvalid:
        if (state.phase == WatchPhase::kStreamingList) return {inPages(false), true};
        if (state.phase == WatchPhase::kWatching) return {listAnew(state), true};
        break;
      case ErrorCode::kDeadline:
        if (state.phase == WatchPhase::kStreamingList) return {inPages(true), true};
        break;
      default:
        break;
    }
    return {std::move(state), true};
  }
};

}  // namespace

Transition onHappening(WatchState state, const Happening& happening) {
  return std::visit(Next{std::move(state)}, happening);
}

Duration longestSilence(const WatchState& state, Duration serverTimeout) {
  const Duration untilItsEnd = serverTimeout + kBeyondServerTimeout;
  return state.hearsBookmarks ? std::min(kBeyondBookmarks, untilItsEnd) : untilItsEnd;
}

}  // namespace bco::kube
