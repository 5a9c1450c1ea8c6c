#include "api/reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace bco::api {
namespace {

std::size_t countCharacters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::ranges::count_if(utf8, [](unsigned char c) { return (c & 0xC0U) != 0x80U; }));
}

}  // namespace

void Problems::add(yaml::Position at, std::string_view field, std::string_view text) {
  std::string problem;
  if (!file_.empty()) {
    problem = file_ + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": ";
  }
  if (!field.empty()) problem += std::string(field) + ": ";
  texts_.push_back(problem += text);
}

MappingReader::MappingReader(const yaml::Node* node, std::string field, yaml::Position parent,
                             Problems& problems)
    : node_(node), field_(std::move(field)), position_(parent), problems_(problems) {
  if (node_ == nullptr || node_->kind == yaml::Kind::kNull) {
    node_ = nullptr;
    return;
  }
  position_ = node_->position;
  if (node_->kind != yaml::Kind::kMapping) {
    problems_.add(position_, field_, "expected a mapping, not " + std::string(nameOf(node_->kind)));
    node_ = nullptr;
  }
}

std::string MappingReader::pathOf(std::string_view key) const {
  return field_.empty() ? std::string(key) : field_ + "." + std::string(key);
}

const yaml::Node* MappingReader::take(std::string_view key) {
  known_.emplace(key);
  if (node_ == nullptr) return nullptr;
  const yaml::Node* value = node_->find(key);
  return value == nullptr || value->kind == yaml::Kind::kNull ? nullptr : value;
}

void MappingReader::problem(std::string_view key, std::string_view text) {
  const yaml::Node* value = node_ == nullptr ? nullptr : node_->find(key);
  problems_.add(value == nullptr ? position_ : value->position, pathOf(key), text);
}

std::optional<std::string> MappingReader::string(std::string_view key, std::size_t longest) {
  const yaml::Node* value = take(key);
  if (value == nullptr) return std::nullopt;
  if (value->kind != yaml::Kind::kString) {
    std::string text = "expected a string, not " + std::string(nameOf(value->kind));
    if (value->kind != yaml::Kind::kMapping && value->kind != yaml::Kind::kSequence) {
      text += ": put it in quotes";
    }
    problem(key, text);
    return std::nullopt;
  }
  if (countCharacters(value->scalar.reveal()) > longest) {
    problem(key, "must be at most " + std::to_string(longest) + " characters");
    return std::nullopt;
  }
  return std::string(value->scalar.reveal());
}

std::string MappingReader::requiredString(std::string_view key) {
  const std::size_t before = problems_.texts().size();
  const auto text = string(key);
  if (text && !text->empty()) return *text;
  if (problems_.texts().size() == before) problem(key, "is required");
  return "";
}

std::optional<bool> MappingReader::boolean(std::string_view key) {
  const yaml::Node* value = take(key);
  if (value == nullptr) return std::nullopt;
  if (value->kind != yaml::Kind::kBool) {
    problem(key, "expected true or false");
    return std::nullopt;
  }
  return value->scalar.reveal() == "true";
}

std::optional<int> MappingReader::integer(std::string_view key, int least, int most) {
  const auto number = numberAt(key);
  // 8.0 is a whole number too, as everywhere in Kubernetes.
  if (number && *number >= least && *number <= most && std::trunc(*number) == *number) {
    return static_cast<int>(*number);
  }
  if (has(key)) {
    problem(key, "expected a whole number from " + std::to_string(least) + " to " +
                     std::to_string(most));
  }
  return std::nullopt;
}

std::optional<double> MappingReader::positiveNumber(std::string_view key) {
  const auto number = numberAt(key);
  if (number && *number > 0) return number;
  if (has(key)) problem(key, "expected a number above zero");
  return std::nullopt;
}

std::optional<double> MappingReader::numberAt(std::string_view key) {
  const yaml::Node* value = take(key);
  if (value == nullptr) return std::nullopt;
  if (value->kind != yaml::Kind::kInteger && value->kind != yaml::Kind::kFloat) return std::nullopt;
  double number = 0;
  const std::string_view text = value->scalar.reveal();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Duration> MappingReader::duration(std::string_view key, Duration least) {
  constexpr std::size_t kLongest = 32;
  const auto text = string(key, kLongest);
  if (!text) return std::nullopt;
  const auto parsed = parseDuration(*text);
  if (!parsed) {
    problem(key,
            "expected a duration such as \"720h\", \"90m\" or \"30s\" (there is no unit for days)");
    return std::nullopt;
  }
  if (*parsed < least) {
    problem(key, "must be at least " + formatDuration(least));
    return std::nullopt;
  }
  if (*parsed > kLongestDuration) {
    problem(key, "must be at most " + formatDuration(kLongestDuration));
    return std::nullopt;
  }
  return parsed;
}

std::optional<TimePoint> MappingReader::time(std::string_view key) {
  const auto text = string(key);
  if (!text) return std::nullopt;
  auto parsed = parseRfc3339(*text);
  // An API server reads neither small letters nor leap seconds.
  if (parsed && (text->find_first_of("tz") != std::string::npos || text->substr(17, 2) == "60")) {
    parsed.reset();
  }
  if (!parsed) problem(key, "expected a time such as \"2026-11-23T07:00:00Z\" (RFC 3339)");
  return parsed;
}

std::map<std::string, std::string, std::less<>> MappingReader::strings(std::string_view key,
                                                                       std::size_t most,
                                                                       std::size_t longest) {
  std::map<std::string, std::string, std::less<>> result;
  MappingReader values = mapping(key);
  if (values.node_ == nullptr) return result;
  if (values.node_->entries.size() > most) {
    problem(key, "must have at most " + std::to_string(most) + " entries");
    return result;
  }
  for (const yaml::Entry& entry : values.node_->entries) {
    if (auto text = values.string(entry.key, longest)) result.emplace(entry.key, std::move(*text));
  }
  return result;
}

std::vector<std::string> MappingReader::list(std::string_view key, std::size_t most) {
  std::vector<std::string> result;
  for (const yaml::Node* item : sequence(key, most)) {
    if (item->kind != yaml::Kind::kString) {
      problems_.add(item->position, pathOf(key), "expected a list of strings");
    } else if (countCharacters(item->scalar.reveal()) > kLongestText) {
      problems_.add(item->position, pathOf(key),
                    "must be at most " + std::to_string(kLongestText) + " characters each");
    } else {
      result.emplace_back(item->scalar.reveal());
    }
  }
  return result;
}

std::vector<const yaml::Node*> MappingReader::sequence(std::string_view key, std::size_t most) {
  std::vector<const yaml::Node*> result;
  const yaml::Node* value = take(key);
  if (value == nullptr) return result;
  if (value->kind != yaml::Kind::kSequence) {
    problem(key, "expected a list");
    return result;
  }
  if (value->items.size() > most) {
    problem(key, "must have at most " + std::to_string(most) + " entries");
    return result;
  }
  for (const yaml::Node& item : value->items) result.push_back(&item);
  return result;
}

MappingReader MappingReader::mapping(std::string_view key) {
  return {take(key), pathOf(key), position_, problems_};
}

void MappingReader::finish() {
  if (node_ == nullptr || !problems_.isOfFile()) return;
  for (const yaml::Entry& entry : node_->entries) {
    if (!known_.contains(entry.key)) {
      std::string known;
      for (const auto& name : known_) known += (known.empty() ? "" : ", ") + name;
      problems_.add(entry.keyPosition, pathOf(entry.key), "unknown field; known here: " + known);
    }
  }
}

}  // namespace bco::api
