// What OpenAI's official JavaScript client does.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import {
  assertEnds, assertUnitLength, errorOf, longStory, messages, model, question, run, toolModel, url, weather,
} from './checks.mjs';

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });

await run({
  async models() {
    const ids = [];
    for await (const each of client.models.list()) ids.push(each.id);
    assert(ids.includes(model));
    assert.equal((await client.models.retrieve(model)).id, model);
  },
  async chat() {
    const answer = await client.chat.completions.create({
      model, messages, temperature: 0, max_completion_tokens: 12, logprobs: true, top_logprobs: 2,
    });
    const [choice] = answer.choices;
    assert(choice.message.content.length > 0);
    assert.equal(choice.finish_reason, 'length');
    assert.equal(choice.logprobs.content.length, 12);
    assert.equal(choice.logprobs.content.map((token) => token.token).join(''), choice.message.content);
    assert.equal(answer.usage.completion_tokens, 12);
  },
  async streamed_chat() {
    const wanted = { model, messages, temperature: 0, max_tokens: 24 };
    const whole = await client.chat.completions.create(wanted);
    const stream = await client.chat.completions.create({
      ...wanted, stream: true, stream_options: { include_usage: true },
    });
    let text = '', usage = null;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, whole.choices[0].message.content);
    assert.deepEqual({ ...usage, prompt_tokens_details: 0 },
      { ...whole.usage, prompt_tokens_details: 0 });
  },
  async abort() {
    const stream = await client.chat.completions.create({
      model, messages: longStory, temperature: 0, stream: true, max_tokens: 7000,
    });
    let count = 0;
    for await (const _ of stream) if (++count === 5) await assertEnds(() => stream.controller.abort());
    assert(count < 7000);
  },
  async abort_before_the_first_byte() {
    const controller = new AbortController();
    const answer = errorOf(client.chat.completions.create(
      { model, messages: longStory, temperature: 0, max_tokens: 7000 }, { signal: controller.signal }));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await assertEnds(async () => {
      controller.abort();
      assert((await answer) instanceof OpenAI.APIUserAbortError);
    });
  },
  async errors() {
    const absent = await errorOf(client.chat.completions.create({ model: 'absent', messages }));
    assert(absent instanceof OpenAI.NotFoundError);
    assert.equal(absent.code, 'model_not_found');
    const wrong = await errorOf(
      client.chat.completions.create({ model, messages, temperature: 'hot', stream: true }));
    assert(wrong instanceof OpenAI.BadRequestError);
    assert.equal(wrong.param, 'temperature');
    const long = await errorOf(client.completions.create({ model, prompt: 'a '.repeat(50000), stream: true }));
    assert(long instanceof OpenAI.BadRequestError);
    assert.equal(long.code, 'context_length_exceeded');
  },
  async completions() {
    const answer = await client.completions.create({
      model, prompt: ['One, two,', 'Red, green,'], temperature: 0, max_tokens: 6, logprobs: 2,
    });
    assert.deepEqual(answer.choices.map((choice) => choice.index), [0, 1]);
    for (const { logprobs, text } of answer.choices) assert.equal(logprobs.tokens.join(''), text);
    const stream = await client.completions.create({
      model, prompt: 'One, two,', temperature: 0, max_tokens: 6, stream: true,
    });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0].text;
    assert.equal(text, answer.choices[0].text);
  },
  async embeddings() {
    const input = ['a cat', 'a dog'];
    const byDefault = await client.embeddings.create({ model, input }); // asks for base64
    const floats = await client.embeddings.create({ model, input, encoding_format: 'float' });
    for (const i of [0, 1]) {
      const [a, b] = [byDefault.data[i].embedding, floats.data[i].embedding];
      assert.equal(a.length, b.length);
      a.forEach((value, k) => assert(Math.abs(value - b[k]) < 1e-6));
      assertUnitLength(b);
    }
  },
  async chat_tools() {
    const wanted = {
      model: toolModel, temperature: 0, max_tokens: 100,
      messages: [{ role: 'user', content: question }],
      tools: [{ type: 'function', function: weather }],
    };
    const answer = await client.chat.completions.create(wanted);
    const [call] = answer.choices[0].message.tool_calls;
    assert.equal(answer.choices[0].finish_reason, 'tool_calls');
    assert.equal(call.function.name, 'get_weather');
    assert.match(JSON.parse(call.function.arguments).city, /Paris/);
    const two = await client.chat.completions.create({
      ...wanted, parallel_tool_calls: false,
      messages: [{ role: 'user', content: 'Use the tool for Paris, then for Rome.' }],
    });
    assert((two.choices[0].message.tool_calls ?? []).length <= 1);
    const runner = client.chat.completions.stream(wanted);
    const final = await runner.finalChatCompletion();
    assert.equal(final.choices[0].message.tool_calls[0].function.arguments, call.function.arguments);
    const next = await client.chat.completions.create({
      ...wanted,
      messages: [...wanted.messages, answer.choices[0].message,
        { role: 'tool', tool_call_id: call.id, content: 'sunny, 21 degrees' }],
    });
    const { content, tool_calls: more } = next.choices[0].message;
    assert(content || more.length > 0); // a small model may call again
  },
  async responses() {
    const first = await client.responses.create({
      model, input: 'Say hello.', instructions: 'Be short.', temperature: 0, max_output_tokens: 40,
    });
    assert(first.output_text.length > 0);
    assert.equal((await client.responses.retrieve(first.id)).output_text, first.output_text);
    const second = await client.responses.create({
      model, input: 'And again.', previous_response_id: first.id, max_output_tokens: 8,
      ignore_eos: true,
    });
    assert.equal(second.status, 'incomplete');
    assert.equal(second.previous_response_id, first.id);
    await client.responses.delete(first.id);
    await assert.rejects(client.responses.retrieve(first.id), OpenAI.NotFoundError);
  },
  async streamed_responses() {
    const wanted = { model, input: 'Say hello.', temperature: 0, max_output_tokens: 24, store: false };
    const whole = await client.responses.create(wanted);
    const stream = client.responses.stream(wanted);
    const types = [];
    for await (const event of stream) {
      assert.equal(event.sequence_number, types.length);
      types.push(event.type);
    }
    assert.deepEqual(types.slice(0, 2), ['response.created', 'response.in_progress']);
    assert.match(types.at(-1), /^response\.(completed|incomplete)$/);
    assert.equal((await stream.finalResponse()).output_text, whole.output_text);
  },
  async response_tools() {
    const answer = await client.responses.create({
      model: toolModel, input: question, temperature: 0, max_output_tokens: 100,
      tools: [{ type: 'function', strict: false, ...weather }],
    });
    const call = answer.output.find((item) => item.type === 'function_call');
    assert.equal(call.name, 'get_weather');
    const next = await client.responses.create({
      model: toolModel, previous_response_id: answer.id, temperature: 0, max_output_tokens: 40,
      input: [{ type: 'function_call_output', call_id: call.call_id, output: 'sunny' }],
    });
    assert(next.output.length > 0);
  },
});
