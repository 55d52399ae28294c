// The openai package, unmodified but for base URL and key.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import OpenAI, { toFile } from 'openai';
import { Gateway, all, sleep, thrown } from './harness.mjs';

let g, openai;

const messages = [{ role: 'user', content: 'Hi' }];
const chat = { model: 'gpt-test', messages };

before(async () => {
    g = await Gateway.start();
    openai = client();
});

after(() => g.stop());


function client(options = {}) {
    return new OpenAI({ apiKey: g.key, baseURL: `${g.base}/v1`,
                        maxRetries: 0, ...options });
}


const unary = `
openai /v1/chat/completions:
    json <<END
    {"id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000,
     "model": "{{model}}-2024", "choices": [{"index": 0,
       "message": {"role": "assistant", "content": "Hello", "refusal": null},
       "finish_reason": "stop", "logprobs": null}],
     "usage": {"prompt_tokens": 19, "completion_tokens": 10,
       "total_tokens": 29, "prompt_tokens_details": {"cached_tokens": 8},
       "completion_tokens_details": {"reasoning_tokens": 4}}}
    END
`;


test('chat, unary', async () => {
    await g.play(unary);

    const { data, response } = await openai.chat.completions.create(chat)
                                           .withResponse();

    assert.equal(data.choices[0].message.content, 'Hello');
    assert.equal(data.model, 'gpt-upstream-2024');
    assert.equal(response.headers.get('x-llm-provider'), 'openai');
    assert.equal(response.headers.get('x-llm-model'), 'gpt-test');
    assert.equal(response.headers.get('x-llm-cost'), '0.0001375');

    const [r] = await g.requests();

    assert.equal(r.path, '/openai/v1/chat/completions');
    assert.equal(r.headers.authorization, 'Bearer sk-openai-upstream');
    assert.equal(JSON.parse(r.body).model, 'gpt-upstream');
    assert.ok(!JSON.stringify(r).includes(g.key));

    const [u] = await g.usage();

    assert.equal(u.outcome, 'ok');
    assert.equal(u.endpoint, 'chat');
    assert.equal(u.usage.input, 11);
    assert.equal(u.usage.cache_read, 8);
    assert.equal(u.usage.output, 6);
    assert.equal(u.usage.reasoning, 4);
    assert.equal(u.cost, '0.0001375');
});


const stream = `
openai stream:
    sse
    data {"id":"c1","object":"chat.completion.chunk","created":1,"model":"{{model}}","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}
    data {"id":"c1","object":"chat.completion.chunk","created":1,"model":"{{model}}","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}],"usage":null}
    pause 20
    data {"id":"c1","object":"chat.completion.chunk","created":1,"model":"{{model}}","choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":null}],"usage":null}
    data {"id":"c1","object":"chat.completion.chunk","created":1,"model":"{{model}}","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}
    data {"id":"c1","object":"chat.completion.chunk","created":1,"model":"{{model}}","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}
    done
`;


test('chat, stream: usage is recorded and hidden', async () => {
    await g.play(stream);

    const chunks = await all(await openai.chat.completions.create(
        { ...chat, stream: true }));

    assert.equal(chunks.map((c) => c.choices[0].delta.content ?? '').join(''),
                 'Hello');
    assert.ok(chunks.every((c) => c.choices.length === 1));

    const [r] = await g.requests();
    assert.deepEqual(JSON.parse(r.body).stream_options,
                     { include_usage: true });

    const [u] = await g.usage();
    assert.equal(u.stream, true);
    assert.equal(u.usage.input, 7);
    assert.equal(u.usage.output, 2);
    assert.equal(u.outcome, 'ok');
});


test('chat, stream: usage is shown to who asked', async () => {
    await g.play(stream);

    const chunks = await all(await openai.chat.completions.create(
        { ...chat, stream: true, stream_options: { include_usage: true } }));

    assert.equal(chunks.at(-1).usage.total_tokens, 9);
});


test('chat, stream helper: final message', async () => {
    await g.play(stream);

    const s = openai.chat.completions.stream(
        { ...chat, stream_options: { include_usage: true } });

    assert.equal(await s.finalContent(), 'Hello');
    assert.equal((await s.totalUsage()).total_tokens, 9);
});


