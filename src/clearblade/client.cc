#include "clearblade/client.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "clearblade/json.h"
#include "clearblade/status.h"
#include "core/text.h"

namespace bco::clearblade {
namespace {

using http::CallClass;
using http::Method;
using http::Request;

// All that this program reads of a device, and of each in a list: nobody judges by the times, and
// they would be a tenth of it.
constexpr std::string_view kFields =
    "&fieldMask=id%2CnumId%2Ccredentials%2Cmetadata%2Cblocked"
    "%2ClastEventTime%2ClastStateTime%2ClastHeartbeatTime";
constexpr std::string_view kListedFields =
    "&fieldMask=id%2CnumId%2Ccredentials%2Cmetadata%2Cblocked";
constexpr std::size_t kMaxAnswer = 1U << 20;
// 500 devices of 32 kB; with three keys and our mark one has about 1 kB.
constexpr std::size_t kMaxPage = 16U << 20;

Request requestOf(Method method, CallClass callClass, std::string_view kind,
                  const CallTerms& terms = {}) {
  Request request;
  request.lane = terms.lane;
  request.sendBefore = terms.sendBefore;
  request.method = method;
  request.callClass = callClass;
  // A pass begins at balena: whatever is asked here continues it.
  request.maxBudgetWait = http::kUnderwayBudgetWait;
  request.kind = kind;
  request.headers = {{"Accept", "application/json"}};
  request.credentialHeader = "ClearBlade-UserToken";
  request.maxResponseBytes = kMaxAnswer;
  return request;
}

void setBody(Request& request, std::string&& json) {
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = SecretBytes::take(std::move(json));
}

// 3 to 255 characters, [a-zA-Z][-a-zA-Z0-9._+~%]+
bool isDeviceId(std::string_view id) {
  const auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return id.size() >= 3 && id.size() <= 255 && isLetter(id.front()) &&
         std::ranges::all_of(id, [&](char c) {
           return isLetter(c) || (c >= '0' && c <= '9') ||
                  std::string_view("-._+~%").find(c) != std::string_view::npos;
         });
}

bool isNumId(std::string_view numId) {
  return !numId.empty() && numId.find_first_not_of("0123456789") == std::string_view::npos;
}

Status checkCredentials(const std::vector<Credential>& credentials) {
  if (credentials.size() <= kMaxCredentials) return {};
  return fail(ErrorCode::kInvalid, "a registration holds at most three credentials");
}

// `name` is the whole path of the registry or of a device of it.
std::string addressOf(std::string_view resource, const std::string& name) {
  return std::string(resource) + "?name=" + percentEncode(name);
}

// For calls where "not found" can only be the registry.
Error registryIsMissing(Error error) {
  if (error.code == ErrorCode::kNotFound) error.code = ErrorCode::kForbidden;
  return error;
}

// The registration in a write's answer. The write took effect, whatever the answer looks like.
Result<Registration> writtenOf(std::string body, const std::string& what) {
  auto registration = parseRegistration(std::move(body));
  if (registration) return registration;
  Error error = withContext(registration.error(), what);
  error.outcomeUnknown = true;
  return fail(std::move(error));
}

}  // namespace

Client::Client(http::HttpTransport& transport, Clock& clock, const ServiceAccount& account,
               const RegistryName& registry)
    : transport_(transport),
      clock_(clock),
      registry_(registry),
      exchange_(transport, clock, account, registry) {}

Result<std::string> Client::call(Request request, std::string_view path, const std::string& what) {
  const auto sendWith = [&](const Access& access) {
    request.url = access.webhook + std::string(path);
    request.credential = access.token;
    auto answer = transport_.send(request);
    if (answer) skew_.observe(*answer, clock_.now());
    return answer;
  };
  auto access = exchange_.get();
  if (!access) return fail(withContext(access.error(), what));
  auto answer = sendWith(**access);
  if (answer && refusesAccess(*answer)) {
    access = exchange_.get(*access);
    if (!access) return fail(withContext(access.error(), what));
    answer = sendWith(**access);
  }
  if (!answer) return fail(withContext(answer.error(), what));
  if (Status status = statusOf(*answer, request.method, what, clock_.now(), *(*access)->token);
      !status) {
    return fail(std::move(status.error()));
  }
  return std::move(answer->body);
}

Result<Registry> Client::getRegistry() {
  const std::string what = "reading registry " + registry_.path();
  Request request = requestOf(Method::kGet, CallClass::kRead, "clearblade.registry.get");
  auto body = call(std::move(request), addressOf("cloudiot", registry_.path()), what);
  if (!body) return fail(registryIsMissing(body.error()));
  auto registry = parseRegistry(std::move(*body));
  if (!registry) return fail(withContext(registry.error(), what));
  return registry;
}

Result<TimePoint> Client::listRegistrations(const std::function<void(const Registration&)>& visit) {
  const std::string what = "listing registry " + registry_.path();
  const TimePoint takenAt = clock_.now();
  const std::string firstPage = "cloudiot_devices?parent=" + percentEncode(registry_.path()) +
                                "&pageSize=" + std::to_string(kPageSize) +
                                std::string(kListedFields);
  std::string path = firstPage;
  std::unordered_set<std::string> seenTokens;
  while (true) {
    Request request = requestOf(Method::kGet, CallClass::kRead, "clearblade.device.list");
    request.maxResponseBytes = kMaxPage;
    request.lane = Lane::kSweep;
    auto body = call(std::move(request), path, what);
    if (!body) return fail(registryIsMissing(body.error()));
    const auto next = parsePage(std::move(*body), visit);
    if (!next) return fail(withContext(next.error(), what));
    if (next->empty()) return takenAt;
    if (!seenTokens.insert(*next).second) {
      return fail(ErrorCode::kInternal, what + ": a page token repeats itself");
    }
    path = firstPage + "&pageToken=" + percentEncode(*next);
  }
}

Result<Registration> Client::getRegistration(const std::string& id, const CallTerms& terms) {
  const std::string what = "reading registration " + id;
  if (!isDeviceId(id)) return fail(ErrorCode::kInvalid, what + ": not a registration's id");
  auto body =
      call(requestOf(Method::kGet, CallClass::kRead, "clearblade.device.get", {.lane = terms.lane}),
           addressOf("cloudiot_devices", registry_.devicePath(id)) + std::string(kFields), what);
  if (!body) return fail(body.error());
  auto registration = parseRegistration(std::move(*body));
  if (!registration) return fail(withContext(registration.error(), what));
  if (registration->id != id) {
    return fail(ErrorCode::kInternal, what + ": the answer is another one");
  }
  return registration;
}

Result<Registration> Client::createRegistration(const NewRegistration& created,
                                                const CallTerms& terms) {
  const std::string what = "creating registration " + created.id;
  if (!isDeviceId(created.id)) return fail(ErrorCode::kInvalid, what + ": not a registration's id");
  if (const Status valid = checkCredentials(created.credentials); !valid)
    return fail(valid.error());
  Request request =
      requestOf(Method::kPost, CallClass::kCreateDelete, "clearblade.device.create", terms);
  setBody(request, createBody(created));
  auto body = call(std::move(request), "cloudiot_devices", what);
  if (!body) return fail(registryIsMissing(body.error()));
  return writtenOf(std::move(*body), what);
}

Result<Registration> Client::patchRegistration(const std::string& numId,
                                               const RegistrationPatch& patch,
                                               const CallTerms& terms) {
  const std::string what = "updating registration " + numId;
  if (!isNumId(numId) || (!patch.credentials && !patch.metadata)) {
    return fail(ErrorCode::kInvalid, what + ": a patch needs a numeric id and a field");
  }
  if (patch.credentials) {
    if (const Status valid = checkCredentials(*patch.credentials); !valid) {
      return fail(valid.error());
    }
  }
  std::string mask = patch.credentials ? "credentials" : "";
  if (patch.metadata) mask += mask.empty() ? "metadata" : "%2Cmetadata";
  Request request = requestOf(Method::kPatch, CallClass::kUpdate, "clearblade.device.patch", terms);
  setBody(request, patchBody(patch));
  auto body = call(
      std::move(request),
      addressOf("cloudiot_devices", registry_.devicePath(numId)) + "&updateMask=" + mask, what);
  if (!body) return fail(body.error());
  return writtenOf(std::move(*body), what);
}

Status Client::deleteRegistration(const std::string& numId, const CallTerms& terms) {
  const std::string what = "removing registration " + numId;
  if (!isNumId(numId)) return fail(ErrorCode::kInvalid, what + ": not a numeric id");
  const auto body =
      call(requestOf(Method::kDelete, CallClass::kCreateDelete, "clearblade.device.delete", terms),
           addressOf("cloudiot_devices", registry_.devicePath(numId)), what);
  if (body || body.error().code == ErrorCode::kNotFound) return {};
  Error error = body.error();
  // The only precondition that a removal has.
  if (error.code == ErrorCode::kInvalid) {
    error.reason = kBoundToGateway;
    error.message += "; it is bound to a gateway: unbind it in ClearBlade, then it is removed";
  }
  return fail(std::move(error));
}

}  // namespace bco::clearblade
