#include "sandbox/odata_parser.h"

#include <utility>

#include "core/text.h"
#include "sandbox/odata_lexer.h"

namespace bco::sandbox::odata {
namespace {

// Deep enough for any sane filter, and far from the end of the stack.
constexpr int kMaxDepth = 64;

using Aliases = std::map<std::string, std::string, std::less<>>;

// Recursive descent. A failure sticks: everything after it returns at once, and the caller looks at
// done() in the end.
class Parser {
 public:
  Parser(std::string_view text, const Aliases& aliases, int depth = 0)
      : aliases_(aliases), depth_(depth) {
    failed_ = !tokenize(text, tokens_);
  }

  [[nodiscard]] bool done() const { return !failed_ && tokens_[at_].type == TokenType::kEnd; }

  Target target();
  Expression filter() { return disjunction(); }
  std::vector<std::string> select();
  std::vector<OrderKey> orderBy();
  std::vector<Expansion> expand();
  std::int64_t count();

 private:
  const Token& peek() const { return tokens_[at_]; }
  void advance() {
    if (peek().type != TokenType::kEnd) ++at_;
  }
  void failHere() { failed_ = true; }
  bool isSymbol(std::string_view symbol) const {
    return !failed_ && peek().type == TokenType::kSymbol && peek().name == symbol;
  }
  bool isName(std::string_view name) const {
    return !failed_ && peek().type == TokenType::kName && peek().name == name;
  }
  bool takeSymbol(std::string_view symbol) {
    if (!isSymbol(symbol)) return false;
    advance();
    return true;
  }
  void expectSymbol(std::string_view symbol) {
    if (!takeSymbol(symbol)) failHere();
  }
  bool takeName(std::string_view name) {
    if (!isName(name)) return false;
    advance();
    return true;
  }
  std::string name();

  Expression disjunction();
  Expression conjunction();
  Expression negation();
  Expression comparison();
  Expression operand();
  Expression call(std::string_view function);
  Expression path();
  Expression alias();
  Value literal();
  void expansionOptions(Options& options);

  // Counts nesting for as long as it lives.
  struct Nesting {
    explicit Nesting(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMaxDepth) parser_.failHere();
    }
    ~Nesting() { --parser_.depth_; }
    Parser& parser_;
  };