test('chat, stream helper: tool calls are put together', async () => {
    const chunk = (delta, finish = null) => 'data ' + JSON.stringify({
        id: 'c2', object: 'chat.completion.chunk', created: 1, model: 'm',
        choices: [{ index: 0, delta, finish_reason: finish }] });
    const call = (index, o) => chunk({ tool_calls: [{ index, ...o }] });

    await g.play(`
openai stream:
    sse
    ${chunk({ role: 'assistant', content: null })}
    ${call(0, { id: 'call_a', type: 'function',
                function: { name: 'weather', arguments: '' } })}
    ${call(0, { function: { arguments: '{"city":' } })}
    ${call(0, { function: { arguments: '"Paris"}' } })}
    ${call(1, { id: 'call_b', type: 'function',
                function: { name: 'time', arguments: '{}' } })}
    ${chunk({}, 'tool_calls')}
    done
`);

    const tools = ['weather', 'time'].map((name) => ({
        type: 'function',
        function: { name, parameters: { type: 'object', properties: {} } } }));
    const m = await openai.chat.completions.stream({ ...chat, tools })
                          .finalMessage();

    assert.deepEqual(m.tool_calls.map((t) => [t.id, t.function.name,
                                              t.function.arguments]),
                     [['call_a', 'weather', '{"city":"Paris"}'],
                      ['call_b', 'time', '{}']]);

    const [r] = await g.requests();
    assert.deepEqual(JSON.parse(r.body).tools, tools);

    const [u] = await g.usage();
    assert.equal(u.estimated, true);
});


test('images in: a data URL of 3 MB arrives as it was', async () => {
    const url = 'data:image/png;base64,' + 'iVBORw0K'.repeat(400000);

    await g.play('openai:\n    echo\n');

    const body = { ...chat, messages: [{ role: 'user', content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url } }] }] };
    const echo = await openai.chat.completions.create(body);
    const sent = JSON.stringify(body)
                     .replace('"gpt-test"', '"gpt-upstream"');

    assert.equal(echo.length, sent.length);
});


for (const [status, type] of [[401, OpenAI.AuthenticationError],
                              [403, OpenAI.PermissionDeniedError],
                              [404, OpenAI.NotFoundError],
                              [422, OpenAI.UnprocessableEntityError],
                              [429, OpenAI.RateLimitError],
                              [500, OpenAI.InternalServerError]])
{
    test(`the provider's ${status}, as the provider said it`, async () => {
        await g.play(`
openai:
    status ${status}
    header x-request-id: req_up
    json {"error":{"message":"said so","type":"t","param":null,"code":"c1"}}
`);

        const e = await thrown(openai.chat.completions.create(chat));

        assert.ok(e instanceof type);
        assert.equal(e.status, status);
        assert.equal(e.code, 'c1');
        assert.match(e.message, /said so/);

        const [u] = await g.usage();
        assert.equal(u.status, status);
        assert.equal(u.outcome, 'upstream_error');
        assert.equal(u.attempts[0].status, status);
    });
}


test('429 with Retry-After: the package tries again', async () => {
    await g.play(`
openai #1:
    status 429
    header Retry-After: 1
    json {"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}
${unary.replace('openai', 'openai #2')}`);

    const began = Date.now();
    const r = await client({ maxRetries: 1 }).chat.completions.create(chat);

    assert.equal(r.choices[0].message.content, 'Hello');
    assert.ok(Date.now() - began >= 950);
    assert.deepEqual((await g.usage(2)).map((u) => u.status), [429, 200]);
});


test('500, then well: the package tries again', async () => {
    await g.play(`
openai #1:
    status 500
    json {"error":{"message":"oops","type":"server_error"}}
${unary.replace('openai', 'openai #2')}`);

    const r = await client({ maxRetries: 2 }).chat.completions.create(chat);

    assert.equal(r.choices[0].message.content, 'Hello');
    assert.equal((await g.requests()).length, 2);
});


test('refusals of our own are errors that the package knows', async () => {
    await g.play('');

    const wrong = await thrown(client({ apiKey: 'sk-wrong' }).chat.completions
                                   .create(chat));
    assert.ok(wrong instanceof OpenAI.AuthenticationError);
    assert.equal(wrong.code, 'invalid_api_key');

    const model = await thrown(openai.chat.completions.create(
        { ...chat, model: 'no-such-model' }));
    assert.ok(model instanceof OpenAI.NotFoundError);
    assert.equal(model.code, 'model_not_found');

    const scope = await thrown(client({ apiKey: 'sk-narrow' }).chat
                                   .completions.create(chat));
    assert.ok(scope instanceof OpenAI.PermissionDeniedError);
    assert.equal(scope.code, 'model_not_allowed');

    assert.equal((await g.requests()).length, 0);
    assert.ok((await g.usage(3)).every((u) => u.outcome === 'rejected'));
});


