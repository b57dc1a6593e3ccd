/* Answers a prompt, word by word: cc generate.c $(pkg-config --cflags --libs sparrow) */
#include <sparrow/c_api.h>
#include <stdio.h>
#include <string.h>

static bool print(const sparrow_delta* delta, void* user) {
  (void)user;
  fwrite(delta->text, 1, delta->text_size, stdout);
  fflush(stdout);
  return true;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: generate MODEL PROMPT\n");
    return 2;
  }
  sparrow_engine* engine = NULL;
  int32_t* ids = NULL;
  size_t count = 0;
  char* error = NULL;
  const char params[] = "{\"temperature\": 0.7, \"max_tokens\": 200}";
  sparrow_status status = sparrow_engine_load(argv[1], strlen(argv[1]), NULL, &engine, &error);
  if (status == SPARROW_OK)
    status = sparrow_encode(engine, argv[2], strlen(argv[2]), false, &ids, &count, &error);
  if (status == SPARROW_OK)
    status = sparrow_generate(engine, ids, count, params, strlen(params), print, NULL, &error);
  putchar('\n');
  if (status != SPARROW_OK) fprintf(stderr, "generate: %s\n", error);
  sparrow_free(error);
  sparrow_free(ids);
  sparrow_engine_free(engine);
  return status == SPARROW_OK ? 0 : 1;
}
