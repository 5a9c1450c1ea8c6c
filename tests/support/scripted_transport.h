// A transport that answers from a script: an ordered list of the requests a test expects, each with
// its answer. A request out of order, one too many, or one that never comes fails the test.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/transport.h"

namespace bco::test {

// What was sent, copied; a request's own members may point to what is gone by then.
struct SeenRequest {
  http::Method method;
  http::CallClass callClass;
  std::string kind;
  std::string url;
  http::Headers headers;
  std::string credential;  // "Authorization: Bearer …"
  std::string body;
  std::string contentType;
  bool mayCompress;
  Lane lane;
  std::optional<SteadyPoint> sendBefore;
};

class ScriptedTransport final : public http::HttpTransport {
 public:
  // What to answer to one expected request. Without a word it is 200 with an empty body.
  class Step {
   public:
    Step& reply(int status, std::string body = "", http::Headers headers = {}) {
      result_ = http::Response{status, std::move(headers), std::move(body)};
      return *this;
    }
    Step& fails(Error error) {
      result_ = fail(std::move(error));
      return *this;
    }
    // Before it answers.
    Step& then(std::function<void()> action) {
      then_ = std::move(action);
      return *this;
    }

   private:
    friend class ScriptedTransport;
    http::Method method_ = http::Method::kGet;
    std::string url_;
    std::string body_;
    std::function<void()> then_ = nullptr;
    Result<http::Response> result_ = http::Response{200, {}, ""};
  };

  ScriptedTransport() = default;
  ScriptedTransport(const ScriptedTransport&) = delete;
  ScriptedTransport& operator=(const ScriptedTransport&) = delete;
  ~ScriptedTransport() override {
    for (const Step& step : steps_) ADD_FAILURE() << "never sent: " << step.url_;
  }

  Step& expect(http::Method method, std::string url, std::string body = "") {
    std::lock_guard lock(mutex_);
    Step& step = steps_.emplace_back();
    step.method_ = method;
    step.url_ = std::move(url);
    step.body_ = std::move(body);
    return step;
  }

  [[nodiscard]] std::vector<Result<http::Response>> sendAll(
      std::span<const http::Request> requests) override {
    std::lock_guard lock(mutex_);
    batches_.push_back(requests.size());
    std::vector<Result<http::Response>> results;
    for (const http::Request& request : requests) results.push_back(answer(request));
    return results;
  }

  // All requests so far, and how many each sendAll() carried.
  [[nodiscard]] const std::vector<SeenRequest>& seen() const { return seen_; }
  [[nodiscard]] const std::vector<std::size_t>& batches() const { return batches_; }

 private:
  Result<http::Response> answer(const http::Request& request) {
    seen_.push_back({request.method, request.callClass, std::string(request.kind), request.url,
                     request.headers,
                     request.credential ? std::string(request.credentialHeader) + ": " +
                                              std::string(request.credential->reveal())
                                        : "",
                     std::string(request.body.reveal()), std::string(request.contentType),
                     request.mayCompress, request.lane, request.sendBefore});
    if (steps_.empty()) {
      ADD_FAILURE() << "one request too many: " << nameOf(request.method) << ' ' << request.url;
      return fail(ErrorCode::kInternal, "not in the script");
    }
    const Step step = std::move(steps_.front());
    steps_.pop_front();
    EXPECT_EQ(nameOf(request.method), nameOf(step.method_)) << request.url;
    EXPECT_EQ(request.url, step.url_);
    EXPECT_EQ(request.body.reveal(), step.body_);
    if (step.then_) step.then_();
    return step.result_;
  }

  std::mutex mutex_;  // guards all below while requests are sent
  std::deque<Step> steps_;
  std::vector<SeenRequest> seen_;
  std::vector<std::size_t> batches_;
};

}  // namespace bco::test
