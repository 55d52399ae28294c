// Every package against every provider: the features, what each provider
// must have been asked and each client must have got, and the table of it.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { Gateway } from './harness.mjs';
import { Upstream } from './upstream.mjs';
import { usage } from './wire.mjs';

export const columns = ['chat', 'responses', 'anthropic', 'gemini', 'vertex',
                        'converse', 'invoke'];


export function objects(port) {
    const at = (name) => `http://127.0.0.1:${port}/${name}`;
    const key = (name) => `api_key key-${name}; timeout idle=5s;`;
    const models = {
        'chat': 'chat model=gpt-4o',
        'chat-think': 'deepseek model=deepseek-reasoner',
        'responses': 'responses model=gpt-4o',
        'responses-think': 'responses model=gpt-5',
        'anthropic': 'claude model=claude-sonnet-4-5',
        'anthropic-think': 'claude model=claude-sonnet-4-5',
        'gemini': 'google model=gemini-2.5-flash',
        'gemini-think': 'google model=gemini-3-pro-preview',
        'vertex': 'vertex model=gemini-2.5-flash',
        'vertex-think': 'vertex model=gemini-3-pro-preview',
        'converse': 'bedrock model=amazon.nova-2-lite-v1:0',
        'converse-think': 'bedrock model=amazon.nova-2-lite-v1:0',
        'invoke': 'bedrock model=anthropic.claude-haiku-4-5-v1:0',
        'invoke-think': 'bedrock model=anthropic.claude-haiku-4-5-v1:0',
    };

    const list = Object.entries(models).map(([name, route]) => `
    llm_model to-${name} { alias *-to-${name}; route ${route};
                           max_tokens 4000; }`);

    return `
    llm_provider chat { protocol openai; api chat; pass ${at('chat/v1')};
                        ${key('chat')} }
    llm_provider deepseek { protocol openai quirks=deepseek; api chat;
                            pass ${at('deepseek/v1')}; ${key('deepseek')} }
    llm_provider responses { protocol openai; api responses;
                             pass ${at('responses/v1')}; ${key('responses')} }
    llm_provider claude { protocol anthropic; pass ${at('claude/v1')};
                          ${key('claude')} }
    llm_provider google { protocol gemini; pass ${at('google/v1beta')};
                          ${key('google')} }
    llm_provider vertex { protocol gemini quirks=vertex;
                          pass ${at('vertex/v1')}; ${key('vertex')} }
    llm_provider bedrock { protocol bedrock; pass ${at('bedrock')};
        credential aws region=eu-west-1 access_key=AKID secret_key=s3cret;
        timeout idle=5s; }

    ${list.join('')}
    llm_class default { attempts 1; }

    llm_key sdk { secret plain:sk-sdk-test; models *; }
    `;
}


export const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlE'
    + 'QVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

export const weather = {
    name: 'get_weather',
    description: 'Tells the weather.',
    schema: { type: 'object', additionalProperties: false,
              properties: { city: { type: 'string' },
                            days: { type: 'integer' } },
              required: ['city', 'days'] },
};

const place = { type: 'object', additionalProperties: false,
                properties: { city: { type: 'string' },
                              ok: { type: 'boolean' } },
                required: ['city', 'ok'] };

// a state as providers make them: nothing in it may change

const state = Buffer.from(Array.from({ length: 200 }, (_, i) => i * 7 & 255))
    .toString('base64');

const paris = { call: 'get_weather', id: 'call_A1b2C3d4E',
                args: { city: 'Zürich 😀', days: 2 } };
const rome = { call: 'get_weather', id: 'call_Z9y8X7w6V',
               args: { city: 'Rome "\\"', days: 1 } };

const said = (text, more = {}) => ({ blocks: [{ text }], stop: 'end', usage,
                                     ...more });


function told(seen, n) {
    assert.equal(seen.length, n, `the provider was asked ${seen.length} times`
                 + (seen.at(-1)?.wrong ? `: ${seen.at(-1).wrong}` : ''));

    for (const s of seen) {
        if (s.wrong) {
            throw s.wrong;
        }
    }

    return seen.map((s) => s.told);
}


function texts(turns) {
    return turns.map((t) => [t.role, t.blocks.map((b) => b.text).join('')]);
}


function counted(r, u = usage, column) {
    assert.equal(r.usage.input, u.input, 'tokens of input');
    assert.equal(r.usage.output, u.output, 'tokens of output');

    if (r.usage.cached !== undefined) {
        assert.equal(r.usage.cached, u.cached, 'tokens of it cached');
    }

    if (r.usage.reasoning !== undefined
        && !['anthropic', 'converse', 'invoke'].includes(column))
    {
        assert.equal(r.usage.reasoning, u.reasoning, 'tokens of reasoning');
    }
}


function ended(client, r, stop) {
    assert.equal(r.stop, client.stops[stop], 'why it stopped');
}


