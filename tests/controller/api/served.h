// What kube-apiserver 1.34 answers to GET of objects of ours: served/NAME.json.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace bco::api::test {

inline std::string served(const std::string& name) {
  const std::ifstream file(BCO_SERVED "/" + name + ".json");
  std::ostringstream text;
  text << file.rdbuf();
  if (text.str().empty()) ADD_FAILURE() << "no sample " << name;
  return text.str();
}

// `text` with its one `from` replaced.
inline std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos || text.find(from, at + 1) != std::string::npos) {
    ADD_FAILURE() << "not there once: " << from;
    return text;
  }
  return text.replace(at, from.size(), to);
}

}  // namespace bco::api::test
