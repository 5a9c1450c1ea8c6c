// Makes nodes of the parser's events and refuses what the strict subset leaves out.
#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yaml/document.h"
#include "yaml/source.h"

namespace bco::yaml {

// Throws Refused.
class Builder final : public YAML::EventHandler {
 public:
  // `source` is what `input` feeds the parser; both outlive the builder.
  Builder(const Source& source, BoundedInput& input, const Limits& limits)
      : source_(source), text_(source.text.reveal()), input_(input), limits_(limits) {}

  [[nodiscard]] std::vector<Node> takeDocuments() { return std::move(documents_); }

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override;

 private:
  // A sequence or mapping that is still open.
  struct Open {
    Node node;
    std::optional<Entry> entry;  // whose value comes next
  };

  [[nodiscard]] Position positionOf(const YAML::Mark& mark) const {
    return source_.positionOf(mark.line, mark.column);
  }
  [[noreturn]] void refuse(const YAML::Mark& mark, std::string text) const;
  [[noreturn]] void refuseKey(const YAML::Mark& mark, Kind kind) const;
  // Counts a node and refuses anchors and tags. True when it is a mapping's key.
  bool begin(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor);
  void checkQuotes(const YAML::Mark& mark) const;
  void open(const YAML::Mark& mark, Kind kind);
  void close();
  void put(Node node);

  const Source& source_;
  std::string_view text_;
  BoundedInput& input_;
  const Limits& limits_;
  std::vector<Node> documents_;
  std::vector<Open> open_;
  std::size_t documentCount_ = 0;
  std::size_t nodeCount_ = 0;
};

}  // namespace bco::yaml
