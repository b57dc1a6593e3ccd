// What answers a conversation: an engine of this program's own, or a running server. The chat and
// the single answer know only this.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/cli/interrupt.h"
#include "apps/cli/model_table.h"
#include "sparrow/chat.h"
#include "sparrow/generation.h"
#include "store/store.h"

namespace sparrow::cli {

// What is known of a model before it is loaded.
struct ModelFacts {
  std::string name;
  std::string architecture;
  std::string size;  // "135M"
  std::string quantization;
  int64_t context_length = 0;    // that the model can do; 0: unknown
  int64_t embedding_length = 0;  // 0: unknown
  std::string chat_template;     // Jinja
  std::string license;
  SamplingParams params;  // that it is best used with
  // Saved with it.
  std::optional<std::string> system;
  std::optional<int64_t> context;
  std::vector<Message> messages;
};

// The context that a model was loaded with.
struct LoadedContext {
  int64_t tokens = 0;
  int64_t wanted = 0;    // counts where it is more
  std::string why_less;  // "for the weights take …"; empty: it is not less
  double load_s = 0;     // with the time that opening took
};

struct Question {
  // A leading system message, if there is one, and the conversation up to what wants an answer.
  std::vector<Message> messages;
  std::optional<std::string> raw;  // in their place: a text that is its own template
  SamplingParams params;
  bool wants_receipt = false;
};

// Called while an answer comes, on the thread that asked.
struct AnswerSink {
  std::function<void(int64_t)> on_dropped;        // so many of the oldest messages were not seen
  std::function<bool(std::string_view)> on_text;  // false: nobody reads on
};

struct AnswerToken {
  std::string text;  // its bytes
  float logprob = 0;
  std::vector<std::pair<std::string, float>> top;
};

struct Answer {
  std::string text;  // all that was generated, also when it was stopped
  FinishReason finish_reason = FinishReason::none;
  std::string error;  // when finish_reason is error
  ErrorCode error_code = ErrorCode::internal;
  std::optional<RequestStats> stats;  // nothing: they are not known of an answer that was stopped
  std::vector<AnswerToken> tokens;    // with logprobs, if they were asked for
  std::string receipt;                // if it was asked for
  double total_s = 0;
  bool reader_is_gone = false;  // standard output was closed
};

// One model. Used by one thread.
class Answerer {
 public:
  virtual ~Answerer() = default;

  virtual const ModelFacts& facts() const = 0;
  // Where it computes: a server's address; empty: in this program.
  virtual std::string place() const = 0;
  // The lines of `/show info` about the model as it is loaded: name and value.
  virtual std::vector<std::pair<std::string, std::string>> details() const = 0;

  // Throws Error{context_full} for a question that can fit no context, if that can be said before
  // load(). `context_tokens`: wanted, 0: whatever there is.
  virtual void check_fits(const Question& question, int64_t context_tokens) const = 0;
  // Throws what loading throws; then nothing is loaded.
  virtual LoadedContext load(int64_t context_tokens) = 0;
  virtual bool is_loaded() const = 0;
  virtual void unload() = 0;

  // The answer, shown to `sink` as it comes. `interrupts`, if given, stops it. Where the messages
  // leave no room, the oldest turns are dropped; the system message and the last turn stay. Throws
  // Error{invalid_argument|context_full|network|io} before the first word; later it is the answer's
  // error.
  virtual Answer answer(const Question& question, const AnswerSink& sink,
                        const InterruptScope* interrupts) = 0;

  // As a model `name` beside this one.
  virtual void save(const std::string& name, const SavedLayers& layers) = 0;
  // The models that are where this one is.
  virtual std::vector<ListedModel> list() const = 0;
};

}  // namespace sparrow::cli
