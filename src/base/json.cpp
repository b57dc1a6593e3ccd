#include "base/json.h"

#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"

namespace sparrow {

namespace {

// What the parser says of a text can be as long as the text.
std::string beginning(std::string_view text) {
  constexpr size_t kShown = 200;
  if (text.size() <= kShown) return std::string(text);
  text = text.substr(0, kShown);
  text.remove_suffix(unfinished_utf8_bytes(text));
  return std::string(text) + "…";
}

// The number in quotation marks at the end of the parser's sentence.
std::string_view number_of(std::string_view text) {
  const size_t quote = text.find('\'');
  if (quote == std::string_view::npos) return text;
  text.remove_prefix(quote + 1);
  return text.substr(0, text.find('\''));
}

constexpr size_t kMostNumberChars = 64;
constexpr size_t kMostStringBytes = size_t{16} << 20;

// The parser does not show how a number was written, so this looks at the text beforehand.
void check_numbers(std::string_view text, std::string_view what, ErrorCode code) {
  bool is_in_string = false;
  size_t length = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_in_string) {
      if (c == '\\') ++i;
      if (c == '"') is_in_string = false;
      continue;
    }
    is_in_string = c == '"';
    const bool is_of_number =
        (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
    length = is_of_number ? length + 1 : 0;
    if (length > kMostNumberChars) {
      fail(code, "{} has a number of more than {} characters at byte {}", what, kMostNumberChars,
           i + 1 - kMostNumberChars);
    }
  }
}

// Takes the parser's events. Limits are checked on the way: what breaks them must never exist, not
// even to be destroyed. Of equal keys the last one's value stays, at the first one's place. The
// library's own way to build an ordered object looks at all its keys for each key that comes.
template <typename AnyJson>
class TreeBuilder : public nlohmann::json_sax<AnyJson> {
 public:
  TreeBuilder(std::string_view what, const JsonLimits& limits, ErrorCode code)
      : what_(what), limits_(limits), code_(code) {}
  AnyJson take() { return std::move(root_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(typename AnyJson::number_integer_t value) override { return put(value); }
  bool number_unsigned(typename AnyJson::number_unsigned_t value) override { return put(value); }
  bool number_float(typename AnyJson::number_float_t value, const std::string&) override {
    return put(value);
  }
  bool string(std::string& value) override {
    check_size(value);
    return put(std::move(value));
  }
  bool binary(typename AnyJson::binary_t&) override { return false; }  // not of JSON texts
  bool start_object(size_t) override { return open(AnyJson::object()); }
  bool end_object() override { return close(); }
  bool start_array(size_t) override { return open(AnyJson::array()); }
  bool end_array() override { return close(); }

  bool key(std::string& name) override {
    check_size(name);
    Open& open = open_.back();
    if (++open.key_count > limits_.object_keys)
      fail(code_, "{} has an object of more than {} keys", what_, limits_.object_keys);
    open.value = &value_of(open, std::move(name));
    return true;
  }

  bool parse_error(size_t byte, const std::string&,
                   const nlohmann::detail::exception& error) override {
    if (dynamic_cast<const nlohmann::detail::out_of_range*>(&error) != nullptr) {
      fail(code_, "{} holds a number beyond 64-bit floats: {}", what_,
           beginning(number_of(error.what())));
    }
    fail(code_, "{} is not valid JSON at byte {}: {}", what_, byte, beginning(error.what()));
  }

 private:
  using Object = typename AnyJson::object_t;
  struct Open {
    AnyJson* json;
    AnyJson* value = nullptr;  // of the last key
    size_t key_count = 0;
    std::unordered_map<std::string, size_t> places = {};  // of keys, once there are many
  };

  static AnyJson& value_of(Open& open, std::string name) {
    auto& object = open.json->template get_ref<Object&>();
    if constexpr (std::is_same_v<AnyJson, Json>) {
      constexpr size_t kMany = 32;
      if (object.size() < kMany) return object[std::move(name)];
      if (open.places.empty()) {
        for (const auto& [known, value] : object) open.places.emplace(known, open.places.size());
      }
      const auto [place, is_new] = open.places.try_emplace(name, object.size());
      if (is_new) object.emplace_back(std::move(name), nullptr);
      return object.data()[place->second].second;
    } else {
      return object[std::move(name)];
    }
  }

  AnyJson& place(AnyJson value) {
    if (open_.empty()) return root_ = std::move(value);
    Open& open = open_.back();
    if (open.json->is_object()) return *open.value = std::move(value);
    open.json->push_back(std::move(value));
    return open.json->back();
  }
  bool put(AnyJson value) {
    place(std::move(value));
    return true;
  }
  bool open(AnyJson container) {
    if (open_.size() >= limits_.depth)
      fail(code_, "{} nests JSON deeper than {} levels", what_, limits_.depth);
    open_.push_back({&place(std::move(container))});
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  void check_size(const std::string& text) {
    if (text.size() <= kMostStringBytes) return;
    fail(code_, "{} has a string of {} bytes; at most {} are taken", what_, text.size(),
         kMostStringBytes);
  }

  std::string_view what_;
  const JsonLimits& limits_;
  ErrorCode code_;
  AnyJson root_;
  std::vector<Open> open_;
};

template <typename AnyJson>
AnyJson parse_within(std::string_view text, std::string_view what, const JsonLimits& limits,
                     ErrorCode code) {
  if (text.size() > limits.size_bytes) {
    fail(code, "{} is {} bytes of JSON; at most {} are taken", what, text.size(),
         limits.size_bytes);
  }
  check_numbers(text, what, code);
  TreeBuilder<AnyJson> builder(what, limits, code);
  AnyJson::sax_parse(text, &builder);
  return builder.take();
}

}  // namespace

Json parse_json(std::string_view text, std::string_view what, JsonLimits limits) {
  return parse_within<Json>(text, what, limits, ErrorCode::invalid_argument);
}

TreeJson parse_tree_json(std::string_view text, std::string_view what, JsonLimits limits) {
  limits.object_keys = SIZE_MAX;
  return parse_within<TreeJson>(text, what, limits, ErrorCode::invalid_file);
}

}  // namespace sparrow
