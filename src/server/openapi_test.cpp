// /openapi.json against the server that says it: what it forbids is refused, what it allows is
// taken, and every answer is of a kind that it names.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "server/wire.h"
#include "tests/support/schema_check.h"
#include "tests/support/service_rig.h"

namespace sparrow {
namespace {

using test_support::fits_schema;

const Json kUser = Json::array({{{"role", "user"}, {"content", "hello"}}});

// A request to each route with a JSON body, in order and cheap, to which one field is added.
std::vector<std::pair<std::string, Json>> plain_requests() {
  const Json one = {{"num_predict", 1}};
  const Json texts = {{"text_1", "a"}, {"text_2", "b"}, {"model", "tiny"}};
  const Json ranked = {{"query", "a"}, {"documents", {"b"}}, {"model", "tiny"}};
  const Json embedded = {{"content", "a"}, {"model", "tiny"}};
  const Json completed = {{"prompt", "a"}, {"model", "tiny"}, {"n_predict", 1}};
  return {
      {"/v1/chat/completions", {{"model", "thinker"}, {"messages", kUser}, {"max_tokens", 1}}},
      {"/v1/completions", {{"model", "tiny"}, {"prompt", "a"}, {"max_tokens", 1}}},
      {"/v1/embeddings", {{"model", "tiny"}, {"input", "a"}}},
      {"/v1/responses", {{"model", "thinker"}, {"input", "a"}, {"max_output_tokens", 1}}},
      {"/api/chat",
       {{"model", "thinker"}, {"messages", kUser}, {"options", one}, {"stream", false}}},
      {"/api/generate",
       {{"model", "thinker"}, {"prompt", "a"}, {"options", one}, {"stream", false}}},
      {"/api/embed", {{"model", "tiny"}, {"input", "a"}}},
      {"/api/embeddings", {{"model", "tiny"}, {"prompt", "a"}}},
      {"/api/show", {{"model", "tiny"}}},
      {"/api/copy", {{"source", "tiny"}, {"destination", "copied"}}},
      {"/api/create", {{"model", "made"}, {"from", "tiny"}, {"stream", false}}},
      {"/api/pull", {{"model", "tiny"}, {"stream", false}}},
      {"/v1/messages", {{"model", "thinker"}, {"messages", kUser}, {"max_tokens", 1}}},
      {"/v1/messages/count_tokens", {{"model", "thinker"}, {"messages", kUser}}},
      {"/completion", completed},
      {"/completions", completed},
      {"/tokenize", {{"prompt", "a"}, {"model", "tiny"}}},
      {"/tokenize", {{"content", "a"}, {"model", "tiny"}}},
      {"/tokenize", {{"messages", kUser}, {"model", "tiny"}}},
      {"/detokenize", {{"tokens", {1}}, {"model", "tiny"}}},
      {"/apply-template", {{"messages", kUser}, {"model", "tiny"}}},
      {"/embedding", embedded},
      {"/embedding", {{"input", "a"}, {"model", "tiny"}}},
      {"/embeddings", embedded},
      {"/score", texts},
      {"/v1/score", texts},
      {"/rerank", ranked},
      {"/v1/rerank", ranked},
      {"/v2/rerank", ranked},
      {"/reranking", ranked},
  };
}

// Of every type, and at the edges of what 64 bits hold.
std::vector<Json> odd_values() {
  return {nullptr,
          true,
          false,
          0,
          -1,
          1.5,
          INT64_MAX,
          UINT64_MAX,
          1e300,
          "",
          "x",
          Json::array(),
          Json::array({-1}),
          Json::array({"x"}),
          Json::array({Json::array()}),
          Json::array({Json::object()}),
          Json::object(),
          {{"a", 1}}};
}

constexpr size_t kManyEntries = 16;  // no odd value has as many

// A list or an object with so many entries.
Json filled(const Json& schema, size_t count) {
  if (!schema.contains("items")) {
    Json object = Json::object();
    for (size_t i = 0; i < count; ++i) object[std::to_string(i)] = 0;
    return object;
  }
  return std::vector<Json>(count, schema["items"]["type"] == "string" ? Json("a") : Json(1));
}

// At the bounds that a schema names, and one step beyond.
void add_bounds(const Json& schema, std::vector<Json>& values) {
  for (const Json& one : schema.value("anyOf", Json::array())) add_bounds(one, values);
  for (const Json& word : schema.value("enum", Json::array())) values.push_back(word);
  const Json types = schema.value("type", Json());
  const bool is_integer = types == "integer" || (types.is_array() && types[0] == "integer");
  for (const char* bound : {"minimum", "maximum", "exclusiveMinimum"}) {
    if (!schema.contains(bound)) continue;
    const Json& at = schema[bound];
    values.push_back(at);
    const double step = std::string(bound) == "maximum" ? 1 : -1;
    const bool has_next = std::abs(at.get<double>()) < 0x1p53;
    if (is_integer && has_next) values.push_back(at.get<int64_t>() + static_cast<int64_t>(step));
    if (!is_integer) values.push_back(at.get<double>() + step * 0.001);
  }
  const Json item = schema.value("items", Json::object()).value("type", Json());
  const bool is_plain = !schema.contains("items") || item == "string" || item == "integer";
  for (const char* bound : {"maxItems", "maxProperties"}) {
    const size_t most = schema.value(bound, size_t{0});
    if (most < kManyEntries || most > 4096 || !is_plain) continue;
    values.push_back(filled(schema, most));
    values.push_back(filled(schema, most + 1));
  }
  if (schema.contains("maxLength") && schema["maxLength"] > 0) {
    const size_t most = schema["maxLength"].get<size_t>();
    values.push_back(std::string(most, 'a'));
    values.push_back(std::string(most + 1, 'a'));
  }
}

// Of an object, or of all the objects that it may be.
std::map<std::string, Json> properties_of(const Json& schema) {
  std::map<std::string, Json> all;
  for (const Json& one : schema.value("anyOf", Json::array())) all.merge(properties_of(one));
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, field] : properties.items()) all.emplace(name, field);
  return all;
}