  const Aliases& aliases_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool failed_ = false;
};

std::string Parser::name() {
  if (failed_ || peek().type != TokenType::kName || peek().name.front() == '$' ||
      peek().name.front() == '@') {
    failHere();
    return {};
  }
  std::string taken(peek().name);
  advance();
  return taken;
}

Expression make(Operator op, Expression left, Expression right) {
  Expression made;
  made.op = op;
  made.arguments.push_back(std::move(left));
  made.arguments.push_back(std::move(right));
  return made;
}

Expression Parser::disjunction() {
  const Nesting nesting(*this);
  if (failed_) return {};
  Expression left = conjunction();
  while (takeName("or")) left = make(Operator::kOr, std::move(left), conjunction());
  return left;
}

Expression Parser::conjunction() {
  Expression left = negation();
  while (takeName("and")) left = make(Operator::kAnd, std::move(left), negation());
  return left;
}

Expression Parser::negation() {
  const Nesting nesting(*this);
  if (failed_ || !takeName("not")) return comparison();
  Expression made;
  made.op = Operator::kNot;
  made.arguments.push_back(negation());
  return made;
}

Expression Parser::comparison() {
  static constexpr std::pair<std::string_view, Operator> kOperators[] = {
      {"eq", Operator::kEqual},   {"ne", Operator::kNotEqual},
      {"lt", Operator::kLess},    {"le", Operator::kLessOrEqual},
      {"gt", Operator::kGreater}, {"ge", Operator::kGreaterOrEqual},
  };
  Expression left = operand();
  for (const auto& [word, op] : kOperators) {
    if (takeName(word)) return make(op, std::move(left), operand());
  }
  if (!takeName("in")) return left;
  Expression made;
  made.op = Operator::kIn;
  made.arguments.push_back(std::move(left));
  expectSymbol("(");
  do {
    made.arguments.push_back(operand());
  } while (!failed_ && takeSymbol(","));
  expectSymbol(")");
  return made;
}

Value Parser::literal() {
  const Token token = peek();
  advance();
  switch (token.type) {
    case TokenType::kText:
      return makeText(token.text);
    case TokenType::kInteger:
      return token.number;
    case TokenType::kTime:
      return token.time;
    case TokenType::kName:
      if (token.name == "true") return true;
      if (token.name == "false") return false;
      if (token.name == "null") return {};
      break;
    case TokenType::kSymbol:
    case TokenType::kEnd:
      break;
  }
  failHere();
  return {};
}

Expression Parser::alias() {
  const auto found = aliases_.find(peek().name);
  advance();
  Expression made;
  if (found == aliases_.end()) {
    failHere();
    return made;
  }
  Parser nested(found->second, aliases_, depth_ + 1);
  if (nested.failed_) {
    failHere();
    return made;
  }
  made.literal = nested.literal();
  if (!nested.done()) failHere();
  return made;
}

Expression Parser::operand() {
  const Nesting nesting(*this);
  if (failed_) return {};
  if (takeSymbol("(")) {
    Expression inner = disjunction();
    expectSymbol(")");
    return inner;
  }
  const Token& token = peek();
  if (token.type != TokenType::kName || token.name == "true" || token.name == "false" ||
      token.name == "null") {
    Expression made;
    made.literal = literal();
    return made;
  }
  if (token.name.front() == '@') return alias();
  const Token& next = tokens_[at_ + 1];
  if (next.type == TokenType::kSymbol && next.name == "(") return call(token.name);
  return path();
}

Expression Parser::call(std::string_view function) {
  static constexpr std::pair<std::string_view, Function> kFunctions[] = {
      {"startswith", Function::kStartsWith}, {"endswith", Function::kEndsWith},
      {"contains", Function::kContains},     {"tolower", Function::kToLower},
      {"toupper", Function::kToUpper},       {"length", Function::kLength},
  };
  Expression made;
  made.op = Operator::kCall;
  bool known = false;
  for (const auto& [word, which] : kFunctions) {
    if (word != function) continue;
    made.function = which;
    known = true;
  }
  if (!known) failHere();
  advance();
  expectSymbol("(");
  do {
    made.arguments.push_back(disjunction());
  } while (!failed_ && takeSymbol(","));
  expectSymbol(")");
  const std::size_t wanted = made.function == Function::kToLower ||
                                     made.function == Function::kToUpper ||
                                     made.function == Function::kLength
                                 ? 1
                                 : 2;
  if (made.arguments.size() != wanted) failHere();
  return made;
}

Expression Parser::path() {
  Expression made;
  made.op = Operator::kPath;
  made.names.push_back(name());
  while (!failed_ && takeSymbol("/")) {
    if (takeName("$count")) {
      made.op = Operator::kCount;
      if (isSymbol("(")) failHere();
      return made;
    }
    const bool any = isName("any");
    if (any || isName("all")) {
      const Token& next = tokens_[at_ + 1];
      if (next.type == TokenType::kSymbol && next.name == "(") {
        advance();
        advance();
        made.op = any ? Operator::kAny : Operator::kAll;
        made.variable = name();
        expectSymbol(":");
        made.arguments.push_back(disjunction());
        expectSymbol(")");
        return made;
      }
    }
    made.names.push_back(name());
  }
  return made;
}

std::vector<std::string> Parser::select() {
  std::vector<std::string> names;
  if (takeSymbol("*")) return names;
  do {
    names.push_back(name());
  } while (!failed_ && takeSymbol(","));
  return names;
}

std::vector<OrderKey> Parser::orderBy() {
  std::vector<OrderKey> keys;
  do {
    OrderKey& key = keys.emplace_back();
    key.path = path();
    if (takeName("desc")) {
      key.descending = true;
    } else {
      takeName("asc");
    }
  } while (!failed_ && takeSymbol(","));
  return keys;
}

std::int64_t Parser::count() {
  if (failed_ || peek().type != TokenType::kInteger || peek().number < 0) {
    failHere();
    return 0;
  }
  const std::int64_t number = peek().number;
  advance();
  return number;
}

std::vector<Expansion> Parser::expand() {
  const Nesting nesting(*this);
  std::vector<Expansion> expansions;
  if (failed_) return expansions;
  do {
    Expansion& expansion = expansions.emplace_back();
    expansion.name = name();
    if (takeSymbol("/")) {
      expansion.count = true;
      if (!takeName("$count")) failHere();
    }
    if (takeSymbol("(")) {
      do {
        expansionOptions(expansion.options);
      } while (!failed_ && takeSymbol(";"));
      expectSymbol(")");
    }
  } while (!failed_ && takeSymbol(","));
  return expansions;
}

void Parser::expansionOptions(Options& options) {
  const std::string_view option = peek().type == TokenType::kName ? peek().name : "";
  advance();
  expectSymbol("=");
  if (failed_) return;
  if (option == "$select") {
    options.select = select();
  } else if (option == "$filter") {
    options.filter = disjunction();
  } else if (option == "$orderby") {
    options.orderBy = orderBy();
  } else if (option == "$top") {
    options.top = count();
  } else if (option == "$skip") {
    options.skip = count();
  } else if (option == "$expand") {
    options.expand = expand();
  } else {
    failHere();
  }
}

Target Parser::target() {
  Target made;
  made.resource = name();
  if (takeSymbol("(")) {
    if (peek().type == TokenType::kName && peek().name.front() != '@') {
      do {
        std::string field = name();
        expectSymbol("=");
        if (failed_) return made;
        made.key.emplace_back(std::move(field), operand().literal);
      } while (takeSymbol(","));
    } else {
      const Expression key = operand();
      if (key.op != Operator::kLiteral) failHere();
      made.key.emplace_back("", key.literal);
    }
    expectSymbol(")");
  }
  while (!failed_ && takeSymbol("/")) {
    if (made.count) failHere();
    if (takeName("$count")) {
      made.count = true;
    } else {
      if (made.key.empty() || !made.navigation.empty()) failHere();
      made.navigation = name();
    }
  }
  return made;
}

// Decodes a path, in which only what stands between quotes may hide its punctuation.
std::optional<std::string> decodePath(std::string_view path) {
  std::string decoded;
  decoded.reserve(path.size());
  bool quoted = false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    const bool encoded = c == '%';
    if (encoded) {
      const auto byte = fromHex(path.substr(i + 1, 2));
      if (!byte || byte->size() != 1) return std::nullopt;
      c = static_cast<char>((*byte)[0]);
      i += 2;
    }
    if (c == '\'') {
      quoted = !quoted;
    } else if (encoded && !quoted && std::string_view("(),=/").find(c) != std::string_view::npos) {
      return std::nullopt;
    }
    decoded += c;
  }
  return decoded;
}

}  // namespace

