#include "jinja/loop.h"

#include <algorithm>

#include "base/error.h"
#include "jinja/compare.h"

namespace sparrow::jinja {

Loop::Loop(std::vector<Value> items, std::function<bool(const Value&)> passes, int depth)
    : items_(std::move(items)), passes_(std::move(passes)), depth_(depth) {
  if (!passes_) length_ = static_cast<int64_t>(items_.size());
}

std::optional<Value> Loop::take() {
  while (next_ < items_.size()) {
    const Value& item = items_[next_++];
    if (!passes_ || passes_(item)) return item;
  }
  return std::nullopt;
}

const std::optional<Value>& Loop::peek() {
  if (!after_) after_ = take();
  return after_;
}

bool Loop::advance() {
  std::optional<Value> item = after_ ? std::exchange(after_, std::nullopt) : take();
  if (!item) return false;
  ++index0_;
  previous_ = std::exchange(current_, std::move(item));
  return true;
}

void Loop::finish() {
  items_ = {};
  next_ = 0;
  passes_ = nullptr;
  if (!length_) length_ = index0_ + 1;
  last_changed_.reset();
  outer.reset();
}

// With a test, only the test of every item tells how many there are.
int64_t Loop::length() {
  if (length_) return *length_;
  std::vector<Value> rest;
  while (std::optional<Value> item = take()) rest.push_back(std::move(*item));
  length_ = static_cast<int64_t>(rest.size()) + index0_ + 1 + (after_ ? 1 : 0);
  items_ = std::move(rest);
  next_ = 0;
  passes_ = nullptr;
  return *length_;
}

std::optional<Value> Loop::attribute(std::string_view name) {
  if (name == "index") return Value::integer(index0_ + 1);
  if (name == "index0") return Value::integer(index0_);
  if (name == "first") return Value::boolean(index0_ == 0);
  if (name == "last") return Value::boolean(!peek().has_value());
  if (name == "length") return Value::integer(length());
  if (name == "revindex") return Value::integer(length() - index0_);
  if (name == "revindex0") return Value::integer(length() - index0_ - 1);
  if (name == "depth") return Value::integer(depth_);
  if (name == "depth0") return Value::integer(depth_ - 1);
  if (name == "previtem")
    return index0_ > 0 ? *previous_ : Value::undefined("there is no previous item");
  if (name == "nextitem") return peek() ? *after_ : Value::undefined("there is no next item");
  return std::nullopt;
}

Value Loop::cycle(const std::vector<Value>& values) const {
  if (values.empty()) fail(ErrorCode::invalid_argument, "no items for cycling given");
  return values[static_cast<size_t>(std::max<int64_t>(index0_, 0)) % values.size()];
}

bool Loop::changed(std::vector<Value> values) {
  const bool is_same = last_changed_ && std::equal(last_changed_->begin(), last_changed_->end(),
                                                   values.begin(), values.end(), equals);
  if (!is_same) last_changed_ = std::move(values);
  return !is_same;
}

}  // namespace sparrow::jinja
