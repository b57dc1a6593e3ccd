#include "jinja/compare.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "jinja/object.h"

namespace sparrow::jinja {
namespace {

std::partial_ordering compare_exactly(Integer left, double right) {
  constexpr double kIntegerEnd = 0x1p127;
  if (std::isnan(right)) return std::partial_ordering::unordered;
  if (right >= kIntegerEnd) return std::partial_ordering::less;
  if (right < -kIntegerEnd) return std::partial_ordering::greater;
  const Integer whole = static_cast<Integer>(right);
  if (left != whole)
    return left < whole ? std::partial_ordering::less : std::partial_ordering::greater;
  return 0.0 <=> right - static_cast<double>(whole);
}

std::partial_ordering flip(std::partial_ordering order) { return 0 <=> order; }

bool equal_dicts(const Dict& left, const Dict& right) {
  if (left.entries().size() != right.entries().size()) return false;
  return std::all_of(left.entries().begin(), left.entries().end(), [&](const DictEntry& entry) {
    const Value* other = right.find(entry.key);
    return other != nullptr && equals(entry.value, *other);
  });
}

bool equal_objects(const Object* left, const Object* right) {
  if (left == right) return true;
  const auto* a = dynamic_cast<const Range*>(left);
  const auto* b = dynamic_cast<const Range*>(right);
  if (a == nullptr || b == nullptr || a->count != b->count) return false;
  if (a->count == 0) return true;
  return a->start == b->start && (a->count == 1 || a->step == b->step);
}

// Kinds apart, all numbers together, NaN behind them.
int rank(const Value& key) {
  if (key.is(Kind::real) && std::isnan(key.as_real())) return 2;
  if (key.is_number()) return 1;
  return key.is_none() ? 0 : 3 + static_cast<int>(key.kind());
}

int sign(std::partial_ordering order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

}  // namespace

std::partial_ordering compare_numbers(const Value& left, const Value& right) {
  if (left.is(Kind::real)) {
    if (right.is(Kind::real)) return left.as_real() <=> right.as_real();
    return flip(compare_exactly(right.as_integer(), left.as_real()));
  }
  if (right.is(Kind::real)) return compare_exactly(left.as_integer(), right.as_real());
  const Integer a = left.as_integer();
  const Integer b = right.as_integer();
  return a < b   ? std::partial_ordering::less
         : a > b ? std::partial_ordering::greater
                 : std::partial_ordering::equivalent;
}

bool equals(const Value& left, const Value& right) {
  if (left.is_number() && right.is_number()) return compare_numbers(left, right) == 0;
  if (left.kind() != right.kind()) return false;
  switch (left.kind()) {
    case Kind::undefined:
    case Kind::none:
      return true;
    case Kind::string:
      return left.as_view() == right.as_view();
    case Kind::list:
    case Kind::tuple:
      return left.is_same_as(right) ||
             std::equal(left.items().begin(), left.items().end(), right.items().begin(),
                        right.items().end(), equals);
    case Kind::dict:
      return left.is_same_as(right) || equal_dicts(left.as_dict(), right.as_dict());
    default:
      return equal_objects(left.as_object(), right.as_object());
  }
}

std::partial_ordering order(const Value& left, const Value& right, std::string_view symbol) {
  if (left.is_undefined()) fail(ErrorCode::invalid_argument, "{}", left.undefined_reason());
  if (right.is_undefined()) fail(ErrorCode::invalid_argument, "{}", right.undefined_reason());
  if (left.is_number() && right.is_number()) return compare_numbers(left, right);
  if (left.is_string() && right.is_string()) return left.as_view() <=> right.as_view();
  if (left.is_sequence() && left.kind() == right.kind()) {
    const std::vector<Value>& a = left.items();
    const std::vector<Value>& b = right.items();
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
      if (!equals(a[i], b[i])) return order(a[i], b[i], symbol);
    }
    return a.size() <=> b.size();
  }
  fail(ErrorCode::invalid_argument, "'{}' not supported between instances of '{}' and '{}'", symbol,
       type_name(left), type_name(right));
}

int compare_keys(const Value& left, const Value& right) {
  const int left_rank = rank(left);
  const int right_rank = rank(right);
  if (left_rank != right_rank) return left_rank < right_rank ? -1 : 1;
  if (left_rank == 1) return sign(compare_numbers(left, right));
  if (left.is_string()) return left.as_view().compare(right.as_view());
  if (left.is(Kind::tuple)) {
    const std::vector<Value>& a = left.items();
    const std::vector<Value>& b = right.items();
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
      if (const int difference = compare_keys(a[i], b[i]); difference != 0) return difference;
    }
    return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
  }
  if (left.is(Kind::object)) {
    return std::less<>()(left.as_object(), right.as_object()) ? -1
           : left.as_object() == right.as_object()            ? 0
                                                              : 1;
  }
  return 0;
}

int compare_key(const Value& left, std::string_view right) {
  if (left.is_string()) return left.as_view().compare(right);
  return rank(left) < 3 + static_cast<int>(Kind::string) ? -1 : 1;
}

}  // namespace sparrow::jinja
