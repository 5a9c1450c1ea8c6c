// Values to bytes and back, for what is kept in memory: nobody else ever reads them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "store/text_pool.h"

namespace bco::store {

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
// Durations and points in time.
template <class T>
inline constexpr bool kIsTime = false;
template <class Rep, class Period>
inline constexpr bool kIsTime<std::chrono::duration<Rep, Period>> = true;
template <class Clock, class Length>
inline constexpr bool kIsTime<std::chrono::time_point<Clock, Length>> = true;

// Both have the same functions, so that one description of a type's fields serves both ways:
//   value   a number, truth, enumerator, time, or an optional one of these
//   text    any text; well if it ends in many hexadecimal digits, as names with a UUID do
//   uid     any text; well if it has the form of an RFC 4122 UUID
//   common  a text of which there are few
//   path    one of which there are few but for the hexadecimal digits at its end

class Packer {
 public:
  explicit Packer(TextPool& pool) : pool_(pool) {}

  template <class T>
  void value(const T& value) {
    if constexpr (kIsOptional<T>) {
      number(value ? 1 : 0);
      if (value) this->value(*value);
    } else if constexpr (kIsTime<T>) {
      if constexpr (requires { value.time_since_epoch(); }) {
        signedNumber(value.time_since_epoch().count());
      } else {
        signedNumber(value.count());
      }
    } else {
      signedNumber(static_cast<std::int64_t>(value));
    }
  }
  void text(std::string_view text);
  void uid(std::string_view text);
  void common(std::string_view text) { number(pool_.numberOf(text)); }
  void path(std::string_view text);
  void count(std::size_t count) { number(count); }

  [[nodiscard]] std::string_view bytes() const { return bytes_; }

 private:
  void number(std::uint64_t number);
  // Small ones take few bytes, whatever their sign.
  void signedNumber(std::int64_t number);
  void raw(std::string_view text);
  void digits(std::string_view hex);

  TextPool& pool_;
  std::string bytes_;
};

// Of bytes that a Packer with the same pool has made.
class Unpacker {
 public:
  Unpacker(std::string_view bytes, const TextPool& pool) : rest_(bytes), pool_(pool) {}

  template <class T>
  void value(T& value) {
    if constexpr (kIsOptional<T>) {
      value.reset();
      if (number() != 0) this->value(value.emplace());
    } else if constexpr (kIsTime<T>) {
      if constexpr (requires { value.time_since_epoch(); }) {
        value = T(typename T::duration(signedNumber()));
      } else {
        value = T(signedNumber());
      }
    } else {
      value = static_cast<T>(signedNumber());
    }
  }
  template <class Text>
  void text(Text& text) {
    text = takeText();
  }
  template <class Text>
  void uid(Text& text) {
    text = takeUid();
  }
  template <class Text>
  void common(Text& text) {
    const api::CommonText& known = pool_.textOf(static_cast<std::uint32_t>(number()));
    if constexpr (std::is_same_v<Text, api::CommonText>) {
      text = known;
    } else {
      text = known.view();
    }
  }
  template <class Text>
  void path(Text& text) {
    text = takePath();
  }
  [[nodiscard]] std::size_t count() { return number(); }

 private:
  [[nodiscard]] std::uint64_t number();
  [[nodiscard]] std::int64_t signedNumber();
  [[nodiscard]] std::string_view raw();
  [[nodiscard]] std::string digits();
  [[nodiscard]] std::string takeText();
  [[nodiscard]] std::string takeUid();
  [[nodiscard]] std::string takePath();

  std::string_view rest_;
  const TextPool& pool_;
};

}  // namespace bco::store
