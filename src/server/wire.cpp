#include "server/wire.h"

#include <chrono>
#include <ctime>
#include <random>

#include "base/error.h"

namespace sparrow {
namespace {

std::string draw(size_t count, std::string_view alphabet) {
  std::random_device device;
  std::uniform_int_distribution<size_t> pick(0, alphabet.size() - 1);
  std::string word;
  for (size_t i = 0; i < count; ++i) word += alphabet[pick(device)];
  return word;
}

std::string date_and_time(int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm parts{};
  gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace

std::string to_wire(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json byte_numbers(std::string_view bytes) {
  Json numbers = Json::array();
  for (const char byte : bytes) numbers.push_back(static_cast<uint8_t>(byte));
  return numbers;
}

std::string random_word(size_t count) {
  return draw(count, "abcdefghijklmnopqrstuvwxyz0123456789");
}
std::string random_hex(size_t count) { return draw(count, "0123456789abcdef"); }

int64_t unix_seconds() { return std::time(nullptr); }

std::string rfc3339(int64_t unix_s) { return date_and_time(unix_s) + "Z"; }

std::string rfc3339_now(int fraction_digits) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const int64_t ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  const std::string fraction = fmt::format("{:09}", ns % 1'000'000'000);
  const std::string text = date_and_time(ns / 1'000'000'000);
  if (fraction_digits == 0) return text + "Z";
  return fmt::format("{}.{}Z", text, fraction.substr(0, static_cast<size_t>(fraction_digits)));
}

std::string content_text(const Json& content, const std::string& path) {
  if (content.is_null()) return "";
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array()) {
    fail(ErrorCode::invalid_argument, "{} must be a string or a list of parts, got {}", path,
         content.type_name());
  }
  std::string text;
  for (size_t i = 0; i < content.size(); ++i) {
    const std::string part_path = fmt::format("{}[{}]", path, i);
    if (content[i].is_string()) {
      text += content[i].get<std::string>();
      continue;
    }
    const JsonFields part(content[i], part_path);
    const std::string type = part.required_text("type");
    if (type != "text" && type != "input_text" && type != "output_text") {
      fail(ErrorCode::invalid_argument, "{} is of type {}, and this model reads text only",
           part_path, type);
    }
    text += part.text("text").value_or("");
  }
  return text;
}

std::vector<Tool> parse_tools(const Json& tools) {
  check_tool_count(tools);
  std::vector<Tool> parsed;
  for (size_t i = 0; i < tools.size(); ++i) {
    const JsonFields tool(tools[i], fmt::format("tools[{}]", i));
    const std::string type = tool.text("type").value_or("function");
    if (type != "function") {
      fail(ErrorCode::invalid_argument, "{} must be function, got {}", tool.path_of("type"), type);
    }
    const Json* function = tool.object("function");
    if (function == nullptr)
      fail(ErrorCode::invalid_argument, "{} is required", tool.path_of("function"));
    const JsonFields fields(*function, tool.path_of("function"));
    if (fields.boolean("strict").value_or(false)) {
      fail(ErrorCode::unsupported,
           "{} needs constrained decoding, which comes with a later version",
           fields.path_of("strict"));
    }
    const Json* parameters = fields.object("parameters");
    parsed.push_back({.name = fields.required_text("name"),
                      .description = fields.text("description").value_or(""),
                      .parameters = parameters != nullptr ? to_wire(*parameters) : ""});
  }
  check_schema_sizes(parsed, "function.parameters");
  return parsed;
}

void check_message_count(const Json& messages) {
  if (messages.size() <= kMostMessages) return;
  fail(ErrorCode::invalid_argument, "messages must hold at most {} messages, got {}", kMostMessages,
       messages.size());
}

void check_tool_count(const Json& tools) {
  if (tools.size() <= kMostTools) return;
  fail(ErrorCode::invalid_argument, "tools must hold at most {} tools, got {}", kMostTools,
       tools.size());
}

void check_schema_sizes(const std::vector<Tool>& tools, std::string_view schema) {
  size_t in_all = 0;
  for (size_t i = 0; i < tools.size(); ++i) {
    const size_t size_bytes = tools[i].parameters.size();
    if (size_bytes > kMostSchemaBytes) {
      fail(ErrorCode::invalid_argument, "tools[{}].{} must have at most {} bytes, got {}", i,
           schema, kMostSchemaBytes, size_bytes);
    }
    in_all += size_bytes;
  }
  if (in_all > kMostSchemaBytesInAll) {
    fail(ErrorCode::invalid_argument,
         "tools must have schemas of at most {} bytes in all, got {} bytes", kMostSchemaBytesInAll,
         in_all);
  }
}

}  // namespace sparrow
