#include "clearblade/secret_texts.h"

#include <simdjson.h>

namespace bco::clearblade {

Result<std::vector<SecretBytes>> readTexts(const SecretBytes& json,
                                           std::span<const std::string_view> keys) {
  std::string padded;
  padded.reserve(json.size() + simdjson::SIMDJSON_PADDING);
  padded = json.reveal();
  simdjson::dom::parser parser;
  simdjson::dom::object fields;
  std::vector<SecretBytes> texts;
  std::string_view missing;
  const bool isObject =
      parser.parse(padded.data(), padded.size(), false).get(fields) == simdjson::SUCCESS;
  for (const std::string_view key : keys) {
    std::string_view text;
    if (!isObject || fields.at_key(key).get(text) != simdjson::SUCCESS || text.empty()) {
      missing = key;
      break;
    }
    texts.emplace_back(text);
  }
  wipe(padded.data(), padded.size());
  // The size that simdjson gives its buffer of texts: see dom::document::allocate().
  if (parser.doc.string_buf) wipe(parser.doc.string_buf.get(), 5 * parser.doc.capacity() / 3);

  if (!isObject) return fail(ErrorCode::kInvalid, "not a JSON object");
  if (!missing.empty()) {
    return fail(ErrorCode::kInvalid, "\"" + std::string(missing) + "\" is missing or no text");
  }
  return texts;
}

}  // namespace bco::clearblade
