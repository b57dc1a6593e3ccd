/* The C ABI as C sees it. Each check gives its line where it fails. */
#include <string.h>

#include "sparrow/c_api.h"

#define CHECK(condition) \
  if (!(condition)) return __LINE__

static sparrow_status load(const char* path, sparrow_engine** engine, char** error) {
  sparrow_engine_options options;
  sparrow_engine_options_init(&options, sizeof options);
  options.thread_count = 1;
  options.context_length = 300;
  return sparrow_engine_load(path, strlen(path), &options, engine, error);
}

static bool count_tokens(const sparrow_delta* delta, void* user) {
  *(size_t*)user += delta->token_count;
  return true;
}

static bool stop_at_once(const sparrow_delta* delta, void* user) {
  (void)delta;
  ++*(int*)user;
  return false;
}

int c_api_generates(const char* path) {
  sparrow_engine* engine = NULL;
  CHECK(load(path, &engine, NULL) == SPARROW_OK);
  int32_t* ids = NULL;
  size_t count = 0;
  CHECK(sparrow_encode(engine, "hello", 5, false, &ids, &count, NULL) == SPARROW_OK);
  CHECK(count > 0);
  const char params[] =
      "{\"temperature\": 0, \"max_tokens\": 9, \"ignore_eos\": true, "
      "\"logprobs\": 2, \"prompt_logprobs\": 0}";
  sparrow_stream* stream = NULL;
  sparrow_submit_options submit;
  sparrow_submit_options_init(&submit, sizeof submit);
  submit.is_batch = true;
  CHECK(sparrow_submit(engine, ids, count, params, strlen(params), &submit, &stream, NULL) ==
        SPARROW_OK);
  size_t tokens = 0, prompt_tokens = 0;
  sparrow_finish_reason reason = SPARROW_NOT_FINISHED;
  const sparrow_delta* delta;
  while ((delta = sparrow_stream_next(stream, -1)) != NULL) {
    CHECK(delta->text_size == strlen(delta->text));
    tokens += delta->token_count;
    prompt_tokens += delta->prompt_token_count;
    if (delta->token_count > 0) CHECK(delta->tokens[0].top_count == 2);
    if (delta->token_count > 0)
      CHECK(delta->tokens[0].top[0].logprob >= delta->tokens[0].top[1].logprob);
    reason = delta->finish_reason;
  }
  CHECK(tokens == 9 && prompt_tokens == count - 1);
  CHECK(reason == SPARROW_LENGTH);
  sparrow_request_stats stats;
  stats.struct_size = sizeof stats;
  sparrow_stream_stats(stream, &stats);
  CHECK(stats.output_tokens == 9 && stats.prompt_tokens == (int64_t)count);
  sparrow_stream_free(stream);

  submit.pooling = SPARROW_MEAN;
  CHECK(sparrow_submit(engine, ids, count, NULL, 0, &submit, &stream, NULL) == SPARROW_OK);
  while ((delta = sparrow_stream_next(stream, -1)) != NULL) {
    float square = 0;
    for (size_t i = 0; i < delta->embedding_size; ++i)
      square += delta->embedding[i] * delta->embedding[i];
    CHECK(delta->embedding_size == 64 && square > 0.999f && square < 1.001f);
    CHECK(delta->finish_reason == SPARROW_STOP);
  }
  sparrow_stream_free(stream);

  tokens = 0;
  CHECK(sparrow_generate(engine, ids, count, params, strlen(params), count_tokens, &tokens, NULL) ==
        SPARROW_OK);
  CHECK(tokens == 9);
  int calls = 0;
  const char endless[] = "{\"ignore_eos\": true}";
  CHECK(sparrow_generate(engine, ids, count, endless, strlen(endless), stop_at_once, &calls,
                         NULL) == SPARROW_OK);
  CHECK(calls >= 1 && calls <= 3);

  char* text = NULL;
  size_t size = 0;
  CHECK(sparrow_decode(engine, ids, count, false, &text, &size, NULL) == SPARROW_OK);
  CHECK(size == 5 && strcmp(text, "hello") == 0);
  sparrow_free(text);
  sparrow_free(ids);
  const char chat[] = "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}";
  CHECK(sparrow_encode_chat(engine, chat, strlen(chat), &ids, &count, NULL) == SPARROW_OK);
  CHECK(count > 4);
  sparrow_free(ids);
  char* json = NULL;
  CHECK(sparrow_engine_info(engine, &json, NULL) == SPARROW_OK);
  CHECK(strstr(json, "\"context_length\":300") != NULL);
  CHECK(strstr(json, "\"bos_token\":260") != NULL && strstr(json, "\"eos_token\":262") != NULL);
  CHECK(strstr(json, "\"control_tokens\":[260,261,262]") != NULL);
  CHECK(strstr(json, "\"chat_template\":\"{%") != NULL);
  sparrow_free(json);
  CHECK(sparrow_engine_stats(engine, &json, NULL) == SPARROW_OK);
  CHECK(strstr(json, "\"running_count\":") != NULL);
  sparrow_free(json);
  CHECK(sparrow_default_sampling(engine, &json, NULL) == SPARROW_OK);
  CHECK(strstr(json, "\"temperature\":") != NULL);
  sparrow_free(json);
  CHECK(sparrow_sampling_fields(&json, NULL) == SPARROW_OK);
  CHECK(strstr(json, "\"top_p\"") != NULL);
  sparrow_free(json);
  sparrow_engine_free(engine);
  return 0;
}

