// Resources, their fields and how they hang together: what a query's names are looked up in.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/odata_value.h"

namespace bco::sandbox::odata {

struct Resource;
class Store;

// values[0] is the id; a computed field has no place here.
struct Row {
  std::vector<Value> values;
  [[nodiscard]] std::int64_t id() const { return std::get<std::int64_t>(values[0]); }
};

enum class FieldType { kInteger, kBoolean, kText, kTime, kReference };

struct Field {
  std::string name;
  FieldType type = FieldType::kText;
  const Resource* owner = nullptr;
  std::size_t column = 0;
  const Resource* target = nullptr;  // of a reference
  bool indexed = false;              // a reference, or a unique text
  bool required = false;             // a POST without it fails
  bool writable = true;              // by clients
  bool absent = false;               // as if it did not exist
  bool cascades = false;             // of a reference: the row goes when its target goes
  std::size_t maxLength = 0;         // of a text; 0: any
  // Set for computed fields.
  std::function<Value(const Store&, const Row&)> compute;
};

// A name under which rows of another resource are reached.
struct Relation {
  std::string name;
  const Resource* target = nullptr;
  const Field* via = nullptr;  // to-one: a field of ours; to-many: the target's that points at us
  bool toMany = false;
};

struct Resource {
  std::string name;
  std::size_t index = 0;
  std::deque<Field> fields;  // a deque, so that pointers to them stay good
  std::deque<Relation> relations;
  std::vector<std::vector<const Field*>> naturalKeys;  // beside the id
  std::map<std::string, const Field*, std::less<>> fieldsByName;
  std::map<std::string, const Relation*, std::less<>> relationsByName;
  std::size_t columns = 0;

  // nullptr when there is none, or it is absent.
  [[nodiscard]] const Field* field(std::string_view fieldName) const;
  [[nodiscard]] const Relation* relation(std::string_view relationName) const;
};

class Schema {
 public:
  Schema() = default;
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

  // With the fields id, created_at and modified_at.
  Resource& addResource(std::string name);
  Field& addField(Resource& resource, std::string name, FieldType type);
  Field& addReference(Resource& resource, std::string name, const Resource& target);
  // A field that is worked out when it is asked for.
  Field& addComputed(Resource& resource, std::string name, FieldType type,
                     std::function<Value(const Store&, const Row&)> compute);
  // From a reference: `name` leads there, `back` leads from its target to the rows that point at
  // it.
  void relate(const Field& reference, std::string name, std::string back);
  void addNaturalKey(Resource& resource, const std::vector<std::string>& fields);

  // nullptr when there is none.
  [[nodiscard]] const Resource* find(std::string_view name) const;
  [[nodiscard]] Field* findField(std::string_view resource, std::string_view field);
  [[nodiscard]] const std::deque<Resource>& resources() const { return resources_; }

 private:
  std::deque<Resource> resources_;
  std::map<std::string, Resource*, std::less<>> byName_;
};

}  // namespace bco::sandbox::odata
