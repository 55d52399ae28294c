// Anthropic's Messages, as a provider of them sees it: at home, and by
// Bedrock's invoke.

import assert from 'node:assert/strict';
import * as w from './wire.mjs';

const known = ['model', 'messages', 'max_tokens', 'system', 'stream', 'tools',
    'tool_choice', 'temperature', 'top_p', 'top_k', 'stop_sequences',
    'thinking', 'output_config', 'metadata', 'service_tier'];

// keywords that a strict schema may not have

const loose = ['minLength', 'maxLength', 'pattern', 'minimum', 'maximum',
               'multipleOf', 'maxItems', '$schema', 'default'];


function result(b, at) {
    w.members(b, at, ['content', 'is_error', 'cache_control'],
              ['type', 'tool_use_id']);

    const text = typeof b.content === 'string' ? b.content
        : (b.content ?? []).map((p) => p.text ?? '').join('');

    return { id: b.tool_use_id, result: text };
}


function block(b, role, at) {
    switch (b.type) {

    case 'text':
        w.members(b, at, ['cache_control', 'citations'], ['type', 'text']);
        w.text(b.text, at);
        return { text: b.text };

    case 'image':
        assert.equal(role, 'user', at);
        w.members(b, at, ['cache_control'], ['type', 'source']);
        w.members(b.source, at, [], ['type', 'media_type', 'data']);
        assert.equal(b.source.type, 'base64', at);
        w.matches(b.source.media_type, /^image\/(png|jpeg|gif|webp)$/, at);
        w.matches(b.source.data, /^[A-Za-z0-9+/]+=*$/, at);
        return { image: b.source.data, mime: b.source.media_type };

    case 'thinking':
        assert.equal(role, 'assistant', at);
        w.members(b, at, [], ['type', 'thinking', 'signature']);
        w.matches(b.signature, /./, `${at}: signature`);
        return { think: b.thinking, state: b.signature };

    case 'tool_use':
        assert.equal(role, 'assistant', at);
        w.members(b, at, ['cache_control', 'caller'],
                  ['type', 'id', 'name', 'input']);
        w.matches(b.id, /^[a-zA-Z0-9_-]+$/, `${at}: id`);
        w.matches(b.name, /^[a-zA-Z0-9_-]{1,128}$/, `${at}: name`);
        assert.ok(b.input && typeof b.input === 'object'
                  && !Array.isArray(b.input), `${at}: input`);
        return { call: b.name, id: b.id, args: b.input };

    case 'tool_result':
        assert.equal(role, 'user', at);
        return result(b, at);

    default:
        assert.fail(`${at}: type "${b.type}"`);
    }
}


function thinking(body, turns) {
    const on = body.thinking && body.thinking.type !== 'disabled';

    if (!on) {
        return;
    }

    if (body.thinking.type === 'enabled') {
        assert.ok(body.thinking.budget_tokens >= 1024
                  && body.thinking.budget_tokens < body.max_tokens,
                  'budget_tokens');
    }

    assert.ok(!('temperature' in body) || body.temperature === 1,
              'temperature with thinking');
    assert.ok(!('top_k' in body), 'top_k with thinking');
    assert.ok(!['any', 'tool'].includes(body.tool_choice?.type),
              'a forced tool with thinking');

    const last = turns.filter((t) => t.role === 'assistant').at(-1);

    if (last && last.blocks.some((b) => 'call' in b)
        && turns.at(-1).blocks.some((b) => 'result' in b))
    {
        assert.ok('think' in last.blocks[0],
                  'Expected `thinking`, but found `tool_use`');
    }
}


