// The @anthropic-ai/sdk package, unmodified but for base URL and key.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { Gateway, all, thrown } from './harness.mjs';

let g, anthropic;

const request = { model: 'claude-test', max_tokens: 100,
                  messages: [{ role: 'user', content: 'Hi' }] };

before(async () => {
    g = await Gateway.start();
    anthropic = client();
});

after(() => g.stop());


function client(options = {}) {
    return new Anthropic({ apiKey: g.key, baseURL: g.base, maxRetries: 0,
                           ...options });
}


const unary = `
anthropic /v1/messages:
    json <<END
    {"id": "msg_1", "type": "message", "role": "assistant",
     "model": "{{model}}-2025", "stop_reason": "end_turn",
     "stop_sequence": null,
     "content": [{"type": "text", "text": "Hello"}],
     "usage": {"input_tokens": 10, "cache_creation_input_tokens": 20,
       "cache_read_input_tokens": 30, "output_tokens": 5,
       "cache_creation": {"ephemeral_5m_input_tokens": 12,
                          "ephemeral_1h_input_tokens": 8}}}
    END
`;

const start = 'typed {"type":"message_start","message":{"id":"msg_1",'
    + '"type":"message","role":"assistant","model":"{{model}}",'
    + '"content":[],"stop_reason":null,"stop_sequence":null,'
    + '"usage":{"input_tokens":11,"cache_creation_input_tokens":0,'
    + '"cache_read_input_tokens":4,"output_tokens":1}}}';

const stream = `
anthropic stream:
    sse
    ${start}
    typed {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
    typed {"type":"ping"}
    typed {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}
    pause 20
    typed {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo"}}
    typed {"type":"content_block_stop","index":0}
    typed {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":6}}
    typed {"type":"message_stop"}
`;


test('messages, unary', async () => {
    await g.play(unary);

    const m = await anthropic.messages.create(request);

    assert.equal(m.content[0].text, 'Hello');

    const [r] = await g.requests();
    assert.equal(r.path, '/anthropic/v1/messages');
    assert.equal(r.headers['x-api-key'], 'sk-anthropic-upstream');
    assert.match(r.headers['anthropic-version'], /^20\d\d-\d\d-\d\d$/);
    assert.equal(JSON.parse(r.body).model, 'claude-upstream');
    assert.ok(!r.raw.includes(g.key));

    const [u] = await g.usage();
    assert.equal(u.protocol, 'anthropic');
    assert.deepEqual([u.usage.input, u.usage.cache_read,
                      u.usage.cache_write_5m, u.usage.cache_write_1h,
                      u.usage.output], [10, 30, 12, 8, 5]);
});


test('a bearer token is a key as well', async () => {
    await g.play(unary);

    const m = await client({ apiKey: null, authToken: g.key })
                        .messages.create(request);

    assert.equal(m.content[0].text, 'Hello');

    const [r] = await g.requests();
    assert.equal(r.headers['x-api-key'], 'sk-anthropic-upstream');
    assert.equal(r.headers.authorization, undefined);
});


test('messages, stream', async () => {
    await g.play(stream);

    const events = await all(await anthropic.messages.create(
        { ...request, stream: true }));

    assert.equal(events.at(-1).type, 'message_stop');
    assert.equal(events.filter((e) => e.delta?.text)
                       .map((e) => e.delta.text).join(''), 'Hello');

    const [u] = await g.usage();
    assert.equal(u.stream, true);
    assert.deepEqual([u.usage.input, u.usage.cache_read, u.usage.output],
                     [11, 4, 6]);
});


test('messages, stream helper', async () => {
    await g.play(stream);

    const m = await anthropic.messages.stream(request).finalMessage();

    assert.equal(m.content[0].text, 'Hello');
    assert.equal(m.usage.output_tokens, 6);
    assert.equal(m.stop_reason, 'end_turn');
});


test('messages, stream helper: thinking and a tool call', async () => {
    await g.play(`
anthropic stream:
    sse
    ${start}
    typed {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}
    typed {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hmm"}}
    typed {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}
    typed {"type":"content_block_stop","index":0}
    typed {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}}
    typed {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\\"city\\":"}}
    typed {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"\\"Paris\\"}"}}
    typed {"type":"content_block_stop","index":1}
    typed {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":40}}
    typed {"type":"message_stop"}
`);

    const tools = [{ name: 'weather', input_schema: { type: 'object',
        properties: { city: { type: 'string' } } } }];
    const m = await anthropic.messages.stream({ ...request, tools })
                             .finalMessage();

    assert.equal(m.content[0].signature, 'c2ln');
    assert.deepEqual(m.content[1].input, { city: 'Paris' });
    assert.equal(m.stop_reason, 'tool_use');

    const [r] = await g.requests();
    assert.deepEqual(JSON.parse(r.body).tools, tools);
});