// What is in range by itself may be refused for what it means with the rest of the request, or for
// what it names.
bool depends_on_the_rest(const std::string& name, const Json& value) {
  const std::set<std::string> names = {"logit_bias",
                                       "min_tokens",
                                       "best_of",
                                       "from",
                                       "files",
                                       "model",
                                       "mirostat",
                                       "source",
                                       "suffix",
                                       "prompt",
                                       "previous_response_id",
                                       "destination",
                                       "tokens",
                                       "input",
                                       "top_logprobs",
                                       "continue_final_message",
                                       "dimensions"};
  return names.contains(name) || (name == "keep_alive" && value.is_string());
}

class OpenApi : public testing::Test {
 protected:
  OpenApi() : document_(rig_.get_json("/openapi.json")) {}

  // Over one connection for all, which each answer has to leave open.
  RawResponse send(const std::string& method, const std::string& target, const std::string& body) {
    if (client_ == nullptr)
      client_ = std::make_unique<RawClient>(rig_.service().addresses().front());
    client_->send(fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
                              method, target, body.size(), body));
    std::optional<RawResponse> response = client_->read_response();
    EXPECT_TRUE(response && response->is_whole) << target << ' ' << body;
    if (!response || response->closes) client_.reset();
    return response.value_or(RawResponse{});
  }

  const Json& operation(const std::string& path, const std::string& method = "post") const {
    return document_["paths"][path][method];
  }
  const Json& schema_of(const std::string& path) const {
    return operation(path)["requestBody"]["content"]["application/json"]["schema"];
  }

  // A status that the operation names, with a body of the type that it names for it.
  void expect_named(const RawResponse& response, const Json& operation, const std::string& what) {
    const std::string status = std::to_string(response.status);
    ASSERT_TRUE(operation["responses"].contains(status)) << status << ' ' << what << response.body;
    const Json& named = operation["responses"][status];
    if (!named.contains("content")) {
      EXPECT_EQ(response.body, "") << what;
      return;
    }
    const std::string header = response.header("content-type");
    const std::string type = header.substr(0, header.find(';'));
    ASSERT_TRUE(named["content"].contains(type)) << type << " for " << what;
    if (type == "text/event-stream") {
      EXPECT_NE(response.body.find("data: {"), std::string::npos) << what;
      return;
    }
    const Json& schema = named["content"][type]["schema"];
    const Json body = type == "application/json" ? Json::parse(response.body, nullptr, false)
                                                 : Json(response.body);
    EXPECT_TRUE(fits_schema(body, schema, document_)) << what << '\n' << response.body;
  }

  test_support::ServiceRig rig_;
  std::unique_ptr<RawClient> client_;
  Json document_;
};

TEST_F(OpenApi, no_row_is_without_an_operation) {
  int64_t count = 0;
  for (const auto& [path, methods] : document_["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      ++count;
      EXPECT_FALSE(operation.value("summary", "").empty()) << method << ' ' << path;
      EXPECT_FALSE(operation["responses"].empty()) << method << ' ' << path;
    }
  }
  EXPECT_GE(count, 60);
}

