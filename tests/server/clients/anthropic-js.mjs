// What Anthropic's official JavaScript client does.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { assertEnds, errorOf, longStory, messages, model, question, run, toolModel, url, weather } from './checks.mjs';

const client = new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0 });
const wanted = { model, messages, temperature: 0, max_tokens: 16 };
const asked = { role: 'user', content: question };
const { parameters, ...named } = weather;
const asksTool = {
  model: toolModel, max_tokens: 200, temperature: 0, tools: [{ ...named, input_schema: parameters }], messages: [asked],
};

await run({
  async message() {
    const { data, response } = await client.messages.create(wanted).withResponse();
    assert.equal(data.type, 'message');
    assert.equal(data.role, 'assistant');
    assert.equal(data.content[0].type, 'text');
    assert.equal(data.stop_reason, 'max_tokens');
    assert.equal(data.usage.output_tokens, 16);
    assert.equal(data._request_id, response.headers.get('request-id'));
  },
  async stream() {
    const whole = await client.messages.create(wanted);
    const seen = [];
    const stream = client.messages.stream(wanted).on('text', (text) => seen.push(text));
    const final = await stream.finalMessage();
    assert(seen.length > 1);
    assert.equal(seen.join(''), whole.content[0].text);
    assert.equal(final.content[0].text, whole.content[0].text);
    assert.equal(final.stop_reason, 'max_tokens');
    assert.equal(final.usage.output_tokens, 16);
  },
  async events_in_order() {
    const types = [];
    for await (const event of await client.messages.create({ ...wanted, stream: true }))
      if (types.at(-1) !== event.type) types.push(event.type);
    assert.deepEqual(types, ['message_start', 'content_block_start', 'content_block_delta',
      'content_block_stop', 'message_delta', 'message_stop']);  // the client drops ping
  },
  async stop_sequence() {
    const whole = await client.messages.create(wanted);
    const stop = whole.content[0].text.trim().split(' ')[1];
    const answer = await client.messages.create({ ...wanted, stop_sequences: [stop] });
    assert.equal(answer.stop_reason, 'stop_sequence');
    assert.equal(answer.stop_sequence, stop);
  },
  async system() {
    const system = [{ type: 'text', text: 'You are terse.', cache_control: { type: 'ephemeral' } }];
    const answer = await client.messages.create({ ...wanted, system });
    const plain = await client.messages.create({ ...wanted, system: 'You are terse.' });
    assert.deepEqual(answer.content, plain.content);
  },
  async tools() {
    const answer = await client.messages.create(asksTool);
    const call = answer.content.find((block) => block.type === 'tool_use');
    assert(call, JSON.stringify(answer));
    assert.equal(answer.stop_reason, 'tool_use');
    assert.equal(call.name, 'get_weather');
    assert.match(call.input.city, /Paris/);
    const result = { type: 'tool_result', tool_use_id: call.id, content: 'Sunny, 21 degrees' };
    const next = await client.messages.create({
      ...asksTool,
      messages: [asked, { role: 'assistant', content: answer.content },
        { role: 'user', content: [result] }],
    });
    assert(next.content.length > 0);
  },
  async streamed_tools() {
    const whole = await client.messages.create(asksTool);
    const final = await client.messages.stream(asksTool).finalMessage();
    const call = (answer) => answer.content.find((block) => block.type === 'tool_use');
    assert.deepEqual(call(final).input, call(whole).input);
    assert.equal(final.stop_reason, 'tool_use');
  },
  async count_tokens() {
    const counted = await client.messages.countTokens({ model, messages });
    const { usage } = await client.messages.create(wanted);
    assert.equal(counted.input_tokens, usage.input_tokens + usage.cache_read_input_tokens);
  },
  async beta() {
    const answer = await client.beta.messages.create({ ...wanted, betas: ['token-counting-2024-11-01'] });
    assert.equal(answer.stop_reason, 'max_tokens');
  },
  async abort() {
    const stream = client.messages.stream({ ...wanted, messages: longStory, max_tokens: 7000 });
    const ended = errorOf(stream.finalMessage());
    await new Promise((resolve) => stream.once('text', resolve));
    await assertEnds(() => stream.abort());
    assert((await ended) instanceof Anthropic.APIUserAbortError);
  },
  async errors() {
    const fails = async (request, type) => {
      const error = await errorOf(client.messages.create(request));
      assert(error instanceof type, error.stack);
      assert.equal(error.error.type, 'error');
      assert.equal(error.error.request_id, error.requestID);
    };
    await fails({ ...wanted, model: 'nobody' }, Anthropic.NotFoundError);
    await fails({ ...wanted, max_tokens: 0 }, Anthropic.BadRequestError);
    await fails({ ...wanted, stream: true, model: 'nobody' }, Anthropic.NotFoundError);
    await fails({ ...wanted, tools: asksTool.tools, tool_choice: { type: 'any' } }, Anthropic.BadRequestError);
    const source = { type: 'base64', media_type: 'image/png', data: 'aaaa' };
    await fails({ ...wanted, messages: [{ role: 'user', content: [{ type: 'image', source }] }] },
      Anthropic.BadRequestError);
  },
});
