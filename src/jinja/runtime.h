// What one rendering spends and owns: its steps, its objects, its clock. Every builtin gets it.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include "jinja/limits.h"
#include "jinja/object.h"
#include "jinja/value.h"

namespace sparrow::jinja {

class Runtime {
 public:
  // `input_weight` is what the variables weigh together; `now` is what strftime_now tells.
  Runtime(const Limits& limits, int64_t input_weight, const std::tm& now);

  const Limits& limits() const { return limits_; }
  const std::tm& now() const { return now_; }

  // Throws once the fuel is spent.
  void spend(int64_t steps) {
    fuel_ -= steps;
    if (fuel_ < 0) fail_out_of_fuel();
  }
  // For text about to be made: throws where it is longer than any may be.
  void spend_text(size_t bytes);

  Value make_string(Text text, bool is_markup = false);
  Value make_string(std::string text) { return make_string(Text(std::move(text), false)); }
  Value make_strings(std::vector<Text> texts, bool is_markup = false);  // a list
  Value make_list(std::vector<Value> items);
  Value make_tuple(std::vector<Value> items);
  Value make_dict(std::vector<DictEntry> entries);

  template <typename T, typename... Args>
  T* make(Args&&... args) {
    spend(kObjectCost);
    auto object = std::make_unique<T>(std::forward<Args>(args)...);
    T* const pointer = object.get();
    objects_.push_back(std::move(object));
    return pointer;
  }

  // str(value).
  Text text_of(const Value& value);

  // All items of something iterable (an iterator is used up); throws for anything else.
  std::vector<Value> items_of(const Value& value);

 private:
  static constexpr int64_t kObjectCost = 50;
  static constexpr int64_t kStringCost = 4;
  static constexpr int64_t kContainerCost = 4;

  [[noreturn]] void fail_out_of_fuel() const;

  const Limits limits_;
  const std::tm now_;
  int64_t fuel_;
  std::vector<std::unique_ptr<Object>> objects_;
};

// len(value): characters, items, entries; empty where Python has no length.
std::optional<int64_t> length_of(const Value& value);
bool is_iterable(const Value& value);
// `item in container`. The caller has paid for both.
bool contains(Runtime& runtime, const Value& container, const Value& item);

}  // namespace sparrow::jinja
