// Recorded traffic of real providers, played back: bytes pass as they were
// recorded, the packages read from them what an independent parser read, and
// the usage records hold the same numbers.  Skipped where there is none
// (LLM_FIXTURES names the directory).

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { Gateway, all } from './harness.mjs';

const root = process.env.LLM_FIXTURES;

// where recordings of a folder go in; the rest is other protocols' traffic

const kinds = [
    [/^(gemini\/openai-compat|\w+\/chat)$/, 'openai', '/v1/chat/completions'],
    [/^\w+\/responses$/, 'openai', '/v1/responses'],
    [/^openai\/completions$/, 'openai', '/v1/completions'],
    [/^openai\/embeddings$/, 'openai', '/v1/embeddings'],
    [/^openai\/moderations$/, 'openai', '/v1/moderations'],
    [/^openai\/images$/, 'openai', '/v1/images/generations'],
    [/^openai\/audio-speech$/, 'openai', '/v1/audio/speech'],
    [/^anthropic\/messages$/, 'anthropic', '/v1/messages'],
    [/^anthropic\/count_tokens$/, 'anthropic', '/v1/messages/count_tokens'],
    [/^(gemini|vertex)\/(generateContent|streamGenerateContent|image|tts)$/,
     'gemini', null],
    [/^gemini\/countTokens$/, 'gemini', 'countTokens'],
];

const models = { openai: 'gpt-test', anthropic: 'claude-test',
                 gemini: 'gemini-test' };

let g;


function load(dir, name) {
    const base = path.join(root, dir, name);
    const read = (part) => fs.existsSync(`${base}.${part}`)
        ? fs.readFileSync(`${base}.${part}`) : null;
    const meta = JSON.parse(read('meta.json'));
    const request = read('request.json');

    if (meta.method === 'GET' || read('request.bin')) {
        return null;
    }

    const f = { dir, name, meta, expect: meta.expect ?? {},
                status: meta.status ?? 200,
                sse: fs.existsSync(`${base}.response.sse`),
                bytes: read('response.sse') ?? read('response.json')
                       ?? read('response.bin'),
                body: request ? JSON.parse(request) : {} };

    const kind = kinds.find(([re]) => re.test(dir));

    if (!kind || !f.bytes) {
        return null;
    }

    [, f.protocol, f.path] = kind;

    if (f.protocol === 'gemini') {
        const verb = f.path ?? (/^stream/.test(name)
            ? 'streamGenerateContent' : 'generateContent');

        f.path = `/v1beta/models/gemini-test:${verb}`
                 + (f.sse ? '?alt=sse' : '');
        delete f.body.model;

    } else {
        f.body.model = models[f.protocol];
        if (f.sse) {
            f.body.stream = true;
        }

        // otherwise a usage chunk that was recorded would be hidden

        if (f.sse && f.path.endsWith('completions')) {
            f.body.stream_options = { include_usage: true };
        }
    }

    if (!request) {
        Object.assign(f.body, f.protocol === 'gemini'
            ? { contents: [{ parts: [{ text: 'Hi' }] }] }
            : { messages: [{ role: 'user', content: 'Hi' }], input: 'Hi',
                max_tokens: 10 });
    }

    return f;
}


const fixtures = !root || !fs.existsSync(root) ? [] : fs
    .readdirSync(root, { withFileTypes: true })
    .filter((d) => d.isDirectory())
    .flatMap((d) => fs.readdirSync(path.join(root, d.name))
        .filter((e) => fs.statSync(path.join(root, d.name, e)).isDirectory())
        .map((e) => `${d.name}/${e}`))
    .flatMap((dir) => fs.readdirSync(path.join(root, dir))
        .filter((n) => n.endsWith('.meta.json'))
        .map((n) => load(dir, n.slice(0, -'.meta.json'.length))))
    .filter(Boolean);


function script(f, how) {
    return `
* #1+:
    fixture ${f.dir}/${f.name} ${how}
`;
}


function post(f) {
    return fetch(g.base + f.path, { method: 'POST',
        headers: { authorization: `Bearer ${g.key}`,
                   'content-type': 'application/json',
                   'anthropic-version': '2023-06-01' },
        body: JSON.stringify(f.body) });
}


// Ids of responses carry whose they are: take that off again.

function plain(text, f) {
    const id = f.expect.id;

    return id && /responses$/.test(f.path)
        ? text.replaceAll(new RegExp(`"${id}[\\w.~-]*"`, 'g'), `"${id}"`)
        : text;
}


function checkUsage(u, f) {
    const want = f.expect.usage;

    if (!want || f.status !== 200) {
        return;
    }

    // an answer without counts may be estimated

    if (want.input_total === 0 && want.total_reported === null
        && u.estimated)
    {
        return;
    }

    // some count what a model thought in the total alone

    const hidden = Math.max(0, (want.total_reported ?? 0)
                               - want.input_total - want.output_total);

    const n = (...names) => names.reduce((s, k) => s + (u.usage[k] ?? 0), 0);

    const cache = ['cache_read', 'cache_write_5m', 'cache_write_1h'];

    assert.equal(n('input', 'audio_input', 'image_input', ...cache),
                 want.input_total, 'input');
    assert.equal(n('output', 'reasoning', 'audio_output', 'image_output'),
                 (want.output_total ?? 0) + hidden, 'output');
    assert.equal(n('cache_read'), want.cache_read ?? 0, 'cache_read');
    assert.equal(n('reasoning'), (want.reasoning ?? 0) + hidden,
                 'reasoning');
    assert.equal(u.estimated, false);
}


