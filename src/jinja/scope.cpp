#include "jinja/scope.h"

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/error.h"
#include "jinja/ast_walk.h"

namespace sparrow::jinja {
namespace {

using Load = SlotInfo::Load;

[[noreturn]] void fail_at(Location at, std::string_view message) {
  throw Error(ErrorCode::invalid_file, located(at, message));
}

// The names of one frame while they are collected, and once they are numbered. A branch of an if
// has a scope of its own that stands before its frame's until both are merged.
class Scope {
 public:
  explicit Scope(const Scope* parent) : parent_(parent) {}
  static Scope branch_of(const Scope& before) {
    Scope branch(before.parent_);
    branch.before_ = &before;
    return branch;
  }

  void declare_parameter(const std::string& name) {
    stores_.insert(name);
    names_[name].load = Load::parameter;
  }

  void load(const std::string& name) {
    if (!knows(name)) names_[name].load = Load::resolve;
  }

  void store(const std::string& name) {
    stores_.insert(name);
    if (is_in_frame(name)) return;
    names_[name].load = is_outside(name) ? Load::alias : Load::missing;
  }

  // What the branches of an if did. A name that only some of them set begins as what it was
  // outside.
  void merge(std::initializer_list<const Scope*> branches) {
    std::set<std::string> newly_stored;
    for (const Scope* branch : branches) {
      for (const std::string& name : branch->stores_) {
        if (!is_stored(name)) newly_stored.insert(name);
      }
    }
    for (const Scope* branch : branches) {
      for (const auto& [name, entry] : branch->names_) names_[name] = entry;
      stores_.insert(branch->stores_.begin(), branch->stores_.end());
    }
    for (const std::string& name : newly_stored) {
      names_[name].load = is_outside(name) ? Load::alias : Load::resolve;
    }
  }

  bool knows(const std::string& name) const { return is_in_frame(name) || is_outside(name); }

  // Only after layout().
  Slot slot(const std::string& name) const {
    const auto own = names_.find(name);
    if (own != names_.end()) return {0, own->second.index};
    Slot outer = parent_->slot(name);
    ++outer.frames_out;
    return outer;
  }

  FrameLayout layout() {
    FrameLayout layout;
    for (auto& [name, entry] : names_) {
      entry.index = static_cast<int32_t>(layout.slots.size());
      SlotInfo info{name, entry.load, {}};
      if (entry.load == Load::alias) {
        info.outer = parent_->slot(name);
        ++info.outer.frames_out;
      }
      layout.slots.push_back(std::move(info));
    }
    return layout;
  }

 private:
  struct Entry {
    Load load = Load::missing;
    int32_t index = 0;
  };

  bool is_in_frame(const std::string& name) const {
    return names_.contains(name) || (before_ != nullptr && before_->is_in_frame(name));
  }
  bool is_stored(const std::string& name) const {
    return stores_.contains(name) || (before_ != nullptr && before_->is_stored(name));
  }
  bool is_outside(const std::string& name) const {
    return parent_ != nullptr && parent_->knows(name);
  }

  const Scope* parent_;            // the frame around this one
  const Scope* before_ = nullptr;  // of a branch: its frame as it was before the if
  std::map<std::string, Entry> names_;
  std::set<std::string> stores_;
};

// ---- First pass: the names of one frame, not of those inside it

class Collector {
 public:
  explicit Collector(Scope& scope) : scope_(&scope) {}

  void body(Body& body) {
    for (Statement& statement : body) std::visit([&](auto& node) { visit(node); }, statement.node);
  }

  void expression(Expression& expression) {
    if (const Name* name = std::get_if<Name>(&expression.node)) scope_->load(name->name);
    for_each_child(expression, [&](Expression& child) { this->expression(child); });
  }

  void target(const Target& target, bool is_parameter) {
    if (target.is_tuple) {
      for (const Target& item : target.items) this->target(item, is_parameter);
    } else if (!target.attribute.empty()) {
      scope_->load(target.name);
    } else if (is_parameter) {
      scope_->declare_parameter(target.name);
    } else {
      scope_->store(target.name);
    }
  }

