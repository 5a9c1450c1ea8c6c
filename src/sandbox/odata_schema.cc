#include "sandbox/odata_schema.h"

namespace bco::sandbox::odata {

const Field* Resource::field(std::string_view fieldName) const {
  const auto found = fieldsByName.find(fieldName);
  return found == fieldsByName.end() || found->second->absent ? nullptr : found->second;
}

const Relation* Resource::relation(std::string_view relationName) const {
  const auto found = relationsByName.find(relationName);
  return found == relationsByName.end() ? nullptr : found->second;
}

Resource& Schema::addResource(std::string name) {
  Resource& resource = resources_.emplace_back();
  resource.index = resources_.size() - 1;
  byName_.emplace(name, &resource);
  resource.name = std::move(name);
  addField(resource, "id", FieldType::kInteger).writable = false;
  addField(resource, "created_at", FieldType::kTime).writable = false;
  addField(resource, "modified_at", FieldType::kTime).writable = false;
  return resource;
}

Field& Schema::addField(Resource& resource, std::string name, FieldType type) {
  Field& field = resource.fields.emplace_back();
  field.owner = &resource;
  field.type = type;
  field.column = resource.columns++;
  resource.fieldsByName.emplace(name, &field);
  field.name = std::move(name);
  return field;
}

Field& Schema::addReference(Resource& resource, std::string name, const Resource& target) {
  Field& field = addField(resource, std::move(name), FieldType::kReference);
  field.target = &target;
  field.indexed = true;
  return field;
}

Field& Schema::addComputed(Resource& resource, std::string name, FieldType type,
                           std::function<Value(const Store&, const Row&)> compute) {
  Field& field = resource.fields.emplace_back();
  field.owner = &resource;
  field.type = type;
  field.writable = false;
  field.compute = std::move(compute);
  resource.fieldsByName.emplace(name, &field);
  field.name = std::move(name);
  return field;
}

void Schema::relate(const Field& reference, std::string name, std::string back) {
  auto& from = const_cast<Resource&>(*reference.owner);
  const Relation& there =
      from.relations.emplace_back(Relation{name, reference.target, &reference, false});
  from.relationsByName.emplace(std::move(name), &there);
  if (back.empty()) return;
  auto& to = const_cast<Resource&>(*reference.target);
  const Relation& backward =
      to.relations.emplace_back(Relation{back, reference.owner, &reference, true});
  to.relationsByName.emplace(std::move(back), &backward);
}

void Schema::addNaturalKey(Resource& resource, const std::vector<std::string>& fields) {
  auto& key = resource.naturalKeys.emplace_back();
  for (const auto& name : fields) {
    auto* field = const_cast<Field*>(resource.field(name));
    if (fields.size() == 1) field->indexed = true;
    key.push_back(field);
  }
}

const Resource* Schema::find(std::string_view name) const {
  const auto found = byName_.find(name);
  return found == byName_.end() ? nullptr : found->second;
}

Field* Schema::findField(std::string_view resource, std::string_view field) {
  const auto owner = byName_.find(resource);
  if (owner == byName_.end()) return nullptr;
  const auto found = owner->second->fieldsByName.find(field);
  return found == owner->second->fieldsByName.end() ? nullptr : const_cast<Field*>(found->second);
}

}  // namespace bco::sandbox::odata