int c_api_names_what_is_wrong(const char* path) {
  sparrow_engine* engine = NULL;
  char* error = NULL;
  CHECK(sparrow_engine_load("/no/where.gguf", 14, NULL, &engine, &error) == SPARROW_NOT_FOUND);
  CHECK(engine == NULL && strstr(error, "/no/where.gguf") != NULL);
  sparrow_free(error);
  CHECK(sparrow_engine_load(path, strlen(path), NULL, NULL, &error) == SPARROW_INVALID_ARGUMENT);
  CHECK(strcmp(error, "engine must not be NULL") == 0);
  sparrow_free(error);
  sparrow_engine_options options;
  sparrow_engine_options_init(&options, sizeof options);
  options.kv_cache_type = "f8";
  CHECK(sparrow_engine_load(path, strlen(path), &options, &engine, &error) ==
        SPARROW_INVALID_ARGUMENT);
  CHECK(strstr(error, "f8") != NULL);
  sparrow_free(error);
  options.struct_size = 3;
  CHECK(sparrow_engine_load(path, strlen(path), &options, &engine, NULL) ==
        SPARROW_INVALID_ARGUMENT);

  CHECK(load(path, &engine, NULL) == SPARROW_OK);
  const int32_t prompt[] = {1, 2, 3};
  sparrow_stream* stream = NULL;
  CHECK(sparrow_submit(engine, prompt, 3, "{\"top_p\": 7}", 12, NULL, &stream, &error) ==
        SPARROW_INVALID_ARGUMENT);
  CHECK(strstr(error, "top_p must be in (0, 1], got 7") != NULL);
  sparrow_free(error);
  CHECK(sparrow_submit(engine, prompt, 0, NULL, 0, NULL, &stream, NULL) ==
        SPARROW_INVALID_ARGUMENT);
  CHECK(sparrow_submit(engine, NULL, 3, NULL, 0, NULL, &stream, NULL) == SPARROW_INVALID_ARGUMENT);
  const int32_t foreign[] = {1000000};
  CHECK(sparrow_submit(engine, foreign, 1, NULL, 0, NULL, &stream, &error) ==
        SPARROW_INVALID_ARGUMENT);
  CHECK(strstr(error, "1000000") != NULL);
  sparrow_free(error);
  CHECK(sparrow_submit(engine, prompt, 3, "{", 1, NULL, &stream, NULL) == SPARROW_INVALID_ARGUMENT);
  CHECK(stream == NULL);
  sparrow_submit_options submit;
  sparrow_submit_options_init(&submit, sizeof submit);
  submit.context_policy = "forget";
  CHECK(sparrow_submit(engine, prompt, 3, NULL, 0, &submit, &stream, &error) ==
        SPARROW_INVALID_ARGUMENT);
  CHECK(strstr(error, "drop_middle, got 'forget'") != NULL);
  sparrow_free(error);
  sparrow_submit_options_init(&submit, sizeof submit);
  submit.adapter = "none";
  CHECK(sparrow_submit(engine, prompt, 3, NULL, 0, &submit, &stream, &error) == SPARROW_NOT_FOUND);
  CHECK(strcmp(error, "there is no adapter 'none'; loaded are: none") == 0);
  sparrow_free(error);
  CHECK(sparrow_load_adapter(engine, "a", "/no/where.gguf", NULL) == SPARROW_NOT_FOUND);
  CHECK(sparrow_unload_adapter(engine, "a", NULL) == SPARROW_NOT_FOUND);
  char* text = NULL;
  CHECK(sparrow_decode(engine, foreign, 1, false, &text, NULL, NULL) == SPARROW_INVALID_ARGUMENT);
  int32_t* ids = NULL;
  size_t count = 0;
  CHECK(sparrow_encode_chat(engine, "{\"mesages\": []}", 15, &ids, &count, NULL) ==
        SPARROW_INVALID_ARGUMENT);
  sparrow_engine_free(engine);
  sparrow_engine_free(NULL);
  sparrow_stream_free(NULL);
  sparrow_free(NULL);
  CHECK(sparrow_stream_next(NULL, 0) == NULL);
  return 0;
}