 private:
  void visit(Print& node) {
    for (ExpressionPointer& value : node.values) expression(*value);
  }
  void visit(ForLoop& node) { expression(*node.iterable); }
  void visit(If& node) {
    expression(*node.branches[0].first);
    Scope* outer = scope_;
    const auto branch = [&](auto fill) {
      Scope own = Scope::branch_of(*outer);
      scope_ = &own;
      fill();
      scope_ = outer;
      return own;
    };
    const Scope first = branch([&] { body(node.branches[0].second); });
    const Scope elifs = branch([&] {
      for (size_t i = 1; i < node.branches.size(); ++i) visit_elif(node.branches[i]);
    });
    const Scope otherwise = branch([&] { body(node.otherwise); });
    outer->merge({&first, &elifs, &otherwise});
  }
  void visit_elif(std::pair<ExpressionPointer, Body>& branch) {
    expression(*branch.first);
    Scope* outer = scope_;
    Scope own = Scope::branch_of(*outer);
    scope_ = &own;
    body(branch.second);
    scope_ = outer;
    outer->merge({&own});
  }
  void visit(Set& node) {
    expression(*node.value);
    target(node.target, false);
  }
  void visit(SetBlock& node) { target(node.target, false); }
  void visit(Macro& node) { scope_->store(node.name.name); }
  void visit(CallBlock& node) {
    if (node.call != nullptr) expression(*node.call);
  }
  void visit(FilterBlock& node) { expression(*node.filter); }
  void visit(With& node) {
    for (auto& [target, value] : node.variables) expression(*value);
  }
  void visit(Data&) {}
  void visit(Block&) {}
  void visit(Break&) {}
  void visit(Continue&) {}
  void visit(Unsupported&) {}

  Scope* scope_;
};

// ---- Which of some names a body reads before it declares them, however deep

class UndeclaredFinder {
 public:
  explicit UndeclaredFinder(std::set<std::string> names) : names_(std::move(names)) {}

  std::set<std::string> find(Body& body) {
    this->body(body);
    return std::move(found_);
  }

 private:
  void body(Body& body) {
    for (Statement& statement : body) std::visit([&](auto& node) { visit(node); }, statement.node);
  }
  void expression(Expression& expression) {
    if (const Name* name = std::get_if<Name>(&expression.node)) {
      if (names_.contains(name->name)) found_.insert(name->name);
    }
    for_each_child(expression, [&](Expression& child) { this->expression(child); });
  }
  void maybe(ExpressionPointer& pointer) {
    if (pointer != nullptr) expression(*pointer);
  }
  void target(const Target& target) {
    for (const Target& item : target.items) this->target(item);
    if (target.attribute.empty()) names_.erase(target.name);
  }
  void macro(MacroBody& macro) {
    for (const Parameter& parameter : macro.parameters) names_.erase(parameter.name);
    for (Parameter& parameter : macro.parameters) maybe(parameter.otherwise);
    body(macro.body);
  }
  void visit(Print& node) {
    for (ExpressionPointer& value : node.values) expression(*value);
  }
  void visit(ForLoop& node) {
    target(node.target);
    expression(*node.iterable);
    body(node.body);
    body(node.otherwise);
    maybe(node.test);
  }
  void visit(If& node) {
    for (auto& [test, branch] : node.branches) {
      expression(*test);
      body(branch);
    }
    body(node.otherwise);
  }
  void visit(Set& node) {
    target(node.target);
    expression(*node.value);
  }
  void visit(SetBlock& node) {
    target(node.target);
    maybe(node.filter);
    body(node.body);
  }
  void visit(Macro& node) { macro(node.macro); }
  void visit(CallBlock& node) {
    maybe(node.call);
    macro(node.macro);
  }
  void visit(FilterBlock& node) {
    body(node.body);
    maybe(node.filter);
  }
  void visit(With& node) {
    for (auto& [target, value] : node.variables) this->target(target);
    for (auto& [target, value] : node.variables) expression(*value);
    body(node.body);
  }
  void visit(Data&) {}
  void visit(Block&) {}
  void visit(Break&) {}
  void visit(Continue&) {}
  void visit(Unsupported&) {}