TEST_F(OpenApi, a_body_that_it_forbids_is_refused_and_one_at_its_bounds_is_taken) {
  std::set<std::string> seen;  // what was tried, by the schema: rows may be other names of others
  int64_t forbidden = 0;
  for (const auto& [path, base] : plain_requests()) {
    const Json& schema = schema_of(path);
    const RawResponse plain = send("POST", path, base.dump());
    ASSERT_EQ(plain.status, 200) << path << plain.body;
    expect_named(plain, operation(path), path);
    EXPECT_TRUE(fits_schema(base, schema)) << path;
    if (!seen.insert(schema.dump() + base.dump()).second) continue;
    for (const auto& [name, field] : properties_of(schema)) {
      std::vector<Json> values = odd_values();
      add_bounds(field, values);
      for (const Json& value : values) {
        Json body = base;
        body[name] = value;
        const std::string what = path + " with " + name + ": " + to_wire(value).substr(0, 100);
        const RawResponse response = send("POST", path, body.dump());
        if (!fits_schema(body, schema)) {
          ++forbidden;
          EXPECT_EQ(response.status, 400) << what;
        } else if ((value.is_primitive() || value.size() >= kManyEntries) && value != "" &&
                   !depends_on_the_rest(name, value)) {
          EXPECT_EQ(response.status, 200) << what << ' ' << response.body.substr(0, 200);
        }
        expect_named(response, operation(path), what);
      }
    }
    for (const Json& name : schema.value("required", Json::array())) {
      Json body = base;
      body.erase(name.get<std::string>());
      EXPECT_EQ(send("POST", path, body.dump()).status, 400) << path << " without " << name;
    }
  }
  EXPECT_GE(forbidden, 3000);
}

TEST_F(OpenApi, a_field_is_checked_also_where_another_name_of_it_wins) {
  const Json pairs[] = {{{"prompt", "a"}, {"repetition_penalty", 1}, {"repeat_penalty", 1000}},
                        {{"prompt", "a"}, {"max_tokens", 1}, {"max_completion_tokens", "x"}},
                        {{"prompt", "a"}, {"max_tokens", -2}, {"max_completion_tokens", 1}}};
  for (const Json& body : pairs) {
    Json named = {{"model", "tiny"}};
    named.update(body);
    EXPECT_EQ(send("POST", "/v1/completions", named.dump()).status, 400) << named;
  }
  const Json native = {{"model", "tiny"}, {"prompt", "a"}, {"n_predict", 1}, {"max_tokens", "x"}};
  EXPECT_EQ(send("POST", "/completion", native.dump()).status, 400);
}

TEST_F(OpenApi, every_route_that_reads_json_is_tried) {
  std::set<std::string> tried = {"/api/delete"};  // by what else it does
  for (const auto& [path, base] : plain_requests()) tried.insert(path);
  for (const auto& [path, methods] : document_["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      const Json body = operation.value("requestBody", Json::object());
      const bool reads_json =
          body.contains("content") && body["content"].contains("application/json");
      EXPECT_EQ(tried.contains(path), reads_json) << method << ' ' << path;
    }
  }
}

TEST_F(OpenApi, ollamas_options_keep_to_it_too) {
  const Json& options = schema_of("/api/chat")["properties"]["options"];
  for (const auto& [name, field] : options["properties"].items()) {
    std::vector<Json> values = odd_values();
    add_bounds(field, values);
    for (const Json& value : values) {
      Json body = {{"model", "tiny"}, {"messages", kUser}, {"stream", false}};
      body["options"] = {{"num_predict", 1}};
      body["options"][name] = value;
      const RawResponse response = send("POST", "/api/chat", body.dump());
      const std::string what = name + ": " + to_wire(value).substr(0, 100);
      const bool contradicts = name == "mirostat" || name == "min_tokens";
      if (!fits_schema(body["options"], options)) {
        EXPECT_EQ(response.status, 400) << what;
      } else if (value.is_primitive() && !contradicts) {
        EXPECT_EQ(response.status, 200) << what << response.body;
      }
    }
  }
}

TEST_F(OpenApi, what_takes_no_body_answers_as_it_says) {
  for (const auto& [path, methods] : document_["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      if (operation.contains("requestBody") || path.find('{') != std::string::npos) continue;
      std::string verb = method;
      for (char& c : verb) c = static_cast<char>(c - 'a' + 'A');
      expect_named(send(verb, path, ""), operation, verb + ' ' + path);
    }
  }
}

}  // namespace
}  // namespace sparrow