async function plain(t, stream) {
    const text = 'Grüße 😀 aus Paris';
    const seen = t.play(said(text));
    const c = t.begin({ stream, system: 'Be brief.', max: 300,
                        temperature: 0.5, turns: [
        ['user', `Hello [[${t.id}]]`], ['assistant', 'Hi.'],
        ['user', 'Where are you?']] });
    const r = await c.next();
    const [req] = told(seen, 1);

    assert.equal(r.text, text);
    counted(r, usage, t.column);
    ended(t.client, r, 'end');

    assert.equal(req.system, 'Be brief.');
    assert.deepEqual(texts(req.turns), [
        ['user', `Hello [[${t.id}]]`], ['assistant', 'Hi.'],
        ['user', 'Where are you?']]);
    assert.equal(req.max, 300);
    assert.equal(req.stream, stream);
    assert.equal(req.temperature, t.client.cold ? undefined : 0.5);
}


async function image(t) {
    const seen = t.play(said('A dot.'));
    const r = await t.begin({ image: png, turns: [
        ['user', `What is it? [[${t.id}]]`]] }).next();
    const [req] = told(seen, 1);
    const [b] = req.turns[0].blocks.filter((x) => x.image);

    assert.equal(r.text, 'A dot.');
    assert.equal(b.image, png);
    assert.equal(b.mime, 'image/png');
}


// The calls, one or two, their results, and the answer.

async function tools(t, stream, calls, think) {
    const script = think ?? { blocks: [{ text: 'Let me look.' }, ...calls],
                              stop: 'tool', usage };
    const seen = t.play(script, said('It is sunny.'));
    const c = t.begin({ stream, tools: [weather], think: !!think,
                        turns: [['user', `Weather? [[${t.id}]]`]] });
    const first = await c.next();

    told(seen, 1);
    assert.deepEqual(first.calls.map((x) => [x.name, x.args]),
                     calls.map((x) => [x.call, x.args]));
    ended(t.client, first, 'tool');

    if (think) {
        counted(first, think.usage, t.column);
        assert.equal(first.think, think.blocks[0].think);

    } else {
        assert.equal(first.text, 'Let me look.');
    }

    const last = await c.next(first.calls.map((x) => ({ ...x,
        result: `sunny in ${x.args.city}` })));
    const [asked, again] = told(seen, 2);

    assert.equal(last.text, 'It is sunny.');
    ended(t.client, last, 'end');

    assert.equal(asked.tools[0].name, 'get_weather');

    if (t.column === 'responses' && !t.client.responses) {
        assert.equal(seen[0].body.tools[0].strict, false);
    }

    assert.deepEqual(Object.keys(asked.tools[0].schema.properties),
                     ['city', 'days']);

    const model = again.turns.filter((x) => x.role === 'assistant')
                       .flatMap((x) => x.blocks);
    const user = again.turns.at(-1).blocks;

    assert.deepEqual(model.filter((b) => 'call' in b)
                          .map((b) => [b.call, b.args]),
                     calls.map((x) => [x.call, x.args]));
    assert.deepEqual(user.map((b) => b.result),
                     calls.map((x) => `sunny in ${x.args.city}`));

    // ids that the provider gave are those that it gets

    for (const [i, b] of model.filter((x) => 'call' in x).entries()) {
        if (!b.id.startsWith('place_')) {
            assert.equal(b.id, calls[i].id);
        }
    }

    return model;
}


// The state that goes with what a model thought comes back as it was.

async function think(t, stream) {
    const google = ['gemini', 'vertex'].includes(t.column);
    const calls = [{ ...paris, ...(google ? { state } : {}) },
                   { ...rome }];
    const words = 'First Zürich 😀, then Rome.';
    const model = await tools(t, stream, calls, {
        blocks: [{ think: words,
                   ...(google || t.column === 'chat' ? {} : { state }) },
                 ...calls],
        stop: 'tool', usage: { ...usage, reasoning: 25 } });

    if (t.column === 'chat') {
        assert.deepEqual(model.filter((b) => 'think' in b)
                              .map((b) => b.think), [words]);
        return;
    }

    assert.deepEqual(model.filter((b) => b.state).map((b) => b.state),
                     [state]);

    if (!google) {
        assert.ok('think' in model[0], 'what was thought is not the first');
    }
}


async function structured(t) {
    const value = { city: 'Zürich', ok: true };

    // where the provider has no means of its own, it is a forced tool

    const seen = t.play((asked) => asked.schema || !asked.choice
        ? said(JSON.stringify(value))
        : { blocks: [{ call: asked.choice === 'any' ? asked.tools[0].name
                           : asked.choice, id: 'call_1', args: value }],
            stop: 'tool', usage });
    const r = await t.begin({ schema: place, max: 400,
        turns: [['user', `Where? [[${t.id}]]`]] }).next();
    const [asked] = told(seen, 1);

    assert.deepEqual(r.value, value);

    const schema = typeof asked.schema === 'string'
        ? JSON.parse(asked.schema) : asked.schema ?? asked.tools[0]?.schema;

    assert.deepEqual(Object.keys(schema.properties), ['city', 'ok']);
}


