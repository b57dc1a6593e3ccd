/* sparrow's C ABI: stable, for C and for every language that can call it.
 *
 * - Handles are opaque. Each is freed by its own function; NULL is allowed there.
 * - Strings in are UTF-8, pointer and length; they need no terminating zero and may hold zeros.
 * - Whatever is given out as `char*`, `char**` or `int32_t**` belongs to the caller and is freed by
 *   sparrow_free. Such strings end with a zero.
 * - What can fail returns a sparrow_status and takes `char** error` last: NULL, or where to put the
 *   message of a failure. Out parameters are untouched on failure.
 * - Structs of options begin with their size, so that they can grow: sparrow_*_init sets it.
 * - Any function may be called from any thread; a stream is read by one thread at a time. There is
 *   nothing to initialise. Callbacks come on the thread that called, and must not throw.
 */
#ifndef SPARROW_C_API_H
#define SPARROW_C_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SPARROW_C_API __attribute__((visibility("default")))
#else
#define SPARROW_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sparrow_status {
  SPARROW_OK = 0,
  SPARROW_INVALID_ARGUMENT = 1, /* a value that cannot be taken */
  SPARROW_INVALID_FILE = 2,     /* a model file, template or vocabulary that breaks its format */
  SPARROW_UNSUPPORTED = 3,      /* well-formed, but nothing here runs it */
  SPARROW_NOT_FOUND = 4,        /* no such file or model */
  SPARROW_IO = 5,               /* the disk failed */
  SPARROW_NETWORK = 6,          /* no source answered, or a download broke */
  SPARROW_OUT_OF_MEMORY = 7,    /* more memory than there is */
  SPARROW_CONTEXT_FULL = 8,     /* the prompt does not fit the context */
  SPARROW_CANCELLED = 9,        /* the caller asked to stop */
  SPARROW_INTERNAL = 10         /* a bug */
} sparrow_status;

typedef struct sparrow_engine sparrow_engine;
typedef struct sparrow_pool sparrow_pool;
typedef struct sparrow_stream sparrow_stream;

SPARROW_C_API const char* sparrow_version(void);
SPARROW_C_API void sparrow_free(void* memory);

/* ---- loading ---- */

typedef struct sparrow_engine_options {
  size_t struct_size;
  int64_t context_length;    /* of one request; 0: the model's, at most 32,768, as memory allows */
  const char* kv_cache_type; /* "f16", "f32", "bf16", "q8_0", "q4_0"; ends with a zero */
  int64_t kv_cache_bytes;    /* for all requests; 0: half of what is free beside the weights */
  int64_t max_sequences;     /* running at once; others wait */
  int32_t thread_count;      /* 0: one a physical core this process may use */
  bool may_pull;             /* a model of the catalog that is not here is downloaded */
  const char* activations;   /* "auto", "f32", "quantized"; ends with a zero */
  int64_t prefill_chunk;     /* most tokens of prompts that one step reads */
  /* May be NULL. False stops with SPARROW_CANCELLED. total_bytes 0: unknown. */
  bool (*on_progress)(const char* status, uint64_t completed_bytes, uint64_t total_bytes,
                      void* user);
  void* user;
  /* "none", "linear:4", "yarn:4", "yarn:4:32768" or a JSON object with Hugging Face's names; NULL:
   * the file's. The context grows with it. */
  const char* rope_scaling;
} sparrow_engine_options;

SPARROW_C_API void sparrow_engine_options_init(sparrow_engine_options* options, size_t struct_size);

/* `model`: a .gguf file, a name in the store, a name, alias or hub's id of the catalog, or
 * "default". `options` may be NULL. */
SPARROW_C_API sparrow_status sparrow_engine_load(const char* model, size_t model_size,
                                                 const sparrow_engine_options* options,
                                                 sparrow_engine** engine, char** error);
