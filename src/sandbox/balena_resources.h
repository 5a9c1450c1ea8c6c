// Requests to /v6/<resource> and /v7/<resource>.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/balena_access.h"
#include "sandbox/balena_body.h"
#include "sandbox/balena_notices.h"
#include "sandbox/balena_rules.h"
#include "sandbox/balena_store.h"
#include "sandbox/odata_ast.h"

namespace bco::sandbox {

// Every request is a transaction of its own: it writes all it is to write, or nothing.
class BalenaResources {
 public:
  BalenaResources(BalenaStore& store, BalenaAccess& access, const BalenaHooks& hooks)
      : store_(store), access_(access), hooks_(hooks) {}

  // `path` is what follows "/v7/", `query` what follows "?".
  [[nodiscard]] server::Reply handle(const server::Request& request, const Principal& principal,
                                     bool v6, std::string_view path, std::string_view query);

  // A row with all its fields, for dumps.
  void appendAll(std::string& out, const odata::Resource& resource, const odata::Row& row);
  // A device with all that hangs on it.
  [[nodiscard]] std::string dumpDevice(const odata::Row& device);

 private:
  using Resource = odata::Resource;
  using Field = odata::Field;
  using Row = odata::Row;
  using Value = odata::Value;

  struct Call {
    const server::Request& request;
    const Principal& principal;
    bool v6 = false;
    const Resource* resource = nullptr;
    odata::Target target = {};
    odata::Options options = {};
    Body body = {};
  };
  // What a write is to set.
  using Settings = std::vector<std::pair<const Field*, Value>>;

  [[nodiscard]] server::Reply read(Call& call);
  [[nodiscard]] server::Reply create(Call& call);
  [[nodiscard]] server::Reply change(Call& call);
  [[nodiscard]] server::Reply replace(Call& call);
  [[nodiscard]] server::Reply remove(Call& call);

  // Adds the key of the path to the filter; false when the API does not support that key.
  [[nodiscard]] bool applyKey(Call& call);
  [[nodiscard]] std::vector<Row> matching(const Call& call);
  [[nodiscard]] std::optional<Refusal> readSettings(const Call& call, Settings& settings) const;
  [[nodiscard]] std::optional<Refusal> checkParents(const Call& call,
                                                    const Settings& settings) const;
  [[nodiscard]] bool isDuplicate(const Resource& resource, const Row& row) const;
  // Sets what the server fills in.
  void complete(const Resource& resource, Row& row);
  // What follows from a row of this resource having appeared or changed.
  void follow(const Resource& resource, const Row* before, std::int64_t id, BalenaNotices& notices);
  [[nodiscard]] server::Reply created(const Call& call, std::int64_t id);
  [[nodiscard]] server::Reply done(const Call& call) const;

  BalenaStore& store_;
  BalenaAccess& access_;
  const BalenaHooks& hooks_;
};

}  // namespace bco::sandbox