  std::set<std::string> names_;
  std::set<std::string> found_;
};

// ---- Second pass: every name gets its slot, every inner frame its names

class Binder {
 public:
  FrameLayout run(Body& body) {
    Scope root(nullptr);
    Collector(root).body(body);
    FrameLayout layout = root.layout();
    root_ = &root;
    in_frame(root, [&] { this->body(body, false); });
    return layout;
  }

 private:
  template <typename Fill>
  void in_frame(Scope& scope, Fill fill) {
    Scope* outer = scope_;
    scope_ = &scope;
    fill();
    scope_ = outer;
  }

  // `is_soft`: directly inside an if, where an unknown filter only matters if it is reached.
  void body(Body& body, bool is_soft) {
    for (Statement& statement : body) {
      std::visit([&](auto& node) { visit(node, statement.at, is_soft); }, statement.node);
    }
  }

  void expression(Expression& expression, bool is_soft) {
    if (Name* name = std::get_if<Name>(&expression.node)) name->slot = scope_->slot(name->name);
    const FilterCall* filter = std::get_if<FilterCall>(&expression.node);
    if (filter != nullptr && filter->filter == nullptr && !is_soft) {
      fail_at(expression.at, fmt::format("no filter named '{}'", filter->name));
    }
    const TestCall* test = std::get_if<TestCall>(&expression.node);
    if (test != nullptr && test->test == nullptr && !is_soft) {
      fail_at(expression.at, fmt::format("no test named '{}'", test->name));
    }
    const bool is_conditional = std::holds_alternative<Conditional>(expression.node);
    for_each_child(expression,
                   [&](Expression& child) { this->expression(child, is_soft || is_conditional); });
  }
  void maybe(ExpressionPointer& pointer, bool is_soft) {
    if (pointer != nullptr) expression(*pointer, is_soft);
  }

  void target(Target& target) {
    if (target.is_tuple) {
      for (Target& item : target.items) this->target(item);
      return;
    }
    if (target.name == "loop" && target.attribute.empty() && loops_ > 0) {
      fail_at(target.at, "can't assign to the special variable 'loop' inside a loop");
    }
    target.slot = scope_->slot(target.name);
  }

  void visit(Print& node, Location, bool is_soft) {
    for (ExpressionPointer& value : node.values) expression(*value, is_soft);
  }

  void visit(ForLoop& node, Location, bool is_soft) {
    ++loops_;
    expression(*node.iterable, is_soft);
    bind_loop_body(node);
    if (node.test != nullptr) {
      Scope scope(scope_);
      Collector collector(scope);
      collector.target(node.test_target, true);
      collector.expression(*node.test);
      node.test_frame = scope.layout();
      in_frame(scope, [&] {
        target(node.test_target);
        expression(*node.test, false);
      });
    }
    if (!node.otherwise.empty()) {
      Scope scope(scope_);
      Collector(scope).body(node.otherwise);
      node.otherwise_frame = scope.layout();
      in_frame(scope, [&] { body(node.otherwise, false); });
    }
    --loops_;
  }

  void bind_loop_body(ForLoop& node) {
    Scope scope(scope_);
    node.has_loop_variable =
        node.is_recursive || !UndeclaredFinder({"loop"}).find(node.body).empty();
    if (node.has_loop_variable) scope.declare_parameter("loop");
    Collector collector(scope);
    collector.target(node.target, true);
    collector.body(node.body);
    node.frame = scope.layout();
    in_frame(scope, [&] {
      target(node.target);
      if (node.has_loop_variable) node.loop_slot = scope_->slot("loop");
      body(node.body, false);
    });
  }

