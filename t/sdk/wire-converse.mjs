// Bedrock's Converse, as its provider sees it.

import assert from 'node:assert/strict';
import * as w from './wire.mjs';

const id = /^[a-zA-Z0-9_-]{1,64}$/;


function block(b, role, at) {
    const keys = Object.keys(b);

    assert.equal(keys.length, 1, `${at}: ${keys}`);

    switch (keys[0]) {

    case 'text':
        w.text(b.text, at);
        return { text: b.text };

    case 'image':
        w.members(b.image, at, [], ['format', 'source']);
        w.members(b.image.source, at, [], ['bytes']);
        w.matches(b.image.format, /^(png|jpeg|gif|webp)$/, at);
        return { image: b.image.source.bytes, mime: `image/${b.image.format}` };

    case 'reasoningContent':
        assert.equal(role, 'assistant', at);
        w.members(b.reasoningContent, at, [], ['reasoningText']);
        w.members(b.reasoningContent.reasoningText, at, ['signature'],
                  ['text']);
        return { think: b.reasoningContent.reasoningText.text,
                 state: b.reasoningContent.reasoningText.signature };

    case 'toolUse':
        assert.equal(role, 'assistant', at);
        w.members(b.toolUse, at, [], ['toolUseId', 'name', 'input']);
        w.matches(b.toolUse.toolUseId, id, at);
        w.matches(b.toolUse.name, id, at);
        return { call: b.toolUse.name, id: b.toolUse.toolUseId,
                 args: b.toolUse.input };

    case 'toolResult': {
        assert.equal(role, 'user', at);
        w.members(b.toolResult, at, ['status'], ['toolUseId', 'content']);
        w.list(b.toolResult.content, at);

        const text = b.toolResult.content.map((c, i) => {
            assert.equal(Object.keys(c).length, 1, at);

            if (c.text !== undefined) {
                w.text(c.text, `${at}[${i}]`);
            }

            return c.text ?? JSON.stringify(c.json);
        });

        return { id: b.toolResult.toolUseId, result: text.join('') };
    }

    default:
        assert.fail(`${at}: ${keys}`);
    }
}


export function read(body, { headers, path }) {
    w.members(body, 'body', ['system', 'inferenceConfig', 'toolConfig',
        'additionalModelRequestFields', 'requestMetadata', 'outputConfig',
        'serviceTier'], ['messages']);
    w.list(body.messages, 'messages');

    assert.match(headers.authorization, /^AWS4-HMAC-SHA256 Credential=AKID\//);

    const turns = body.messages.map((m, i) => {
        const at = `messages[${i}]`;

        w.members(m, at, [], ['role', 'content']);
        w.list(m.content, at);

        return { role: m.role, blocks: m.content.map(
            (b, k) => block(b, m.role, `${at}[${k}]`)) };
    });

    w.conversation(turns, 'messages');

    const tools = body.toolConfig?.tools ?? [];

    if (body.toolConfig) {
        w.members(body.toolConfig, 'toolConfig', ['toolChoice'], ['tools']);
        w.list(tools, 'toolConfig.tools');
    }

    for (const [i, t] of tools.entries()) {
        const at = `tools[${i}]`;

        w.members(t, at, [], ['toolSpec']);
        w.members(t.toolSpec, at, ['description', 'strict'],
                  ['name', 'inputSchema']);
        w.matches(t.toolSpec.name, id, at);
        w.schema(t.toolSpec.inputSchema.json, at);
        assert.notEqual(t.toolSpec.description, '', at);
    }

    assert.ok(tools.length || !turns.some((t) => t.blocks.some(
                  (b) => 'call' in b || 'result' in b)),
              'The toolConfig field must be defined');

    const c = body.inferenceConfig ?? {};

    w.members(c, 'inferenceConfig', ['maxTokens', 'temperature', 'topP',
                                     'stopSequences']);
    assert.ok(!('temperature' in c)
              || (c.temperature >= 0 && c.temperature <= 1), 'temperature');

    const system = (body.system ?? []).map((b, i) => {
        w.members(b, `system[${i}]`, [], ['text']);
        return b.text;
    });

    const choice = body.toolConfig?.toolChoice;

    return { system: system.join(''), turns,
             tools: tools.map((t) => ({ name: t.toolSpec.name,
                                        schema: t.toolSpec.inputSchema.json })),
             choice: choice?.tool?.name ?? Object.keys(choice ?? {})[0],
             max: c.maxTokens, temperature: c.temperature,
             stop: c.stopSequences ?? [],
             schema: body.outputConfig?.textFormat?.structure?.jsonSchema
                         ?.schema,
             stream: path.includes('converse-stream') };
}


const stops = { end: 'end_turn', length: 'max_tokens', tool: 'tool_use',
                filter: 'content_filtered' };


function count(u) {
    return { inputTokens: u.input - u.cached, cacheReadInputTokens: u.cached,
             cacheWriteInputTokens: 0, outputTokens: u.output,
             totalTokens: u.input + u.output };
}


export function unary(a) {
    const content = a.blocks.map((b) => 'think' in b
        ? { reasoningContent: { reasoningText: { text: b.think,
                                                 signature: b.state } } }
        : 'text' in b ? { text: b.text }
        : { toolUse: { toolUseId: b.id, name: b.call, input: b.args } });

    return { output: { message: { role: 'assistant', content } },
             stopReason: stops[a.stop], usage: count(a.usage),
             metrics: { latencyMs: 5 } };
}


export function events(a) {
    const out = [w.frame('messageStart', { role: 'assistant', p: 'ab' })];

    a.blocks.forEach((b, i) => {
        const delta = (d) => out.push(w.frame('contentBlockDelta',
            { contentBlockIndex: i, delta: d, p: 'abcdef' }));

        if ('think' in b) {
            w.pieces(b.think).forEach((p) =>
                delta({ reasoningContent: { text: p } }));
            delta({ reasoningContent: { signature: b.state } });

        } else if ('text' in b) {
            w.pieces(b.text).forEach((p) => delta({ text: p }));

        } else {
            out.push(w.frame('contentBlockStart', { contentBlockIndex: i,
                start: { toolUse: { toolUseId: b.id, name: b.call } } }));
            w.pieces(JSON.stringify(b.args)).forEach((p) =>
                delta({ toolUse: { input: p } }));
        }

        out.push(w.frame('contentBlockStop', { contentBlockIndex: i }));
    });

    if (a.broken) {
        out.push(w.frame('modelStreamErrorException',
                         { message: w.words[a.broken] }, 'exception'));
        return out;
    }

    return [...out, w.frame('messageStop', { stopReason: stops[a.stop] }),
            w.frame('metadata', { usage: count(a.usage),
                                  metrics: { latencyMs: 5 } })];
}


const types = {
    invalid: 'ValidationException', key: 'UnrecognizedClientException',
    forbidden: 'AccessDeniedException',
    missing: 'ResourceNotFoundException', large: 'ValidationException',
    unprocessable: 'ValidationException', rate: 'ThrottlingException',
    server: 'InternalServerException',
    unavailable: 'ServiceUnavailableException',
    overloaded: 'ModelNotReadyException', context: 'ValidationException',
    policy: 'ValidationException',
};


export function fault(kind, after) {
    const status = { key: 403, unprocessable: 400, overloaded: 429 }[kind]
                   ?? w.statuses[kind];
    const message = kind === 'context'
        ? 'Input is too long for requested model.' : w.words[kind];

    return { status, body: { message },
             headers: { 'x-amzn-errortype':
                 `${types[kind]}:http://internal.amazon.com/`,
                 ...(after ? { 'retry-after': `${after}` } : {}) } };
}