async function runner(t) {
    const seen = t.play(
        { blocks: [paris], stop: 'tool', usage },
        { blocks: [rome], stop: 'tool', usage }, said('Sunny in both.'));
    const args = [];
    const text = await t.run({ tools: [weather],
        turns: [['user', `Weather? [[${t.id}]]`]] }, (a) => {
        args.push(a);
        return 'sunny';
    });

    const [, , last] = told(seen, 3);

    assert.equal(text, 'Sunny in both.');
    assert.deepEqual(args, [paris.args, rome.args]);
    assert.equal(last.turns.flatMap((x) => x.blocks)
                     .filter((b) => 'result' in b).length, 2);
}


async function stopped(t, stream, stop) {
    const seen = t.play(said('As far as', { stop }));
    const r = await t.begin({ stream, max: 50,
        turns: [['user', `Go on [[${t.id}]]`]] }).next();

    told(seen, 1);
    assert.equal(r.text, 'As far as');
    ended(t.client, r, stop);
    counted(r, usage, t.column);
}


// by the provider's own counter, or where it has none by an estimate

async function counting(t) {
    const n = await t.count(`Count me. [[${t.id}]]`);

    if (['chat', 'responses'].includes(t.column)) {
        assert.ok(n > 0 && n < 100, `${n} tokens`);

    } else {
        assert.equal(n, 42);
    }
}


const features = {
    'text': (t) => plain(t, false),
    'text, stream': (t) => plain(t, true),
    'image': image,
    'tool': (t) => tools(t, false, [paris]),
    'tool, stream': (t) => tools(t, true, [paris]),
    'tools at once': (t) => tools(t, false, [paris, rome]),
    'tools at once, stream': (t) => tools(t, true, [paris, rome]),
    'reasoning': (t) => think(t, false),
    'reasoning, stream': (t) => think(t, true),
    'structured output': structured,
    'tool runner': runner,
    'length': (t) => stopped(t, false, 'length'),
    'length, stream': (t) => stopped(t, true, 'length'),
    'filter, stream': (t) => stopped(t, true, 'filter'),
    'count of tokens': counting,
};


// One package's rows.  client: { name, stops, begin(g, o), run?(g, o, tool),
// count?(g, model, prompt), not?(feature, column): why there is nothing to
// test; cold: it sends no temperature; responses: it speaks that protocol }.
// begin() gives an object whose next(results) asks and tells { text, think,
// calls, stop, usage, value }.

export function matrix(client) {
    const cells = {};
    let g, up;

    before(async () => {
        up = await Upstream.start();
        g = await Gateway.start({ objects, provider: up });
    });

    after(async () => {
        const records = g.usageLines().map((l) => JSON.parse(l))
                         .filter((u) => u.usage?.input);

        await g.stop();
        up.stop();

        // what is billed is what each provider told; a package may leave as
        // soon as it has read the end

        const ended = records.filter((u) => u.outcome === 'ok');

        assert.ok(ended.length > 50, `${ended.length} records`);
        assert.ok(records.every((u) => u.outcome === 'ok'
                                       || u.outcome === 'client_closed'));

        for (const u of ended) {
            assert.equal(u.usage.input + u.usage.cache_read, usage.input);
            assert.equal(u.usage.output + (u.usage.reasoning ?? 0),
                         usage.output);
        }

        const dir = path.join(process.env.LLM_TOP, 'build/sdk/table');

        fs.mkdirSync(dir, { recursive: true });
        fs.writeFileSync(path.join(dir, `${client.file}.json`),
                         JSON.stringify({ name: client.name, columns,
                                           cells }));
    });

    describe(client.name, { concurrency: 4 }, () => {
        for (const [feature, check] of Object.entries(features)) {
            cells[feature] = {};

            for (const column of columns) {
                const has = { 'tool runner': client.run,
                              'count of tokens': client.count };
                const why = feature in has && !has[feature]
                    ? 'the package has none'
                    : client.not?.(feature, column);

                cells[feature][column] = why ? { not: why } : 'FAIL';

                test(`${feature}: ${column}`, { skip: why ?? false },
                     async () => {
                    const id = `${client.file}.${feature}.${column}`
                        .replaceAll(/[^\w.-]/g, '_');
                    const model = client.model + '-to-' + column
                        + (feature.startsWith('reasoning') ? '-think' : '');

                    await check({ client, column, id,
                        play: (...answers) => up.play(id, ...answers),
                        begin: (o) => client.begin(g, { model, max: 3000,
                                                        ...o }),
                        count: (prompt) => client.count(g, model, prompt),
                        run: (o, tool) => client.run(g, { model, max: 3000,
                                                          ...o }, tool) });
                    cells[feature][column] = 'ok';
                });
            }
        }
    });
}
