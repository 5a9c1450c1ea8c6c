#include "kube/event.h"

#include <algorithm>

#include "core/utf8.h"
#include "telemetry/redact.h"

namespace bco::kube {

std::string cleanMessage(std::string_view text, std::size_t most) {
  constexpr std::string_view kMore = "\u2026";
  // First, while a key is still whole.
  const std::string safe = telemetry::redacted(text);
  std::string clean;
  std::size_t fits = 0;  // of `clean`, with room for kMore
  for (std::string_view rest = safe; !rest.empty();) {
    const std::size_t size = utf8Size(rest);
    if (size == 0) {
      clean += '?';
    } else {
      clean += rest.substr(0, size);
    }
    rest.remove_prefix(std::max<std::size_t>(size, 1));
    if (clean.size() > most) return clean.substr(0, fits).append(kMore);
    if (clean.size() + kMore.size() <= most) fits = clean.size();
  }
  return clean;
}

}  // namespace bco::kube