test('images in', async () => {
    await g.play(unary);

    const data = 'iVBORw0K'.repeat(4000);

    await anthropic.messages.create({ ...request, messages: [{
        role: 'user', content: [
            { type: 'image', source: { type: 'base64',
                                       media_type: 'image/png', data } },
            { type: 'text', text: 'What is this?' }] }] });

    const [r] = await g.requests();
    assert.equal(JSON.parse(r.body).messages[0].content[0].source.data, data);
});


test('count_tokens', async () => {
    await g.play(`
anthropic /v1/messages/count_tokens:
    json {"input_tokens":42}
`);

    const c = await anthropic.messages.countTokens(
        { model: 'claude-test', messages: request.messages });

    assert.equal(c.input_tokens, 42);

    const [u] = await g.usage();
    assert.equal(u.outcome, 'ok');
    assert.equal(u.usage?.output ?? 0, 0);
});


for (const [status, kind, type] of [
    [400, 'invalid_request_error', Anthropic.BadRequestError],
    [401, 'authentication_error', Anthropic.AuthenticationError],
    [403, 'permission_error', Anthropic.PermissionDeniedError],
    [404, 'not_found_error', Anthropic.NotFoundError],
    [429, 'rate_limit_error', Anthropic.RateLimitError],
    [500, 'api_error', Anthropic.InternalServerError],
    [529, 'overloaded_error', Anthropic.InternalServerError]])
{
    test(`the provider's ${status}, as the provider said it`, async () => {
        await g.play(`
anthropic:
    status ${status}
    header request-id: req_up
    json {"type":"error","error":{"type":"${kind}","message":"said so"},"request_id":"req_up"}
`);

        const e = await thrown(anthropic.messages.create(request));

        assert.ok(e instanceof type);
        assert.equal(e.status, status);
        assert.equal(e.error.error.type, kind);
        assert.equal(e.error.error.message, 'said so');
    });
}


test('429 and 529 with Retry-After: the package tries again', async () => {
    await g.play(`
anthropic #1:
    status 429
    header retry-after: 1
    json {"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}
anthropic #2:
    status 529
    json {"type":"error","error":{"type":"overloaded_error","message":"busy"}}
${unary}`);

    const m = await client({ maxRetries: 2 }).messages.create(request);

    assert.equal(m.content[0].text, 'Hello');
    assert.deepEqual((await g.usage(3)).map((u) => u.status), [429, 529, 200]);
});


test('refusals of our own have this protocol\'s shape', async () => {
    await g.play('');

    const e = await thrown(client({ apiKey: 'sk-wrong' }).messages
                               .create(request));

    assert.ok(e instanceof Anthropic.AuthenticationError);
    assert.equal(e.error.type, 'error');
    assert.equal(e.error.error.type, 'authentication_error');

    const m = await thrown(anthropic.messages.create(
        { ...request, model: 'no-such-model' }));

    assert.ok(m instanceof Anthropic.NotFoundError);
    assert.equal(m.error.error.type, 'not_found_error');
});


test('a timeout of the package ends the upstream request', async () => {
    await g.play('anthropic:\n    hang\n');

    const e = await thrown(client({ timeout: 300 }).messages.create(request));

    assert.ok(e instanceof Anthropic.APIConnectionTimeoutError);
    await g.left();
});


test('an aborted stream is left upstream', async () => {
    await g.play(`
anthropic stream:
    sse
    ${start}
    typed {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
    forever pause=10 typed {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}
`);

    const s = anthropic.messages.stream(request);
    let n = 0;

    s.on('text', () => {
        if (++n === 5) {
            s.abort();
        }
    });

    const e = await thrown(s.finalMessage());

    assert.ok(e instanceof Anthropic.APIUserAbortError);
    await g.left();

    const [u] = await g.usage();
    assert.equal(u.outcome, 'client_closed');
    assert.equal(u.usage.input, 11);
});


test('an error in the middle of a stream', async () => {
    await g.play(`
anthropic stream:
    sse
    ${start}
    typed {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
    typed {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}
    typed {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}
`);

    const e = await thrown(anthropic.messages.stream(request).finalMessage());

    assert.match(e.message, /Overloaded/);

    const [u] = await g.usage();
    assert.notEqual(u.outcome, 'ok');
});


test('a stream that is cut ends with an error event', async () => {
    await g.play(`
anthropic stream:
    sse
    ${start}
    typed {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
    typed {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}
    pause 50
    cut
`);

    const e = await thrown(all(await anthropic.messages.create(
        { ...request, stream: true })));

    assert.ok(e instanceof Anthropic.APIError);

    const [u] = await g.usage();
    assert.equal(u.outcome, 'truncated');
});


test('models, in this protocol\'s shape', async () => {
    await g.play('');

    const list = await all(anthropic.models.list());
    const model = list.find((m) => m.id === 'claude-test');

    assert.equal(model.type, 'model');
    assert.ok(model.display_name);

    const one = await anthropic.models.retrieve('claude-test');
    assert.equal(one.id, 'claude-test');
});
