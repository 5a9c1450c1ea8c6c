// A function that can stop in its middle and be gone on with later, on the same thread: for
// simulations, whose processes take turns thousands of times a second and always in the same order.
#pragma once

#include <ucontext.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace bco::test {

// The body must have ended before its fiber goes, and must not throw. One thread.
class Fiber {
 public:
  explicit Fiber(std::function<void()> body) : body_(std::move(body)), stack_(new char[kStack]) {
    getcontext(&mine_);
    mine_.uc_stack.ss_sp = stack_.get();
    mine_.uc_stack.ss_size = kStack;
    mine_.uc_link = nullptr;
    // makecontext() passes nothing but ints.
    const auto self = reinterpret_cast<std::uintptr_t>(this);
    makecontext(&mine_, reinterpret_cast<void (*)()>(&Fiber::enter), 2,
                static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
#ifdef __SANITIZE_THREAD__
    fiber_ = __tsan_create_fiber(0);
#endif
  }
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber() {
#ifdef __SANITIZE_THREAD__
    __tsan_destroy_fiber(fiber_);
#endif
  }

  // Runs the body until it pauses or ends. From outside.
  void resume() {
#ifdef __SANITIZE_ADDRESS__
    void* stack = nullptr;
    __sanitizer_start_switch_fiber(&stack, stack_.get(), kStack);
#endif
#ifdef __SANITIZE_THREAD__
    outside_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber_, 0);
#endif
    swapcontext(&others_, &mine_);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(stack, nullptr, nullptr);
#endif
  }

  // From inside the body: goes back to where resume() was called.
  void pause() {
    leave();
    arrive();
  }

  [[nodiscard]] bool ended() const { return ended_; }

 private:
  static constexpr std::size_t kStack = 256U << 10;

  static void enter(unsigned high, unsigned low) {
    auto* self = reinterpret_cast<Fiber*>((std::uintptr_t{high} << 32) | low);
    self->arrive();
    self->body_();
    self->ended_ = true;
    self->leave();
  }

  void leave() {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(ended_ ? nullptr : &fakeStack_, outerStack_, outerSize_);
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_switch_to_fiber(outside_, 0);
#endif
    swapcontext(&mine_, &others_);
  }

  void arrive() {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fakeStack_, &outerStack_, &outerSize_);
#endif
  }

  const std::function<void()> body_;
  const std::unique_ptr<char[]> stack_;
  ucontext_t mine_{};
  ucontext_t others_{};
  bool ended_ = false;
#ifdef __SANITIZE_ADDRESS__
  void* fakeStack_ = nullptr;
  const void* outerStack_ = nullptr;
  std::size_t outerSize_ = 0;
#endif
#ifdef __SANITIZE_THREAD__
  void* fiber_ = nullptr;
  void* outside_ = nullptr;
#endif
};

}  // namespace bco::test
