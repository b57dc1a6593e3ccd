#!/bin/sh
# check_examples.sh SOURCE BUILD FOLDER: installs into an empty prefix, and builds and runs the examples
# against it, by find_package and by pkg-config.
set -eu
source=$1 build=$2 folder=$3
rm -rf "$folder" && mkdir -p "$folder"
cmake --install "$build" --prefix "$folder/prefix" > "$folder/install.log"
"$build/write_tiny_model" "$folder/tiny.gguf"

cmake -S "$source/examples" -B "$folder/examples" -DCMAKE_PREFIX_PATH="$folder/prefix" > "$folder/configure.log"
cmake --build "$folder/examples" > "$folder/build.log"
"$folder/examples/generate" "$folder/tiny.gguf" "hello"
"$folder/examples/chat" "$folder/tiny.gguf" "hello" | grep "tokens, .* a second"

PKG_CONFIG_PATH=$(dirname "$(find "$folder/prefix" -name sparrow.pc)")
export PKG_CONFIG_PATH
cc -Wall -Werror -std=c99 -pedantic "$source/examples/generate.c" -o "$folder/generate" $(pkg-config --cflags --libs sparrow)
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH") "$folder/generate" "$folder/tiny.gguf" "hello"
"$folder/examples/generate" "$folder/none.gguf" "hello" 2>&1 | grep "none.gguf"
