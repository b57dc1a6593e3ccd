# One smoke run: an empty folder, the seeds, the committed corpus, a fixed number of inputs. The
# folder is emptied first, so that a run never depends on what an earlier one found.
file(REMOVE_RECURSE ${FOLDER})
file(MAKE_DIRECTORY ${FOLDER}/corpus)
if(SEEDS)
  execute_process(COMMAND ${SEEDS} ${FOLDER}/corpus COMMAND_ERROR_IS_FATAL ANY)
endif()
file(GLOB committed ${CORPUS}/*)
foreach(file IN LISTS committed)
  file(COPY ${file} DESTINATION ${FOLDER}/corpus)
endforeach()
execute_process(
  COMMAND ${FUZZER} -runs=${RUNS} -seed=1 -max_len=${MAX_LENGTH} -timeout=5 -rss_limit_mb=1024
    -print_final_stats=1 -artifact_prefix=${FOLDER}/ ${ARGUMENTS} ${FOLDER}/corpus
  COMMAND_ERROR_IS_FATAL ANY)
