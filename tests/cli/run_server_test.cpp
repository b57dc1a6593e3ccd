// `sparrow run` where a server runs, or something that only looks like one.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "base/config_env.h"
#include "base/json.h"
#include "store/store.h"
#include "tests/cli/cli_case.h"
#include "tests/support/http_server.h"
#include "tests/support/raw_client.h"

namespace sparrow {
namespace {

using test_support::ProgramResult;
using test_support::Terminal;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kPrompt = ">>> ";
constexpr const char* kItself = "this program answers itself.\n";

// A `sparrow serve` of its own; destroying it kills it.
class ServeProcess {
 public:
  ServeProcess(const std::vector<std::string>& variables, std::vector<std::string> flags) {
    std::vector<std::string> arguments = {SPARROW_PROGRAM, "serve", "--host", "127.0.0.1:0"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    terminal_ = std::make_unique<Terminal>(arguments, variables);
    constexpr std::string_view kListening = "listening on ";
    EXPECT_TRUE(terminal_->wait_for(kListening)) << terminal_->transcript();
    EXPECT_TRUE(terminal_->wait_for("\r\n"));
    const std::string& text = terminal_->transcript();
    const size_t start = text.find(kListening) + kListening.size();
    address_ = text.substr(start, text.find('\r', start) - start);
  }

  const std::string& address() const { return address_; }
  void kill() { terminal_.reset(); }

  Json get(const std::string& target) const {
    const std::optional<RawResponse> response = RawClient::get(address_, target);
    EXPECT_TRUE(response.has_value());
    return response ? Json::parse(response->body, nullptr, false) : Json();
  }
  // Waits until so many requests are being answered.
  bool has_requests(size_t count) const {
    for (int i = 0; i < 1000; ++i) {
      if (get("/requests")["requests"].size() == count) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

 private:
  std::unique_ptr<Terminal> terminal_;
  std::string address_;
};

class RunServerTest : public CliTest {
 protected:
  RunServerTest() {
    StoredModel base;
    base.model_path = tiny();
    base.size_bytes = std::filesystem::file_size(tiny());
    SavedLayers layers;
    layers.params = Json{{"temperature", 0.0}, {"max_tokens", 12}};
    Store(home()).save(parse_model_name("mine"), base, layers);
  }

  // Asks whatever answers at `host`.
  std::vector<std::string> variables_with(const std::string& host) const {
    std::vector<std::string> with = variables();
    with.push_back("SPARROW_NO_SERVER=");
    with.push_back("SPARROW_HOST=" + host);
    return with;
  }
  ProgramResult run(const std::string& host, std::vector<std::string> arguments,
                    const std::string& input = {}, const std::string& key = {}) const {
    arguments.insert(arguments.begin(), {SPARROW_PROGRAM, "run"});
    std::vector<std::string> with = variables_with(host);
    with.push_back("SPARROW_API_KEY=" + key);
    return test_support::run_program({std::move(arguments), input, with, false});
  }
  ProgramResult run_itself(std::vector<std::string> arguments,
                           const std::string& input = {}) const {
    arguments.insert(arguments.begin(), "run");
    return sparrow(std::move(arguments), input);
  }
  ServeProcess serve(std::vector<std::string> flags = {}) const {
    flags.insert(flags.end(), {"--threads", "1"});
    return ServeProcess(variables(), std::move(flags));
  }
  std::vector<std::string> chat_call(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {SPARROW_PROGRAM, "run", "mine"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

TEST_F(RunServerTest, a_server_gives_the_answer_that_an_own_engine_gives_and_keeps_the_model) {
  const ServeProcess server = serve();
  const std::vector<std::vector<std::string>> calls = {
      {"mine", "hello"},
      {"mine", "hello", "--system", "speak"},
      {"mine", "hello", "--raw"},
      {"mine", "<|im_end|>"},
      {"mine", "hello", "--temperature", "1", "--seed", "7", "--top-n-sigma", "1", "--min-p", "0"},
      {"mine", "hello", "--logit-bias", "65=5", "--ignore-eos", "--max-tokens", "20"}};
  for (const std::vector<std::string>& call : calls) {
    const ProgramResult theirs = run(server.address(), call);
    EXPECT_EQ(theirs.exit_code, 0);
    EXPECT_EQ(theirs.errors, "");
    EXPECT_EQ(theirs.output, run_itself(call).output) << call[1];
  }
  EXPECT_EQ(run(server.address(), {"MINE:latest"}, "hello").output,
            run_itself({"mine", "hello"}).output);
  EXPECT_EQ(server.get("/api/ps")["models"][0]["name"], "mine:latest");
}

TEST_F(RunServerTest, a_proxy_is_not_asked_for_this_machine) {
  const ServeProcess server = serve();
  std::vector<std::string> with = variables_with(server.address());
  with.push_back("http_proxy=http://127.0.0.1:9");
  const ProgramResult result = test_support::run_program(
      {{SPARROW_PROGRAM, "run", "mine", "--server", "hello"}, "", with, false});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
}

TEST_F(RunServerTest, verbose_and_log_probabilities_are_those_of_an_own_engine) {
  const ServeProcess server = serve();
  const ProgramResult verbose = run(server.address(), {"mine", "hello", "--verbose"});
  for (const char* line : {"total duration:", "load duration:", "prompt eval rate:", "eval rate:",
                           "seed:", "context 32,768 tokens; http://127.0.0.1:"})
    EXPECT_THAT(verbose.errors, HasSubstr(line));
  EXPECT_THAT(verbose.errors, ContainsRegex("eval count: +12 token"));
  EXPECT_THAT(run(server.address(), {"mine", "hello", "--verbose"}).errors,
              HasSubstr("of them from the cache"));
  const std::vector<std::string> call = {"mine", "hello", "--logprobs", "2"};
  EXPECT_EQ(run(server.address(), call).errors, run_itself(call).errors);
}

TEST_F(RunServerTest, a_receipt_of_a_server_is_replayed) {
  const ServeProcess server = serve();
  const std::string file = folder_.file("receipts.jsonl");
  EXPECT_EQ(run(server.address(), {"mine", "hello", "--receipt", file}).exit_code, 0);
  EXPECT_THAT(sparrow({"replay", file}).output, HasSubstr("the same 12 tokens"));
}

TEST_F(RunServerTest, ps_shows_the_id_that_list_shows) {
  const ServeProcess server = serve();
  run(server.address(), {"MINE", "hello"});
  const std::string id = server.get("/api/ps")["models"][0]["digest"].get<std::string>();
  ASSERT_EQ(id.size(), 64u);
  const std::string row = "mine(:latest)? +" + id.substr(0, 12) + " ";
  EXPECT_THAT(sparrow({"list"}).output, testing::ContainsRegex(row));
  const ProgramResult ps = test_support::run_program(
      {{SPARROW_PROGRAM, "ps"}, {}, variables_with(server.address()), false});
  EXPECT_THAT(ps.output, testing::ContainsRegex(row));
}

TEST_F(RunServerTest, keep_alive_and_context_are_the_request_s) {
  const ServeProcess server = serve();
  run(server.address(), {"mine", "hello", "--keep-alive", "0"});
  for (int i = 0; i < 500 && !server.get("/api/ps")["models"].empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(server.get("/api/ps")["models"].empty());
  const ProgramResult small =
      run(server.address(), {"mine", "--context", "64"}, std::string(99, 'x'));
  EXPECT_EQ(small.exit_code, 9);
  EXPECT_THAT(small.errors, HasSubstr("the context of 64"));
  EXPECT_THAT(run(server.address(), {"mine", "hello", "--context", "99999"}).errors,
              HasSubstr("context 32,768 of 99,999 tokens, for the server gives no more"));
  EXPECT_THAT(run_itself({"mine", "hello", "--keep-alive", "1h"}).errors,
              HasSubstr("--keep-alive changes nothing"));
}

TEST_F(RunServerTest, what_only_an_own_engine_can_do_it_does_and_says_so) {
  const ServeProcess server = serve();
  const std::string expected = run_itself({"mine", "hello"}).output;
  for (const auto& [flag, value] : std::vector<std::pair<std::string, std::string>>{
           {"--threads", "1"}, {"--kv-type", "f16"}, {"--activations", "auto"}}) {
    const ProgramResult result = run(server.address(), {"mine", "hello", flag, value});
    EXPECT_EQ(result.output, expected);
    EXPECT_THAT(result.errors, AllOf(HasSubstr(flag), testing::EndsWith(kItself)));
    const ProgramResult forced = run(server.address(), {"mine", "hi", "--server", flag, value});
    EXPECT_EQ(forced.exit_code, 2);
    EXPECT_THAT(forced.errors, HasSubstr(flag));
  }
  const ProgramResult file = run(server.address(), {tiny(), "hello", "--max-tokens", "4"});
  EXPECT_EQ(file.exit_code, 0);
  EXPECT_THAT(file.errors, testing::EndsWith(kItself));
  EXPECT_EQ(run(server.address(), {"mine", "hello", "--no-server"}).errors, "");
  EXPECT_TRUE(server.get("/api/ps")["models"].empty());
}

TEST_F(RunServerTest, a_model_that_the_server_does_not_have_is_this_program_s_to_find) {
  std::vector<std::string> elsewhere = variables();
  elsewhere.push_back("SPARROW_HOME=" + folder_.file("other"));
  const ServeProcess server(elsewhere, {});
  const ProgramResult result = run(server.address(), {"mine", "hello"});
  EXPECT_EQ(result.output, run_itself({"mine", "hello"}).output);
  EXPECT_THAT(result.errors, AllOf(HasSubstr("has no model 'mine'"), testing::EndsWith(kItself)));
  const ProgramResult forced = run(server.address(), {"mine", "hello", "--server"});
  EXPECT_EQ(forced.exit_code, 3);
  EXPECT_EQ(forced.output, "");
  EXPECT_EQ(run(server.address(), {"nothing", "hello"}).exit_code, 3);
}

TEST_F(RunServerTest, a_server_with_keys_answers_who_has_one) {
  const std::string keys = folder_.file("keys.json");
  write_test_file(keys, R"({"keys": [{"name": "me", "key": "sixteen-letters-long"}]})");
  std::filesystem::permissions(keys, std::filesystem::perms::owner_read);
  const ServeProcess server = serve({"--keys", keys});
  const ProgramResult known =
      run(server.address(), {"mine", "hello", "--server"}, "", "sixteen-letters-long");
  EXPECT_EQ(known.errors, "");
  EXPECT_EQ(known.output, run_itself({"mine", "hello"}).output);
  const ProgramResult stranger =
      run(server.address(), {"mine", "hello"}, "", "another-one-entirely");
  EXPECT_EQ(stranger.output, known.output);
  EXPECT_THAT(stranger.errors, AllOf(HasSubstr("SPARROW_API_KEY"), testing::EndsWith(kItself)));
  EXPECT_EQ(run(server.address(), {"mine", "hello", "--server"}).exit_code, 7);
}

// What answers /api/version, and an answer to an own engine's question beside it.
struct OtherServer {
  explicit OtherServer(const std::string& version)
      : server([version](const ServerRequest& request, ServerConnection& connection) {
          if (request.target == "/api/version") {
            connection.respond(200, {"Content-Type: application/json"}, version);
          } else {
            connection.respond(200, {}, R"({"done":true,"message":{"content":"I am not asked"}})");
          }
        }) {}
  HttpServer server;
};

TEST_F(RunServerTest, what_is_no_sparrow_is_not_used) {
  const std::string expected = run_itself({"mine", "hello"}).output;
  for (const char* version : {R"({"version":"0.33.2"})", R"({"version":"0.33.2","sparrow":1})",
                              "<html>hello</html>", "[]", ""}) {
    const OtherServer other(version);
    const ProgramResult result = run(other.server.url(), {"mine", "hello"});
    EXPECT_EQ(result.output, expected) << version;
    EXPECT_THAT(result.errors, AllOf(HasSubstr("not sparrow"), testing::EndsWith(kItself)));
    const ProgramResult forced = run(other.server.url(), {"mine", "hello", "--server"});
    EXPECT_EQ(forced.exit_code, 7);
    EXPECT_EQ(forced.output, "");
    for (const ServerRequest& request : other.server.requests())
      EXPECT_EQ(request.target, "/api/version");
  }
  const ProgramResult nobody = run("127.0.0.1:9", {"mine", "hello"});
  EXPECT_EQ(nobody.output, expected);
  EXPECT_THAT(nobody.errors, HasSubstr("no server answers at http://127.0.0.1:9"));
  EXPECT_EQ(run("127.0.0.1:9", {"mine", "hello", "--server"}).exit_code, 7);
}

TEST_F(RunServerTest, a_port_that_speaks_another_language_or_none_is_not_used) {
  const std::string expected = run_itself({"mine", "hello"}).output;
  HttpServer ssh([](const ServerRequest&, ServerConnection& connection) {
    connection.send("SSH-2.0-OpenSSH_9.2\r\n");
  });
  HttpServer silent([](const ServerRequest&, ServerConnection& connection) { connection.hang(); });
  for (const HttpServer* server : {&ssh, &silent}) {
    const ProgramResult result = run(server->url(), {"mine", "hello"});
    EXPECT_EQ(result.output, expected);
    EXPECT_THAT(result.errors, testing::EndsWith(kItself));
  }
}

TEST_F(RunServerTest, a_sparrow_that_is_too_old_to_be_told_all_is_not_used) {
  HttpServer old([](const ServerRequest& request, ServerConnection& connection) {
    const bool is_probe = request.target == "/api/version";
    connection.respond(
        200, {}, is_probe ? R"({"version":"0.33.2","sparrow":"0.0.1"})" : R"({"details":{}})");
  });
  const ProgramResult result = run(old.url(), {"mine", "hello"});
  EXPECT_EQ(result.output, run_itself({"mine", "hello"}).output);
  EXPECT_THAT(result.errors, HasSubstr("older sparrow"));
  EXPECT_EQ(run(old.url(), {"mine", "hello", "--server"}).exit_code, 5);
}

TEST_F(RunServerTest, a_server_that_dies_in_the_middle_is_one_line) {
  HttpServer dying([](const ServerRequest& request, ServerConnection& connection) {
    if (request.target == "/api/version") {
      connection.respond(200, {}, R"({"version":"0.33.2","sparrow":"1.0.0"})");
    } else if (request.target == "/api/show") {
      connection.respond(200, {}, R"({"model":"mine","details":{},"sampling":{}})");
    } else if (request.target == "/api/ps") {
      connection.respond(200, {}, R"({"models":[]})");
    } else if (request.target == "/api/generate") {
      connection.respond(200, {}, R"({"done":true})");
    } else {
      connection.send(
          "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
          "{\"message\":{\"content\":\"half an answer\"},\"done\":false}\n");
    }
  });
  const ProgramResult result = run(dying.url(), {"mine", "hello"});
  EXPECT_EQ(result.output, "half an answer\n");
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_THAT(result.errors, testing::MatchesRegex("Error: the answer broke off: the server at "
                                                   "http://127.0.0.1:[0-9]+ is gone: [^\n]*\n"));
}

TEST_F(RunServerTest, ctrl_c_frees_the_server_s_request_and_the_chat_goes_on) {
  const ServeProcess server = serve();
  Terminal terminal(chat_call({"--ignore-eos", "--max-tokens", "-1", "--verbose"}),
                    variables_with(server.address()));
  EXPECT_TRUE(terminal.wait_for("http://" + server.address() + " answers"));
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  // An answer of 32,000 tokens if nobody stopped it.
  terminal.type("hello\r");
  ASSERT_TRUE(server.has_requests(1));
  terminal.type("\x03");
  EXPECT_TRUE(server.has_requests(0));
  EXPECT_TRUE(terminal.wait_for("total duration:"));
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("/set parameter num_predict 3\r");
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("and now?\r");
  EXPECT_TRUE(terminal.wait_for("eval count:           3 token"));
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("/bye\r");
  EXPECT_EQ(terminal.exit_code(), 0);
}

TEST_F(RunServerTest, a_single_answer_that_is_interrupted_frees_the_server_s_request) {
  const ServeProcess server = serve();
  std::vector<std::string> call = chat_call({"--ignore-eos", "--max-tokens", "-1", "hello"});
  Terminal terminal(call, variables_with(server.address()));
  ASSERT_TRUE(server.has_requests(1));
  terminal.type("\x03");
  EXPECT_EQ(terminal.exit_code(), 130);
  EXPECT_TRUE(server.has_requests(0));
}

TEST_F(RunServerTest, the_chat_is_the_same_at_a_server) {
  const ServeProcess server = serve();
  Terminal terminal(chat_call(), variables_with(server.address()));
  const auto say = [&](const std::string& line, const std::string& answer) {
    ASSERT_TRUE(terminal.wait_for(kPrompt)) << line;
    terminal.type(line + "\r");
    EXPECT_TRUE(terminal.wait_for(answer)) << line;
  };
  say("remember me", "\r\n");
  say("/set parameter temperature 0.25", "Set parameter 'temperature' to '0.25'");
  say("/set parameter num_ctx 4096", "context 4,096 tokens; http://");
  say("/set system You are a poet.", "Set system message.");
  say("/show parameters", "0.25");
  say("/show system", "You are a poet.");
  say("/show template", "<|im_start|>");
  say("/show license", "No license");
  say("/show info", "http://" + server.address());
  say("/save Poet", "Created new model 'Poet'");
  say("/list", "Poet");
  say("/load nothing-like-this", "Error: there is no model 'nothing-like-this'");
  say("/load poet", "Loading model 'Poet'");
  EXPECT_TRUE(terminal.wait_for(">>> remember me"));
  say("and now?", "\r\n");
  say("/clear", "Cleared session context");
  say("/set system \"\"", "Cleared system message.");
  say("/save blank", "Created new model 'blank'");
  say("/load " + tiny(), "tiny.gguf (");  // a file is an own engine's
  say("/bye", "");
  EXPECT_EQ(terminal.exit_code(), 0);
  const std::optional<StoredModel> saved = Store(home()).find(parse_model_name("poet"));
  ASSERT_TRUE(saved);
  EXPECT_EQ(saved->system, "You are a poet.");
  EXPECT_EQ(saved->params["temperature"], 0.25);
  EXPECT_EQ(saved->params["context"], 4096);
  ASSERT_EQ(saved->messages.size(), 2u);
  EXPECT_EQ(saved->messages[0]["content"], "remember me");
  const std::optional<StoredModel> blank = Store(home()).find(parse_model_name("blank"));
  ASSERT_TRUE(blank);
  EXPECT_EQ(blank->system.value_or(""), "");
  EXPECT_TRUE(blank->messages.empty());
}

TEST_F(RunServerTest, a_saved_talk_is_sent_once) {
  StoredModel base = *Store(home()).find(parse_model_name("mine"));
  SavedLayers layers;
  layers.system = "speak";
  layers.messages = Json::array(
      {{{"role", "user"}, {"content", "one"}}, {{"role", "assistant"}, {"content", "two"}}});
  Store(home()).save(parse_model_name("talk"), base, layers);
  const ServeProcess server = serve();
  for (const char* system : {"speak", "", "sing"}) {
    const std::vector<std::string> call = {"talk", "hello", "--system", system, "--verbose"};
    const ProgramResult theirs = run(server.address(), call);
    const ProgramResult ours = run_itself(call);
    EXPECT_EQ(theirs.output, ours.output) << system;
    const auto count = [](const std::string& text) {
      const size_t start = text.find("prompt eval count:");
      return text.substr(start, text.find(" token", start) - start);
    };
    EXPECT_EQ(count(theirs.errors), count(ours.errors)) << system;
  }
}

TEST_F(RunServerTest, a_talk_that_outgrows_its_context_says_so_at_a_server_too) {
  const ServeProcess server = serve();
  Terminal terminal(chat_call({"--max-tokens", "30", "--context", "256", "--ignore-eos"}),
                    variables_with(server.address()));
  outgrow_context(terminal, "Error: the prompt is too long");
}

TEST_F(RunServerTest, the_chat_outlives_its_server) {
  ServeProcess server = serve();
  Terminal terminal(chat_call(), variables_with(server.address()));
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  server.kill();
  terminal.type("hello\r");
  EXPECT_TRUE(terminal.wait_for("Error: no server answers at"));
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("/bye\r");
  EXPECT_EQ(terminal.exit_code(), 0);
}

// With SmolLM2-135M, where scripts/test has fetched it.
std::vector<std::string> model_homes() {
  const std::optional<std::string> home = config_env("SPARROW_TEST_HOME");
  return home ? std::vector<std::string>{*home} : std::vector<std::string>{};
}

class RealServerTest : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RealServerTest);
INSTANTIATE_TEST_SUITE_P(SmolLM2, RealServerTest, testing::ValuesIn(model_homes()),
                         [](const auto&) { return "135M"; });

TEST_P(RealServerTest, answers_as_an_own_engine_does) {
  const std::vector<std::string> variables = {"SPARROW_HOME=" + GetParam()};
  const ServeProcess server(variables, {});
  const auto ask = [&](const std::string& flag) {
    return test_support::run_program(
        {{SPARROW_PROGRAM, "run", "HuggingFaceTB/SmolLM2-135M-Instruct", flag, "--temperature", "0",
          "--max-tokens", "24", "What is the capital of France? Answer in one word."},
         "",
         {variables[0], "SPARROW_HOST=" + server.address()},
         false});
  };
  const ProgramResult theirs = ask("--server");
  EXPECT_EQ(theirs.exit_code, 0) << theirs.errors;
  EXPECT_THAT(theirs.output, HasSubstr("Paris"));
  EXPECT_EQ(theirs.output, ask("--no-server").output);
}

}  // namespace
}  // namespace sparrow
