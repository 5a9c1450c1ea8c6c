// Query strings as ClearBlade's SDKs write them: encoded or raw, keys repeated, "undefined" for
// unset.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bco::sandbox {

// Decodes what can be decoded; an escape that is none stays as it is.
[[nodiscard]] std::string lenientDecode(std::string_view text, bool plusIsSpace);

class Query {
 public:
  Query() = default;
  // `text`: what follows the '?'. Copies.
  explicit Query(std::string_view text);

  // The first value of that name, form-decoded; "" when absent or "undefined".
  [[nodiscard]] std::string get(std::string_view name) const;
  // The same, with a '+' left as it is: an id that was sent raw may hold one.
  [[nodiscard]] std::string getKeepingPlus(std::string_view name) const;
  // All values of that name, form-decoded, empty ones left out.
  [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
  // All of them split at commas: a mask comes as one text or as a repeated key.
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const;

 private:
  [[nodiscard]] std::string_view raw(std::string_view name) const;

  std::vector<std::pair<std::string, std::string>> values_;  // names decoded, values raw
};

// "logLevel" of "log_level", segment by segment of a dotted name.
[[nodiscard]] std::string camelCase(std::string_view name);

}  // namespace bco::sandbox
