// OpenAI's chat completions, as a provider of them sees it.

import assert from 'node:assert/strict';
import * as w from './wire.mjs';

const known = ['model', 'messages', 'stream', 'stream_options', 'tools',
    'tool_choice', 'parallel_tool_calls', 'max_completion_tokens',
    'max_tokens', 'temperature', 'top_p', 'stop', 'response_format',
    'reasoning_effort', 'thinking', 'seed', 'n', 'user',
    'safety_identifier', 'prompt_cache_key', 'metadata', 'store',
    'presence_penalty', 'frequency_penalty', 'service_tier', 'verbosity',
    'logit_bias', 'logprobs', 'top_logprobs'];


function parts(content, where) {
    if (typeof content === 'string') {
        w.text(content, where);
        return [{ text: content }];
    }

    w.list(content, where);

    return content.map((p, i) => {
        const at = `${where}[${i}]`;

        switch (p.type) {

        case 'text':
            w.members(p, at, [], ['type', 'text']);
            w.text(p.text, at);
            return { text: p.text };

        case 'image_url':
            w.members(p, at, [], ['type', 'image_url']);
            w.members(p.image_url, at, ['detail'], ['url']);
            return w.dataUrl(p.image_url.url, at);

        default:
            assert.fail(`${at}: type "${p.type}"`);
        }
    });
}


function assistant(m, at) {
    w.members(m, at, ['content', 'tool_calls', 'reasoning_content',
                      'refusal', 'name', 'audio', 'annotations',
                      'function_call', 'parsed'], ['role']);

    const blocks = [];

    if (m.reasoning_content !== undefined) {
        w.text(m.reasoning_content, `${at}.reasoning_content`);
        blocks.push({ think: m.reasoning_content,
                      state: m.reasoning_content });
    }

    if (m.content) {
        blocks.push(...parts(m.content, `${at}.content`));
    }

    for (const c of m.tool_calls ?? []) {
        w.members(c, at, ['parsed'], ['id', 'type', 'function']);
        w.members(c.function, at, ['parsed_arguments', 'parsed'],
                  ['name', 'arguments']);
        assert.equal(c.type, 'function', at);
        w.matches(c.id, /^[\x21-\x7e]{1,64}$/, `${at}: id`);
        w.matches(c.function.name, /^[a-zA-Z0-9_-]{1,64}$/, `${at}: name`);
        blocks.push({ call: c.function.name, id: c.id,
                      args: w.object(c.function.arguments, at) });
    }

    assert.ok(blocks.some((b) => !('think' in b)), `${at} says nothing`);
    return blocks;
}


export function read(body) {
    w.members(body, 'body', known, ['model', 'messages']);
    w.list(body.messages, 'messages');

    const turns = [];
    let system = '';
    let open = [];

    body.messages.forEach((m, i) => {
        const at = `messages[${i}]`;

        if (m.role === 'tool') {
            w.members(m, at, ['name'], ['role', 'tool_call_id', 'content']);
            assert.ok(open.includes(m.tool_call_id), `${at}: whose result?`);
            open = open.filter((id) => id !== m.tool_call_id);
            w.turn(turns, 'user', [{ id: m.tool_call_id,
                result: typeof m.content === 'string' ? m.content
                    : m.content.map((p) => p.text).join('') }]);
            return;
        }

        assert.deepEqual(open, [], `${at}: calls before have no results`);

        switch (m.role) {

        case 'system':
        case 'developer':
            system += parts(m.content, at).map((p) => p.text).join('');
            break;

        case 'user':
            w.members(m, at, ['name'], ['role', 'content']);
            w.turn(turns, 'user', parts(m.content, at));
            break;

        case 'assistant':
            w.turn(turns, 'assistant', assistant(m, at));
            open = (m.tool_calls ?? []).map((c) => c.id);
            break;

        default:
            assert.fail(`${at}: role "${m.role}"`);
        }
    });

    w.conversation(turns, 'messages');

    for (const [i, t] of (body.tools ?? []).entries()) {
        const at = `tools[${i}]`;

        assert.equal(t.type, 'function', at);
        w.members(t.function, at, ['description', 'parameters', 'strict'],
                  ['name']);
        w.matches(t.function.name, /^[a-zA-Z0-9_-]{1,64}$/, `${at}: name`);

        if (t.function.parameters) {
            w.schema(t.function.parameters, at);
        }

        if (t.function.strict) {
            w.strict(t.function.parameters, at);
        }
    }

    if (body.tools) {
        w.list(body.tools, 'tools');

    } else {
        assert.ok(!('tool_choice' in body), 'tool_choice without tools');
        assert.ok(!('parallel_tool_calls' in body),
                  'parallel_tool_calls without tools');
    }

    assert.ok(!('stream_options' in body) || body.stream,
              'stream_options without stream');
    assert.ok(!('max_tokens' in body && 'max_completion_tokens' in body),
              'two limits');
    assert.ok(!Array.isArray(body.stop) || body.stop.length <= 4,
              'more than 4 stop sequences');

    const format = body.response_format;

    if (format?.type === 'json_schema') {
        w.members(format, 'response_format', [], ['type', 'json_schema']);
        w.members(format.json_schema, 'json_schema',
                  ['description', 'strict'], ['name', 'schema']);
        w.matches(format.json_schema.name, /^[a-zA-Z0-9_-]{1,64}$/, 'name');

        if (format.json_schema.strict) {
            w.strict(format.json_schema.schema, 'schema');
        }
    }

    return { system, turns,
             tools: (body.tools ?? []).map((t) => ({
                 name: t.function.name, schema: t.function.parameters })),
             choice: body.tool_choice?.function?.name ?? body.tool_choice,
             parallel: body.parallel_tool_calls,
             max: body.max_completion_tokens ?? body.max_tokens,
             temperature: body.temperature,
             stop: [].concat(body.stop ?? []),
             schema: format?.json_schema?.schema,
             stream: !!body.stream };
}


