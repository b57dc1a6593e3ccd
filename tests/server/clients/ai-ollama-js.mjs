// What Vercel's ai does through ollama-ai-provider-v2.
import { createOllama } from 'ollama-ai-provider-v2';
import { runAiChecks } from './ai.mjs';
import { url } from './checks.mjs';

const sparrow = createOllama({ baseURL: `${url}/api` });
await runAiChecks(sparrow, (name) => sparrow.embedding(name));
