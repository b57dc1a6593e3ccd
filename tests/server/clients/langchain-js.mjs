// What LangChain does through @langchain/ollama.
import assert from 'node:assert/strict';
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOllama, Ollama, OllamaEmbeddings } from '@langchain/ollama';
import { assertEnds, assertUnitLength, errorOf, longStory, model, question, run, toolModel, url, weather } from './checks.mjs';

const settings = { baseUrl: url, model, temperature: 0, numPredict: 16, maxRetries: 0 };
const chat = new ChatOllama(settings);
const asked = [new SystemMessage('You like long answers.'), new HumanMessage('Name three colours.')];

await run({
  async invoke_and_stream_the_same_text() {
    const whole = await chat.invoke(asked);
    assert(whole.content.length > 0);
    assert.equal(whole.usage_metadata.output_tokens, 16);
    assert.equal(whole.response_metadata.done_reason, 'length');
    let all;
    let count = 0;
    for await (const chunk of await chat.stream(asked)) {
      all = all ? all.concat(chunk) : chunk;
      ++count;
    }
    assert(count > 2);
    assert.equal(all.content, whole.content);
    assert.equal(all.usage_metadata.output_tokens, 16);
    assert.equal(all.usage_metadata.input_tokens, whole.usage_metadata.input_tokens);
  },
  async batch() {
    const [one, two] = await chat.batch([asked, 'Say hello.']);
    assert.equal(one.content, (await chat.invoke(asked)).content);
    assert.equal(two.content, (await chat.invoke('Say hello.')).content);
  },
  async a_completion_model_streams_the_same_text() {
    const completion = new Ollama(settings);
    const whole = await completion.invoke('One, two,');
    let text = '';
    for await (const piece of await completion.stream('One, two,')) text += piece;
    assert(whole.length > 0);
    assert.equal(text, whole);
  },
  async abort() {
    const controller = new AbortController();
    const stream = await new ChatOllama({ ...settings, numPredict: 7000 })
      .stream(longStory, { signal: controller.signal });
    let first;
    const begun = new Promise((resolve) => (first = resolve));
    const ended = errorOf((async () => {
      for await (const chunk of stream) first(chunk);
    })());
    await begun;
    await assertEnds(() => controller.abort());
    assert.match((await ended).message, /abort/i);
  },
  async embeddings() {
    const embeddings = new OllamaEmbeddings({ baseUrl: url, model, maxRetries: 0 });
    const vectors = await embeddings.embedDocuments(['a cat', 'a dog']);
    assert.equal(vectors.length, 2);
    vectors.forEach(assertUnitLength);
    assert.deepEqual(await embeddings.embedQuery('a dog'), vectors[1]);
  },
  async errors() {
    const absent = await errorOf(new ChatOllama({ ...settings, model: 'absent' }).invoke(asked));
    assert.match(absent.message, /"absent" not found/);
    assert.equal(absent.status_code, 404);
  },
  async bound_tools() {
    const bound = new ChatOllama({ ...settings, model: toolModel, numPredict: 100 })
      .bindTools([{ type: 'function', function: weather }]);
    const first = new HumanMessage(question);
    const answer = await bound.invoke([first]);
    const [call] = answer.tool_calls;
    assert.equal(call.name, 'get_weather');
    assert.match(call.args.city, /Paris/);
    let all;
    for await (const chunk of await bound.stream([first])) all = all ? all.concat(chunk) : chunk;
    assert.deepEqual(all.tool_calls.map(({ name, args }) => ({ name, args })),
      answer.tool_calls.map(({ name, args }) => ({ name, args })));
    const told = await bound.invoke([first, answer, new ToolMessage({ tool_call_id: call.id, content: '21 degrees' })]);
    assert(told.content.length > 0 || told.tool_calls.length > 0); // a small model may call again
  },
});
