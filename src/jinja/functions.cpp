// The functions that every template can call.
#include <clocale>
#include <ctime>

#include "base/error.h"
#include "jinja/builtins.h"

namespace sparrow::jinja {
namespace {

using Arguments = BoundArguments;

Value range(Runtime& runtime, Arguments& arguments) {
  const std::vector<Value>& given = arguments.all().positional;
  if (given.empty() || given.size() > 3 || !arguments.all().named.empty()) {
    fail(ErrorCode::invalid_argument, "range takes one to three integers");
  }
  const int64_t first = small_integer(given[0]);
  const int64_t start = given.size() == 1 ? 0 : first;
  const int64_t stop = given.size() == 1 ? first : small_integer(given[1]);
  const int64_t step = given.size() == 3 ? small_integer(given[2]) : 1;
  if (step == 0) fail(ErrorCode::invalid_argument, "range() arg 3 must not be zero");
  Range* result = runtime.make<Range>(start, stop, step);
  if (result->count > runtime.limits().range) {
    fail(ErrorCode::invalid_argument, "a range of {} numbers; at most {} are allowed",
         result->count, runtime.limits().range);
  }
  return Value::object(result);
}

// What dict(…) and namespace(…) are made of: a mapping or pairs, and names.
std::vector<DictEntry> entries_of(Runtime& runtime, std::string_view what, CallArguments& given) {
  std::vector<DictEntry> entries;
  if (given.positional.size() > 1) {
    fail(ErrorCode::invalid_argument, "{} expected at most 1 argument, got {}", what,
         given.positional.size());
  }
  if (!given.positional.empty()) {
    const Value& source = given.positional[0];
    if (source.is(Kind::dict)) {
      entries = source.as_dict().entries();
    } else {
      for (const Value& pair : runtime.items_of(source)) {
        std::vector<Value> parts = runtime.items_of(pair);
        if (parts.size() != 2)
          fail(ErrorCode::invalid_argument, "{} wants pairs, got {} values", what, parts.size());
        entries.push_back({std::move(parts[0]), std::move(parts[1])});
      }
    }
  }
  // The names stand in the template.
  for (auto& [name, value] : given.named)
    entries.push_back({Value::string(name, true), std::move(value)});
  runtime.spend(2 * static_cast<int64_t>(entries.size()));
  return entries;
}

Value dict(Runtime& runtime, Arguments& arguments) {
  return runtime.make_dict(entries_of(runtime, "dict", arguments.all()));
}

Value make_namespace(Runtime& runtime, Arguments& arguments) {
  Namespace* result = runtime.make<Namespace>();
  for (DictEntry& entry : entries_of(runtime, "namespace", arguments.all())) {
    result->set(entry.key, std::move(entry.value));
  }
  return Value::object(result);
}

Value cycler(Runtime& runtime, Arguments& arguments) {
  CallArguments& all = arguments.all();
  if (all.positional.empty())
    fail(ErrorCode::invalid_argument, "at least one item has to be provided");
  return Value::object(runtime.make<Cycler>(std::move(all.positional)));
}

Value joiner(Runtime& runtime, Arguments& arguments) {
  return Value::object(
      runtime.make<Joiner>(arguments.has(0) ? arguments[0] : Value::string(", ", true)));
}

Value raise_exception(Runtime& runtime, Arguments& arguments) {
  fail(ErrorCode::invalid_argument, "{}", runtime.text_of(arguments[0]).view());
}

// Python adds %f to what the C library knows, and a time without a zone prints none.
std::string c_format(std::string_view format) {
  std::string result;
  for (size_t i = 0; i < format.size(); ++i) {
    const std::string_view directive = format.substr(i, 2);
    if (directive == "%f") {
      result += "000000";  // the clock here ticks in seconds
    } else if (directive != "%z" && directive != "%Z") {
      result += directive.starts_with('%') ? directive : format.substr(i, 1);
    }
    if (directive.starts_with('%')) ++i;
  }
  return result;
}

// Dates in English, whatever the machine speaks.
Value strftime_now(Runtime& runtime, Arguments& arguments) {
  constexpr size_t kFormatBytes = 1024;
  const std::string format = c_format(arguments.text(0).view());
  if (format.size() > kFormatBytes || format.find('\0') != std::string::npos) {
    fail(ErrorCode::invalid_argument, "a date format of {} bytes; at most {} are taken",
         format.size(), kFormatBytes);
  }
  if (format.empty()) return runtime.make_string(std::string());
  struct Locale {
    locale_t english = newlocale(LC_ALL_MASK, "C", nullptr);
    ~Locale() { freelocale(english); }
  } locale;
  std::string text(64 * kFormatBytes, '\0');
  text.resize(strftime_l(text.data(), text.size(), format.c_str(), &runtime.now(), locale.english));
  return runtime.make_string(std::move(text));
}

Value lipsum(Runtime&, Arguments&) {
  fail(ErrorCode::invalid_argument, "lipsum() is not supported");
}

constexpr Signature kOpen = {.is_open = true};
constexpr Function kFunctions[] = {
    {"cycler", kOpen, cycler},
    {"dict", kOpen, dict},
    {"joiner", {{"sep"}}, joiner},
    {"lipsum", kOpen, lipsum},
    {"namespace", kOpen, make_namespace},
    {"raise_exception", {{"message"}, 1}, raise_exception},
    {"range", kOpen, range},
    {"strftime_now", {{"format"}, 1}, strftime_now},
};

}  // namespace

std::span<const Function> global_functions() { return kFunctions; }

}  // namespace sparrow::jinja
