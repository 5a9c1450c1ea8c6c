#include "kube/client.h"

#include <algorithm>
#include <utility>

#include "core/json_text.h"
#include "core/text.h"
#include "kube/json.h"
#include "kube/status.h"

namespace bco::kube {
namespace {

using http::CallClass;
using http::Method;
using http::Request;
using http::Response;

constexpr std::size_t kMostBytesOfObject = 4U << 20;  // etcd's limit is 1.5 MB
constexpr std::size_t kMostBytesOfPage = 64U << 20;
// What events may come late. They come in dozens when we are at work, being the echo of it.
constexpr Duration kGather{10};

// A path below the server, and the query that begins after it.
class Path {
 public:
  Path(const Resource& resource, const std::string& space) {
    text_ += resource.group.empty() ? "/api" : "/apis/" + std::string(resource.group);
    text_ += "/" + std::string(resource.version);
    if (!space.empty()) text_ += "/namespaces/" + percentEncode(space);
    text_ += "/" + std::string(resource.plural);
  }
  Path& segment(std::string_view name) {
    text_ += "/" + percentEncode(name);
    return *this;
  }
  // Left out when `value` is empty.
  Path& query(std::string_view name, std::string_view value) {
    if (value.empty()) return *this;
    text_ += std::exchange(separator_, '&');
    text_ += std::string(name) + "=" + percentEncode(value);
    return *this;
  }
  [[nodiscard]] std::string text() { return std::move(text_); }

 private:
  std::string text_;
  char separator_ = '?';
};

std::string describe(std::string_view verb, const Resource& resource, const Name& name) {
  std::string text = std::string(verb) + " " + std::string(resource.plural) + " ";
  if (!name.space.empty()) text += name.space + "/";
  return text + name.name;
}

std::string describe(std::string_view verb, const Resource& resource, const std::string& space) {
  std::string text = std::string(verb) + " " + std::string(resource.plural);
  if (!space.empty()) text += " in " + space;
  return text;
}

// What a server says about a Secret may quote it.
Quote quoteOf(const Resource& resource) {
  return resource.group.empty() && resource.plural == "secrets" ? Quote::kNo : Quote::kYes;
}

void appendMember(std::string& json, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  json += ",\"" + std::string(name) + "\":";
  appendJsonString(json, value);
}

std::string bodyOf(const Resource& resource, const Name& name, const Application& application) {
  std::string version(resource.group);
  if (!version.empty()) version += '/';
  version += resource.version;
  std::string json;
  json.reserve(application.metadata.size() + application.members.size() + 256);
  json += "{\"apiVersion\":";
  appendJsonString(json, version);
  appendMember(json, "kind", application.kind);
  json += ",\"metadata\":{\"name\":";
  appendJsonString(json, name.name);
  appendMember(json, "namespace", name.space);
  appendMember(json, "uid", application.uid);
  appendMember(json, "resourceVersion", application.resourceVersion);
  if (!application.metadata.empty()) json += "," + application.metadata;
  json += '}';
  if (!application.members.empty()) json += "," + application.members;
  json += '}';
  return json;
}

std::string bodyOf(const Precondition& precondition, Propagation propagation) {
  constexpr std::string_view kPolicies[] = {"Background", "Foreground", "Orphan"};
  std::string json = "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\"";
  appendMember(json, "propagationPolicy", kPolicies[static_cast<std::size_t>(propagation)]);
  std::string conditions;
  appendMember(conditions, "uid", precondition.uid);
  appendMember(conditions, "resourceVersion", precondition.resourceVersion);
  if (!conditions.empty()) json += ",\"preconditions\":{" + conditions.substr(1) + "}";
  return json + "}";
}

}  // namespace

struct Client::Call {
  std::string_view kind;  // for metrics
  std::string what;       // for errors
  Quote quote = Quote::kYes;
  Method method = Method::kGet;
  std::string path;
  SecretBytes body = {};
  std::string_view contentType = "application/json";
  std::size_t maxResponseBytes = kMostBytesOfObject;

