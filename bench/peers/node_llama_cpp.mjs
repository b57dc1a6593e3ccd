// llama.cpp as npm's node-llama-cpp ships it, the way most people get it, as the other program of
// `sparrow bench --compare`.
//
//   npm install --ignore-scripts node-llama-cpp      (in a folder of its own)
//   node node_llama_cpp.mjs MODEL.gguf --modules FOLDER -p 512 -n 64 [-d 4096] [-b 16] [-t 2]
import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {resolve} from "node:path";
import {pathToFileURL} from "node:url";
import {parseArgs} from "node:util";

const text = (short, value) => ({type: "string", short, default: value});
const {values, positionals} = parseArgs({allowPositionals: true, options: {
    modules: text("m", "."), prompt: text("p", "0"), generate: text("n", "0"), depth: text("d", "0"),
    batch: text("b", "1"), threads: text("t", "2")}});
const [prompt, generate, depth, batch, threads] =
    ["prompt", "generate", "depth", "batch", "threads"].map((name) => Number(values[name]));

const require = createRequire(resolve(values.modules) + "/");
const {getLlama} = await import(pathToFileURL(require.resolve("node-llama-cpp")));
const started = performance.now();
const llama = await getLlama({gpu: false, build: "never", logLevel: "error"});
const model = await llama.loadModel({modelPath: positionals[0]});
const loadSeconds = (performance.now() - started) / 1000;
const context = await model.createContext(
    {contextSize: Math.max(prompt, depth) + generate + 64, batchSize: 512, threads, sequences: batch});
const sequences = Array.from({length: batch}, () => context.getSequence());

let state = 1;  // arbitrary tokens, the same every time
const token = () => {
    state = (state * 48271) % 2147483647;
    return 1000 + state % 40000;
};
const read = (sequence, count) =>
    sequence.evaluateWithoutGeneratingNewTokens(Array.from({length: count}, token));

// Greedy, with the end of the text taken for a token like any other; the first token is left out.
async function write(sequence) {
    let start = 0;
    let count = -1;
    for await (const _ of sequence.evaluate([token()], {temperature: 0, yieldEogToken: true})) {
        if (++count === 0) start = performance.now();
        if (count === generate) break;
    }
    return (performance.now() - start) / 1000;
}

const tests = [];
const note = (n_prompt, n_gen, seconds) => tests.push(
    {n_prompt, n_gen, depth, batch, tokens_per_second: (n_prompt + n_gen) * batch / seconds});
await read(sequences[0], 2);
await sequences[0].clearHistory();
if (depth > 0) for (const sequence of sequences) await read(sequence, depth);
if (prompt > 0) {
    const start = performance.now();
    await read(sequences[0], prompt);
    note(prompt, 0, (performance.now() - start) / 1000);
    await sequences[0].eraseContextTokenRanges([{start: depth, end: depth + prompt}]);
}
if (generate > 0) note(0, generate, Math.max(...await Promise.all(sequences.map(write))));
const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
console.log(JSON.stringify({tests, load_seconds: loadSeconds, peak_memory_bytes: peak}));
process.exit(0);