test('no first byte in time: 504 that says so', async () => {
    await g.play('openai:\n    hang\n');

    const e = await thrown(openai.chat.completions.create(chat));

    assert.equal(e.status, 504);
    assert.equal(e.code, 'upstream_timeout');
    await g.left();
});


test('a provider that closes at once: 502', async () => {
    await g.play('openai:\n    cut\n');

    const e = await thrown(openai.chat.completions.create(chat));

    assert.equal(e.status, 502);
    assert.equal(e.code, 'upstream_error');
});


test('the package gives up: so does the upstream request', async () => {
    await g.play('openai:\n    hang\n');

    const e = await thrown(client({ timeout: 300 }).chat.completions
                               .create(chat));

    assert.ok(e instanceof OpenAI.APIConnectionTimeoutError);

    const [l] = await g.left();
    assert.ok(l.after_ms < 1500);

    const [u] = await g.usage();
    assert.equal(u.outcome, 'client_closed');
});


test('an aborted stream is left upstream', async () => {
    await g.play(`
openai stream:
    forever pause=10 data {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}
`);

    const abort = new AbortController();
    const s = await openai.chat.completions.create({ ...chat, stream: true },
                                                   { signal: abort.signal });
    let n = 0;

    try {
        for await (const chunk of s) {
            assert.equal(chunk.choices[0].delta.content, 'x');
            if (++n === 5) {
                abort.abort();
            }
        }
    } catch (e) {
        assert.ok(e instanceof OpenAI.APIUserAbortError
                  || e.name === 'AbortError');
    }

    assert.equal(n, 5);
    await g.left();

    const [u] = await g.usage();
    assert.equal(u.outcome, 'client_closed');
    assert.ok(u.usage.output > 0);
});


test('a stream that is cut does not end as if it were whole', async () => {
    await g.play(`
openai stream:
    data {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}
    chunked
    pause 50
    cut
`);

    const s = await openai.chat.completions.create({ ...chat, stream: true });
    const e = await thrown(all(s));

    assert.ok(e instanceof OpenAI.APIError);

    const [u] = await g.usage();
    assert.equal(u.outcome, 'truncated');
});


test('an error inside of a stream reaches the package', async () => {
    await g.play(`
openai stream:
    sse
    data {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}
    data {"error":{"message":"overloaded","type":"server_error","code":null}}
`);

    const s = await openai.chat.completions.create({ ...chat, stream: true });
    const e = await thrown(all(s));

    assert.match(e.message, /overloaded/);
});


const response = (id, text, extra = {}) => JSON.stringify({
    id, object: 'response', created_at: 1700000000, status: 'completed',
    model: 'gpt-upstream', error: null, incomplete_details: null,
    output: [{ id: 'msg_1', type: 'message', role: 'assistant',
               status: 'completed',
               content: [{ type: 'output_text', text, annotations: [] }] }],
    usage: { input_tokens: 12, input_tokens_details: { cached_tokens: 0 },
             output_tokens: 5, output_tokens_details: { reasoning_tokens: 2 },
             total_tokens: 17 }, ...extra });


test('responses: create, read by id, go on, delete', async () => {
    await g.play(`
openai POST:
    json ${response('resp_abc123', 'Hello')}
openai GET:
    json ${response('resp_abc123', 'Hello')}
openai DELETE:
    json {"id":"resp_abc123","object":"response","deleted":true}
`);

    const r = await openai.responses.create({ model: 'gpt-test',
                                              input: 'Hi' });

    assert.equal(r.output_text, 'Hello');

    const again = await openai.responses.retrieve(r.id);
    assert.equal(again.id, r.id);

    await openai.responses.create({ model: 'gpt-test', input: 'more',
                                    previous_response_id: r.id });
    await openai.responses.delete(r.id);

    const asked = await g.requests();

    assert.deepEqual(asked.map((q) => `${q.method} ${q.path}`), [
        'POST /openai/v1/responses',
        'GET /openai/v1/responses/resp_abc123',
        'POST /openai/v1/responses',
        'DELETE /openai/v1/responses/resp_abc123']);
    assert.equal(JSON.parse(asked[2].body).previous_response_id,
                 'resp_abc123');

    const u = await g.usage(4);
    assert.deepEqual([u[0].usage.input, u[0].usage.output,
                      u[0].usage.reasoning], [12, 3, 2]);
});