int c_api_streams_outlive_their_engine(const char* path) {
  sparrow_engine* engine = NULL;
  CHECK(load(path, &engine, NULL) == SPARROW_OK);
  const int32_t prompt[] = {1, 2, 3};
  const char params[] = "{\"ignore_eos\": true}";
  sparrow_stream* stream = NULL;
  CHECK(sparrow_submit(engine, prompt, 3, params, strlen(params), NULL, &stream, NULL) ==
        SPARROW_OK);
  sparrow_engine_free(engine);
  const sparrow_delta* delta;
  sparrow_finish_reason reason = SPARROW_NOT_FINISHED;
  while ((delta = sparrow_stream_next(stream, -1)) != NULL) reason = delta->finish_reason;
  CHECK(reason == SPARROW_ABORTED || reason == SPARROW_LENGTH);
  sparrow_stream_free(stream);
  return 0;
}

static bool report(const char* status, uint64_t completed, uint64_t total, void* user) {
  (void)status;
  (void)completed;
  (void)total;
  ++*(int*)user;
  return true;
}

int c_api_shares_models_of_a_pool(const char* path) {
  sparrow_pool_options pool_options;
  sparrow_pool_options_init(&pool_options, sizeof pool_options);
  CHECK(pool_options.keep_alive_ms == 300000);
  pool_options.keep_alive_ms = 0;
  pool_options.max_models = 2;
  sparrow_pool* pool = NULL;
  CHECK(sparrow_pool_create(&pool_options, &pool, NULL) == SPARROW_OK);
  sparrow_engine_options options;
  sparrow_engine_options_init(&options, sizeof options);
  options.thread_count = 1;
  options.context_length = 300;
  int reports = 0;
  options.on_progress = report;
  options.user = &reports;
  const size_t size = strlen(path);
  sparrow_engine *first = NULL, *second = NULL, *other = NULL;
  CHECK(sparrow_pool_acquire(pool, path, size, &options, NULL, &first, NULL) == SPARROW_OK);
  CHECK(reports > 0);
  reports = 0;
  CHECK(sparrow_pool_acquire(pool, path, size, &options, NULL, &second, NULL) == SPARROW_OK);
  CHECK(reports == 0);
  options.context_length = 200;
  CHECK(sparrow_pool_acquire(pool, path, size, &options, NULL, &other, NULL) == SPARROW_OK);
  char* json = NULL;
  CHECK(sparrow_pool_list(pool, &json, NULL) == SPARROW_OK);
  CHECK(strstr(json, "\"context_length\":200") < strstr(json, "\"context_length\":300"));
  CHECK(strstr(json, "\"is_used\":true,\"time_left_ms\":0") != NULL);
  sparrow_free(json);
  char* error = NULL;
  options.context_length = 100;
  sparrow_engine* none = NULL;
  CHECK(sparrow_pool_acquire(pool, path, size, &options, NULL, &none, &error) ==
        SPARROW_OUT_OF_MEMORY);
  CHECK(none == NULL && strstr(error, "2 models are in use, and no more may be") != NULL);
  sparrow_free(error);

  /* Freeing one handle ends what came through it, and nothing else. */
  const int32_t prompt[] = {1, 2, 3};
  const char endless[] = "{\"ignore_eos\": true}";
  const char few[] = "{\"ignore_eos\": true, \"max_tokens\": 40}";
  sparrow_stream *ended = NULL, *whole = NULL;
  CHECK(sparrow_submit(first, prompt, 3, endless, strlen(endless), NULL, &ended, NULL) ==
        SPARROW_OK);
  CHECK(sparrow_submit(second, prompt, 3, few, strlen(few), NULL, &whole, NULL) == SPARROW_OK);
  sparrow_engine_free(first);
  const sparrow_delta* delta;
  sparrow_finish_reason reason = SPARROW_NOT_FINISHED;
  while ((delta = sparrow_stream_next(ended, -1)) != NULL) reason = delta->finish_reason;
  CHECK(reason == SPARROW_ABORTED || reason == SPARROW_LENGTH);
  while ((delta = sparrow_stream_next(whole, -1)) != NULL) reason = delta->finish_reason;
  CHECK(reason == SPARROW_LENGTH);
  sparrow_request_stats stats;
  stats.struct_size = sizeof stats;
  sparrow_stream_stats(whole, &stats);
  CHECK(stats.output_tokens == 40 && stats.queue_position == 0);
  sparrow_stream_free(ended);
  sparrow_stream_free(whole);

  sparrow_engine_free(other);
  CHECK(sparrow_pool_list(pool, &json, NULL) == SPARROW_OK);
  CHECK(strstr(json, "\"context_length\":200") == NULL);
  sparrow_free(json);
  bool was_loaded = false;
  CHECK(sparrow_pool_unload(pool, path, size, &was_loaded, NULL) == SPARROW_OK && was_loaded);
  const int64_t forever = -1;
  options.context_length = 300;
  CHECK(sparrow_pool_acquire(pool, path, size, &options, &forever, &first, NULL) == SPARROW_OK);
  sparrow_engine_free(second);
  sparrow_engine_free(first);
  CHECK(sparrow_pool_list(pool, &json, NULL) == SPARROW_OK);
  CHECK(strstr(json, "\"is_used\":false,\"time_left_ms\":null") != NULL);
  sparrow_free(json);
  CHECK(sparrow_pool_unload(pool, path, size, NULL, NULL) == SPARROW_OK);
  CHECK(sparrow_pool_unload(pool, path, size, &was_loaded, NULL) == SPARROW_OK && !was_loaded);

  CHECK(sparrow_pool_acquire(pool, path, size, NULL, NULL, &first, NULL) == SPARROW_OK);
  sparrow_pool_free(pool);
  sparrow_pool_free(NULL);
  int32_t* ids = NULL;
  size_t count = 0;
  CHECK(sparrow_encode(first, "hello", 5, false, &ids, &count, NULL) == SPARROW_OK);
  sparrow_free(ids);
  sparrow_engine_free(first);

  pool_options.memory_bytes = -1;
  CHECK(sparrow_pool_create(&pool_options, &pool, &error) == SPARROW_INVALID_ARGUMENT);
  CHECK(strstr(error, "memory_bytes must be at least 0 (0: what the machine has), got -1") != NULL);
  sparrow_free(error);
  return 0;
}

