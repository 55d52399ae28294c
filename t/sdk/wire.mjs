// What the scripted providers of the matrix share.  Each wire-*.mjs has one
// protocol as its provider sees it: read() checks a request, strictly, and
// tells it in plain words; unary(), events() and fault() put an answer into
// the protocol's own.  An answer is
//
//     { blocks: [{ think, state } | { text } | { call, id, args }],
//       stop: 'end' | 'length' | 'tool' | 'filter',
//       usage: { input, cached, output, reasoning } }
//
// where input holds cached and output holds reasoning, and a request told is
//
//     { system, turns: [{ role, blocks }], tools: [{ name, schema }],
//       choice, parallel, max, stop, schema, stream }
//
// whose blocks are { text }, { image, mime }, { think, state },
// { call, id, args }, { result, id }.

import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';

export const usage = { input: 120, cached: 20, output: 40, reasoning: 0 };


// Only these members, and those of need.

export function members(o, where, allowed, need = []) {
    assert.ok(o && typeof o === 'object' && !Array.isArray(o),
              `${where} is no object`);

    for (const k of Object.keys(o)) {
        assert.ok(allowed.includes(k) || need.includes(k),
                  `${where}: unknown member "${k}"`);
    }

    for (const k of need) {
        assert.ok(k in o, `${where}: no member "${k}"`);
    }
}


export function list(a, where) {
    assert.ok(Array.isArray(a) && a.length > 0, `${where} is no list`);
}


export function text(s, where) {
    assert.equal(typeof s, 'string', `${where} is no string`);
    assert.ok(s.trim().length > 0, `${where} is blank`);
}


export function matches(s, re, where) {
    assert.equal(typeof s, 'string', `${where} is no string`);
    assert.match(s, re, where);
}


// A tool's schema: of an object.

export function schema(s, where) {
    assert.ok(s && s.type === 'object', `${where}: type is not "object"`);
}


// As strict modes have it: all is named, nothing more may come.

export function strict(s, where, words = []) {
    if (Array.isArray(s)) {
        s.forEach((x, i) => strict(x, `${where}[${i}]`, words));
        return;
    }

    if (!s || typeof s !== 'object') {
        return;
    }

    if (s.type === 'object' || s.properties) {
        assert.equal(s.additionalProperties, false,
                     `${where}: additionalProperties is not false`);
    }

    for (const k of words) {
        assert.ok(!(k in s), `${where}: "${k}" is not supported`);
    }

    for (const [k, v] of Object.entries(s.properties ?? {})) {
        strict(v, `${where}.${k}`, words);
    }

    for (const k of ['items', 'anyOf', '$defs']) {
        if (s[k]) {
            strict(k === '$defs' ? Object.values(s[k]) : s[k],
                   `${where}.${k}`, words);
        }
    }
}


// Turns of one role after the other, the user's first; each call is answered
// once, in the turn behind it, in order.

export function conversation(turns, what) {
    assert.ok(turns.length > 0, `${what}: no turns`);
    assert.equal(turns[0].role, 'user', `${what}: the first turn's role`);

    let open = [];

    turns.forEach((t, i) => {
        const at = `${what}[${i}]`;

        assert.ok(t.blocks.length > 0, `${at} is empty`);

        if (i) {
            assert.notEqual(t.role, turns[i - 1].role,
                            `${at}: two turns of one role`);
        }

        const results = t.blocks.filter((b) => 'result' in b);
        const calls = t.blocks.filter((b) => 'call' in b);

        if (t.role === 'assistant') {
            assert.equal(results.length, 0, `${at}: results of the model`);
            open = calls.map((b) => b.id);
            assert.equal(new Set(open).size, open.length,
                         `${at}: one id for two calls`);
            return;
        }

        assert.equal(calls.length, 0, `${at}: calls of the user`);
        assert.deepEqual(results.map((b) => b.id), open,
                         `${at}: results are not those of the calls`);
        assert.ok(t.blocks.slice(0, results.length)
                          .every((b) => 'result' in b),
                  `${at}: results do not come first`);
        open = [];
    });

    assert.equal(open.length, 0, `${what}: calls without results`);
}


export function object(s, where) {
    let o;

    try {
        o = JSON.parse(s);

    } catch {
        assert.fail(`${where} is no JSON: ${s}`);
    }

    assert.ok(o && typeof o === 'object' && !Array.isArray(o),
              `${where} is no object`);
    return o;
}


// Text as a provider sends it: in pieces, one of which ends inside of a pair
// of surrogates if there is one.

export function pieces(s) {
    const out = [];
    const half = s.search(/[\ud800-\udbff]/);

    if (half >= 0) {
        out.push(...pieces(s.slice(0, half)), s.slice(half, half + 1),
                 s.slice(half + 1, half + 2), ...pieces(s.slice(half + 2)));
        return out.filter((p) => p.length);
    }

    for (let i = 0; i < s.length; i += 5) {
        out.push(s.slice(i, i + 5));
    }

    return out;
}


// One message of an AWS event stream.

export function frame(type, payload, kind = 'event') {
    const header = (name, value) => {
        const v = Buffer.from(value);
        const n = Buffer.from(name);
        const size = Buffer.alloc(2);

        size.writeUInt16BE(v.length);
        return Buffer.concat([Buffer.from([n.length]), n, Buffer.from([7]),
                              size, v]);
    };

    const body = Buffer.from(JSON.stringify(payload));
    const headers = Buffer.concat([
        header(kind === 'event' ? ':event-type' : ':exception-type', type),
        header(':content-type', 'application/json'),
        header(':message-type', kind)]);
    const prelude = Buffer.alloc(12);

    prelude.writeUInt32BE(16 + headers.length + body.length);
    prelude.writeUInt32BE(headers.length, 4);
    prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8);

    const all = Buffer.concat([prelude, headers, body]);
    const end = Buffer.alloc(4);

    end.writeUInt32BE(crc32(all));
    return Buffer.concat([all, end]);
}


export function sse(o, name) {
    const data = `data: ${typeof o === 'string' ? o : JSON.stringify(o)}\n\n`;

    return name ? `event: ${name}\n${data}` : data;
}


// Neighbours of one role are one turn: how the turns are told.

export function turn(turns, role, blocks) {
    if (turns.at(-1)?.role === role) {
        turns.at(-1).blocks.push(...blocks);

    } else {
        turns.push({ role, blocks: [...blocks] });
    }
}


export function dataUrl(url, where) {
    const m = /^data:([\w/+.-]+);base64,([A-Za-z0-9+/=]+)$/.exec(url ?? '');

    assert.ok(m, `${where}: no data URL of base64`);
    return { image: m[2], mime: m[1] };
}


// What kinds of failure there are: status and words, for those that each
// protocol makes of its own.

export const words = {
    invalid: 'messages: something is odd',
    key: 'bad credential',
    forbidden: 'not for you',
    missing: 'no such model here',
    large: 'the request is too large',
    unprocessable: 'cannot be processed',
    rate: 'slow down, please',
    server: 'something broke',
    unavailable: 'nobody is at home',
    overloaded: 'Overloaded',
    context: 'prompt is too long: 210000 tokens > 200000 maximum',
    policy: 'this was filtered by our policy',
};

export const statuses = {
    invalid: 400, key: 401, forbidden: 403, missing: 404, large: 413,
    unprocessable: 422, rate: 429, server: 500, unavailable: 503,
    overloaded: 529, context: 400, policy: 400,
};
