// A value or an Error.
#pragma once

#include <tl/expected.hpp>
#include <utility>

#include "core/error.h"

namespace bco {

template <class T>
using Result = tl::expected<T, Error>;

using Status = tl::expected<void, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace bco
