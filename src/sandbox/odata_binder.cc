#include "sandbox/odata_binder.h"

#include <charconv>

namespace bco::sandbox::odata {
namespace {

struct Scope {
  std::string variable;  // "" for the resource itself
  const Resource* resource = nullptr;
};
using Scopes = std::vector<Scope>;

Status unknown(const Resource& resource, const std::string& name) {
  return fail(ErrorCode::kInvalid, "no field " + name + " in " + resource.name);
}

// Resolves names to relations, up to `last` of them.
Status bindHops(Expression& expression, const Scopes& scopes, std::size_t hops,
                const Resource*& resource) {
  std::size_t at = 0;
  resource = scopes[0].resource;
  for (std::size_t i = scopes.size() - 1; i > 0; --i) {
    if (scopes[i].variable != expression.names[0]) continue;
    expression.scope = i;
    resource = scopes[i].resource;
    at = 1;
    break;
  }
  for (; at < hops; ++at) {
    const Relation* relation = resource->relation(expression.names[at]);
    if (relation == nullptr) return unknown(*resource, expression.names[at]);
    expression.hops.push_back(relation);
    resource = relation->target;
  }
  return {};
}

Status bindPath(Expression& expression, const Scopes& scopes) {
  const Resource* resource = nullptr;
  const auto hops = bindHops(expression, scopes, expression.names.size() - 1, resource);
  if (!hops) return hops;
  for (const auto* relation : expression.hops) {
    if (relation->toMany) return unknown(*resource, relation->name);
  }
  expression.field = resource->field(expression.names.back());
  // A relation's name stands for the reference itself.
  if (expression.field == nullptr) {
    const Relation* relation = resource->relation(expression.names.back());
    if (relation != nullptr && !relation->toMany) expression.field = relation->via;
  }
  if (expression.field == nullptr) return unknown(*resource, expression.names.back());
  return {};
}

Status bindExpression(Expression& expression, Scopes& scopes);

Status bindLambda(Expression& expression, Scopes& scopes) {
  const Resource* resource = nullptr;
  const auto hops = bindHops(expression, scopes, expression.names.size(), resource);
  if (!hops) return hops;
  if (expression.hops.empty()) return unknown(*resource, expression.names[0]);
  for (std::size_t i = 0; i + 1 < expression.hops.size(); ++i) {
    if (expression.hops[i]->toMany) return unknown(*resource, expression.hops[i]->name);
  }
  if (expression.op == Operator::kCount) return {};
  scopes.push_back({expression.variable, resource});
  auto bound = bindExpression(expression.arguments[0], scopes);
  scopes.pop_back();
  return bound;
}

std::optional<FieldType> typeOf(const Expression& expression) {
  if (expression.op == Operator::kPath) return expression.field->type;
  if (expression.op == Operator::kCount) return FieldType::kInteger;
  if (expression.op != Operator::kCall) return std::nullopt;
  if (expression.function == Function::kLength) return FieldType::kInteger;
  if (expression.function == Function::kToLower || expression.function == Function::kToUpper) {
    return FieldType::kText;
  }
  return FieldType::kBoolean;
}

// Gives literals the type of what they are compared with.
Status unifyTypes(Expression& comparison) {
  std::optional<FieldType> type;
  for (const auto& argument : comparison.arguments) {
    if (!type) type = typeOf(argument);
  }
  if (!type) return {};
  for (auto& argument : comparison.arguments) {
    if (argument.op != Operator::kLiteral) continue;
    if (!convert(argument.literal, *type)) {
      return fail(ErrorCode::kInvalid, "types that can't be compared");
    }
  }
  return {};
}

Status bindExpression(Expression& expression, Scopes& scopes) {
  switch (expression.op) {
    case Operator::kLiteral:
      return {};
    case Operator::kPath:
      return bindPath(expression, scopes);
    case Operator::kCount:
    case Operator::kAny:
    case Operator::kAll:
      return bindLambda(expression, scopes);
    default:
      break;
  }
  for (auto& argument : expression.arguments) {
    if (auto bound = bindExpression(argument, scopes); !bound) return bound;
  }
  const bool compares = expression.op >= Operator::kEqual && expression.op <= Operator::kIn;
  return compares ? unifyTypes(expression) : Status{};
}

Status bindExpansion(Expansion& expansion, const Resource& resource) {
  expansion.relation = resource.relation(expansion.name);
  if (expansion.relation == nullptr) return unknown(resource, expansion.name);
  return bind(expansion.options, *expansion.relation->target);
}

// An expanded reference is shown in the place of the reference.
bool isExpanded(const Options& options, const std::string& name) {
  for (const auto& expansion : options.expand) {
    if (expansion.name == name && !expansion.count) return true;
  }
  return false;
}

}  // namespace

bool convert(Value& literal, FieldType type) {
  if (isNull(literal)) return true;
  const auto* text = textOf(literal);
  switch (type) {
    case FieldType::kText:
      return text != nullptr;
    case FieldType::kBoolean:
      if (const auto* number = std::get_if<std::int64_t>(&literal)) {
        if (*number != 0 && *number != 1) return false;
        literal = *number == 1;
      }
      return std::holds_alternative<bool>(literal);
    case FieldType::kTime:
      if (text != nullptr) {
        const auto time = parseRfc3339(*text);
        if (!time) return false;
        literal = *time;
      }
      return std::holds_alternative<TimePoint>(literal);
    case FieldType::kInteger:
    case FieldType::kReference:
      if (text != nullptr) {
        std::int64_t number = 0;
        const auto [end, error] =
            std::from_chars(text->data(), text->data() + text->size(), number);
        if (error != std::errc() || end != text->data() + text->size()) return false;
        literal = number;
      }
      return std::holds_alternative<std::int64_t>(literal);
  }
  return false;
}

Status bind(Options& options, const Resource& resource) {
  Scopes scopes{{"", &resource}};
  if (options.filter) {
    if (auto bound = bindExpression(*options.filter, scopes); !bound) return bound;
  }
  for (auto& key : options.orderBy) {
    auto bound = key.path.op == Operator::kPath ? bindPath(key.path, scopes)
                                                : bindExpression(key.path, scopes);
    if (!bound) return bound;
  }
  for (auto& expansion : options.expand) {
    if (auto bound = bindExpansion(expansion, resource); !bound) return bound;
  }
  if (options.select.empty()) {
    for (const auto& field : resource.fields) {
      if (!field.absent && !isExpanded(options, field.name)) options.fields.push_back(&field);
    }
    return {};
  }
  for (const auto& name : options.select) {
    if (isExpanded(options, name)) continue;
    const Field* field = resource.field(name);
    if (field == nullptr) return unknown(resource, name);
    options.fields.push_back(field);
  }
  return {};
}

}  // namespace bco::sandbox::odata