/* Ends what was submitted through it as cancelled. Streams may be read and freed afterwards. A
 * model of a pool that nobody uses any more is unloaded before this returns, if its keep_alive_ms
 * is 0. */
SPARROW_C_API void sparrow_engine_free(sparrow_engine* engine);

/* ---- several models within one memory budget ---- */

typedef struct sparrow_pool_options {
  size_t struct_size;
  int64_t memory_bytes;  /* of all models together; 0: what the machine has */
  int64_t max_models;    /* loaded at once; 0: as many as memory holds */
  int64_t keep_alive_ms; /* of a model after its last use; below 0: for good */
} sparrow_pool_options;

SPARROW_C_API void sparrow_pool_options_init(sparrow_pool_options* options, size_t struct_size);

/* `options` may be NULL. */
SPARROW_C_API sparrow_status sparrow_pool_create(const sparrow_pool_options* options,
                                                 sparrow_pool** pool, char** error);
/* Engines that it gave live on. */
SPARROW_C_API void sparrow_pool_free(sparrow_pool* pool);

/* sparrow_engine_load() of a model that may be loaded already: the same model with the same options
 * is shared, and in use until every engine is freed. Models are loaded one after another, each
 * within what the others leave; idle ones make room. `keep_alive_ms`: from now on for this model;
 * NULL: as it is, at first the pool's. SPARROW_OUT_OF_MEMORY names who holds the memory. */
SPARROW_C_API sparrow_status sparrow_pool_acquire(sparrow_pool* pool, const char* model,
                                                  size_t model_size,
                                                  const sparrow_engine_options* options,
                                                  const int64_t* keep_alive_ms,
                                                  sparrow_engine** engine, char** error);
/* As soon as nobody uses it. `was_loaded` may be NULL. */
SPARROW_C_API sparrow_status sparrow_pool_unload(sparrow_pool* pool, const char* model,
                                                 size_t model_size, bool* was_loaded, char** error);
/* A JSON list, the most recently used first: name, path, context_length, kv_cache_type, bytes,
 * is_used, time_left_ms (null: it stays). */
SPARROW_C_API sparrow_status sparrow_pool_list(const sparrow_pool* pool, char** json, char** error);

/* ---- what was loaded ---- */

/* A JSON object: name, path, architecture, vocabulary_size, context_length, model_context_length,
 * is_context_reduced, weight_bytes, workspace_bytes, available_bytes, kv_cache_bytes,
 * kv_cache_tokens, kv_cache_type, bos_token and eos_token (-1: none), end_of_generation,
 * control_tokens, chat_template. */
SPARROW_C_API sparrow_status sparrow_engine_info(const sparrow_engine* engine, char** json,
                                                 char** error);
/* A JSON object: waiting_count, running_count, block_count, free_block_count, cached_block_count,
 * preemption_count, adapter_bytes, and since loading step_count, computed_rows, step_seconds,
 * forward_seconds. */
SPARROW_C_API sparrow_status sparrow_engine_stats(const sparrow_engine* engine, char** json,
                                                  char** error);

/* What no request uses of the cached prefixes is free from now on. `is_empty`, which may be NULL:
 * false where requests in flight share some, which stay. */
SPARROW_C_API sparrow_status sparrow_reset_prefix_cache(sparrow_engine* engine, bool* is_empty,
                                                        char** error);

/* A LoRA adapter in a GGUF file, for requests to name, also of others who share the model. One of
 * the same name is replaced for requests to come; those in flight keep theirs.
 * SPARROW_OUT_OF_MEMORY comes before memory is taken. */
SPARROW_C_API sparrow_status sparrow_load_adapter(sparrow_engine* engine, const char* name,
                                                  const char* path, char** error);
SPARROW_C_API sparrow_status sparrow_unload_adapter(sparrow_engine* engine, const char* name,
                                                    char** error);

/* ---- text and ids ---- */

