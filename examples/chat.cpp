// Answers a message as the model's chat template has it, and says how quick it was.
#include <sparrow/sparrow.h>

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: chat MODEL MESSAGE\n");
    return 2;
  }
  try {
    const auto engine = sparrow::Engine::load(argv[1]);
    sparrow::ChatRequest chat;
    chat.messages = {{.role = "user", .content = argv[2]}};
    sparrow::Request request = {.prompt = engine->encode_chat(chat),
                                .params = engine->default_sampling()};
    request.params.max_tokens = 200;
    const auto stream = engine->submit(request);
    while (const auto delta = stream->next()) {
      std::fputs(delta->text.c_str(), stdout);
      std::fflush(stdout);
      if (delta->finish_reason == sparrow::FinishReason::error)
        std::fprintf(stderr, "chat: %s\n", delta->error.c_str());
    }
    const sparrow::RequestStats stats = stream->stats();
    std::printf("\n%lld tokens, %.1f a second\n", static_cast<long long>(stats.output_tokens),
                static_cast<double>(stats.output_tokens) / stats.decode_s);
    return 0;
  } catch (const sparrow::Error& error) {
    std::fprintf(stderr, "chat: %s\n", error.what());
    return 1;
  }
}
