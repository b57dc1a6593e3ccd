// llama.cpp, as npm's node-llama-cpp ships it, on what `engine_bench MODEL many` does: short prompts one after
// another, 32 tokens each, greedy.
//
//   node many_prompts.mjs MODEL.gguf --modules FOLDER [-c COUNT] [-t 2]
import {createRequire} from "node:module";
import {resolve} from "node:path";
import {pathToFileURL} from "node:url";
import {parseArgs} from "node:util";

const text = (short, value) => ({type: "string", short, default: value});
const {values, positionals} = parseArgs({allowPositionals: true, options: {
    modules: text("m", "."), count: text("c", "1000"), threads: text("t", "2")}});
const [count, threads] = [Number(values.count), Number(values.threads)];

const require = createRequire(resolve(values.modules) + "/");
const {getLlama} = await import(pathToFileURL(require.resolve("node-llama-cpp")));
const llama = await getLlama({gpu: false, build: "never", logLevel: "error"});
const model = await llama.loadModel({modelPath: positionals[0]});
const context = await model.createContext({contextSize: 512, batchSize: 512, threads});
const sequence = context.getSequence();

const start = performance.now();
let tokens = 0;
for (let i = 0; i < count; i++) {
    const prompt = model.tokenize(`Question ${i}: what is ${i} plus ${i * 7 % 13}? Answer:`);
    await sequence.clearHistory();
    let written = 0;
    for await (const _ of sequence.evaluate(prompt, {temperature: 0, yieldEogToken: true}))
        if (++written === 32) break;
    tokens += written;
}
const seconds = (performance.now() - start) / 1000;
console.log(`${count} short prompts, 32 tokens each: ${seconds.toFixed(1)} s, ${(tokens / seconds).toFixed(0)} tokens/s`);
process.exit(0);
