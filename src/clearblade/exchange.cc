#include "clearblade/exchange.h"

#include <array>
#include <utility>

#include "clearblade/secret_texts.h"
#include "clearblade/status.h"
#include "core/json_text.h"
#include "core/text.h"

namespace bco::clearblade {

Exchange::Exchange(http::HttpTransport& transport, Clock& clock, ServiceAccount account,
                   RegistryName registry)
    : transport_(transport),
      clock_(clock),
      account_(std::move(account)),
      registry_(std::move(registry)) {}

Result<AccessPtr> Exchange::get(const AccessPtr& refused) {
  std::unique_lock lock(mutex_);
  if (current_ && current_ != refused) return current_;
  if (const std::shared_ptr<Flight> flight = flight_) {
    waitUntil(clock_, lock, landed_, kForever, {}, [&] { return flight->result.has_value(); });
    return *flight->result;
  }
  const auto flight = flight_ = std::make_shared<Flight>();
  lock.unlock();
  Result<AccessPtr> result;
  try {
    result = fetch();
  } catch (const std::exception& error) {  // or the others would wait for ever
    result = fail(ErrorCode::kInternal, error.what());
  }
  lock.lock();
  if (result) current_ = *result;
  flight->result = result;
  flight_ = nullptr;
  clock_.wakeAll(landed_);
  return result;
}

Result<AccessPtr> Exchange::fetch() const {
  const std::string what = "getting access to registry " + registry_.path();
  http::Request request;
  request.method = http::Method::kPost;
  request.callClass = http::CallClass::kRead;  // it changes nothing and may be repeated
  request.mayCompress = false;                 // the answer is a token
  request.kind = "clearblade.exchange";
  request.url = account_.url + "/api/v/1/code/" + percentEncode(account_.systemKey) +
                "/getRegistryCredentials";
  request.headers = {{"Content-Type", "application/json"}};
  request.credentialHeader = "ClearBlade-UserToken";
  request.credential = account_.token;
  request.maxResponseBytes = 64U << 10;
  std::string body = "{\"region\":";
  appendJsonString(body, registry_.region);
  body += ",\"registry\":";
  appendJsonString(body, registry_.registry);
  body += ",\"project\":";
  appendJsonString(body, account_.project);
  body += '}';
  request.body = SecretBytes::take(std::move(body));

  auto answer = transport_.send(request);
  if (!answer) return fail(withContext(answer.error(), what));
  // As a read: nothing can be left half-done.
  if (Status status = statusOf(*answer, http::Method::kGet, what, clock_.now(), *account_.token);
      !status) {
    // "Not found" is for devices; here it is the registry that this account has no access to.
    if (status.error().code == ErrorCode::kNotFound) status.error().code = ErrorCode::kForbidden;
    return fail(std::move(status.error()));
  }

  static constexpr std::array<std::string_view, 3> kKeys = {"systemKey", "serviceAccountToken",
                                                            "url"};
  auto texts = readTexts(SecretBytes::take(std::move(answer->body)), kKeys);
  if (!texts) {
    return fail(ErrorCode::kInternal, what + ": the answer is no access: " + texts.error().message);
  }
  const auto url = checkedBaseUrl((*texts)[2].reveal());
  if (!url) {
    return fail(ErrorCode::kInternal, what + ": the answer's url: " + url.error().message);
  }
  if (!isVisibleAscii((*texts)[1].reveal())) {
    return fail(ErrorCode::kInternal, what + ": the answer's token can't be sent");
  }
  return std::make_shared<const Access>(
      Access{*url + "/api/v/4/webhook/execute/" + percentEncode((*texts)[0].reveal()) + "/",
             shareSecret(std::move((*texts)[1]))});
}

}  // namespace bco::clearblade
