#!/bin/sh
# check_wheel.sh PYTHON BINDINGS MODEL FOLDER: installs the wheel into a clean virtual environment, without a
# network, and runs the article's lines there: with the import changed, and unchanged through the shim.
set -eu
python=$1 bindings=$2 model=$3 folder=$4
rm -rf "$folder" && mkdir -p "$folder"
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-index "$bindings/python"
unset SPARROW_LIBRARY
cd "$folder"

article() {
  "$folder/venv/bin/python" - "$model" << EOF
import sys
from $1 import LLM, SamplingParams
llm = LLM(model=sys.argv[1], dtype="float16", tensor_parallel_size=1)
sampling_params = SamplingParams(temperature=0.7, top_p=0.9, max_tokens=512)
outputs = llm.generate(["解释量子纠缠的基本原理", "写一首关于春天的七言绝句"], sampling_params)
assert len(outputs) == 2
for output in outputs:
    print(output.outputs[0].text)
EOF
}
article sparrow
if article vllm 2> /dev/null; then
  echo "there is a package vllm without the shim" >&2
  exit 1
fi
"$folder/venv/bin/pip" install --quiet --no-index "$bindings/python-vllm-shim"
article vllm
"$folder/venv/bin/python" -c 'import vllm; from importlib.metadata import version; assert version("vllm") == vllm.__version__'
"$folder/venv/bin/python" -c 'import sparrow; print(sparrow.library_path())' | grep "$folder/venv"
