// What Vercel's ai does with @ai-sdk/openai-compatible, against a server that runs:
//   node ai-sdk-js.mjs URL MODEL [MODEL_WITH_TOOLS]
import assert from 'node:assert/strict';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany, generateText, jsonSchema, streamText, tool } from 'ai';

const [url, model, toolModel] = process.argv.slice(2);
const sparrow = createOpenAICompatible({ name: 'sparrow', baseURL: `${url}/v1`, includeUsage: true });

const wanted = { prompt: 'Name three colours.', temperature: 0, maxOutputTokens: 16, maxRetries: 0 };
const whole = await generateText({ model: sparrow(model), ...wanted });
assert(whole.text.length > 0);
assert.equal(whole.usage.outputTokens, 16);
console.log('ok generateText');

const stream = streamText({ model: sparrow(model), ...wanted });
let text = '';
for await (const piece of stream.textStream) text += piece;
assert.equal(text, whole.text);
assert.equal((await stream.usage).outputTokens, 16);
console.log('ok streamText');

const { embeddings } = await embedMany({
  model: sparrow.textEmbeddingModel(model), values: ['a cat', 'a dog'],
});
assert.equal(embeddings.length, 2);
console.log('ok embedMany');

if (!toolModel) process.exit(0);
const weather = tool({
  description: 'The weather of a city',
  inputSchema: jsonSchema({
    type: 'object', properties: { city: { type: 'string' } }, required: ['city'],
  }),
});
const asked = { prompt: 'What is the weather in Paris? Use the tool.', temperature: 0,
  maxOutputTokens: 100, maxRetries: 0, tools: { get_weather: weather } };
const called = await generateText({ model: sparrow(toolModel), ...asked });
assert.equal(called.toolCalls[0].toolName, 'get_weather');
assert.match(called.toolCalls[0].input.city, /Paris/);
const calls = await streamText({ model: sparrow(toolModel), ...asked }).toolCalls;
assert.deepEqual(calls[0].input, called.toolCalls[0].input);
console.log('ok tools');
