#include "sandbox/odata_evaluator.h"

#include <algorithm>

#include "core/text.h"

namespace bco::sandbox::odata {
namespace {

// The rows of the scopes around an expression, the innermost last.
using RowScopes = std::vector<const Row*>;

Value evaluateIn(const View& view, const Expression& expression, RowScopes& scopes);

bool isTrue(const Value& value) {
  const auto* flag = std::get_if<bool>(&value);
  return flag != nullptr && *flag;
}

// Follows all hops but the last `keep`.
const Row* walk(const View& view, const Expression& expression, const RowScopes& scopes,
                std::size_t keep) {
  const Row* row = scopes[expression.scope];
  for (std::size_t i = 0; row != nullptr && i + keep < expression.hops.size(); ++i) {
    row = view.follow(*expression.hops[i], *row);
  }
  return row;
}

// Calls `visit` for each row the last hop reaches, until it returns false.
template <class Visit>
void reach(const View& view, const Expression& expression, const RowScopes& scopes, Visit visit) {
  const Row* row = walk(view, expression, scopes, 1);
  if (row == nullptr) return;
  const Relation& last = *expression.hops.back();
  if (!last.toMany) {
    const Row* there = view.follow(last, *row);
    if (there != nullptr) visit(*there);
    return;
  }
  for (const auto id : view.store.pointingAt(*last.via, row->id())) {
    const Row* there = view.store.find(*last.target, id);
    if (view.sees(*last.target, *there) && !visit(*there)) return;
  }
}

Value evaluateLambda(const View& view, const Expression& expression, RowScopes& scopes) {
  const bool any = expression.op == Operator::kAny;
  bool result = !any;
  reach(view, expression, scopes, [&](const Row& row) {
    scopes.push_back(&row);
    if (isTrue(evaluateIn(view, expression.arguments[0], scopes)) == any) result = any;
    scopes.pop_back();
    return result != any;
  });
  return result;
}

Value evaluateOrder(Operator op, const Value& left, const Value& right) {
  const auto order = compare(left, right);
  if (order == std::partial_ordering::unordered) return {};
  switch (op) {
    case Operator::kLess:
      return order < 0;
    case Operator::kLessOrEqual:
      return order <= 0;
    case Operator::kGreater:
      return order > 0;
    default:
      return order >= 0;
  }
}

Value evaluateCall(Function function, const Value& first, const Value& second) {
  const auto* text = textOf(first);
  if (text == nullptr) return {};
  if (function == Function::kToLower) return makeText(toLower(*text));
  if (function == Function::kLength) return static_cast<std::int64_t>(text->size());
  if (function == Function::kToUpper) {
    std::string upper = *text;
    for (char& c : upper) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return makeText(upper);
  }
  const auto* part = textOf(second);
  if (part == nullptr) return {};
  if (function == Function::kStartsWith) return text->starts_with(*part);
  if (function == Function::kEndsWith) return text->ends_with(*part);
  return text->find(*part) != std::string::npos;
}

Value evaluateIn(const View& view, const Expression& expression, RowScopes& scopes) {
  const auto argument = [&](std::size_t i) {
    return evaluateIn(view, expression.arguments[i], scopes);
  };
  switch (expression.op) {
    case Operator::kLiteral:
      return expression.literal;
    case Operator::kPath: {
      const Row* row = walk(view, expression, scopes, 0);
      return row == nullptr ? Value{} : valueOf(view.store, *expression.field, *row);
    }
    case Operator::kCount: {
      std::int64_t count = 0;
      reach(view, expression, scopes, [&](const Row&) {
        ++count;
        return true;
      });
      return count;
    }
    case Operator::kAnd: {
      const Value left = argument(0);
      if (!isNull(left) && !isTrue(left)) return false;
      const Value right = argument(1);
      return !isNull(right) && !isTrue(right) ? Value{false} : isNull(left) ? left : right;
    }
    case Operator::kOr: {
      const Value left = argument(0);
      if (isTrue(left)) return true;
      const Value right = argument(1);
      return isTrue(right) ? Value{true} : isNull(left) ? left : right;
    }
    case Operator::kNot: {
      const Value inner = argument(0);
      return isNull(inner) ? inner : Value{!isTrue(inner)};
    }
    case Operator::kEqual:
      return same(argument(0), argument(1));
    case Operator::kNotEqual:
      return !same(argument(0), argument(1));
    case Operator::kLess:
    case Operator::kLessOrEqual:
    case Operator::kGreater:
    case Operator::kGreaterOrEqual:
      return evaluateOrder(expression.op, argument(0), argument(1));
    case Operator::kIn: {
      const Value wanted = argument(0);
      for (std::size_t i = 1; i < expression.arguments.size(); ++i) {
        if (same(wanted, argument(i))) return true;
      }
      return false;
    }
    case Operator::kCall:
      return evaluateCall(expression.function, argument(0),
                          expression.arguments.size() > 1 ? argument(1) : Value{});
    case Operator::kAny:
    case Operator::kAll:
      return evaluateLambda(view, expression, scopes);
  }
  return {};
}

}  // namespace

const Row* View::follow(const Relation& relation, const Row& row) const {
  const Row* there = store.find(*relation.target, idOf(valueOf(store, *relation.via, row)));
  return there != nullptr && sees(*relation.target, *there) ? there : nullptr;
}

Value valueOf(const Store& store, const Field& field, const Row& row) {
  return field.compute ? field.compute(store, row) : row.values[field.column];
}

Value evaluate(const View& view, const Expression& expression, const Row& row) {
  RowScopes scopes{&row};
  return evaluateIn(view, expression, scopes);
}

bool matches(const View& view, const Expression& filter, const Row& row) {
  return isTrue(evaluate(view, filter, row));
}

}  // namespace bco::sandbox::odata
