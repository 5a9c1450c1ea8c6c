// Streams that say what a test tells them, in the order in which it expects to be asked.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/transport.h"

namespace bco::test {

// For one thread.
class ScriptedStreams final : public http::StreamTransport {
 public:
  // What to answer to one expected request; without a word, 200 and the end.
  class Step {
   public:
    Step& sends(std::string piece) {
      pieces_.push_back(std::move(piece));
      return *this;
    }
    Step& refuses(int status, std::string body = "") {
      result_ = http::Response{status, {}, std::move(body)};
      return *this;
    }
    Step& fails(ErrorCode code) {
      result_ = bco::fail(code, "scripted");
      return *this;
    }
    // After what it sends; for too long, and it ends with kDeadline.
    Step& isSilentFor(Duration duration) {
      silence_ = duration;
      return *this;
    }
    // Before it ends.
    Step& then(std::function<void()> action) {
      then_ = std::move(action);
      return *this;
    }

   private:
    friend class ScriptedStreams;
    std::string url_;
    std::vector<std::string> pieces_;
    Duration silence_{0};
    std::function<void()> then_;
    Result<http::Response> result_ = http::Response{200, {}, ""};
  };

  ScriptedStreams() = default;
  ScriptedStreams(const ScriptedStreams&) = delete;
  ScriptedStreams& operator=(const ScriptedStreams&) = delete;
  ~ScriptedStreams() override {
    for (const Step& step : steps_) ADD_FAILURE() << "never asked: " << step.url_;
  }

  Step& expect(std::string url) {
    Step& step = steps_.emplace_back();
    step.url_ = std::move(url);
    return step;
  }

  [[nodiscard]] Result<http::Response> stream(const http::Request& request,
                                              const http::StreamOptions& options,
                                              const OnBytes& onBytes,
                                              const std::stop_token& /*stop*/) override {
    credentials_.push_back(request.credential ? std::string(request.credential->reveal()) : "");
    silences_.push_back(patienceOf(options));
    if (steps_.empty()) {
      ADD_FAILURE() << "one stream too many: " << request.url;
      return fail(ErrorCode::kInternal, "not in the script");
    }
    const Step step = std::move(steps_.front());
    steps_.pop_front();
    EXPECT_EQ(request.url, step.url_);
    bool wanted = true;
    for (const std::string& piece : step.pieces_) {
      wanted = onBytes(piece);
      if (!wanted) break;
    }
    if (wanted && step.silence_ > Duration::zero()) {
      const Duration patience = patienceOf(options);
      onSilence_(std::min(patience, step.silence_));
      if (step.silence_ >= patience) return fail(ErrorCode::kDeadline, "silence");
    }
    if (step.then_) step.then_();
    if (!wanted) return http::Response{200, {}, ""};
    return step.result_;
  }

  // Of the streams so far.
  [[nodiscard]] const std::vector<std::string>& credentials() const { return credentials_; }
  // How long each might be silent at its beginning.
  [[nodiscard]] const std::vector<Duration>& silences() const { return silences_; }
  // Lets time pass.
  void onSilence(std::function<void(Duration)> pass) { onSilence_ = std::move(pass); }

 private:
  static Duration patienceOf(const http::StreamOptions& options) {
    return options.longestSilence ? options.longestSilence() : options.idleTimeout;
  }

  std::deque<Step> steps_;
  std::vector<std::string> credentials_;
  std::vector<Duration> silences_;
  std::function<void(Duration)> onSilence_ = [](Duration) {};
};

}  // namespace bco::test