test('responses: an id is of the key that made it', async () => {
    await g.play(`
openai POST:
    json ${response('resp_abc124', 'Hello')}
openai:
    json ${response('resp_abc124', 'Hello')}
`);

    const r = await openai.responses.create({ model: 'gpt-test',
                                              input: 'Hi' });

    for (const [key, id] of [['sk-other', r.id],
                             [g.key, r.id.slice(0, -1) + '~'],
                             [g.key, 'resp_abc124']])
    {
        const e = await thrown(client({ apiKey: key }).responses
                                   .retrieve(id));
        assert.equal(e.status, 404, `${key} ${id}`);
    }

    assert.equal((await g.requests()).length, 1);
});


test('responses: an id holds over a reload', async () => {
    await g.play(`
openai:
    json ${response('resp_abc125', 'Hello')}
`);

    const r = await openai.responses.create({ model: 'gpt-test',
                                              input: 'Hi' });

    await g.reload();
    assert.equal((await openai.responses.retrieve(r.id)).output_text,
                 'Hello');
});


test('responses: stream', async () => {
    const created = response('resp_s1', '', { status: 'in_progress',
                                              output: [], usage: null });
    const text = (type, o) => `typed ${JSON.stringify({ type, item_id: 'msg_1',
        output_index: 0, content_index: 0, ...o })}`;

    await g.play(`
openai stream:
    sse
    typed {"type":"response.created","sequence_number":0,"response":${created}}
    ${text('response.output_text.delta', { sequence_number: 1, delta: 'Hel' })}
    ${text('response.output_text.delta', { sequence_number: 2, delta: 'lo' })}
    typed {"type":"response.completed","sequence_number":3,"response":${response('resp_s1', 'Hello')}}
openai GET:
    json ${response('resp_s1', 'Hello')}
`);

    const events = await all(await openai.responses.create(
        { model: 'gpt-test', input: 'Hi', stream: true }));

    assert.deepEqual(events.map((e) => e.type), [
        'response.created', 'response.output_text.delta',
        'response.output_text.delta', 'response.completed']);
    assert.equal(events.filter((e) => e.delta).map((e) => e.delta).join(''),
                 'Hello');
    assert.equal(events[0].response.id, events[3].response.id);

    const again = await openai.responses.retrieve(events[3].response.id);
    assert.equal(again.output_text, 'Hello');

    const [u] = await g.usage(2);
    assert.equal(u.usage.input, 12);
});


test('embeddings: base64 as the package asks for', async () => {
    const floats = new Float32Array([0.5, -0.25, 1]);
    const b64 = Buffer.from(floats.buffer).toString('base64');

    await g.play(`
openai /v1/embeddings:
    json {"object":"list","model":"e","data":[{"object":"embedding","index":0,"embedding":"${b64}"}],"usage":{"prompt_tokens":4,"total_tokens":4}}
`);

    const r = await openai.embeddings.create({ model: 'gpt-test',
                                               input: 'text' });

    assert.deepEqual(Array.from(r.data[0].embedding), [0.5, -0.25, 1]);

    const [q] = await g.requests();
    assert.equal(JSON.parse(q.body).encoding_format, 'base64');

    const [u] = await g.usage();
    assert.equal(u.usage.input, 4);
});


test('speech: bytes pass as they are', async () => {
    await g.play(`
openai /v1/audio/speech:
    header Content-Type: audio/mpeg
    chunked
    fill 5000 a
    body \\x00\\xff\\r\\n
    fill 5000 b
`);

    const r = await openai.audio.speech.create(
        { model: 'gpt-test', voice: 'alloy', input: 'Say it' });
    const bytes = Buffer.from(await r.arrayBuffer());

    assert.equal(r.headers.get('content-type'), 'audio/mpeg');
    assert.equal(bytes.length, 10004);
    assert.deepEqual([...bytes.subarray(5000, 5004)], [0, 255, 13, 10]);

    const [u] = await g.usage();
    assert.equal(u.endpoint, 'audio');
    assert.equal(u.usage.characters, 6);
});


