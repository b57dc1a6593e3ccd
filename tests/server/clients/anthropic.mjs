// npm's @anthropic-ai/sdk against a server: node anthropic.mjs BASE_URL MODEL TOOL_MODEL, with the
// package in CLIENTS_FOLDER. Exits 1 if anything is otherwise.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';

const folder = process.env.CLIENTS_FOLDER ?? process.cwd();
const Anthropic = createRequire(path.join(folder, 'package.json'))('@anthropic-ai/sdk');
const [url, model = 'smollm2:135m', toolModel = 'qwen2.5-coder:0.5b'] = process.argv.slice(2);
const client = new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0 });
const messages = [{ role: 'user', content: 'Name three colours.' }];
const wanted = { model, messages, temperature: 0, max_tokens: 16 };
const weather = {
  name: 'get_weather',
  description: 'The weather of a city',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const question = { role: 'user', content: 'What is the weather in Paris? Use the tool.' };
const asksTool = {
  model: toolModel, max_tokens: 200, temperature: 0, tools: [weather], messages: [question],
};
const running = async () => (await (await fetch(`${url}/load`)).json()).server_load;

const tests = {
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
      messages: [question, { role: 'assistant', content: answer.content },
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
    const stream = client.messages.stream({ ...wanted, max_tokens: 4000, temperature: 1 });
    stream.once('text', () => stream.abort());
    await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
    for (let i = 0; i < 50 && (await running()) > 0; ++i)
      await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(await running(), 0);
  },
  async errors() {
    const fails = (request, type) =>
      assert.rejects(client.messages.create(request), (error) => error instanceof type &&
        error.error.type === 'error' && error.error.request_id === error.requestID);
    await fails({ ...wanted, model: 'nobody' }, Anthropic.NotFoundError);
    await fails({ ...wanted, max_tokens: 0 }, Anthropic.BadRequestError);
    await fails({ ...wanted, stream: true, model: 'nobody' }, Anthropic.NotFoundError);
    await fails({ ...asksTool, tool_choice: { type: 'any' } }, Anthropic.BadRequestError);
    const source = { type: 'base64', media_type: 'image/png', data: 'aaaa' };
    await fails({ ...wanted, messages: [{ role: 'user', content: [{ type: 'image', source }] }] },
      Anthropic.BadRequestError);
  },
};

let failed = 0;
for (const [name, run] of Object.entries(tests)) {
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (error) {
    ++failed;
    console.log(`FAILED ${name}: ${error.stack}`);
  }
}
process.exit(failed > 0 ? 1 : 0);
