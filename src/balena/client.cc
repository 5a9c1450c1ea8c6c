#include "balena/client.h"

#include <algorithm>
#include <utility>

#include "balena/parse.h"
#include "balena/status.h"
#include "core/json_text.h"
#include "core/text.h"

namespace bco::balena {
namespace {

using http::CallClass;
using http::Method;
using http::Request;
using http::Response;

constexpr std::size_t kMaxAnswer = 1U << 20;
constexpr std::size_t kMaxPage = 16U << 20;
constexpr Duration kExpiryInterval = std::chrono::hours(1);

Request requestOf(Method method, CallClass callClass, std::string_view kind, std::string url,
                  const SharedSecret& credential) {
  Request request;
  request.method = method;
  request.callClass = callClass;
  if (callClass != CallClass::kRead) request.maxBudgetWait = http::kUnderwayBudgetWait;
  request.kind = kind;
  request.url = std::move(url);
  request.headers = {{"Accept", "application/json"}};
  request.credentialHeader = "Authorization";
  request.credential = credential;
  request.maxResponseBytes = kMaxAnswer;
  return request;
}

// PATCH and DELETE are made here alone, and take no other address than a bounded one.
Request boundedRequest(Method method, CallClass callClass, std::string_view kind,
                       const BoundedUrl& url, const SharedSecret& credential) {
  return requestOf(method, callClass, kind, url.text(), credential);
}

void setTerms(Request& request, const CallTerms& terms) {
  request.lane = terms.lane;
  request.sendBefore = terms.sendBefore;
}

void setBody(Request& request, std::string&& json) {
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = SecretBytes::take(std::move(json));
}

// balena's own rules, checked before a secret travels in vain.
Status check(const VariableWrite& write) {
  const std::string_view value = write.value.reveal();
  if (std::ranges::find(kVariableNames, write.name) == kVariableNames.end()) {
    return fail(ErrorCode::kInvalid, write.name + ": not one of the four variables");
  }
  if (value.size() > Client::kMaxValueSize) {
    return fail(ErrorCode::kInvalid, write.name + ": a value may have at most 100000 characters");
  }
  if (value.find_first_of("\r\n") != std::string_view::npos) {
    return fail(ErrorCode::kInvalid, write.name + ": a value may not contain line breaks");
  }
  return {};
}

std::string postBody(const VariableParent& parent, const VariableWrite& write) {
  std::string json;
  // Room for all: a string that grows leaves copies of the value behind.
  json.reserve(write.name.size() + write.value.size() * 2 + 100);
  json += parent.deviceId ? "{\"device\":" : "{\"service_install\":";
  json += std::to_string(parent.deviceId.value_or(parent.serviceInstallId.value_or(0)));
  json += ",\"name\":";
  appendJsonString(json, write.name);
  json += ",\"value\":";
  appendJsonString(json, write.value.reveal());
  json += '}';
  return json;
}

std::string patchBody(const VariableWrite& write) {
  std::string json;
  json.reserve(write.value.size() * 2 + 100);
  json += "{\"value\":";
  appendJsonString(json, write.value.reveal());
  json += '}';
  return json;
}

}  // namespace

Client::Client(http::HttpTransport& transport, const Clock& clock, std::string_view apiUrl,
               TokenSource token)
    : transport_(transport), clock_(clock), urls_(apiUrl), token_(std::move(token)) {}

Result<SharedSecret> Client::credential() {
  SharedSecret token = token_();
  std::lock_guard lock(mutex_);
  if (token && token == lastToken_) return lastCredential_;
  // A file's last line break is no part of the token; any other would split the header.
  const std::string_view text = token ? trim(token->reveal()) : std::string_view();
  if (!isVisibleAscii(text)) {
    return fail(ErrorCode::kUnauthenticated, text.empty()
                                                 ? "there is no API token for balena"
                                                 : "balena's API token holds characters that no "
                                                   "token has");
  }
  std::string bearer;
  bearer.reserve(text.size() + 7);
  bearer += "Bearer ";
  bearer += text;
  lastToken_ = std::move(token);
  lastCredential_ = shareSecret(SecretBytes::take(std::move(bearer)));
  return lastCredential_;
}

Status Client::whoami(const SharedSecret& credential, const std::string& what) {
  const auto answer = transport_.send(
      requestOf(Method::kGet, CallClass::kRead, "balena.whoami", urls_.whoami(), credential));
  if (!answer) return fail(withContext(answer.error(), what + ", asking whoami"));
  return statusOf(*answer, Method::kGet, what, clock_.now());
}

Status Client::judge(const Result<Response>& answer, const Request& request,
                     const std::string& what) {
  std::optional<Status> accepted;
  return judge(answer, request, what, accepted);
}

Status Client::judge(const Result<Response>& answer, const Request& request,
                     const std::string& what, std::optional<Status>& accepted) {
  if (!answer) return fail(withContext(answer.error(), what));
  Status status = statusOf(*answer, request.method, what, clock_.now());
  if (status || answer->status != 401) return status;
  if (!accepted) accepted = whoami(request.credential, what);
  if (!*accepted) return *accepted;
  if (request.method == Method::kPost) {
    return fail(
        ErrorCode::kConflict,
        what + ": its device or service is not there, or the token may not write to it (401)");
  }
  return fail(ErrorCode::kForbidden, what + ": balena's API token has no permission for it (401)");
}

Result<std::string> Client::read(std::string_view kind, std::string url, const std::string& what,
                                 Duration maxBudgetWait, bool mayCompress, Lane lane) {
  const auto credential = this->credential();
  if (!credential) return fail(withContext(credential.error(), what));
  Request request = requestOf(Method::kGet, CallClass::kRead, kind, std::move(url), *credential);
  request.maxResponseBytes = kMaxPage;
  request.maxBudgetWait = maxBudgetWait;
  request.lane = lane;
  request.mayCompress = mayCompress;
  auto answer = transport_.send(request);
  if (const Status status = judge(answer, request, what); !status) return fail(status.error());
  return std::move(answer->body);
}

void Client::learnTokenExpiry() {
  const auto credential = this->credential();
  if (!credential) return;
  {
    std::lock_guard lock(mutex_);
    const SteadyPoint now = clock_.steadyNow();
    if (expiryAsked_ && now - *expiryAsked_ < kExpiryInterval) return;
    expiryAsked_ = now;
    const std::string_view bearer = (*credential)->reveal();
    tokenExpiry_ = expiryOfSession(bearer.substr(bearer.find(' ') + 1));
    if (tokenExpiry_) return;
  }
  const auto answer = transport_.send(requestOf(
      Method::kGet, CallClass::kRead, "balena.api_key.list", urls_.apiKeys(), *credential));
  if (!answer || answer->status != 200) return;
  const auto keys = parseKeys(answer->body);
  if (!keys) return;
  std::lock_guard lock(mutex_);
  tokenExpiry_ = expiryAmong(*keys, clock_.now());
}

std::optional<TimePoint> Client::tokenExpiry() const {
  std::lock_guard lock(mutex_);
  return tokenExpiry_;
}

Result<Fleet> Client::getFleet(const std::string& slug) {
  const std::string what = "reading fleet " + slug;
  auto body = read("balena.fleet.get", urls_.fleet(slug), what, http::kUnderwayBudgetWait);
  if (!body) return fail(body.error());
  auto fleet = parseFleet(std::move(*body), slug);
  if (!fleet) return fail(withContext(fleet.error(), what));
  if (*fleet) return std::move(**fleet);

  // Guests may ask for fleets too: a token that is not accepted gets the same empty answer.
  const auto credential = this->credential();
  if (!credential) return fail(withContext(credential.error(), what));
  if (const Status accepted = whoami(*credential, what); !accepted) return fail(accepted.error());
  return fail(ErrorCode::kNotFound, what + ": there is none, or the token can't see it");
}

Result<TimePoint> Client::listFleet(std::int64_t fleetId, const VariableLevel& level, bool withTags,
                                    FleetVisitor& visitor) {
  const TimePoint takenAt = clock_.now();
  auto agrees = listOnce(fleetId, level, withTags, visitor);
  if (agrees && !*agrees) {  // devices come and go while they are counted: once is chance
    visitor.restart();
    agrees = listOnce(fleetId, level, withTags, visitor);
  }
  if (!agrees) return fail(std::move(agrees.error()));
  if (!*agrees) {
    return fail(ErrorCode::kInternal, "listing fleet " + std::to_string(fleetId) +
                                          ": its devices disagree with their $count, twice");
  }
  return takenAt;
}

Result<bool> Client::listOnce(std::int64_t fleetId, const VariableLevel& level, bool withTags,
                              FleetVisitor& visitor) {
  const auto expected = countDevices(fleetId);
  if (!expected) return fail(expected.error());
  // Asked before the rows, so that none of them has to be kept until the answer. Nobody is asked
  // about when nobody can have a key.
  std::vector<std::int64_t> keyless;
  if (*expected > 0) {
    auto listed = listKeyless(fleetId, level);
    if (!listed) return fail(std::move(listed.error()));
    keyless = *std::move(listed);
  }
  const auto count = listRows(fleetId, level, withTags, *expected, [&](FleetDevice& device) {
    const auto holder = level.serviceId ? device.serviceInstallId : std::optional(device.id);
    device.hasPrivateKey = holder && !std::ranges::binary_search(keyless, *holder);
    visitor.visit(device);
  });
  if (!count) return fail(count.error());
  return *count == *expected;
}

Result<std::int64_t> Client::countDevices(std::int64_t fleetId) {
  const std::string what = "counting the devices of fleet " + std::to_string(fleetId);
  auto body =
      read("balena.device.count", urls_.deviceCount(fleetId), what, http::kUnderwayBudgetWait);
  if (!body) return fail(std::move(body.error()));
  auto count = parseCount(std::move(*body));
  if (!count) return fail(withContext(std::move(count.error()), what));
  return count;
}

Result<std::int64_t> Client::listRows(std::int64_t fleetId, const VariableLevel& level,
                                      bool withTags, std::int64_t expected,
                                      const std::function<void(FleetDevice&)>& visit) {
  const std::string what = "listing fleet " + std::to_string(fleetId);
  std::int64_t listed = 0;
  std::int64_t last = 0;
  const auto note = [&](FleetDevice& device) {
    last = device.id;
    visit(device);
  };
  std::size_t size = kPageSize;
  while (true) {
    auto body = read("balena.device.list", urls_.devicePage(fleetId, level, withTags, last, size),
                     what, http::kUnderwayBudgetWait);
    if (!body && body.error().answerTooLarge && size > 1) {
      size /= 2;
      continue;
    }
    if (!body && body.error().answerTooLarge) {
      return fail(withContext(std::move(body.error()), "what is stored at the device after id " +
                                                           std::to_string(last) + " is too much"));
    }
    if (!body) return fail(std::move(body.error()));
    const auto rows = parseDevicePage(std::move(*body), fleetId, level, withTags, last, note);
    if (!rows) return fail(withContext(rows.error(), what));
    listed += static_cast<std::int64_t>(*rows);
    // A short page is the last one; so is the one that completes the count.
    if (*rows < size || listed == expected) return listed;
    size = std::min(2 * size, kPageSize);
  }
}

Result<std::vector<std::int64_t>> Client::listKeyless(std::int64_t fleetId,
                                                      const VariableLevel& level) {
  const std::string what = "listing who of fleet " + std::to_string(fleetId) + " has no key";
  std::vector<std::int64_t> keyless;
  std::int64_t last = 0;
  for (std::size_t rows = kIdPageSize; rows == kIdPageSize;) {
    auto body =
        read("balena.device.missing_key", urls_.missingKeyPage(fleetId, level, last, kIdPageSize),
             what, http::kUnderwayBudgetWait);
    if (!body) return fail(std::move(body.error()));
    const auto ids = parseIdPage(std::move(*body), last);
    if (!ids) return fail(withContext(ids.error(), what));
    rows = ids->size();
    if (rows > 0) last = ids->back();
    keyless.insert(keyless.end(), ids->begin(), ids->end());
  }
  return keyless;
}

Result<Device> Client::getDevice(const std::string& uuid, const CallTerms& terms) {
  const std::string what = "reading device " + uuid;
  if (!isDeviceUuid(uuid)) {
    return fail(ErrorCode::kInvalid, "a device's UUID has 32 or 62 lower-case hex digits");
  }
  auto body = read("balena.device.get", urls_.device(uuid), what, Request().maxBudgetWait,
                   /*mayCompress=*/false, terms.lane);
  if (!body) return fail(body.error());
  auto device = parseDevice(std::move(*body), uuid);
  if (!device) return fail(withContext(device.error(), what));
  if (!*device) {
    return fail(ErrorCode::kNotFound, what + ": there is none, or the token can't see it");
  }
  return std::move(**device);
}

Result<Request> Client::writeRequest(const VariableParent& parent, const VariableWrite& write,
                                     const SharedSecret& credential) const {
  if (const Status valid = check(write); !valid) return fail(valid.error());
  // Made for POST too: it refuses an incomplete parent.
  const auto address = urls_.variable(parent, write.name);
  if (!address) return fail(address.error());
  if (write.exists) {
    Request request = boundedRequest(Method::kPatch, CallClass::kUpdate, "balena.variable.update",
                                     *address, credential);
    setBody(request, patchBody(write));
    return request;
  }
  Request request = requestOf(Method::kPost, CallClass::kCreateDelete, "balena.variable.create",
                              urls_.newVariable(parent), credential);
  setBody(request, postBody(parent, write));
  return request;
}

std::vector<Status> Client::writeVariables(const VariableParent& parent,
                                           std::span<const VariableWrite> writes,
                                           const CallTerms& terms) {
  std::vector<Status> results(writes.size());
  const auto credential = this->credential();
  if (!credential) {
    std::ranges::fill(results, fail(withContext(credential.error(), "writing variables")));
    return results;
  }
  std::vector<Request> requests;
  std::vector<std::size_t> sent;  // which write each request is
  for (std::size_t i = 0; i < writes.size(); ++i) {
    auto request = writeRequest(parent, writes[i], *credential);
    if (!request) {
      results[i] = fail(request.error());
      continue;
    }
    setTerms(*request, terms);
    requests.push_back(std::move(*request));
    sent.push_back(i);
  }
  if (requests.empty()) return results;

  const auto answers = transport_.sendAll(requests);
  std::optional<Status> accepted;  // whoami is asked once for all of them
  for (std::size_t k = 0; k < answers.size(); ++k) {
    results[sent[k]] = judge(answers[k], requests[k], "writing " + writes[sent[k]].name, accepted);
  }
  return results;
}

Result<bool> Client::hasVariable(const VariableParent& parent, std::string_view name,
                                 const CallTerms& terms) {
  const std::string what = "reading back " + std::string(name);
  const auto url = urls_.variableId(parent, name);
  if (!url) return fail(withContext(url.error(), what));
  const auto credential = this->credential();
  if (!credential) return fail(withContext(credential.error(), what));
  Request request =
      requestOf(Method::kGet, CallClass::kRead, "balena.variable.get", *url, *credential);
  // What was written before it is begun work.
  request.maxBudgetWait = http::kUnderwayBudgetWait;
  request.lane = terms.lane;
  auto answer = transport_.send(request);
  if (const Status status = judge(answer, request, what); !status) return fail(status.error());
  const auto ids = parseIdPage(std::move(answer->body), 0);
  if (!ids) return fail(withContext(ids.error(), what));
  return !ids->empty();
}

Status Client::deleteVariables(const VariableParent& parent, const DeleteGuard& guard,
                               const CallTerms& terms) {
  const std::string what = "removing the variables of device " + std::to_string(guard.deviceId);
  const auto address = urls_.guardedVariables(parent, guard);
  if (!address) return fail(withContext(address.error(), what));
  const auto credential = this->credential();
  if (!credential) return fail(withContext(credential.error(), what));
  Request request = boundedRequest(Method::kDelete, CallClass::kCreateDelete,
                                   "balena.variable.delete", *address, *credential);
  setTerms(request, terms);
  return judge(transport_.send(request), request, what);
}

}  // namespace bco::balena
