// Some objects of one kind, as they were at one moment.
#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace bco::store {

template <class Object>
using Shared = std::shared_ptr<const Object>;

// A range of Shared<Object>. A store may make each object only when it is looked at, so that ten
// thousand are never there at once; so take what you need of one and go on. May outlive its store.
template <class Object>
class ObjectList {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Shared<Object>;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = value_type;

    Iterator() = default;
    Iterator(const ObjectList& list, std::size_t at) : list_(&list), at_(at) {}
    value_type operator*() const { return (*list_)[at_]; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return {*list_, at_++}; }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }

   private:
    const ObjectList* list_ = nullptr;
    std::size_t at_ = 0;
  };
  using const_iterator = Iterator;

  ObjectList() = default;
  ObjectList(std::vector<Shared<Object>> objects) : size_(objects.size()) {
    make_ = [objects = std::move(objects)](std::size_t at) { return objects[at]; };
  }
  // `make` gives each of the `size` objects by its place, never nullptr, on any thread.
  ObjectList(std::size_t size, std::function<Shared<Object>(std::size_t)> make)
      : size_(size), make_(std::move(make)) {}

  [[nodiscard]] Iterator begin() const { return {*this, 0}; }
  [[nodiscard]] Iterator end() const { return {*this, size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] Shared<Object> operator[](std::size_t at) const { return make_(at); }
  [[nodiscard]] Shared<Object> front() const { return make_(0); }

 private:
  std::size_t size_ = 0;
  std::function<Shared<Object>(std::size_t)> make_;
};

}  // namespace bco::store
