#include "sandbox/kinds.h"

#include <array>

#include "core/text.h"

namespace bco::sandbox {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kResources = {{
    {"device", "device"},
    {"application", "fleet"},
    {"service", "service"},
    {"service_install", "install"},
    {"device_environment_variable", "variable"},
    {"device_service_environment_variable", "variable"},
    {"device_tag", "tag"},
    {"device_type", "type"},
    {"api_key", "api_key"},
}};

std::string_view verbOf(std::string_view method, bool hasKey, bool isCount) {
  if (method == "GET") return isCount ? "count" : hasKey ? "get" : "list";
  if (method == "POST") return "create";
  if (method == "DELETE") return "delete";
  return method == "PATCH" || method == "PUT" ? "update" : "other";
}

std::string balenaKind(std::string_view method, std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  const auto parts = split(path, '/');  // the first is empty
  if (path.ends_with("/whoami")) return "balena.whoami";
  if (path.starts_with("/supervisor/")) return "balena.supervisor";
  if (path.starts_with("/device/v3/")) return "balena.state";
  if (parts.size() < 3 || (parts[1] != "v7" && parts[1] != "v6")) return "balena.other";
  const std::size_t parenthesis = parts[2].find('(');
  const std::string_view resource = parts[2].substr(0, parenthesis);
  for (const auto& [name, label] : kResources) {
    if (name != resource) continue;
    const bool isCount = path.ends_with("/$count") || path.ends_with("/%24count");
    return "balena." + std::string(label) + '.' +
           std::string(verbOf(method, parenthesis != std::string_view::npos, isCount));
  }
  return "balena.other";
}

}  // namespace

Kind classify(const server::Request& request) {
  Kind kind;
  kind.clearBlade = ClearBladeCloud::classify(request);
  kind.name = kind.clearBlade ? std::string(kind.clearBlade->kind)
                              : balenaKind(request.method, request.target);
  return kind;
}

std::string_view sideOf(std::string_view kind) { return kind.substr(0, kind.find('.')); }

}  // namespace bco::sandbox
