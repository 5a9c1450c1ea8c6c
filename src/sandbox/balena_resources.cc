#include "sandbox/balena_resources.h"

#include <algorithm>

#include "sandbox/balena_reply.h"
#include "sandbox/odata_binder.h"
#include "sandbox/odata_parser.h"
#include "sandbox/odata_query.h"

namespace bco::sandbox {
namespace {

using odata::Expression;
using odata::FieldType;
using odata::Operator;
using odata::View;

Expression equals(const odata::Field& field, odata::Value value) {
  Expression path;
  path.op = Operator::kPath;
  path.field = &field;
  Expression literal;
  literal.literal = std::move(value);
  Expression made;
  made.op = Operator::kEqual;
  made.arguments.push_back(std::move(path));
  made.arguments.push_back(std::move(literal));
  return made;
}

void addCondition(odata::Options& options, Expression condition) {
  if (!options.filter) {
    options.filter = std::move(condition);
    return;
  }
  Expression both;
  both.op = Operator::kAnd;
  both.arguments.push_back(std::move(condition));
  both.arguments.push_back(std::move(*options.filter));
  options.filter = std::move(both);
}

std::optional<Verb> verbOf(const std::string& method) {
  if (method == "GET") return Verb::kRead;
  if (method == "POST") return Verb::kCreate;
  if (method == "PATCH" || method == "PUT") return Verb::kUpdate;
  if (method == "DELETE") return Verb::kDelete;
  return std::nullopt;
}

// Without a JSON content type the body is not looked at.
bool isJson(const server::Request& request) {
  if (request.body.empty()) return false;
  const auto type = request.header("content-type");
  return type && type->find("application/json") != std::string_view::npos;
}

bool hasField(const std::vector<const odata::Field*>& key, const std::string& name) {
  return std::any_of(key.begin(), key.end(),
                     [&](const odata::Field* field) { return field->name == name; });
}

}  // namespace

server::Reply BalenaResources::handle(const server::Request& request, const Principal& principal,
                                      bool v6, std::string_view path, std::string_view query) {
  const auto malformed = [&] { return errorReply(400, "Malformed url: '" + request.target + "'"); };
  const auto verb = verbOf(request.method);
  if (!verb) return emptyReply(request.method == "HEAD" ? 500 : 404);
  Call call{.request = request, .principal = principal, .v6 = v6};
  if (isJson(request)) {
    auto body = parseBody(request.body);
    if (!body) return htmlReply(400, "SyntaxError: Unexpected token in JSON");
    call.body = std::move(*body);
  }

  auto target = odata::parseTarget(path);
  auto options = target ? odata::parseOptions(query) : std::nullopt;
  if (!options) return malformed();
  call.target = std::move(*target);
  call.options = std::move(*options);

  call.resource = store_.names.schema.find(call.target.resource);
  if (call.resource == nullptr || !access_.may(principal, *verb, *call.resource)) {
    return emptyReply(401);
  }
  switch (*verb) {
    case Verb::kRead:
      return read(call);
    case Verb::kCreate:
      return create(call);
    case Verb::kUpdate:
      return request.method == "PUT" ? replace(call) : change(call);
    case Verb::kDelete:
      return remove(call);
  }
  return emptyReply(500);
}

bool BalenaResources::applyKey(Call& call) {
  auto& key = call.target.key;
  if (key.empty()) return true;
  if (key.size() == 1 && key[0].first.empty()) key[0].first = "id";
  bool supported = key.size() == 1 && key[0].first == "id";
  for (const auto& natural : call.resource->naturalKeys) {
    supported = supported || (natural.size() == key.size() &&
                              std::all_of(key.begin(), key.end(), [&](const auto& part) {
                                return hasField(natural, part.first);
                              }));
  }
  if (!supported) return false;
  for (auto& [name, value] : key) {
    const Field* field = call.resource->field(name);
    if (odata::isNull(value) || !odata::convert(value, field->type)) return false;
    addCondition(call.options, equals(*field, value));
  }
  return true;
}

server::Reply BalenaResources::read(Call& call) {
  const auto& rows = store_.rowsForReading();
  const PrincipalView visibility(store_, rows, call.principal);
  // Where a filter is not needed, none is paid for.
  const bool seesAll = call.principal.blanket && call.resource != store_.names.apiKey &&
                       call.resource != store_.names.user;
  const View view{rows, seesAll ? nullptr : &visibility};
  const Resource* resource = call.resource;

  if (!call.target.navigation.empty()) {
    // Options are about the rows it leads to, the key about where it begins.
    odata::Options options = std::exchange(call.options, {});
    const auto* relation = resource->relation(call.target.navigation);
    if (relation == nullptr || !applyKey(call)) return emptyReply(500);
    const auto from = odata::select(view, *resource, call.options, store_.shuffle());
    resource = relation->target;
    if (!odata::bind(options, *resource)) return emptyReply(500);
    if (from.empty()) return jsonReply(call.request, 200, R"({"d":[]})");
    const Value there = odata::valueOf(rows, *relation->via, *from[0]);
    addCondition(options, relation->toMany ? equals(*relation->via, from[0]->id())
                                           : equals(*resource->field("id"), there));
    call.options = std::move(options);
  } else if (!odata::bind(call.options, *resource) || !applyKey(call)) {
    return emptyReply(500);
  }

  std::string json = R"({"d":)";
  if (call.target.count) {
    json += std::to_string(odata::count(view, *resource, call.options));
  } else {
    const auto found = odata::select(view, *resource, call.options, store_.shuffle());
    odata::appendRows(json, view, found, call.options, store_.shuffle(), {call.v6});
  }
  json += '}';
  return jsonReply(call.request, 200, std::move(json));
}

std::vector<odata::Row> BalenaResources::matching(const Call& call) {
  const PrincipalView visibility(store_, store_.rows(), call.principal);
  const View view{store_.rows(), &visibility};
  std::vector<Row> rows;
  for (const auto* row : odata::select(view, *call.resource, call.options, store_.shuffle())) {
    rows.push_back(*row);
  }
  return rows;
}

std::optional<Refusal> BalenaResources::readSettings(const Call& call, Settings& settings) const {
  if (call.body.isArray) return Refusal{400, ""};
  for (const auto& given : call.body.fields) {
    const Field* field = call.resource->field(given.name);
    if (field == nullptr || !field->writable || field->compute) continue;
    Value value = given.value;
    if (given.isOther || (field->required && odata::isNull(value)) ||
        !odata::convert(value, field->type)) {
      return Refusal{400, ""};
    }
    if (auto refusal = checkValue(store_.names, *field, value)) return refusal;
    settings.emplace_back(field, std::move(value));
  }
  return std::nullopt;
}

std::optional<Refusal> BalenaResources::checkParents(const Call& call,
                                                     const Settings& settings) const {
  const PrincipalView visibility(store_, store_.rows(), call.principal);
  for (const auto& [field, value] : settings) {
    if (field->type != FieldType::kReference || odata::isNull(value)) continue;
    const Row* parent = store_.find(*field->target, odata::idOf(value));
    const bool provisioning = call.principal.kind == Principal::Kind::kProvisioning;
    if (parent == nullptr) {
      // Only who may write to every device is told which reference was wrong.
      const bool told = call.principal.blanket && field != store_.names.installVariables.owner;
      if (told) return Refusal{409, "Data is referenced by " + field->target->name + "."};
      return Refusal{401, ""};
    }
    if (!field->cascades) continue;
    const bool allowed = provisioning
                             ? std::binary_search(call.principal.fleets.begin(),
                                                  call.principal.fleets.end(), parent->id())
                             : visibility.sees(*field->target, *parent);
    if (!allowed) return Refusal{401, ""};
  }
  return std::nullopt;
}

bool BalenaResources::isDuplicate(const Resource& resource, const Row& row) const {
  const auto& rows = store_.rows();
  for (const auto& key : resource.naturalKeys) {
    const Value& first = row.values[key[0]->column];
    if (odata::isNull(first)) continue;
    if (key.size() == 1) {
      const Row* other = rows.findByText(*key[0], *odata::textOf(first));
      if (other != nullptr && other->id() != row.id()) return true;
      continue;
    }
    for (const auto id : rows.pointingAt(*key[0], odata::idOf(first))) {
      const Row* other = rows.find(resource, id);
      if (id != row.id() &&
          odata::same(other->values[key[1]->column], row.values[key[1]->column])) {
        return true;
      }
    }
  }
  return false;
}

void BalenaResources::complete(const Resource& resource, Row& row) {
  const auto& names = store_.names;
  if (&resource == names.device) {
    Value& name = row.values[names.deviceName->column];
    if (odata::isNull(name)) name = odata::makeText("device-" + store_.randomHex(6));
    row.values[names.deviceActor->column] = store_.newActor();
    row.values[names.deviceIsOnline->column] = false;
    row.values[names.deviceIsConnected->column] = false;
    row.values[names.deviceHeartbeat->column] = odata::makeText("unknown");
  } else if (&resource == names.fleet) {
    const Row* owner =
        store_.find(*names.organization, odata::idOf(row.values[names.fleetOrganization->column]));
    std::string slug = *odata::textOf(owner->values[names.organizationHandle->column]) + "/";
    for (const char c : *odata::textOf(row.values[names.fleetName->column])) {
      slug += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    row.values[names.fleetSlug->column] = odata::makeText(slug);
    Value& uuid = row.values[names.fleetUuid->column];
    if (odata::isNull(uuid)) uuid = odata::makeText(store_.randomHex(32));
  }
}

void BalenaResources::follow(const Resource& resource, const Row* before, std::int64_t id,
                             BalenaNotices& notices) {
  const auto& names = store_.names;
  const Row* after = store_.find(resource, id);
  const auto changed = [&](const Field* field) {
    return before == nullptr ||
           !odata::same(before->values[field->column], after->values[field->column]);
  };
  if (&resource == names.device) {
    if (before == nullptr) return store_.assignRelease(id);
    if (changed(names.deviceFleet)) {
      store_.moveDevice(id, odata::idOf(after->values[names.deviceFleet->column]));
    } else if (changed(names.devicePinnedRelease)) {
      store_.assignRelease(id);
    } else {
      return;
    }
    notices.touchDevice(id);
  } else if (&resource == names.fleet && changed(names.fleetRelease)) {
    const odata::Ids devices = store_.rows().pointingAt(*names.deviceFleet, id);
    for (const auto device : devices) store_.assignRelease(device);
    notices.touchFleet(id);
  } else {
    notices.touch(resource, *after);
  }
}

server::Reply BalenaResources::create(Call& call) {
  const Resource& resource = *call.resource;
  Settings settings;
  if (auto refusal = readSettings(call, settings))
    return errorReply(refusal->status, refusal->text);
  Row row = store_.newRow(resource);
  for (const auto& [field, value] : settings) row.values[field->column] = value;
  for (const auto& field : resource.fields) {
    if (field.required && odata::isNull(row.values[field.column])) return emptyReply(500);
  }
  if (auto refusal = checkParents(call, settings))
    return errorReply(refusal->status, refusal->text);
  complete(resource, row);
  if (isDuplicate(resource, row)) return errorReply(409, duplicateText(store_.names, resource));

  const std::int64_t id = row.id();
  store_.put(resource, std::move(row));
  BalenaNotices notices(store_);
  follow(resource, nullptr, id, notices);
  notices.send(kNoticeAfterWrite, hooks_.onDeviceUpdate);
  return created(call, id);
}

server::Reply BalenaResources::created(const Call& call, std::int64_t id) {
  const Resource& resource = *call.resource;
  std::string json;
  const auto question = call.request.target.find('?');
  const auto query = question == std::string::npos
                         ? std::string_view()
                         : std::string_view(call.request.target).substr(question + 1);
  const auto options = odata::splitQuery(query);
  const auto returns = options.find("returnResource");
  if (returns != options.end() && returns->second == "false") {
    json = "{\"id\":" + std::to_string(id) + "}";
  } else {
    appendAll(json, resource, *store_.find(resource, id));
  }
  auto reply = jsonReply(call.request, 201, std::move(json));
  const std::string root = call.v6 ? "/v6/" : "/v7/";
  reply.headers.emplace_back("Location", root + resource.name + "(@id)?@id=" + std::to_string(id));
  return reply;
}

void BalenaResources::appendAll(std::string& out, const Resource& resource, const Row& row) {
  odata::Options all;
  (void)odata::bind(all, resource);  // nothing is named that could be unknown
  const View view{store_.rows(), nullptr};
  odata::appendRow(out, view, row, all, store_.shuffle(), {});
}

std::string BalenaResources::dumpDevice(const Row& device) {
  auto options = odata::parseOptions(
      "$expand=belongs_to__application,is_of__device_type,device_tag,device_environment_variable,"
      "device_config_variable,image_install,service_install($expand=installs__service,"
      "device_service_environment_variable)");
  std::string json;
  if (!options || !odata::bind(*options, *store_.names.device)) return json;
  odata::appendRow(json, View{store_.rows(), nullptr}, device, *options, store_.shuffle(), {});
  return json;
}

server::Reply BalenaResources::done(const Call& call) const {
  return call.v6 ? errorReply(200, "OK") : emptyReply(200);
}

server::Reply BalenaResources::change(Call& call) {
  const Resource& resource = *call.resource;
  Settings settings;
  if (auto refusal = readSettings(call, settings))
    return errorReply(refusal->status, refusal->text);
  if (settings.empty()) return errorReply(400, "No fields to update");
  if (!odata::bind(call.options, resource) || !applyKey(call)) return emptyReply(500);
  if (auto refusal = checkParents(call, settings))
    return errorReply(refusal->status, refusal->text);

  const auto before = matching(call);
  std::vector<Row> after = before;
  for (auto& row : after) {
    for (const auto& [field, value] : settings) row.values[field->column] = value;
    if (isDuplicate(resource, row)) return errorReply(409, duplicateText(store_.names, resource));
  }
  BalenaNotices notices(store_);
  for (std::size_t i = 0; i < after.size(); ++i) {
    const std::int64_t id = after[i].id();
    store_.update(resource, std::move(after[i]));
    follow(resource, &before[i], id, notices);
  }
  notices.send(kNoticeAfterWrite, hooks_.onDeviceUpdate);
  return done(call);
}

server::Reply BalenaResources::replace(Call& call) {
  const Resource& resource = *call.resource;
  const bool upserts =
      &resource == store_.names.deviceVariables.resource || &resource == store_.names.tag;
  Settings settings;
  if (auto refusal = readSettings(call, settings))
    return errorReply(refusal->status, refusal->text);
  if (!upserts || call.target.key.empty() || call.options.filter ||
      !odata::bind(call.options, resource) || !applyKey(call)) {
    return emptyReply(500);
  }
  // The old row goes and a new one comes, with a new id and new times.
  const auto old = matching(call);
  Row row = store_.newRow(resource);
  for (const auto& [name, value] : call.target.key) {
    const Field* field = resource.field(name);
    if (name == "id") continue;
    if (auto refusal = checkValue(store_.names, *field, value)) {
      return errorReply(refusal->status, refusal->text);
    }
    settings.emplace_back(field, value);
  }
  for (const auto& [field, value] : settings) row.values[field->column] = value;
  for (const auto& field : resource.fields) {
    if (field.required && odata::isNull(row.values[field.column])) return emptyReply(500);
  }
  if (auto refusal = checkParents(call, settings))
    return errorReply(refusal->status, refusal->text);
  for (const auto& gone : old) store_.erase(resource, gone.id());
  if (isDuplicate(resource, row)) {
    for (const auto& kept : old) store_.put(resource, kept);
    return errorReply(409, duplicateText(store_.names, resource));
  }
  BalenaNotices notices(store_);
  notices.touch(resource, row);
  store_.put(resource, std::move(row));
  notices.send(kNoticeAfterWrite, hooks_.onDeviceUpdate);
  return done(call);
}

server::Reply BalenaResources::remove(Call& call) {
  if (!odata::bind(call.options, *call.resource) || !applyKey(call)) return emptyReply(500);
  BalenaNotices notices(store_);
  for (const auto& row : matching(call)) {
    notices.touch(*call.resource, row);
    store_.erase(*call.resource, row.id());
  }
  notices.send(kNoticeAfterDelete, hooks_.onDeviceUpdate);
  return done(call);
}

}  // namespace bco::sandbox