test('transcription: a file, and the model in its form', async () => {
    await g.play(`
openai /v1/audio/transcriptions:
    json {"text":"hello there","usage":{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":0,"audio_tokens":14},"output_tokens":3,"total_tokens":17}}
`);

    const audio = Buffer.alloc(200000, 7);
    const r = await openai.audio.transcriptions.create(
        { model: 'gpt-test', file: await toFile(audio, 'a.wav') });

    assert.equal(r.text, 'hello there');

    const [q] = await g.requests();
    assert.match(q.headers['content-type'], /^multipart\/form-data/);
    assert.match(q.body, /name="model"\r\n\r\ngpt-upstream\r\n/);
    assert.ok(q.length > 200000);

    const [u] = await g.usage();
    assert.equal(u.usage.audio_input, 14);
    assert.equal(u.usage.output, 3);
});


test('images: generation', async () => {
    await g.play(`
openai /v1/images/generations:
    json {"created":1,"data":[{"b64_json":"aGVsbG8="}],"usage":{"input_tokens":10,"input_tokens_details":{"text_tokens":10,"image_tokens":0},"output_tokens":272,"total_tokens":282}}
`);

    const r = await openai.images.generate({ model: 'gpt-test',
                                             prompt: 'a fox' });

    assert.equal(r.data[0].b64_json, 'aGVsbG8=');

    const [u] = await g.usage();
    assert.equal(u.usage.image_output, 272);
});


test('videos: a job stays with the route that took it', async () => {
    await g.play(`
openai POST /v1/videos:
    json {"id":"video_1","object":"video","status":"queued","model":"{{model}}","progress":0,"created_at":1,"size":"720x1280","seconds":"4"}
openai GET /v1/videos/video_1:
    json {"id":"video_1","object":"video","status":"completed","model":"gpt-upstream","progress":100,"created_at":1,"size":"720x1280","seconds":"4"}
openai GET /v1/videos/video_1/content:
    header Content-Type: video/mp4
    fill 3000 v
`);

    const job = await openai.videos.create({ model: 'gpt-test',
                                             prompt: 'a fox', seconds: '4' });
    const done = await openai.videos.retrieve(job.id);
    assert.equal(done.status, 'completed');
    assert.equal(done.id, job.id);

    const content = await openai.videos.downloadContent(job.id);
    assert.equal((await content.arrayBuffer()).byteLength, 3000);
});


test('moderations and completions', async () => {
    await g.play(`
openai /v1/moderations:
    json {"id":"modr-1","model":"m","results":[{"flagged":false,"categories":{},"category_scores":{}}]}
openai /v1/completions:
    json {"id":"cmpl-1","object":"text_completion","created":1,"model":"m","choices":[{"text":"there","index":0,"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}
`);

    const m = await openai.moderations.create({ model: 'gpt-test',
                                                input: 'x' });
    assert.equal(m.results[0].flagged, false);

    const c = await openai.completions.create({ model: 'gpt-test',
                                                prompt: 'Hi' });
    assert.equal(c.choices[0].text, 'there');
});


test('models: what the key may use', async () => {
    await g.play('');

    const names = (await all(openai.models.list())).map((m) => m.id);
    assert.ok(names.includes('gpt-test'));

    const narrow = client({ apiKey: 'sk-narrow' });
    assert.deepEqual((await all(narrow.models.list())).map((m) => m.id),
                     ['claude-test']);

    assert.equal((await openai.models.retrieve('gpt-test')).id, 'gpt-test');

    const e = await thrown(narrow.models.retrieve('gpt-test'));
    assert.ok(e.status === 404 || e.status === 403);
    assert.equal((await g.requests()).length, 0);
});


test('twenty at once, half of them streams', async () => {
    await g.play(stream + unary);

    const jobs = Array.from({ length: 20 }, async (_, i) => {
        if (i % 2) {
            const r = await openai.chat.completions.create(chat);
            return r.choices[0].message.content;
        }

        const c = await all(await openai.chat.completions.create(
            { ...chat, stream: true }));
        return c.map((x) => x.choices[0].delta.content ?? '').join('');
    });

    assert.deepEqual(await Promise.all(jobs), Array(20).fill('Hello'));
    await g.usage(20);
    await sleep(0);
});
