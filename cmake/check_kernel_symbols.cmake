# cmake -DNM=nm -DISA=avx2 -DOBJECTS="a.o;b.o" -P check_kernel_symbols.cmake
# The objects of one instruction set may give the linker nothing but their own namespace: a weak
# symbol (an inline function, a template) compiled with special flags could be the copy that the
# whole program then uses, on machines that lack the instructions.
execute_process(COMMAND ${NM} -C --defined-only ${OBJECTS} OUTPUT_VARIABLE text RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${NM} failed on ${OBJECTS}")
endif()
string(REGEX MATCHALL "[0-9a-f]+ [A-Zuvw] [^\n]*" symbols "${text}")
list(LENGTH symbols count)
if(count EQUAL 0)
  message(FATAL_ERROR "no symbols in ${OBJECTS}")
endif()
foreach(symbol IN LISTS symbols)
  if(NOT symbol MATCHES "^[0-9a-f]+ [TDRB] sparrow::kernels::${ISA}::")
    message(FATAL_ERROR "kernels/${ISA} leaks: ${symbol}")
  endif()
endforeach()
message(STATUS "kernels/${ISA}: ${count} symbols, all in sparrow::kernels::${ISA}")
