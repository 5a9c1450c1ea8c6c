#include "sandbox/balena_resources.h"

#include <algorithm>

#include "sandbox/balena_reply.h"
#include "sandbox/odata_binder.h"
#include "sandbox/odata_parser.h"
#include "sandbox/odata_query.h"

namespace bco::sandbox {
namespace {

using odata::Expression;
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

}  // namespace bco::sandbox
