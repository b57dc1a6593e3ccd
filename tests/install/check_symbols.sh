#!/bin/sh
# check_symbols.sh LIBRARY GOLDEN: the library's names are those of its promise, no more and no less.
set -eu
nm -D --defined-only "$1" | cut -c18- | c++filt | sed -E 's/^. //; s/\[abi:cxx11\]//; s/\(.*//' | sort -u > "$1.names"
diff -u "$2" "$1.names"
