// OpenAI's Responses, as a provider of them sees it.

import assert from 'node:assert/strict';
import * as w from './wire.mjs';
import { fault as chatFault } from './wire-chat.mjs';

const known = ['model', 'input', 'instructions', 'stream', 'store', 'include',
    'tools', 'tool_choice', 'parallel_tool_calls', 'max_output_tokens',
    'temperature', 'top_p', 'text', 'reasoning', 'user',
    'safety_identifier', 'prompt_cache_key', 'metadata', 'service_tier',
    'truncation', 'top_logprobs'];


function content(m, at) {
    if (typeof m.content === 'string') {
        w.text(m.content, at);
        return [{ text: m.content }];
    }

    w.list(m.content, at);

    return m.content.map((p, i) => {
        const where = `${at}[${i}]`;
        const own = m.role === 'assistant' ? 'output_text' : 'input_text';

        if (p.type === 'input_image') {
            assert.notEqual(m.role, 'assistant', where);
            w.members(p, where, ['detail'], ['type', 'image_url']);
            return w.dataUrl(p.image_url, where);
        }

        assert.equal(p.type, own, where);
        w.members(p, where, ['annotations', 'logprobs', 'parsed'],
                  ['type', 'text']);
        w.text(p.text, where);
        return { text: p.text };
    });
}


export function read(body) {
    w.members(body, 'body', known, ['model', 'input']);

    const turns = [];
    let system = body.instructions ?? '';

    const input = typeof body.input === 'string'
        ? [{ role: 'user', content: body.input }] : body.input;

    w.list(input, 'input');

    input.forEach((m, i) => {
        const at = `input[${i}]`;

        switch (m.type ?? 'message') {

        case 'message':
            w.members(m, at, ['type', 'id', 'status', 'phase'],
                      ['role', 'content']);

            if (m.role === 'system' || m.role === 'developer') {
                system += content(m, at).map((p) => p.text).join('');
                break;
            }

            w.turn(turns, m.role, content(m, at));
            break;

        case 'function_call':
            w.members(m, at, ['id', 'status', 'parsed_arguments'],
                      ['type', 'call_id', 'name', 'arguments']);
            w.matches(m.call_id, /^.{1,64}$/, at);
            w.matches(m.name, /^[a-zA-Z0-9_-]{1,64}$/, at);
            w.turn(turns, 'assistant', [{ call: m.name, id: m.call_id,
                                          args: w.object(m.arguments, at) }]);
            break;

        case 'function_call_output':
            w.members(m, at, ['id', 'status'],
                      ['type', 'call_id', 'output']);
            w.turn(turns, 'user', [{ id: m.call_id,
                result: typeof m.output === 'string' ? m.output
                    : m.output.map((p) => p.text).join('') }]);
            break;

        case 'reasoning': {
            w.members(m, at, ['content', 'status', 'encrypted_content'],
                      ['type', 'id', 'summary']);
            w.matches(m.id, /^rs_/, at);

            const next = input[i + 1];

            assert.ok(next && (next.type === 'function_call'
                               || next.type === 'reasoning'
                               || next.role === 'assistant'),
                      `${at}: nothing follows that was reasoned`);
            w.turn(turns, 'assistant', [{
                think: m.summary.map((s) => s.text).join(''),
                state: m.encrypted_content, id: m.id }]);
            break;
        }

        default:
            assert.fail(`${at}: type "${m.type}"`);
        }
    });

    w.conversation(turns, 'input');

    for (const [i, t] of (body.tools ?? []).entries()) {
        const at = `tools[${i}]`;

        w.members(t, at, ['description', 'strict'],
                  ['type', 'name', 'parameters']);
        assert.equal(t.type, 'function', at);
        w.matches(t.name, /^[a-zA-Z0-9_-]{1,64}$/, at);
        w.schema(t.parameters, at);

        if (t.strict) {
            w.strict(t.parameters, at);
        }
    }

    assert.ok(!('max_output_tokens' in body)
              || body.max_output_tokens >= 16, 'max_output_tokens below 16');

    const format = body.text?.format;

    if (format?.type === 'json_schema') {
        w.members(format, 'text.format', ['description', 'strict'],
                  ['type', 'name', 'schema']);

        if (format.strict) {
            w.strict(format.schema, 'schema');
        }
    }

    return { system, turns,
             tools: (body.tools ?? []).map((t) => ({ name: t.name,
                                                     schema: t.parameters })),
             choice: body.tool_choice?.name ?? body.tool_choice,
             parallel: body.parallel_tool_calls,
             max: body.max_output_tokens,
             temperature: body.temperature,
             schema: format?.schema,
             encrypted: body.include?.includes('reasoning.encrypted_content'),
             stream: !!body.stream };
}


