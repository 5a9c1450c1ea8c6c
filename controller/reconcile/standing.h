// How an object stands, in the words of kstatus, by which kubectl, Flux and Argo CD wait. The table
// of what is said when is in docs/kubernetes.md.
#pragma once

#include <string>
#include <string_view>

#include "api/object.h"
#include "core/error.h"

namespace bco {

// Every status that we write is one of the three, and its conditions say so: what is neither would
// be waited for for ever.
enum class Standing {
  kCurrent,     // as its spec asks: Ready=True
  kInProgress,  // not so yet, and the operator goes on by itself: Ready=False, Reconciling=True
  kFailed,      // not so until a person changes something: Ready=False, Stalled=True
};

// Of what could not be done because of `error`.
[[nodiscard]] Standing standingOf(const Error& error);

// Sets Ready; Reconciling and Stalled are there only while true. All say the same why.
void setStanding(api::Conditions& conditions, Standing standing, std::string_view reason,
                 const std::string& message, std::int64_t generation, TimePoint now);

// A condition that is there only while true.
void setAbnormal(api::Conditions& conditions, bool is, api::Condition condition);

}  // namespace bco