const stops = { end: 'stop', length: 'length', tool: 'tool_calls',
                filter: 'content_filter' };


function count(u) {
    return { prompt_tokens: u.input, completion_tokens: u.output,
             total_tokens: u.input + u.output,
             prompt_tokens_details: { cached_tokens: u.cached },
             completion_tokens_details: { reasoning_tokens: u.reasoning } };
}


export function unary(a, model) {
    const of = (k) => a.blocks.filter((b) => k in b);
    const calls = of('call').map((b) => ({ id: b.id, type: 'function',
        function: { name: b.call, arguments: JSON.stringify(b.args) } }));

    return { id: 'chatcmpl-1', object: 'chat.completion', created: 1700000000,
        model, choices: [{ index: 0, logprobs: null,
            finish_reason: stops[a.stop],
            message: { role: 'assistant', refusal: null,
                content: of('text').map((b) => b.text).join('') || null,
                ...(of('think').length ? { reasoning_content:
                    of('think').map((b) => b.think).join('') } : {}),
                ...(calls.length ? { tool_calls: calls } : {}) } }],
        usage: count(a.usage) };
}


export function events(a, model, body) {
    const base = { id: 'chatcmpl-1', object: 'chat.completion.chunk',
                   created: 1700000000, model };
    const chunk = (delta, finish = null) => w.sse({ ...base,
        choices: [{ index: 0, delta, finish_reason: finish }],
        usage: null });
    const out = [chunk({ role: 'assistant', content: '' })];
    let n = 0;

    for (const b of a.blocks) {
        if ('think' in b) {
            out.push(...w.pieces(b.think)
                .map((p) => chunk({ reasoning_content: p })));

        } else if ('text' in b) {
            out.push(...w.pieces(b.text).map((p) => chunk({ content: p })));

        } else {
            out.push(chunk({ tool_calls: [{ index: n, id: b.id,
                type: 'function',
                function: { name: b.call, arguments: '' } }] }));

            for (const p of w.pieces(JSON.stringify(b.args))) {
                out.push(chunk({ tool_calls: [{ index: n,
                    function: { arguments: p } }] }));
            }

            n++;
        }
    }

    if (a.broken) {
        out.push(w.sse({ error: { message: w.words[a.broken],
            type: 'server_error', code: null, param: null } }));
        return out;
    }

    out.push(chunk({}, stops[a.stop]));

    if (body.stream_options?.include_usage) {
        out.push(w.sse({ ...base, choices: [], usage: count(a.usage) }));
    }

    return [...out, w.sse('[DONE]')];
}


const faults = {
    invalid: ['invalid_request_error', null],
    key: ['invalid_request_error', 'invalid_api_key'],
    forbidden: ['invalid_request_error', 'forbidden'],
    missing: ['invalid_request_error', 'model_not_found'],
    large: ['invalid_request_error', 'request_too_large'],
    unprocessable: ['invalid_request_error', null],
    rate: ['tokens', 'rate_limit_exceeded'],
    server: ['server_error', null],
    unavailable: ['server_error', null],
    overloaded: ['server_error', null],
    context: ['invalid_request_error', 'context_length_exceeded'],
    policy: ['invalid_request_error', 'content_policy_violation'],
};


export function fault(kind, after) {
    const [type, code] = faults[kind];

    return { status: w.statuses[kind],
             headers: after ? { 'retry-after': `${after}` } : {},
             body: { error: { message: w.words[kind], type, code,
                              param: null } } };
}