  void visit(If& node, Location, bool) {
    for (auto& [test, branch] : node.branches) {
      expression(*test, true);
      body(branch, true);
    }
    body(node.otherwise, true);
  }

  void visit(Set& node, Location, bool is_soft) {
    expression(*node.value, is_soft);
    target(node.target);
  }

  void visit(SetBlock& node, Location, bool) {
    target(node.target);
    Scope scope(scope_);
    Collector collector(scope);
    collector.body(node.body);
    if (node.filter != nullptr) collector.expression(*node.filter);
    node.frame = scope.layout();
    in_frame(scope, [&] {
      body(node.body, false);
      maybe(node.filter, false);
    });
  }

  void visit(Macro& node, Location at, bool) {
    target(node.name);
    bind_macro(node.macro, at);
  }

  void visit(CallBlock& node, Location at, bool is_soft) {
    maybe(node.call, is_soft);
    bind_macro(node.macro, at);
  }

  void bind_macro(MacroBody& macro, Location at) {
    Scope scope(scope_);
    std::set<std::string> special =
        UndeclaredFinder({"caller", "kwargs", "varargs"}).find(macro.body);
    macro.uses_caller = special.contains("caller");
    for (const Parameter& parameter : macro.parameters) {
      scope.declare_parameter(parameter.name);
      if (special.erase(parameter.name) > 0 && parameter.name == "caller" &&
          parameter.otherwise == nullptr) {
        fail_at(at, "the special parameter 'caller' must be omitted or have a default");
      }
    }
    macro.uses_kwargs = special.contains("kwargs");
    macro.uses_varargs = special.contains("varargs");
    for (const std::string& name : special) scope.declare_parameter(name);
    Collector collector(scope);
    for (Parameter& parameter : macro.parameters) {
      if (parameter.otherwise != nullptr) collector.expression(*parameter.otherwise);
    }
    collector.body(macro.body);
    macro.frame = scope.layout();
    in_frame(scope, [&] {
      for (Parameter& parameter : macro.parameters) {
        parameter.slot = scope_->slot(parameter.name);
        maybe(parameter.otherwise, false);
      }
      if (macro.uses_caller) macro.caller_slot = scope_->slot("caller");
      if (macro.uses_kwargs) macro.kwargs_slot = scope_->slot("kwargs");
      if (macro.uses_varargs) macro.varargs_slot = scope_->slot("varargs");
      body(macro.body, false);
    });
  }

  void visit(FilterBlock& node, Location, bool) {
    Scope scope(scope_);
    Collector collector(scope);
    collector.body(node.body);
    collector.expression(*node.filter);
    node.frame = scope.layout();
    in_frame(scope, [&] {
      body(node.body, false);
      expression(*node.filter, false);
    });
  }

  void visit(With& node, Location, bool is_soft) {
    for (auto& [target, value] : node.variables) expression(*value, is_soft);
    Scope scope(scope_);
    Collector collector(scope);
    for (auto& [target, value] : node.variables) collector.target(target, true);
    collector.body(node.body);
    node.frame = scope.layout();
    in_frame(scope, [&] {
      for (auto& [target, value] : node.variables) this->target(target);
      body(node.body, false);
    });
  }

  void visit(Block& node, Location, bool) {
    Scope scope(node.is_scoped ? scope_ : root_);
    Collector(scope).body(node.body);
    node.frame = scope.layout();
    in_frame(scope, [&] { body(node.body, false); });
  }

  void visit(Data&, Location, bool) {}
  void visit(Break&, Location, bool) {}
  void visit(Continue&, Location, bool) {}
  void visit(Unsupported&, Location, bool) {}

  Scope* scope_ = nullptr;
  Scope* root_ = nullptr;
  int loops_ = 0;
};

}  // namespace

FrameLayout resolve_names(Body& body) { return Binder().run(body); }

}  // namespace sparrow::jinja