function items(a, body) {
    return a.blocks.map((b, i) => 'think' in b
        ? { id: `rs_${i}`, type: 'reasoning',
            summary: [{ type: 'summary_text', text: b.think }],
            ...(body.include?.includes('reasoning.encrypted_content')
                ? { encrypted_content: b.state } : {}) }
        : 'text' in b
        ? { id: `msg_${i}`, type: 'message', role: 'assistant',
            status: 'completed', content: [{ type: 'output_text',
                text: b.text, annotations: [], logprobs: [] }] }
        : { id: `fc_${i}`, type: 'function_call', status: 'completed',
            call_id: b.id, name: b.call, arguments: JSON.stringify(b.args) });
}


function response(a, model, body, output, status) {
    const reason = { length: 'max_output_tokens', filter: 'content_filter' };
    const done = status !== 'in_progress';

    return { id: 'resp_1', object: 'response', created_at: 1700000000,
        status: done && reason[a.stop] ? 'incomplete' : status,
        background: false, error: null,
        incomplete_details: done && reason[a.stop]
            ? { reason: reason[a.stop] } : null,
        instructions: null, max_output_tokens: null, model, output,
        parallel_tool_calls: true, previous_response_id: null,
        reasoning: { effort: null, summary: null }, store: false,
        temperature: 1, text: { format: { type: 'text' } },
        tool_choice: 'auto', tools: [], top_p: 1, truncation: 'disabled',
        metadata: {}, user: null,
        usage: done ? { input_tokens: a.usage.input,
            input_tokens_details: { cached_tokens: a.usage.cached },
            output_tokens: a.usage.output,
            output_tokens_details: { reasoning_tokens: a.usage.reasoning },
            total_tokens: a.usage.input + a.usage.output } : null };
}


export function unary(a, model, body) {
    return response(a, model, body, items(a, body), 'completed');
}


export function events(a, model, body) {
    const out = [];
    let n = 0;
    const add = (type, o) => out.push(w.sse({ type, sequence_number: n++,
                                              ...o }, type));

    add('response.created', { response: response(a, model, body, [],
                                                 'in_progress') });
    add('response.in_progress', { response: response(a, model, body, [],
                                                     'in_progress') });

    const all = items(a, body);

    all.forEach((item, i) => {
        const at = { item_id: item.id, output_index: i };

        if (item.type === 'reasoning') {
            const part = (t) => ({ type: 'summary_text', text: t });
            const t = item.summary[0].text;

            add('response.output_item.added', { output_index: i, item:
                { ...item, summary: [], encrypted_content: 'partial' } });
            add('response.reasoning_summary_part.added',
                { ...at, summary_index: 0, part: part('') });
            w.pieces(t).forEach((p) =>
                add('response.reasoning_summary_text.delta',
                    { ...at, summary_index: 0, delta: p }));
            add('response.reasoning_summary_text.done',
                { ...at, summary_index: 0, text: t });
            add('response.reasoning_summary_part.done',
                { ...at, summary_index: 0, part: part(t) });

        } else if (item.type === 'message') {
            const c = { ...at, content_index: 0 };
            const t = item.content[0].text;

            add('response.output_item.added', { output_index: i, item:
                { ...item, status: 'in_progress', content: [] } });
            add('response.content_part.added', { ...c,
                part: { ...item.content[0], text: '' } });
            w.pieces(t).forEach((p) => add('response.output_text.delta',
                { ...c, delta: p, logprobs: [] }));
            add('response.output_text.done', { ...c, text: t,
                                               logprobs: [] });
            add('response.content_part.done', { ...c,
                                                part: item.content[0] });

        } else {
            add('response.output_item.added', { output_index: i, item:
                { ...item, status: 'in_progress', arguments: '' } });
            w.pieces(item.arguments).forEach((p) =>
                add('response.function_call_arguments.delta',
                    { ...at, delta: p }));
            add('response.function_call_arguments.done',
                { ...at, name: item.name, arguments: item.arguments });
        }

        add('response.output_item.done', { output_index: i, item });
    });

    if (a.broken) {
        const error = { code: 'server_error', message: w.words[a.broken] };

        add('error', { error: { type: 'server_error', param: null,
                                ...error } });
        add('response.failed', { response: { ...response(a, model, body,
            all, 'failed'), status: 'failed', error } });
        return out;
    }

    const r = response(a, model, body, all, 'completed');

    add(`response.${r.status}`, { response: r });
    return out;
}


export function fault(kind, after) {
    return chatFault(kind, after);
}
