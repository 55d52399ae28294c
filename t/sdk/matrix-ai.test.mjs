// Vercel's ai package, with the three packages that speak its providers'
// protocols, against every provider.

import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { generateObject, generateText, jsonSchema, stepCountIs, streamText,
         tool as define } from 'ai';
import { matrix } from './matrix.mjs';

const openai = (g) => createOpenAI({ apiKey: g.key, baseURL: `${g.base}/v1` });
const anthropic = (g) => createAnthropic({ apiKey: g.key,
                                           baseURL: `${g.base}/v1` });
const google = (g) => createGoogleGenerativeAI({ apiKey: g.key,
                                                 baseURL: `${g.base}/v1beta` });


function start(o) {
    return o.turns.map(([role, text]) => ({ role, content: o.image
        ? [{ type: 'text', text },
           { type: 'file', data: o.image, mediaType: 'image/png' }] : text }));
}


function tools(list, execute) {
    return Object.fromEntries((list ?? []).map((t) => [t.name, define({
        description: t.description, inputSchema: jsonSchema(t.schema),
        execute })]));
}


async function streamed(request) {
    const s = streamText({ ...request, onError() {} });
    const r = {};

    await s.consumeStream({ onError(e) { throw e; } });

    for (const k of ['text', 'reasoningText', 'toolCalls', 'finishReason',
                     'usage', 'response'])
    {
        r[k] = await s[k];
    }

    return r;
}


function asking(kind) {
    return (g, o) => {
        const messages = start(o);

        return {
            async next(results) {
                if (results) {
                    messages.push({ role: 'tool', content: results.map(
                        (x) => ({ type: 'tool-result', toolCallId: x.id,
                                  toolName: x.name, output: {
                                      type: 'text', value: x.result } })) });
                }

                const request = { model: kind.model(g, o.model), messages,
                    maxRetries: 0, system: o.system,
                    maxOutputTokens: o.max, temperature: o.temperature,
                    providerOptions: o.think ? kind.think : kind.plain,
                    ...(o.tools ? { tools: tools(o.tools) } : {}) };

                if (o.schema) {
                    const { object } = await generateObject({ ...request,
                        schema: jsonSchema(o.schema) });

                    return { value: object };
                }

                const r = o.stream ? await streamed(request)
                                   : await generateText(request);

                messages.push(...r.response.messages);

                return { text: r.text, think: r.reasoningText,
                         calls: r.toolCalls.map((x) => ({ id: x.toolCallId,
                             name: x.toolName, args: x.input })),
                         stop: r.finishReason,
                         usage: { input: r.usage.inputTokens,
                                  output: r.usage.outputTokens,
                                  cached: r.usage.cachedInputTokens } };
            },
        };
    };
}


function running(kind) {
    return async (g, o, tool) => {
        const r = await generateText({ model: kind.model(g, o.model),
            maxRetries: 0, messages: start(o), stopWhen: stepCountIs(5),
            providerOptions: kind.plain, tools: tools(o.tools, tool) });

        return r.text;
    };
}


const kinds = [
    { file: 'ai-chat', name: 'ai, @ai-sdk/openai chat', id: 'gpt-4o',
      model: (g, m) => openai(g).chat(m),
      think: { openai: { reasoningEffort: 'high' } },
      not(feature) {
          return feature.startsWith('reasoning')
              ? 'the package drops what chat completions tell of reasoning'
              : null;
      } },
    { file: 'ai-responses', name: 'ai, @ai-sdk/openai', id: 'gpt-5',
      responses: true, cold: true,
      model: (g, m) => openai(g).responses(m),
      plain: { openai: { store: false } },
      think: { openai: { store: false, reasoningEffort: 'high',
                         reasoningSummary: 'auto' } } },
    { file: 'ai-anthropic', name: 'ai, @ai-sdk/anthropic',
      id: 'claude-sonnet-4-5', model: (g, m) => anthropic(g)(m),
      think: { anthropic: { thinking: { type: 'enabled',
                                        budgetTokens: 1024 } } } },
    { file: 'ai-google', name: 'ai, @ai-sdk/google', id: 'gemini-3',
      model: (g, m) => google(g)(m),
      think: { google: { thinkingConfig: { includeThoughts: true,
                                           thinkingLevel: 'high' } } } },
];


for (const kind of kinds) {
    matrix({ ...kind, model: kind.id,
             begin: asking(kind), run: running(kind),
             stops: { end: 'stop', length: 'length', tool: 'tool-calls',
                      filter: 'content-filter' },
             not: kind.not ?? (() => null) });
}
