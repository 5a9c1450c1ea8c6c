// The verbs of the Kubernetes API that we need, on any kind of object, texts in and texts out.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/result.h"
#include "core/secret.h"
#include "http/transport.h"
#include "kube/token.h"

namespace bco::kube {

// A kind as URLs name it: {"", "v1", "secrets"}, {"coordination.k8s.io", "v1", "leases"}.
struct Resource {
  std::string_view group;  // empty: the core group
  std::string_view version;
  std::string_view plural;
};

struct Name {
  std::string space;  // the namespace; empty: the kind has none
  std::string name;
};

struct ListOptions {
  std::string labelSelector = {};
  std::string fieldSelector = {};
  std::string continueToken = {};    // of the page before; empty: the first
  std::string resourceVersion = {};  // empty: the latest; "0": any, even one that is behind
  int limit = 500;                   // objects of a page
};

struct WatchOptions {
  std::string labelSelector = {};
  std::string fieldSelector = {};
  std::string resourceVersion = {};  // what comes after this; empty with sendInitialEvents
  bool sendInitialEvents = false;    // a streaming list first; not every server can
  bool allowBookmarks = true;
  Duration serverTimeout{std::chrono::minutes(5)};  // after which the server ends it; whole seconds
  Duration idleTimeout{std::chrono::seconds(305)};  // the longest silence
  // The same where it depends on what has come; as http::StreamOptions'.
  std::function<Duration()> longestSilence = nullptr;
};

// What an object must be for a call to act on it; empty: anything.
struct Precondition {
  std::string uid = {};
  std::string resourceVersion = {};
};

enum class Propagation { kBackground, kForeground, kOrphan };

// What server-side apply is to make true of one object that exists. It names the object's uid, so
// that an object deleted meanwhile does not come back as a husk of these fields: kConflict (or
// kNotFound for a subresource) then. So it is when another object has taken its name; of a
// subresource, however, the server then takes it and we notice afterwards: with resourceVersion it
// does not. Fields that the last application named and this one does not are removed, if nobody
// else owns them.
struct Application {
  std::string_view kind = {};        // "BalenaDevice"
  std::string uid = {};              // required
  std::string resourceVersion = {};  // else kConflict; empty: any
  // Further members of `metadata` and of the object, JSON without the braces around them:
  // "\"finalizers\":[…]", "\"status\":{…}".
  std::string metadata = {};
  std::string members = {};
};

struct ClientOptions {
  std::string server;                            // "https://host:port", perhaps with a path
  std::shared_ptr<TokenSource> token = nullptr;  // nullptr: none, as with a client certificate
  // Whose fields those of create(), update(), apply() and mergePatch() are.
  std::string fieldManager = "balena-clearblade-operator";
  // Its writes pass the transport's write gate, whoever leads: http::Request::isAnybodys.
  bool isAnybodys = false;
};

// Thread-safe; every call blocks, with the deadlines of its transport. `transport`, `streams` and
// `clock` must outlive it. Objects are returned and given as JSON texts; typed models are the
// callers', who parse just what they use.
//
// Errors of every call, beside the transport's, are what status.h makes of the server's answer.
// A 401 makes the token be read again, and if it is another one, the call be made again: what was
// refused was not done. Messages name the call and the object; the server's words are kept, for
// they name the missing right or the bad field, except about Secrets.
class Client {
 public:
  // `streams` may be nullptr where watch() is not used.
  Client(ClientOptions options, http::HttpTransport& transport, http::StreamTransport* streams,
         const Clock& clock);

  [[nodiscard]] Result<std::string> get(const Resource& resource, const Name& name);
  // One page, of all namespaces if `space` is empty; json.h reads it. kGone: the continue token is
  // too old.
  [[nodiscard]] Result<std::string> list(const Resource& resource, const std::string& space,
                                         const ListOptions& options);
  // All return the object as it is now.
  [[nodiscard]] Result<std::string> create(const Resource& resource, const std::string& space,
                                           SecretBytes body);
  // Replaces it; the body's metadata.resourceVersion guards it against others' changes: kConflict.
  [[nodiscard]] Result<std::string> update(const Resource& resource, const Name& name,
                                           SecretBytes body);
  // `subresource`: "status", or empty. Takes fields over that others own.
  [[nodiscard]] Result<std::string> apply(const Resource& resource, const Name& name,
                                          std::string_view subresource,
                                          const Application& application);
  // RFC 7386.
  [[nodiscard]] Result<std::string> mergePatch(const Resource& resource, const Name& name,
                                               std::string_view subresource, SecretBytes body);
  // Ok means asked for: finalizers may hold the object back.
  [[nodiscard]] Status remove(const Resource& resource, const Name& name,
                              const Precondition& precondition = {},
                              Propagation propagation = Propagation::kBackground);
  // Hands the bytes of the event stream to `onBytes`, on this thread, until the server ends it
  // (ok), `onBytes` returns false or a stop (ok), or an error; kDeadline: silence. Watcher makes
  // events of it and keeps it going.
  [[nodiscard]] Status watch(const Resource& resource, const std::string& space,
                             const WatchOptions& options,
                             const std::function<bool(std::string_view)>& onBytes,
                             const std::stop_token& stop);
  // Any path with its query: "/version", "/readyz".
  [[nodiscard]] Result<std::string> getPath(std::string_view path);

 private:
  struct Call;
  using Send = std::function<Result<http::Response>(const http::Request&)>;
  // Sends with the token of the moment, and again if that turns out to be an old one.
  [[nodiscard]] Result<http::Response> authorized(http::Request& request, const Send& send) const;
  [[nodiscard]] Result<std::string> send(Call call);
  [[nodiscard]] Result<std::string> sendTo(const Name& name, Call call);

  const ClientOptions options_;
  const std::string server_;  // without a slash at its end
  http::HttpTransport& transport_;
  http::StreamTransport* const streams_;
  const Clock& clock_;
};

}  // namespace bco::kube
