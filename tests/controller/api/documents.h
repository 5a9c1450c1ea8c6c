// Reads one document from a text, as if it stood in "f.yaml".
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "api/parse.h"

namespace bco::api::test {

struct Parsed {
  std::optional<AnyObject> object;
  std::vector<std::string> problems;
};

inline Parsed parseText(const std::string& text) {
  const auto documents = yaml::parse(text, "f.yaml");
  if (!documents) return {std::nullopt, {documents.error().message}};
  Problems problems("f.yaml");
  auto object = parseObject(documents->at(0), problems);
  return {std::move(object), problems.texts()};
}

// The object of a text that must be without problems.
template <class Object>
Object parsed(const std::string& text) {
  Parsed result = parseText(text);
  for (const auto& problem : result.problems) ADD_FAILURE() << problem;
  if (!result.object || !std::holds_alternative<Object>(*result.object)) {
    ADD_FAILURE() << "not the object that was expected";
    return {};
  }
  return std::get<Object>(std::move(*result.object));
}

}  // namespace bco::api::test