int c_api_resets_the_prefix_cache(const char* path) {
  sparrow_engine* engine = NULL;
  CHECK(load(path, &engine, NULL) == SPARROW_OK);
  int32_t prompt[100];
  for (int i = 0; i < 100; ++i) prompt[i] = i;
  const char params[] = "{\"max_tokens\": 1}";
  sparrow_request_stats stats;
  stats.struct_size = sizeof stats;
  for (int round = 0; round < 3; ++round) {
    sparrow_stream* stream = NULL;
    CHECK(sparrow_submit(engine, prompt, 100, params, strlen(params), NULL, &stream, NULL) ==
          SPARROW_OK);
    while (sparrow_stream_next(stream, -1) != NULL) {
    }
    sparrow_stream_stats(stream, &stats);
    sparrow_stream_free(stream);
    CHECK((stats.cached_tokens > 0) == (round == 1));
    bool is_empty = false;
    if (round == 1) CHECK(sparrow_reset_prefix_cache(engine, &is_empty, NULL) == SPARROW_OK);
    CHECK(is_empty == (round == 1));
  }
  CHECK(sparrow_reset_prefix_cache(NULL, NULL, NULL) == SPARROW_INVALID_ARGUMENT);
  sparrow_engine_free(engine);
  return 0;
}

int c_api_scores_and_replays(const char* path) {
  sparrow_engine* engine = NULL;
  char* error = NULL;
  char* json = NULL;
  CHECK(load(path, &engine, NULL) == SPARROW_OK);
  const int32_t prompt[] = {1, 2, 3};
  const int32_t yes[] = {40, 41};
  const int32_t no[] = {50};
  CHECK(sparrow_log_likelihood(engine, prompt, 3, yes, 2, &json, NULL) == SPARROW_OK);
  CHECK(strstr(json, "\"logprob\":-") != NULL && strstr(json, "\"token_logprobs\":[-") != NULL);
  sparrow_free(json);
  CHECK(sparrow_log_likelihood(engine, prompt, 3, NULL, 0, &json, &error) ==
        SPARROW_INVALID_ARGUMENT);
  CHECK(strstr(error, "continuation is empty") != NULL);
  sparrow_free(error);
  const int32_t* labels[] = {yes, no};
  const size_t sizes[] = {2, 1};
  double shares[2] = {0, 0};
  CHECK(sparrow_classify(engine, prompt, 3, labels, sizes, 2, shares, NULL) == SPARROW_OK);
  CHECK(shares[0] > 0 && shares[1] > 0 && shares[0] + shares[1] > 0.999999);

  sparrow_submit_options options;
  sparrow_submit_options_init(&options, sizeof options);
  options.receipt = SPARROW_FULL_RECEIPT;
  options.rope_scaling = "yarn:2";
  sparrow_stream* stream = NULL;
  CHECK(sparrow_submit(engine, prompt, 3, "{\"max_tokens\": 5}", 17, &options, &stream, NULL) ==
        SPARROW_OK);
  const sparrow_delta* delta = NULL;
  char receipt[16384] = "";
  while ((delta = sparrow_stream_next(stream, -1)) != NULL) {
    CHECK(strlen(delta->receipt) < sizeof receipt);
    strncpy(receipt, delta->receipt, sizeof receipt - 1);
  }
  sparrow_stream_free(stream);
  CHECK(sparrow_replay(engine, receipt, strlen(receipt), NULL, 0, &json, NULL) == SPARROW_OK);
  CHECK(strstr(json, "\"is_same\":true") != NULL);
  sparrow_free(json);
  CHECK(sparrow_replay(engine, "{}", 2, NULL, 0, &json, &error) == SPARROW_INVALID_ARGUMENT);
  CHECK(strstr(error, "receipt") != NULL);
  sparrow_free(error);
  options.receipt = (sparrow_receipt_kind)7;
  CHECK(sparrow_submit(engine, prompt, 3, NULL, 0, &options, &stream, NULL) ==
        SPARROW_INVALID_ARGUMENT);
  options.receipt = SPARROW_NO_RECEIPT;
  options.rope_scaling = "yarn:x";
  CHECK(sparrow_submit(engine, prompt, 3, NULL, 0, &options, &stream, NULL) ==
        SPARROW_INVALID_ARGUMENT);
  sparrow_engine_free(engine);
  return 0;
}
