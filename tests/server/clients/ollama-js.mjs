// What the official JavaScript client of Ollama does.
import assert from 'node:assert/strict'
import { Ollama } from 'ollama'
import { assertEnds, assertUnitLength, errorOf, longStory, messages, model, question, run, toolModel, url, weather } from './checks.mjs'

const client = new Ollama({ host: url })
const options = { num_predict: 12, seed: 1, temperature: 0 }
const tools = [{ type: 'function', function: weather }]

async function rejects(promise, pattern, status) {
  const error = await errorOf(promise)
  assert.match(error.message, pattern)
  assert.equal(error.status_code, status)
}

await run({
  async 'version and list name the model'() {
    assert.match((await client.version()).version, /^\d+\.\d+\.\d+$/)
    const { models } = await client.list()
    assert.ok(models.some((entry) => entry.model === model))
  },
  async 'show has the template, the details and what the model can do'() {
    const shown = await client.show({ model })
    assert.ok(shown.template.length > 0)
    assert.equal(shown.details.format, 'gguf')
    assert.ok(shown.capabilities.includes('completion'))
    const architecture = shown.model_info['general.architecture']
    assert.ok(shown.model_info[`${architecture}.context_length`] > 0)
  },
  async 'chat answers whole'() {
    const answer = await client.chat({ model, messages, options })
    assert.ok(answer.message.content.length > 0)
    assert.equal(answer.done, true)
    assert.ok(answer.eval_count > 0)
  },
  async 'chat streams the same text'() {
    const whole = await client.chat({ model, messages, options })
    let text = ''
    let last
    for await (const part of await client.chat({ model, messages, options, stream: true })) {
      text += part.message.content
      last = part
    }
    assert.equal(text, whole.message.content)
    assert.equal(last.done, true)
    assert.ok(last.total_duration >= last.eval_duration)
  },
  async 'generate streams and gives a context'() {
    let last
    for await (const part of await client.generate({ model, prompt: 'Hi', options, stream: true }))
      last = part
    assert.ok(last.context.length > 0)
    const next = await client.generate({ model, prompt: 'And?', context: last.context, options })
    assert.ok(next.prompt_eval_count > last.prompt_eval_count)
  },
  async 'abort ends a stream and frees the server'() {
    const stream = await client.chat({
      model, messages: longStory, stream: true, options: { temperature: 0, num_predict: 7000 },
    })
    let count = 0
    const error = await errorOf((async () => {
      for await (const _ of stream) if (++count === 5) await assertEnds(() => stream.abort())
    })())
    assert.equal(error.name, 'AbortError')
  },
  async 'a model without tools says so'() {
    await rejects(client.chat({ model, messages, tools }), /does not support tools/, 400)
  },
  async 'a chat with tools'() {
    const asked = [{ role: 'user', content: question }]
    const wanted = { model: toolModel, messages: asked, tools, options: { temperature: 0, num_predict: 80 } }
    const answer = await client.chat(wanted)
    const [call] = answer.message.tool_calls
    assert.equal(call.function.name, 'get_weather')
    assert.match(call.function.arguments.city, /Paris/)
    const calls = []
    for await (const part of await client.chat({ ...wanted, stream: true })) calls.push(...(part.message.tool_calls ?? []))
    assert.deepEqual(calls.map((each) => each.function), answer.message.tool_calls.map((each) => each.function))
    const told = await client.chat({
      ...wanted, messages: [...asked, answer.message, { role: 'tool', tool_name: 'get_weather', content: '21 degrees' }],
    })
    assert.ok(told.message.content.length > 0 || told.message.tool_calls.length > 0) // a small model may call again
  },
  async 'embed and embeddings give vectors'() {
    const { embeddings } = await client.embed({ model, input: ['one', 'two'] })
    assert.equal(embeddings.length, 2)
    embeddings.forEach(assertUnitLength)
    const { embedding } = await client.embeddings({ model, prompt: 'one' })
    assert.equal(embedding.length, embeddings[0].length)
  },
  async 'create, show, copy and delete a model'() {
    for await (const part of await client.create({
      model: 'client-poet', from: model, system: 'You rhyme.', parameters: { temperature: 0.1 }, stream: true,
    })) assert.ok(part.status)
    assert.equal((await client.show({ model: 'client-poet' })).system, 'You rhyme.')
    assert.equal((await client.copy({ source: 'client-poet', destination: 'client-copy' })).status, 'success')
    assert.equal((await client.delete({ model: 'client-copy' })).status, 'success')
    await client.delete({ model: 'client-poet' })
    await rejects(client.show({ model: 'client-poet' }), /model 'client-poet' not found/, 404)
  },
  async 'pull of a model that is there succeeds, streamed and not'() {
    assert.equal((await client.pull({ model })).status, 'success')
    let last
    for await (const part of await client.pull({ model, stream: true, insecure: true })) last = part
    assert.equal(last.status, 'success')
  },
  async 'ps lists the loaded model, and an empty request unloads it'() {
    await client.generate({ model, prompt: '', keep_alive: '10m' })
    const { models } = await client.ps()
    assert.ok(models.some((entry) => entry.name === model && Date.parse(entry.expires_at) > Date.now()))
    await client.generate({ model, prompt: '', keep_alive: 0 })
    assert.ok(!(await client.ps()).models.some((entry) => entry.name === model))
  },
  async 'errors have their status and text'() {
    await rejects(client.chat({ model: 'nobody', messages }), /model "nobody" not found, try pulling it first/, 404)
    await rejects(client.chat({ model: 'nobody', messages, stream: true }), /not found/, 404)
    await rejects(client.chat({ model, messages, think: true }), /does not support thinking/, 400)
    await rejects(client.chat({ model, messages, options: { top_k: 'x' } }), /option "top_k" must be of type integer/, 400)
    await rejects(client.generate({ model, prompt: 'x', images: ['aGk='] }), /does not support images/, 400)
    await rejects(client.chat({ model, messages, format: 'json' }), /format is not supported yet/, 400)
  },
})