/* Control tokens in the text count, and the model's BOS stands in front, unless `is_plain`. */
SPARROW_C_API sparrow_status sparrow_encode(const sparrow_engine* engine, const char* text,
                                            size_t text_size, bool is_plain, int32_t** ids,
                                            size_t* count, char** error);
/* `request`: a JSON object of messages, tools, add_generation_prompt, continue_final_message,
 * chat_template, chat_template_kwargs. */
SPARROW_C_API sparrow_status sparrow_encode_chat(const sparrow_engine* engine, const char* request,
                                                 size_t request_size, int32_t** ids, size_t* count,
                                                 char** error);
/* `size` may be NULL. */
SPARROW_C_API sparrow_status sparrow_decode(const sparrow_engine* engine, const int32_t* ids,
                                            size_t count, bool with_control, char** text,
                                            size_t* size, char** error);

/* ---- sampling parameters, as JSON objects ---- */

/* What the model is best used with. */
SPARROW_C_API sparrow_status sparrow_default_sampling(const sparrow_engine* engine, char** json,
                                                      char** error);
/* Every field: a list of objects with name, default, range and doc. */
SPARROW_C_API sparrow_status sparrow_sampling_fields(char** json, char** error);

/* ---- generation ---- */

typedef enum sparrow_finish_reason {
  SPARROW_NOT_FINISHED = 0,
  SPARROW_STOP = 1,    /* an end of generation, a stop string or a stop token */
  SPARROW_LENGTH = 2,  /* max_tokens, or the context is full */
  SPARROW_ABORTED = 3, /* cancelled */
  SPARROW_FAILED = 4   /* see error */
} sparrow_finish_reason;

typedef struct sparrow_token_logprob {
  int32_t id;
  float logprob;
} sparrow_token_logprob;

typedef struct sparrow_token {
  int32_t id;
  float logprob; /* this and what follows only where they were asked for */
  int64_t rank;  /* how many tokens were at least as likely; it is one of them */
  const sparrow_token_logprob* top;
  size_t top_count;
} sparrow_token;

/* What has come since the last read. Later versions add members at the end. */
typedef struct sparrow_delta {
  const char* text; /* whole characters; ends with a zero */
  size_t text_size;
  const sparrow_token* tokens; /* of the answer */
  size_t token_count;
  const sparrow_token* prompt_tokens; /* from the prompt's second token on, with prompt_logprobs */
  size_t prompt_token_count;
  sparrow_finish_reason finish_reason;
  sparrow_status error_status; /* of `error` */
  const char* error;           /* "" unless it failed */
  const char* stop_string;     /* the stop string that ended it, or "" */
  int32_t stop_token;          /* the token that ended it, or -1 */
  const float* embedding;      /* with pooling, in the last delta */
  size_t embedding_size;
  const char* receipt; /* in the last delta, a JSON object (docs/receipts.md), or "" */
} sparrow_delta;

typedef struct sparrow_request_stats {
  size_t struct_size; /* set by the caller */
  int64_t prompt_tokens;
  int64_t cached_tokens; /* of the prompt, found in the cache */
  int64_t output_tokens;
  int64_t preemption_count;
  int64_t seed;
  double queue_seconds;
  double prefill_seconds;
  double decode_seconds;
  int64_t dropped_begin; /* from which on the context policy dropped tokens of the prompt */
  int64_t dropped_tokens;
  int64_t queue_position; /* 1: the next to run; 0: it runs, or has */
} sparrow_request_stats;

/* How a prompt's final hidden states become one vector. */
typedef enum sparrow_pooling {
  SPARROW_NO_POOLING = 0, /* the request is for text */
  SPARROW_MEAN = 1,       /* of all its tokens */
  SPARROW_LAST = 2,       /* of the last token */
  SPARROW_CLS = 3         /* of the first */
} sparrow_pooling;