export function read(body, { headers, path }) {
    const invoke = path.includes('/invoke');

    if (invoke) {
        assert.equal(body.anthropic_version, 'bedrock-2023-05-31');
        assert.ok(!('model' in body) && !('stream' in body),
                  'model or stream in an invoke');
        w.members(body, 'body', [...known, 'anthropic_version',
                                 'anthropic_beta'],
                  ['messages', 'max_tokens']);

    } else {
        w.members(body, 'body', known, ['model', 'messages', 'max_tokens']);
        w.matches(headers['anthropic-version'], /^20\d\d-\d\d-\d\d$/,
                  'version');
        assert.equal(headers['x-api-key'], 'key-claude');
    }

    assert.ok(Number.isInteger(body.max_tokens) && body.max_tokens > 0,
              'max_tokens');
    w.list(body.messages, 'messages');

    const turns = body.messages.map((m, i) => {
        const at = `messages[${i}]`;

        w.members(m, at, [], ['role', 'content']);

        if (typeof m.content === 'string') {
            w.text(m.content, at);
            return { role: m.role, blocks: [{ text: m.content }] };
        }

        w.list(m.content, at);

        return { role: m.role, blocks: m.content.map(
            (b, k) => block(b, m.role, `${at}[${k}]`)) };
    });

    w.conversation(turns, 'messages');
    thinking(body, turns);

    for (const [i, t] of (body.tools ?? []).entries()) {
        const at = `tools[${i}]`;

        w.members(t, at, ['description', 'strict', 'cache_control', 'type',
                          'eager_input_streaming'],
                  ['name', 'input_schema']);
        w.matches(t.name, /^[a-zA-Z0-9_-]{1,128}$/, at);
        w.schema(t.input_schema, at);
        assert.ok(!t.input_schema.anyOf, `${at}: anyOf at the top`);

        if (t.strict) {
            w.strict(t.input_schema, at, loose);
        }
    }

    assert.ok(body.tools || !('tool_choice' in body),
              'tool_choice without tools');
    assert.ok(!('temperature' in body)
              || (body.temperature >= 0 && body.temperature <= 1),
              'temperature above 1');
    assert.ok(!('temperature' in body && 'top_p' in body),
              'temperature and top_p');

    const format = body.output_config?.format;

    if (format) {
        w.members(format, 'output_config.format', [], ['type', 'schema']);
        w.strict(format.schema, 'output_config.format', loose);
    }

    const system = body.system === undefined ? ''
        : typeof body.system === 'string' ? body.system
        : body.system.map((b) => b.text).join('');

    return { system, turns,
             tools: (body.tools ?? []).map((t) => ({
                 name: t.name, schema: t.input_schema })),
             choice: body.tool_choice?.name ?? body.tool_choice?.type,
             parallel: body.tool_choice?.disable_parallel_tool_use
                 ? false : undefined,
             max: body.max_tokens,
             temperature: body.temperature,
             stop: body.stop_sequences ?? [],
             schema: format?.schema,
             thinking: body.thinking,
             stream: path.includes('/invoke-') || !!body.stream };
}


const stops = { end: 'end_turn', length: 'max_tokens', tool: 'tool_use',
                filter: 'refusal' };


function count(u) {
    return { input_tokens: u.input - u.cached,
             cache_read_input_tokens: u.cached,
             cache_creation_input_tokens: 0, output_tokens: u.output };
}


function content(a) {
    return a.blocks.map((b) => 'think' in b
        ? { type: 'thinking', thinking: b.think, signature: b.state }
        : 'text' in b ? { type: 'text', text: b.text }
        : { type: 'tool_use', id: b.id, name: b.call, input: b.args });
}


export function unary(a, model) {
    return { id: 'msg_1', type: 'message', role: 'assistant',
             model: model ?? 'claude', content: content(a),
             stop_reason: stops[a.stop], stop_sequence: null,
             usage: count(a.usage) };
}


function list(a, model) {
    const out = [{ type: 'message_start', message: { ...unary(a, model),
        content: [], stop_reason: null,
        usage: { ...count(a.usage), output_tokens: 1 } } },
        { type: 'ping' }];

    content(a).forEach((b, index) => {
        const start = b.type === 'text' ? { ...b, text: '' }
            : b.type === 'thinking' ? { ...b, thinking: '', signature: '' }
            : { ...b, input: {} };
        const deltas = b.type === 'text'
            ? w.pieces(b.text).map((p) => ({ type: 'text_delta', text: p }))
            : b.type === 'thinking'
            ? [...w.pieces(b.thinking).map((p) => ({ type: 'thinking_delta',
                                                     thinking: p })),
               { type: 'signature_delta', signature: b.signature }]
            : w.pieces(JSON.stringify(b.input)).map((p) => ({
                type: 'input_json_delta', partial_json: p }));

        out.push({ type: 'content_block_start', index, content_block: start },
                 ...deltas.map((delta) => ({ type: 'content_block_delta',
                                             index, delta })),
                 { type: 'content_block_stop', index });
    });

    if (a.broken) {
        return [...out, { type: 'error', error: {
            type: 'overloaded_error', message: w.words[a.broken] } }];
    }

    return [...out,
            { type: 'message_delta', delta: { stop_reason: stops[a.stop],
                                              stop_sequence: null },
              usage: { output_tokens: a.usage.output } },
            { type: 'message_stop' }];
}


export function events(a, model, body, { path }) {
    if (path.includes('/invoke-')) {
        return list(a, model).map((e) => w.frame('chunk', {
            bytes: Buffer.from(JSON.stringify(e)).toString('base64'),
            p: 'abcd' }));
    }

    return list(a, model).map((e) => w.sse(e, e.type));
}


const types = {
    invalid: 'invalid_request_error', key: 'authentication_error',
    forbidden: 'permission_error', missing: 'not_found_error',
    large: 'request_too_large', unprocessable: 'invalid_request_error',
    rate: 'rate_limit_error', server: 'api_error',
    unavailable: 'api_error', overloaded: 'overloaded_error',
    context: 'invalid_request_error', policy: 'invalid_request_error',
};


export function fault(kind, after) {
    return { status: w.statuses[kind],
             headers: after ? { 'retry-after': `${after}` } : {},
             body: { type: 'error', request_id: 'req_1',
                     error: { type: types[kind],
                              message: w.words[kind] } } };
}