// ---- what the packages read

async function openaiChat(f) {
    const c = new OpenAI({ apiKey: g.key, baseURL: `${g.base}/v1`,
                           maxRetries: 0 });

    if (!f.sse) {
        const r = await c.chat.completions.create(f.body);
        const m = r.choices[0].message ?? { content: r.choices[0].text };
        const text = Array.isArray(m.content)
            ? m.content.map((p) => p.text ?? '').join('') : m.content;

        return { text: text ?? '', calls: m.tool_calls ?? [] };
    }

    let text = '';
    const calls = [];

    for await (const chunk of await c.chat.completions.create(f.body)) {
        const choice = chunk.choices?.find((x) => x.index === 0);

        text += choice?.delta?.content ?? '';

        for (const t of choice?.delta?.tool_calls ?? []) {
            const call = calls[t.index ?? 0]
                ??= { function: { name: '', arguments: '' } };
            call.function.name += t.function?.name ?? '';
            call.function.arguments += t.function?.arguments ?? '';
        }
    }

    return { text, calls };
}


async function openaiResponses(f) {
    const c = new OpenAI({ apiKey: g.key, baseURL: `${g.base}/v1`,
                           maxRetries: 0 });
    let r;

    if (f.sse) {
        const events = await all(await c.responses.create(f.body));
        r = events.at(-1).response;

    } else {
        r = await c.responses.create(f.body);
    }

    return { text: r.output.filter((o) => o.type === 'message')
                     .flatMap((o) => o.content).map((p) => p.text ?? '')
                     .join(''),
             calls: r.output.filter((o) => o.type === 'function_call')
                      .map((o) => ({ function: o })) };
}


async function messages(f) {
    const c = new Anthropic({ apiKey: g.key, baseURL: g.base,
                              maxRetries: 0, timeout: 60000 });
    const m = f.sse
        ? await c.messages.stream({ ...f.body, stream: undefined })
                 .finalMessage()
        : await c.messages.create(f.body);

    return { text: m.content.filter((b) => b.type === 'text')
                     .map((b) => b.text).join(''),
             calls: m.content.filter((b) => b.type === 'tool_use')
                      .map((b) => ({ function: { name: b.name,
                          arguments: JSON.stringify(b.input) } })) };
}


async function gemini(f) {
    const c = new GoogleGenAI({ apiKey: g.key,
                                httpOptions: { baseUrl: g.base } });
    const request = { model: 'gemini-test', contents: 'Hi' };
    const chunks = f.sse
        ? await all(await c.models.generateContentStream(request))
        : [await c.models.generateContent(request)];
    const parts = chunks.flatMap((r) => r.candidates?.[0]?.content?.parts
                                        ?? []);

    return { text: parts.filter((p) => !p.thought).map((p) => p.text ?? '')
                        .join(''),
             calls: parts.filter((p) => p.functionCall?.name)
                         .map((p) => ({ function: {
                             name: p.functionCall.name,
                             arguments: JSON.stringify(p.functionCall.args
                                                       ?? {}) } })) };
}


const readers = [[/chat\/completions$/, openaiChat],
                 [/responses$/, openaiResponses],
                 [/\/messages$/, messages],
                 [/enerateContent/, gemini]];


// ---- the tests

before(async () => {
    g = await Gateway.start();
});

after(() => g.stop());


test('there are recordings', { skip: fixtures.length === 0
    ? 'no recorded traffic here' : false }, () => {
    assert.ok(fixtures.length > 80, `${fixtures.length}`);
});


for (const f of fixtures) {
    test(`${f.dir}/${f.name}`, async (t) => {
        for (const how of ['', 'split=7,1,100,3']) {
            await g.play(script(f, how));

            const r = await post(f);
            const bytes = Buffer.from(await r.arrayBuffer());

            const [u] = await g.usage();

            // an error before anything was said is a failed attempt

            if (f.expect.midstream_error && !f.expect.text
                && !f.expect.thinking_len)
            {
                assert.equal(r.status, 502);
                assert.equal(u.outcome, 'upstream_error');
                continue;
            }

            assert.equal(r.status, f.status);
            assert.equal(u.status, f.status);

            assert.equal(plain(bytes.toString('latin1'), f),
                         f.bytes.toString('latin1'));
            checkUsage(u, f);

            if (f.expect.midstream_error || /error-without/.test(f.name)) {
                assert.equal(u.outcome, 'truncated');
            }
        }

        const [, read] = readers.find(([re]) => re.test(f.path)) ?? [];

        if (!read || f.status !== 200 || f.expect.midstream_error
            || f.name.startsWith('streamarray')
            || (f.sse && !/\n\r?\n$/.test(f.bytes.toString()))
            || f.expect.text === undefined)
        {
            return;
        }

        await g.play(script(f, 'split=100,9'));

        const got = await read(f);

        assert.equal(got.text, f.expect.text);
        assert.deepEqual(got.calls.map((c) => c.function.name),
                         (f.expect.tool_calls ?? []).map((c) => c.name));
    });
}