/* What the last delta says of how the answer was made. */
typedef enum sparrow_receipt_kind {
  SPARROW_NO_RECEIPT = 0,
  SPARROW_DIGESTS = 1,     /* of model, template, prompt and answer */
  SPARROW_FULL_RECEIPT = 2 /* the ids of prompt and answer too: enough for sparrow_replay */
} sparrow_receipt_kind;

typedef struct sparrow_submit_options {
  size_t struct_size;
  bool is_batch;           /* whatever is not comes first */
  const char* adapter;     /* a name given to sparrow_load_adapter; NULL: the base model */
  float adapter_scale;     /* finite */
  sparrow_pooling pooling; /* an embedding in the last delta instead of an answer */
  bool normalize;          /* the embedding to length 1 */
  int64_t context_length;  /* of this request; 0: the engine's */
  /* Of a prompt that is too long: "error", "drop_oldest", "drop_middle"; what was dropped is in the
   * stats. Ends with a zero. */
  const char* context_policy;
  const char* rope_scaling; /* as in sparrow_engine_options; NULL: the engine's */
  int64_t score_from;       /* prompt_logprobs are of the prompt's tokens from this one on */
  sparrow_receipt_kind receipt;
} sparrow_submit_options;

SPARROW_C_API void sparrow_submit_options_init(sparrow_submit_options* options, size_t struct_size);

/* Queues a request. `params`: a JSON object of sampling fields; what it leaves out has the general
 * default. `options` may be NULL. */
SPARROW_C_API sparrow_status sparrow_submit(sparrow_engine* engine, const int32_t* prompt,
                                            size_t prompt_count, const char* params,
                                            size_t params_size,
                                            const sparrow_submit_options* options,
                                            sparrow_stream** stream, char** error);
/* The next delta, valid until the next call on this stream; the last has a finish_reason. NULL
 * after `timeout_ms` (below 0: never), and after the last. */
SPARROW_C_API const sparrow_delta* sparrow_stream_next(sparrow_stream* stream, int64_t timeout_ms);
/* The request ends within one step of the engine. */
SPARROW_C_API void sparrow_stream_cancel(sparrow_stream* stream);
/* Complete once the last delta was read. */
SPARROW_C_API void sparrow_stream_stats(const sparrow_stream* stream, sparrow_request_stats* stats);
/* Cancels what has not finished. */
SPARROW_C_API void sparrow_stream_free(sparrow_stream* stream);

/* Submits and reads to the end on this thread. False from `on_delta` cancels. */
SPARROW_C_API sparrow_status sparrow_generate(
    sparrow_engine* engine, const int32_t* prompt, size_t prompt_count, const char* params,
    size_t params_size, bool (*on_delta)(const sparrow_delta* delta, void* user), void* user,
    char** error);

/* ---- scoring and replaying: each waits for its result ---- */

/* How likely the model finds `continuation` after `context`, both of at least one token. `json`: an
 * object of logprob, is_greedy, and token_logprobs, a list. */
SPARROW_C_API sparrow_status sparrow_log_likelihood(sparrow_engine* engine, const int32_t* context,
                                                    size_t context_count,
                                                    const int32_t* continuation,
                                                    size_t continuation_count, char** json,
                                                    char** error);
/* The probabilities of `label_count` labels, at least two, among themselves after the prompt, into
 * `shares`. */
SPARROW_C_API sparrow_status sparrow_classify(sparrow_engine* engine, const int32_t* prompt,
                                              size_t prompt_count, const int32_t* const* labels,
                                              const size_t* label_sizes, size_t label_count,
                                              double* shares, char** error);
/* Makes an answer again. `prompt`: where the receipt is of digests alone, else NULL. `json`: an
 * object of is_same, first_difference (-1: none, or not known), differences (of the engines, a list
 * of texts), text and receipt. */
SPARROW_C_API sparrow_status sparrow_replay(sparrow_engine* engine, const char* receipt,
                                            size_t receipt_size, const int32_t* prompt,
                                            size_t prompt_count, char** json, char** error);

#ifdef __cplusplus
}
#endif

#endif