  [[nodiscard]] Request requestTo(const std::string& server) &&;
};

Request Client::Call::requestTo(const std::string& server) && {
  Request request;
  request.method = method;
  if (method != Method::kGet) {
    request.callClass = method == Method::kPost || method == Method::kDelete
                            ? CallClass::kCreateDelete
                            : CallClass::kUpdate;
  }
  request.kind = kind;
  request.url = server + path;
  request.headers = {{"Accept", "application/json"}};
  request.body = std::move(body);
  request.contentType = contentType;
  request.maxResponseBytes = maxResponseBytes;
  request.maxBudgetWait = http::kUnderwayBudgetWait;
  return request;
}

Client::Client(ClientOptions options, http::HttpTransport& transport,
               http::StreamTransport* streams, const Clock& clock)
    : options_(std::move(options)),
      server_(options_.server.substr(0, options_.server.find_last_not_of('/') + 1)),
      transport_(transport),
      streams_(streams),
      clock_(clock) {}

Result<Response> Client::authorized(Request& request, const Send& send) const {
  for (;;) {
    if (options_.token) {
      auto authorization = options_.token->authorization();
      if (!authorization) return fail(std::move(authorization.error()));
      request.credentialHeader = "Authorization";
      request.credential = *std::move(authorization);
    }
    auto answer = send(request);
    const bool isRefused = answer && answer->status == 401 && options_.token != nullptr;
    // As long as there is another token.
    if (!isRefused || !options_.token->renew(request.credential)) return answer;
  }
}

Result<std::string> Client::send(Call call) {
  const std::string what = std::move(call.what);
  const Quote quote = call.quote;
  Request request = std::move(call).requestTo(server_);
  request.isAnybodys = options_.isAnybodys;
  auto answer =
      authorized(request, [this](const Request& ready) { return transport_.send(ready); });
  if (!answer) return fail(withContext(std::move(answer.error()), what));
  if (auto status = statusOf(*answer, request.method, what, quote, clock_.now()); !status) {
    return fail(std::move(status.error()));
  }
  return std::move(answer->body);
}

// Without a name the path would be that of all objects.
Result<std::string> Client::sendTo(const Name& name, Call call) {
  if (name.name.empty() || name.name == "." || name.name == "..") {
    return fail(ErrorCode::kInvalid, call.what + ": not the name of an object");
  }
  return send(std::move(call));
}

Result<std::string> Client::get(const Resource& resource, const Name& name) {
  return sendTo(name, {.kind = "kube.get",
                       .what = describe("reading", resource, name),
                       .quote = quoteOf(resource),
                       .path = Path(resource, name.space).segment(name.name).text()});
}

Result<std::string> Client::list(const Resource& resource, const std::string& space,
                                 const ListOptions& options) {
  auto path = Path(resource, space)
                  .query("labelSelector", options.labelSelector)
                  .query("fieldSelector", options.fieldSelector)
                  .query("limit", std::to_string(options.limit))
                  .query("continue", options.continueToken)
                  .query("resourceVersion", options.resourceVersion);
  return send({.kind = "kube.list",
               .what = describe("listing", resource, space),
               .quote = quoteOf(resource),
               .path = path.text(),
               .maxResponseBytes = kMostBytesOfPage});
}

Result<std::string> Client::create(const Resource& resource, const std::string& space,
                                   SecretBytes body) {
  auto path = Path(resource, space).query("fieldManager", options_.fieldManager);
  return send({.kind = "kube.create",
               .what = describe("creating", resource, space),
               .quote = quoteOf(resource),
               .method = Method::kPost,
               .path = path.text(),
               .body = std::move(body)});
}

Result<std::string> Client::update(const Resource& resource, const Name& name, SecretBytes body) {
  auto path = Path(resource, name.space).segment(name.name);
  path.query("fieldManager", options_.fieldManager);
  return sendTo(name, {.kind = "kube.update",
                       .what = describe("updating", resource, name),
                       .quote = quoteOf(resource),
                       .method = Method::kPut,
                       .path = path.text(),
                       .body = std::move(body)});
}

Result<std::string> Client::apply(const Resource& resource, const Name& name,
                                  std::string_view subresource, const Application& application) {
  if (application.uid.empty()) {
    return fail(ErrorCode::kInternal,
                describe("applying", resource, name) + ": without the object's uid");
  }
  auto path = Path(resource, name.space).segment(name.name);
  if (!subresource.empty()) path.segment(subresource);
  path.query("fieldManager", options_.fieldManager).query("force", "true");
  auto applied = sendTo(name, {.kind = "kube.apply",
                               .what = describe("applying", resource, name),
                               .quote = quoteOf(resource),
                               .method = Method::kPatch,
                               .path = path.text(),
                               .body = SecretBytes::take(bodyOf(resource, name, application)),
                               .contentType = "application/apply-patch+yaml"});
  // A subresource takes any uid.
  if (applied && !subresource.empty() && uidOf(*applied) != application.uid) {
    return fail(ErrorCode::kConflict,
                describe("applying", resource, name) + ": it is another object of that name");
  }
  return applied;
}

Result<std::string> Client::mergePatch(const Resource& resource, const Name& name,
                                       std::string_view subresource, SecretBytes body) {
  auto path = Path(resource, name.space).segment(name.name);
  if (!subresource.empty()) path.segment(subresource);
  path.query("fieldManager", options_.fieldManager);
  return sendTo(name, {.kind = "kube.patch",
                       .what = describe("patching", resource, name),
                       .quote = quoteOf(resource),
                       .method = Method::kPatch,
                       .path = path.text(),
                       .body = std::move(body),
                       .contentType = "application/merge-patch+json"});
}

Status Client::remove(const Resource& resource, const Name& name, const Precondition& precondition,
                      Propagation propagation) {
  auto gone = sendTo(name, {.kind = "kube.delete",
                            .what = describe("deleting", resource, name),
                            .quote = quoteOf(resource),
                            .method = Method::kDelete,
                            .path = Path(resource, name.space).segment(name.name).text(),
                            .body = SecretBytes::take(bodyOf(precondition, propagation))});
  if (!gone) return fail(std::move(gone.error()));
  return {};
}

Status Client::watch(const Resource& resource, const std::string& space,
                     const WatchOptions& options,
                     const std::function<bool(std::string_view)>& onBytes,
                     const std::stop_token& stop) {
  const std::string what = describe("watching", resource, space);
  if (streams_ == nullptr) return fail(ErrorCode::kInternal, what + ": made without streams");
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(options.serverTimeout).count();
  auto path = Path(resource, space)
                  .query("watch", "true")
                  .query("labelSelector", options.labelSelector)
                  .query("fieldSelector", options.fieldSelector)
                  .query("resourceVersion", options.resourceVersion)
                  .query("allowWatchBookmarks", options.allowBookmarks ? "true" : "")
                  .query("timeoutSeconds", std::to_string(seconds));
  if (options.sendInitialEvents) {
    path.query("sendInitialEvents", "true").query("resourceVersionMatch", "NotOlderThan");
  }
  Request request =
      Call{.kind = "kube.watch", .what = what, .path = path.text()}.requestTo(server_);
  const auto answer = authorized(request, [&](const Request& ready) {
    return streams_->stream(ready,
                            {.idleTimeout = options.idleTimeout,
                             .longestSilence = options.longestSilence,
                             .gather = kGather},
                            onBytes, stop);
  });
  if (!answer) return fail(withContext(answer.error(), what));
  if (answer->status == 0) return {};  // stopped before it began
  return statusOf(*answer, Method::kGet, what, quoteOf(resource), clock_.now());
}

Result<std::string> Client::getPath(std::string_view path) {
  return send(
      {.kind = "kube.get", .what = "reading " + std::string(path), .path = std::string(path)});
}

}  // namespace bco::kube
