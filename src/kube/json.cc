#include "kube/json.h"

#include <simdjson.h>

#include <algorithm>

#include "core/utf8.h"

namespace bco::kube {
namespace {

using simdjson::simdjson_error;
namespace ondemand = simdjson::ondemand;

static_assert(kJsonPadding >= simdjson::SIMDJSON_PADDING);

constexpr std::size_t kLongestMessage = 2000;
constexpr std::size_t kMostStatusBytes = 1U << 20;
constexpr std::string_view kInitialListEnd = "k8s.io/initial-events-end";

tl::unexpected<Error> notUnderstood(std::string_view what, std::string_view why) {
  return fail(ErrorCode::kInternal, std::string(what) + " is not understood: " + std::string(why));
}

ondemand::document iterate(ondemand::parser& parser, std::string_view padded) {
  return parser.iterate(padded.data(), padded.size(), padded.size() + kJsonPadding);
}

WatchEventType typeOf(std::string_view name) {
  if (name == "ADDED") return WatchEventType::kAdded;
  if (name == "MODIFIED") return WatchEventType::kModified;
  if (name == "DELETED") return WatchEventType::kDeleted;
  if (name == "BOOKMARK") return WatchEventType::kBookmark;
  return WatchEventType::kError;
}

void readMetadata(ondemand::object metadata, WatchEvent& event) {
  for (ondemand::field field : metadata) {
    const std::string_view key = field.unescaped_key();
    if (key == "resourceVersion") {
      event.resourceVersion = field.value();
    } else if (key == "annotations") {
      std::string_view mark;
      event.endsInitialList =
          field.value().get_object()[kInitialListEnd].get(mark) == simdjson::SUCCESS &&
          mark == "true";
    }
  }
}

// Throws simdjson_error.
WatchEvent readLine(ondemand::parser& parser, std::string_view line) {
  WatchEvent event;
  bool hasType = false;
  ondemand::document document = iterate(parser, line);
  for (ondemand::field field : document.get_object()) {
    const std::string_view key = field.unescaped_key();
    if (key == "type") {
      event.type = typeOf(std::string_view(field.value()));
      hasType = true;
    } else if (key == "object") {
      ondemand::object object = field.value();
      ondemand::object metadata;
      if (object["metadata"].get(metadata) == simdjson::SUCCESS) readMetadata(metadata, event);
      event.object = object.raw_json();
    }
  }
  if (!hasType || event.object.empty()) {
    throw simdjson_error(simdjson::INCOMPLETE_ARRAY_OR_OBJECT);
  }
  // Anybody may annotate an object.
  if (event.type != WatchEventType::kBookmark) event.endsInitialList = false;
  return event;
}

std::string shortened(std::string_view text) {
  if (text.size() <= kLongestMessage) return std::string(text);
  std::size_t end = 0;
  while (end < kLongestMessage) end += std::max<std::size_t>(utf8Size(text.substr(end)), 1);
  return std::string(text.substr(0, end)) + "…";
}

void readCauses(simdjson::dom::element details, StatusBody& status) {
  simdjson::dom::array causes;
  if (details["causes"].get(causes) != simdjson::SUCCESS) return;
  for (const simdjson::dom::element cause : causes) {
    std::string_view text;
    if (cause["reason"].get(text) == simdjson::SUCCESS && text == "ResourceVersionTooLarge") {
      status.versionTooLarge = true;
    }
    if (cause["reason"].get(text) == simdjson::SUCCESS && text == kNamespaceTerminating) {
      status.namespaceEnds = true;
    }
    if (cause["field"].get(text) == simdjson::SUCCESS && text == "metadata.uid") {
      status.uidDiffers = true;
    }
  }
}

ListMeta readListMeta(ondemand::object metadata) {
  ListMeta meta;
  for (ondemand::field field : metadata) {
    const std::string_view key = field.unescaped_key();
    if (key == "resourceVersion") {
      meta.resourceVersion = std::string(std::string_view(field.value()));
    } else if (key == "continue") {
      meta.continueToken = std::string(std::string_view(field.value()));
    }
  }
  return meta;
}

}  // namespace

struct EventReader::Parser {
  ondemand::parser parser;
};

EventReader::EventReader() : parser_(std::make_unique<Parser>()) {}
EventReader::~EventReader() = default;

Result<WatchEvent> EventReader::read(std::string_view line) {
  try {
    const WatchEvent event = readLine(parser_->parser, line);
    if (event.type != WatchEventType::kError && event.resourceVersion.empty()) {
      return notUnderstood("a watch event", "it has no resourceVersion");
    }
    return event;
  } catch (const simdjson_error& error) {
    return notUnderstood("a watch event", error.what());
  }
}

std::optional<StatusBody> parseStatus(std::string_view json) {
  if (json.size() > kMostStatusBytes) return std::nullopt;
  simdjson::dom::parser parser;
  simdjson::dom::element body;
  std::string_view text;
  if (parser.parse(json.data(), json.size()).get(body) != simdjson::SUCCESS ||
      body["kind"].get(text) != simdjson::SUCCESS || text != "Status") {
    return std::nullopt;
  }
  StatusBody status;
  std::int64_t number = 0;
  if (body["code"].get(number) == simdjson::SUCCESS) status.code = static_cast<int>(number);
  if (body["reason"].get(text) == simdjson::SUCCESS) status.reason = text;
  if (body["message"].get(text) == simdjson::SUCCESS) status.message = shortened(text);
  simdjson::dom::element details;
  if (body["details"].get(details) == simdjson::SUCCESS) {
    if (details["retryAfterSeconds"].get(number) == simdjson::SUCCESS && number > 0) {
      status.retryAfter = std::chrono::seconds(std::min<std::int64_t>(number, 3600));
    }
    readCauses(details, status);
  }
  return status;
}

std::string uidOf(std::string& object) {
  try {
    object.reserve(object.size() + kJsonPadding);
    ondemand::parser parser;
    ondemand::document document = iterate(parser, object);
    return std::string(std::string_view(document["metadata"]["uid"]));
  } catch (const simdjson_error&) {
    return {};
  }
}

Result<ListMeta> readPage(std::string& body,
                          const std::function<void(std::string_view item)>& onItem) {
  try {
    body.reserve(body.size() + kJsonPadding);
    ondemand::parser parser;
    ondemand::document document = iterate(parser, body);
    std::optional<ListMeta> meta;
    bool hasItems = false;
    for (ondemand::field field : document.get_object()) {
      const std::string_view key = field.unescaped_key();
      if (key == "metadata") {
        meta = readListMeta(field.value());
      } else if (key == "items") {
        hasItems = true;
        // An empty list of a built-in kind may have null.
        if (field.value().is_null()) continue;
        for (ondemand::object item : field.value().get_array()) onItem(item.raw_json());
      }
    }
    if (!meta || meta->resourceVersion.empty() || !hasItems) {
      return notUnderstood("the list", "it has no items or no resourceVersion");
    }
    return *std::move(meta);
  } catch (const simdjson_error& error) {
    return notUnderstood("the list", error.what());
  }
}

}  // namespace bco::kube
