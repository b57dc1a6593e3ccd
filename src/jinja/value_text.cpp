#include "jinja/value_text.h"

#include "base/error.h"
#include "jinja/characters.h"
#include "jinja/limits.h"
#include "jinja/number_text.h"
#include "jinja/object.h"

namespace sparrow::jinja {
namespace {

void append_escape(std::string& out, char32_t code) {
  if (code >= kInvalidByte) {
    out += fmt::format("\\udc{:02x}", static_cast<uint32_t>(code - kInvalidByte));
  } else if (code < 0x100) {
    out += fmt::format("\\x{:02x}", static_cast<uint32_t>(code));
  } else if (code < 0x10000) {
    out += fmt::format("\\u{:04x}", static_cast<uint32_t>(code));
  } else {
    out += fmt::format("\\U{:08x}", static_cast<uint32_t>(code));
  }
}

// repr of one value and of what is inside it.
class ReprWriter {
 public:
  ReprWriter(size_t size_limit, bool ascii_only)
      : size_limit_(size_limit), ascii_only_(ascii_only) {}

  std::string take() { return std::move(out_); }

  void write(const Value& value) {
    // Namespaces may hold themselves, which no weight counts.
    if (depth_ > 2 * kMaxValueDepth)
      fail(ErrorCode::invalid_argument, "a value nests too deep to print");
    ++depth_;
    switch (value.kind()) {
      case Kind::undefined:
        out_ += "Undefined";
        break;
      case Kind::none:
        out_ += "None";
        break;
      case Kind::boolean:
        out_ += value.as_boolean() ? "True" : "False";
        break;
      case Kind::integer:
        out_ += integer_text(value.as_integer());
        break;
      case Kind::real:
        out_ += real_text(value.as_real());
        break;
      case Kind::string:
        write_string(value);
        break;
      case Kind::list:
        write_items('[', value.items(), "]");
        break;
      case Kind::tuple:
        write_items('(', value.items(), value.items().size() == 1 ? ",)" : ")");
        break;
      case Kind::dict:
        write_entries(value.as_dict().entries());
        break;
      case Kind::object:
        write_object(*value.as_object());
        break;
    }
    if (out_.size() > size_limit_) {
      fail(ErrorCode::invalid_argument, "a value prints to more than {} bytes", size_limit_);
    }
    --depth_;
  }

 private:
  // The quote is ' unless the text has that and no ".
  void write_string(const Value& value) {
    const std::string_view text = value.as_view();
    if (value.is_markup()) out_ += "Markup(";
    const bool has_single = text.find('\'') != std::string::npos;
    const char quote = has_single && text.find('"') == std::string::npos ? '"' : '\'';
    out_.push_back(quote);
    for (size_t at = 0; at < text.size();) {
      const Character c = character_at(text, at);
      write_character(c.code, quote);
      at += c.size_bytes;
    }
    out_.push_back(quote);
    if (value.is_markup()) out_.push_back(')');
  }

  void write_character(char32_t code, char quote) {
    if (code == '\\' || code == static_cast<char32_t>(quote)) {
      out_.push_back('\\');
      out_.push_back(static_cast<char>(code));
    } else if (code == '\n') {
      out_ += "\\n";
    } else if (code == '\r') {
      out_ += "\\r";
    } else if (code == '\t') {
      out_ += "\\t";
    } else if (ascii_only_ ? code >= 0x20 && code < 0x7F : has_property(code, kPrintable)) {
      append_character(out_, code);
    } else {
      append_escape(out_, code);
    }
  }

  void write_items(char open, const std::vector<Value>& items, const char* close) {
    out_.push_back(open);
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += ", ";
      write(items[i]);
    }
    out_ += close;
  }

  void write_entries(const std::vector<DictEntry>& entries) {
    out_.push_back('{');
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) out_ += ", ";
      write(entries[i].key);
      out_ += ": ";
      write(entries[i].value);
    }
    out_.push_back('}');
  }

  void write_object(const Object& object) {
    if (const auto* name_space = dynamic_cast<const Namespace*>(&object)) {
      out_ += "<Namespace ";
      write_entries(name_space->attributes);
      out_ += ">";
    } else if (const auto* range = dynamic_cast<const Range*>(&object)) {
      out_ += "range(" + integer_text(range->start) + ", " + integer_text(range->stop);
      if (range->step != 1) out_ += ", " + integer_text(range->step);
      out_ += ")";
    } else if (const auto* view = dynamic_cast<const DictView*>(&object)) {
      std::vector<Value> items;
      for (const DictEntry& entry : view->dict.as_dict().entries())
        items.push_back(view->at(entry));
      out_ += view->type_name();
      write_items('(', {Value::list(std::move(items))}, ")");
    } else {
      out_ += fmt::format("<{} object>", object.type_name());
    }
  }

  const size_t size_limit_;
  const bool ascii_only_;
  int depth_ = 0;
  std::string out_;
};

}  // namespace

Text to_text(const Value& value, size_t size_limit) {
  if (value.is_string()) return value.as_text();
  if (value.is_undefined()) return Text();
  return Text(repr(value, size_limit), false);
}

std::string repr(const Value& value, size_t size_limit) {
  ReprWriter writer(size_limit, false);
  writer.write(value);
  return writer.take();
}

std::string ascii_repr(const Value& value, size_t size_limit) {
  ReprWriter writer(size_limit, true);
  writer.write(value);
  return writer.take();
}

}  // namespace sparrow::jinja
