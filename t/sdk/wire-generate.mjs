// Gemini's generateContent, as its provider sees it; on Vertex AI too.

import assert from 'node:assert/strict';
import * as w from './wire.mjs';

const known = ['contents', 'systemInstruction', 'tools', 'toolConfig',
    'generationConfig', 'safetySettings', 'cachedContent', 'labels',
    'serviceTier'];

const config = ['maxOutputTokens', 'temperature', 'topP', 'topK', 'seed',
    'stopSequences', 'candidateCount', 'responseMimeType',
    'responseJsonSchema', 'responseSchema', 'thinkingConfig',
    'responseModalities', 'presencePenalty', 'frequencyPenalty',
    'responseLogprobs', 'logprobs', 'speechConfig'];


function part(p, role, at, model) {
    w.members(p, at, ['text', 'thought', 'thoughtSignature', 'inlineData',
                      'fileData', 'functionCall', 'functionResponse']);

    const data = ['text', 'inlineData', 'fileData', 'functionCall',
                  'functionResponse'].filter((k) => k in p);

    assert.equal(data.length, 1, `${at}: ${data.length} kinds of data`);

    if ('text' in p) {
        if (p.thoughtSignature === undefined) {
            w.text(p.text, at);
        }

        return p.thought ? { think: p.text, state: p.thoughtSignature }
                         : { text: p.text, state: p.thoughtSignature };
    }

    if (p.inlineData) {
        w.members(p.inlineData, at, [], ['mimeType', 'data']);
        return { image: p.inlineData.data, mime: p.inlineData.mimeType };
    }

    if (p.functionCall) {
        assert.equal(role, 'model', at);
        w.members(p.functionCall, at, ['id', 'args'], ['name']);
        w.matches(p.functionCall.name, /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/,
                  at);
        return { call: p.functionCall.name, id: p.functionCall.id,
                 args: p.functionCall.args ?? {},
                 state: p.thoughtSignature };
    }

    if (p.functionResponse) {
        assert.equal(role, 'user', at);
        w.members(p.functionResponse, at, ['id', 'parts'],
                  ['name', 'response']);

        const r = p.functionResponse.response;

        assert.ok(r && typeof r === 'object' && !Array.isArray(r), at);
        return { result: r.output ?? r.content ?? JSON.stringify(r),
                 name: p.functionResponse.name, id: p.functionResponse.id };
    }

    assert.fail(`${at}: ${data}`);
}


// Ids may be left out: names and places tell whose a result is.

function pair(turns) {
    let calls = [];
    let n = 0;

    for (const t of turns) {
        if (t.role === 'assistant') {
            calls = t.blocks.filter((b) => 'call' in b);
            calls.forEach((b) => { b.id ??= `place_${n++}`; });
            continue;
        }

        t.blocks.filter((b) => 'result' in b).forEach((b, i) => {
            assert.equal(b.name, calls[i]?.call, 'a result\'s name');
            b.id ??= calls[i].id;
        });
    }
}


export function read(body, { path, headers }) {
    const model = /models\/([^:/]+):/.exec(path)?.[1];

    w.members(body, 'body', known, ['contents']);

    if (!path.startsWith('/vertex')) {
        assert.equal(headers['x-goog-api-key'], 'key-google');
    }

    w.list(body.contents, 'contents');

    const turns = body.contents.map((c, i) => {
        const at = `contents[${i}]`;

        w.members(c, at, [], ['role', 'parts']);
        assert.ok(['user', 'model'].includes(c.role), `${at}: role`);
        w.list(c.parts, at);

        return { role: c.role === 'model' ? 'assistant' : 'user',
                 blocks: c.parts.map((p, k) =>
                     part(p, c.role, `${at}.parts[${k}]`, model)) };
    });

    pair(turns);
    w.conversation(turns, 'contents');

    // Gemini 3: the first call of each step

    if (/gemini-3/.test(model)) {
        for (const t of turns.filter((x) => x.role === 'assistant')) {
            const call = t.blocks.find((b) => 'call' in b);

            assert.ok(!call || call.state, 'Function call is missing a'
                                           + ' thought_signature');
        }
    }

    const c = body.generationConfig ?? {};

    w.members(c, 'generationConfig', config);

    if (c.thinkingConfig) {
        w.members(c.thinkingConfig, 'thinkingConfig',
                  ['thinkingBudget', 'thinkingLevel', 'includeThoughts']);
        assert.ok(!('thinkingBudget' in c.thinkingConfig
                    && 'thinkingLevel' in c.thinkingConfig),
                  'budget and level');
    }

    const tools = [];

    for (const [i, t] of (body.tools ?? []).entries()) {
        w.members(t, `tools[${i}]`, ['functionDeclarations', 'googleSearch']);

        for (const f of t.functionDeclarations ?? []) {
            w.members(f, f.name, ['description', 'parameters',
                                  'parametersJsonSchema', 'behavior',
                                  'response'], ['name']);
            assert.ok(!(f.parameters && f.parametersJsonSchema), 'two schemas');
            w.matches(f.name, /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/, f.name);
            tools.push({ name: f.name,
                         schema: f.parametersJsonSchema ?? f.parameters });
        }
    }

    const f = body.toolConfig?.functionCallingConfig;

    if (f?.allowedFunctionNames) {
        assert.ok(['ANY', 'VALIDATED'].includes(f.mode),
                  'allowedFunctionNames without ANY');
    }

    assert.ok(!f || tools.length, 'toolConfig without tools');

    if (tools.length && c.responseMimeType) {
        assert.match(model, /gemini-3/, 'JSON and tools');
    }

    const system = (body.systemInstruction?.parts ?? [])
        .map((p) => p.text).join('');

    return { system, turns, tools,
             choice: f?.allowedFunctionNames?.length === 1
                 ? f.allowedFunctionNames[0] : f?.mode,
             max: c.maxOutputTokens,
             temperature: c.temperature,
             stop: c.stopSequences ?? [],
             schema: c.responseJsonSchema ?? c.responseSchema,
             thinking: c.thinkingConfig,
             stream: path.includes(':stream') };
}


