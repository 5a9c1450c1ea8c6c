// What the command line says of the provisioning endpoint.
#pragma once

#include <filesystem>
#include <string>

#include "core/time.h"

namespace bco::cli {

struct EndpointFlags {
  std::string address = {};  // HOST:PORT; empty: there is none
  std::string auth = "none";
  std::filesystem::path tokenFile = {};
  std::filesystem::path tlsCertificate = {};
  std::filesystem::path tlsKey = {};
  Duration deadline = std::chrono::seconds(25);
  // Requests a second; 0: no limit.
  double rate = 1000;
  double ratePerAddress = 100;
  double ratePerDevice = 0.5;
};

}  // namespace bco::cli
