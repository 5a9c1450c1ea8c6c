// What Kubernetes allows in names, so that both modes accept the same documents.
#pragma once

#include <string_view>

namespace bco::api {

// An RFC 1123 subdomain: lower-case letters, digits, '-' and '.', at most 253 characters.
[[nodiscard]] bool isObjectName(std::string_view text);
// An RFC 1123 label: the same without '.', at most 63.
[[nodiscard]] bool isNamespaceName(std::string_view text);
// The key of an entry of a Secret.
[[nodiscard]] bool isSecretKey(std::string_view text);
// The key of a label, and a finalizer: "name" or "example.com/name".
[[nodiscard]] bool isQualifiedName(std::string_view text);
[[nodiscard]] bool isLabelValue(std::string_view text);

}  // namespace bco::api
