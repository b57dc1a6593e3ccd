// What the scripts for JavaScript's clients share: node NAME.mjs URL MODEL [MODEL_WITH_TOOLS].
import assert from 'node:assert/strict';

export const [url, model, toolModel] = process.argv.slice(2);
export const messages = [{ role: 'user', content: 'Name three colours.' }];
export const longStory = [{ role: 'user', content: 'Write a long story about a dog.' }]; // beyond 7,000 tokens at temperature 0
export const question = 'What is the weather in Paris? Use the tool.';
export const weather = {
  name: 'get_weather',
  description: 'The weather of a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

// How many requests the server answers, and how many have ended because nobody wanted them any more.
async function running() {
  return (await (await fetch(`${url}/requests`)).json()).requests.length;
}
async function aborted() {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const counts = metrics.matchAll(/^vllm:request_success_total\{.*finished_reason="abort"\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

// To be awaited while a long answer streams: fails unless `abort` ends it in the server too, and soon.
export async function assertEnds(abort) {
  const before = await aborted();
  assert.equal(await running(), 1);
  await abort();
  for (let tries = 0; tries < 50 && (await running()) > 0; ++tries)
    await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(await running(), 0);
  assert.equal(await aborted(), before + 1);
}

export function assertUnitLength(vector) {
  assert(Math.abs(Math.hypot(...vector) - 1) < 1e-4, `length ${Math.hypot(...vector)}`);
}

export async function errorOf(promise) {
  return promise.then(() => assert.fail('no error'), (error) => error);
}

// Runs the checks, which are functions by their names; those whose names end with "tools" need a model that can call them.
export async function run(checks) {
  let passed = 0, failed = 0, leftOut = 0;
  for (const [name, check] of Object.entries(checks)) {
    if (name.endsWith('tools') && !toolModel) {
      ++leftOut;
      continue;
    }
    try {
      await check();
      ++passed;
      console.log(`ok ${name}`);
    } catch (error) {
      ++failed;
      console.log(`FAILED ${name}: ${error.stack}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed${leftOut ? `, ${leftOut} left out: no model for tools` : ''}`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}
