// What Vercel's ai does through @ai-sdk/openai-compatible.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { runAiChecks } from './ai.mjs';
import { url } from './checks.mjs';

const sparrow = createOpenAICompatible({ name: 'sparrow', baseURL: `${url}/v1`, includeUsage: true });
await runAiChecks(sparrow, (name) => sparrow.embeddingModel(name));
