// A text that most objects have in common, or that is empty in most.
#pragma once

#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>

namespace bco::api {

template <class T>
concept TextLike = std::convertible_to<const T&, std::string_view>;

// Used like a const std::string, but takes eight bytes while it is empty or one of the names we
// give things ourselves: types and reasons of conditions, labels, finalizers. Any other text takes
// eight bytes more than itself. For what is held by the ten thousand.
class CommonText {
 public:
  CommonText() = default;
  CommonText(std::string_view text);
  CommonText(const std::string& text) : CommonText(std::string_view(text)) {}
  CommonText(const char* text) : CommonText(std::string_view(text)) {}

  CommonText(const CommonText& other);
  CommonText(CommonText&& other) noexcept : bits_(std::exchange(other.bits_, 0)) {}
  CommonText& operator=(CommonText other) noexcept {
    std::swap(bits_, other.bits_);
    return *this;
  }
  ~CommonText();

  [[nodiscard]] std::string_view view() const;
  operator std::string_view() const { return view(); }
  operator std::string() const { return std::string(view()); }
  [[nodiscard]] bool empty() const { return bits_ == 0; }
  [[nodiscard]] std::size_t size() const { return view().size(); }

  template <TextLike T>
  friend bool operator==(const CommonText& a, const T& b) {
    return a.view() == std::string_view(b);
  }
  template <TextLike T>
  friend std::string operator+(const CommonText& a, const T& b) {
    return std::string(a.view()).append(std::string_view(b));
  }
  friend std::string operator+(std::string a, const CommonText& b) { return a.append(b.view()); }
  friend std::ostream& operator<<(std::ostream& out, const CommonText& text);

 private:
  // 0: empty. Odd: twice the place of a known text, and one. Else: where its size and characters
  // stand.
  std::uintptr_t bits_ = 0;
};

}  // namespace bco::api
