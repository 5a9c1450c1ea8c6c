// Where a registry is.
#pragma once

#include <string>
#include <string_view>

namespace bco::clearblade {

struct RegistryName {
  std::string project;
  std::string region;
  std::string registry;

  // "projects/P/locations/L/registries/R"
  [[nodiscard]] std::string path() const {
    return "projects/" + project + "/locations/" + region + "/registries/" + registry;
  }
  // By id or numId: the registry takes either in this place.
  [[nodiscard]] std::string devicePath(std::string_view device) const {
    return path() + "/devices/" + std::string(device);
  }
};

}  // namespace bco::clearblade
