// What Vercel's ai does, through whichever provider.
import assert from 'node:assert/strict';
import { APICallError, embedMany, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import { assertEnds, errorOf, longStory, messages, model, question, run, toolModel, weather } from './checks.mjs';

// ollama-ai-provider-v2 sends temperature and maxOutputTokens where Ollama's API has no such fields; it has its own way.
const limits = (count) => ({
  temperature: 0, maxOutputTokens: count, maxRetries: 0,
  providerOptions: { ollama: { options: { temperature: 0, num_predict: count } } },
});
const wanted = { prompt: messages[0].content, ...limits(16) };
const { description, parameters } = weather;
const tools = { get_weather: tool({ description, inputSchema: jsonSchema(parameters) }) };
const asked = { prompt: question, tools, ...limits(100) };

export const runAiChecks = (language, embedding) => run({
  async generate_and_stream_the_same_text() {
    const whole = await generateText({ model: language(model), ...wanted });
    assert(whole.text.length > 0);
    assert.equal(whole.usage.outputTokens, 16);
    assert.equal(whole.finishReason, 'length');
    const stream = streamText({ model: language(model), ...wanted });
    const pieces = [];
    for await (const piece of stream.textStream) pieces.push(piece);
    assert(pieces.length > 1);
    assert.equal(pieces.join(''), whole.text);
    assert.equal(await stream.finishReason, 'length');
    const { inputTokens, outputTokens } = await stream.usage;
    assert.deepEqual({ inputTokens, outputTokens },
      { inputTokens: whole.usage.inputTokens, outputTokens: whole.usage.outputTokens });
  },
  async abort() {
    const controller = new AbortController();
    const { fullStream } = streamText({
      model: language(model), prompt: longStory[0].content, ...limits(7000), abortSignal: controller.signal,
    });
    const types = [];
    for await (const { type } of fullStream) {
      if (type === 'text-delta' && !types.includes(type)) await assertEnds(() => controller.abort());
      types.push(type);
    }
    assert(types.includes('abort'), types.join());
  },
  async embeddings() {
    const { embeddings } = await embedMany({ model: embedding(model), values: ['a cat', 'a dog'] });
    assert.equal(embeddings.length, 2);
    assert.equal(embeddings[0].length, embeddings[1].length);
    assert.notDeepEqual(embeddings[0], embeddings[1]);
  },
  async errors() {
    const absent = await errorOf(generateText({ model: language('absent'), ...wanted }));
    assert(APICallError.isInstance(absent), absent.stack);
    assert.equal(absent.statusCode, 404);
    assert.match(absent.responseBody, /absent/);
  },
  async whole_and_streamed_tools() {
    const called = await generateText({ model: language(toolModel), ...asked });
    assert.equal(called.toolCalls[0].toolName, 'get_weather');
    assert.match(called.toolCalls[0].input.city, /Paris/);
    const stream = streamText({ model: language(toolModel), ...asked });
    const calls = await stream.toolCalls;
    assert.equal(await stream.finishReason, 'tool-calls');
    assert.deepEqual(calls.map((call) => call.input), called.toolCalls.map((call) => call.input));
  },
  async an_agent_with_tools() {
    const cities = [];
    const execute = async ({ city }) => {
      cities.push(city);
      return { degrees: 21, sky: 'clear' };
    };
    const { steps } = await generateText({
      model: language(toolModel), ...asked, stopWhen: stepCountIs(2),
      tools: { get_weather: { ...tools.get_weather, execute } },
    });
    assert.match(cities[0], /Paris/);
    assert.equal(steps.length, 2); // the tool's result came back in a form that the server takes
  },
});