const stops = { end: 'STOP', length: 'MAX_TOKENS', tool: 'STOP',
                filter: 'SAFETY' };


function parts(a) {
    return a.blocks.map((b) => 'think' in b
        ? { text: b.think, thought: true }
        : 'text' in b
        ? { text: b.text, ...(b.state ? { thoughtSignature: b.state } : {}) }
        : { functionCall: { name: b.call, args: b.args,
                            ...(b.id ? { id: b.id } : {}) },
            ...(b.state ? { thoughtSignature: b.state } : {}) });
}


function answer(a, model, list, end) {
    return { candidates: [{ content: { parts: list, role: 'model' }, index: 0,
                            ...(end ? { finishReason: stops[a.stop] } : {}) }],
        usageMetadata: { promptTokenCount: a.usage.input,
            cachedContentTokenCount: a.usage.cached,
            candidatesTokenCount: a.usage.output - a.usage.reasoning,
            thoughtsTokenCount: a.usage.reasoning,
            totalTokenCount: a.usage.input + a.usage.output },
        modelVersion: model, responseId: 'r-1' };
}


export function unary(a, model) {
    return answer(a, model, parts(a), true);
}


export function events(a, model, body, { query }) {
    const list = parts(a).flatMap((p) => p.text === undefined ? [p]
        : [...w.pieces(p.text).map((text) => ({ ...p, text,
                                                thoughtSignature: undefined })),
           ...(p.thoughtSignature
               ? [{ text: '', thoughtSignature: p.thoughtSignature }] : [])]);
    const out = list.map((p, i) => answer(a, model, [p],
        !a.broken && i === list.length - 1));

    if (a.broken) {
        out.push(fault(a.broken).body);
    }

    if (query === 'alt=sse') {
        return out.map((o) => `data: ${JSON.stringify(o)}\r\n\r\n`);
    }

    return [...out.map((o, i) => (i ? ',\r\n' : '[') + JSON.stringify(o)),
            ']'];
}


const words = {
    invalid: 'INVALID_ARGUMENT', key: 'UNAUTHENTICATED',
    forbidden: 'PERMISSION_DENIED', missing: 'NOT_FOUND',
    large: 'INVALID_ARGUMENT', unprocessable: 'INVALID_ARGUMENT',
    rate: 'RESOURCE_EXHAUSTED', server: 'INTERNAL',
    unavailable: 'UNAVAILABLE', overloaded: 'UNAVAILABLE',
    context: 'INVALID_ARGUMENT', policy: 'INVALID_ARGUMENT',
};


export function fault(kind, after) {
    const code = kind === 'overloaded' ? 503 : w.statuses[kind];
    const message = kind === 'context'
        ? 'The input token count (210000) exceeds the maximum number of '
          + 'tokens allowed (200000).' : w.words[kind];

    return { status: code,
             body: { error: { code, message, status: words[kind],
                 ...(after ? { details: [{ retryDelay: `${after}s`,
                     '@type': 'type.googleapis.com/google.rpc.RetryInfo' }] }
                           : {}) } } };
}
