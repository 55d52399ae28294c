// The @google/genai package against every provider.

import { GoogleGenAI } from '@google/genai';
import { matrix } from './matrix.mjs';


function client(g) {
    return new GoogleGenAI({ apiKey: g.key,
                             httpOptions: { baseUrl: g.base } });
}


function start(o) {
    return o.turns.map(([role, text]) => ({
        role: role === 'assistant' ? 'model' : role,
        parts: [{ text }, ...(o.image ? [{ inlineData: {
            mimeType: 'image/png', data: o.image } }] : [])] }));
}


function functions(list) {
    return [{ functionDeclarations: list.map((t) => ({ name: t.name,
        description: t.description, parametersJsonSchema: t.schema })) }];
}


function begin(g, o) {
    const c = client(g);
    const contents = start(o);

    return {
        async next(results) {
            if (results) {
                contents.push({ role: 'user', parts: results.map((x) => ({
                    functionResponse: { id: x.id, name: x.name,
                                        response: { output: x.result } } })) });
            }

            const request = { model: o.model, contents, config: {
                systemInstruction: o.system, maxOutputTokens: o.max,
                temperature: o.temperature,
                ...(o.tools ? { tools: functions(o.tools) } : {}),
                ...(o.think ? { thinkingConfig: { includeThoughts: true,
                    thinkingLevel: 'HIGH' } } : {}),
                ...(o.schema ? { responseMimeType: 'application/json',
                                 responseJsonSchema: o.schema } : {}) } };

            const chunks = [];

            if (o.stream) {
                for await (const x of
                           await c.models.generateContentStream(request))
                {
                    chunks.push(x);
                }

            } else {
                chunks.push(await c.models.generateContent(request));
            }

            const parts = chunks.flatMap((x) => x.candidates?.[0]?.content
                                                    ?.parts ?? []);

            contents.push({ role: 'model', parts });

            const text = (thought) => parts
                .filter((p) => !!p.thought === thought)
                .map((p) => p.text ?? '').join('');
            const calls = parts.filter((p) => p.functionCall).map((p) => ({
                id: p.functionCall.id, name: p.functionCall.name,
                args: p.functionCall.args }));
            const u = chunks.at(-1).usageMetadata;
            const stop = chunks.map((x) => x.candidates?.[0]?.finishReason)
                               .filter(Boolean).at(-1);

            return { text: text(false), think: text(true), calls,
                     stop: stop === 'STOP' && calls.length ? 'tool' : stop,
                     value: o.schema && JSON.parse(text(false)),
                     usage: { input: u.promptTokenCount,
                              cached: u.cachedContentTokenCount ?? 0,
                              output: (u.candidatesTokenCount ?? 0)
                                      + (u.thoughtsTokenCount ?? 0),
                              reasoning: u.thoughtsTokenCount ?? 0 } };
        },
    };
}


// Automatic function calling.

async function run(g, o, tool) {
    const callable = {
        tool: async () => functions(o.tools)[0],
        callTool: async (calls) => calls.map((x) => ({ functionResponse: {
            id: x.id, name: x.name, response: { output: tool(x.args) } } })),
    };
    const r = await client(g).models.generateContent({ model: o.model,
        contents: start(o), config: { tools: [callable] } });

    return r.text;
}


async function count(g, model, contents) {
    const r = await client(g).models.countTokens({ model, contents });

    return r.totalTokens;
}


matrix({
    file: 'genai', name: '@google/genai', model: 'gemini-3', begin, run,
    count,
    stops: { end: 'STOP', length: 'MAX_TOKENS', tool: 'tool',
             filter: 'SAFETY' },
    not() {},
});