std::optional<Target> parseTarget(std::string_view path) {
  const auto decoded = decodePath(path);
  if (!decoded) return std::nullopt;
  const Aliases none;
  Parser parser(*decoded, none);
  auto target = parser.done() ? Target{} : parser.target();
  if (!parser.done() || target.resource.empty()) return std::nullopt;
  return target;
}

std::map<std::string, std::string, std::less<>> splitQuery(std::string_view query) {
  std::map<std::string, std::string, std::less<>> options;
  if (query.empty()) return options;
  for (const auto part : split(query, '&')) {
    const auto equals = part.find('=');
    auto name = percentDecode(part.substr(0, equals), true);
    auto value = percentDecode(
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1), true);
    // What can't be decoded can't be an option; as a value it is no text of ours either.
    if (name && !name->empty()) options[std::move(*name)] = value ? std::move(*value) : "%";
  }
  return options;
}

std::optional<Options> parseOptions(std::string_view query) {
  const auto texts = splitQuery(query);
  Options options;
  for (const auto& [name, text] : texts) {
    if (name.front() != '$' || name == "$count" || name == "$inlinecount" || name == "$format") {
      continue;
    }
    Parser parser(text, texts);
    if (name == "$select") {
      options.select = parser.select();
    } else if (name == "$filter") {
      options.filter = parser.filter();
    } else if (name == "$orderby") {
      options.orderBy = parser.orderBy();
    } else if (name == "$top") {
      options.top = parser.count();
    } else if (name == "$skip") {
      options.skip = parser.count();
    } else if (name == "$expand") {
      options.expand = parser.expand();
    } else {
      return std::nullopt;
    }
    if (!parser.done()) return std::nullopt;
  }
  return options;
}

}  // namespace bco::sandbox::odata
