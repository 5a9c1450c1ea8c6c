// The writing half of BalenaResources.
#include <algorithm>

#include "sandbox/balena_reply.h"
#include "sandbox/balena_resources.h"
#include "sandbox/odata_binder.h"
#include "sandbox/odata_parser.h"

namespace bco::sandbox {

using odata::FieldType;

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
