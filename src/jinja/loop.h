// The `loop` of a for loop: where it is, and the items before and behind.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "jinja/ast.h"
#include "jinja/object.h"

namespace sparrow::jinja {

struct Frame;

class Loop final : public Object {
 public:
  // `passes` is the test of `for … if …`, asked no earlier than it must be: a body may change what
  // it says. `depth` counts recursive loops inside each other, from 1.
  Loop(std::vector<Value> items, std::function<bool(const Value&)> passes, int depth);

  std::string_view type_name() const override { return "LoopContext"; }
  bool is_callable() const override { return true; }
  std::optional<Value> attribute(std::string_view name) override;

  // Moves to the next item; false at the end.
  bool advance();
  const Value& current() const { return *current_; }
  // Gives back what only a running loop needs.
  void finish();

  Value cycle(const std::vector<Value>& values) const;
  bool changed(std::vector<Value> values);

  int depth() const { return depth_; }

  // Of a recursive loop, for loop(items): its statement and the scope around it.
  const ForLoop* recursive = nullptr;
  std::shared_ptr<Frame> outer;

 private:
  std::optional<Value> take();  // the next item that passes
  const std::optional<Value>& peek();
  int64_t length();

  std::vector<Value> items_;
  size_t next_ = 0;
  std::function<bool(const Value&)> passes_;
  const int depth_;
  int64_t index0_ = -1;
  std::optional<int64_t> length_;
  std::optional<Value> previous_, current_, after_;
  std::optional<std::vector<Value>> last_changed_;
};

}  // namespace sparrow::jinja
