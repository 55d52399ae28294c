// The @google/genai package, unmodified but for base URL and key.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { ApiError, GoogleGenAI } from '@google/genai';
import { Gateway, all, thrown } from './harness.mjs';

let g, genai;

const request = { model: 'gemini-test', contents: 'Hi' };

before(async () => {
    g = await Gateway.start();
    genai = client();
});

after(() => g.stop());


function client(options = {}) {
    return new GoogleGenAI({ apiKey: options.apiKey ?? g.key,
                             httpOptions: { baseUrl: g.base,
                                            ...options.http } });
}


const answer = (parts, extra = {}) => JSON.stringify({
    candidates: [{ content: { role: 'model', parts }, index: 0,
                   ...extra.candidate }],
    modelVersion: 'gemini-upstream', responseId: 'r1', ...extra.top });

const usage = { usageMetadata: { promptTokenCount: 20,
    cachedContentTokenCount: 5, candidatesTokenCount: 7,
    thoughtsTokenCount: 3, totalTokenCount: 30 } };

const unary = `
gemini /v1beta/models/gemini-upstream:generateContent:
    json ${answer([{ text: 'Hello' }],
                  { candidate: { finishReason: 'STOP' }, top: usage })}
`;


test('generateContent', async () => {
    await g.play(unary);

    const r = await genai.models.generateContent(request);

    assert.equal(r.text, 'Hello');

    const [q] = await g.requests();
    assert.equal(q.headers['x-goog-api-key'], 'sk-gemini-upstream');
    assert.ok(!q.raw.includes(g.key));

    const [u] = await g.usage();
    assert.equal(u.protocol, 'gemini');
    assert.equal(u.model, 'gemini-test');
    assert.equal(u.upstream_model, 'gemini-upstream');
    assert.deepEqual([u.usage.input, u.usage.cache_read, u.usage.output,
                      u.usage.reasoning], [15, 5, 7, 3]);
});


test('generateContentStream', async () => {
    await g.play(`
gemini /v1beta/models/gemini-upstream:streamGenerateContent:
    sse
    data ${answer([{ text: 'Hel' }])}
    pause 20
    data ${answer([{ text: 'lo' }],
                  { candidate: { finishReason: 'STOP' }, top: usage })}
`);

    const chunks = await all(await genai.models
                                        .generateContentStream(request));

    assert.equal(chunks.map((c) => c.text).join(''), 'Hello');

    const [q] = await g.requests();
    assert.match(q.query, /alt=sse/);

    const [u] = await g.usage();
    assert.equal(u.stream, true);
    assert.deepEqual([u.usage.input, u.usage.output, u.usage.reasoning],
                     [15, 7, 3]);
});


test('function calls', async () => {
    await g.play(`
gemini:
    json ${answer([{ functionCall: { name: 'weather',
                                     args: { city: 'Paris' } },
                     thoughtSignature: 'c2ln' }],
                  { candidate: { finishReason: 'STOP' }, top: usage })}
`);

    const r = await genai.models.generateContent({ ...request, config: {
        tools: [{ functionDeclarations: [{ name: 'weather',
            parameters: { type: 'OBJECT',
                          properties: { city: { type: 'STRING' } } } }] }],
    } });

    assert.deepEqual(r.functionCalls[0].args, { city: 'Paris' });
});


test('images in', async () => {
    await g.play(unary);

    const data = 'iVBORw0K'.repeat(4000);

    await genai.models.generateContent({ ...request, contents: [
        { inlineData: { mimeType: 'image/png', data } }, 'What is this?'] });

    const [q] = await g.requests();
    assert.equal(JSON.parse(q.body).contents[0].parts[0].inlineData.data,
                 data);
});


test('countTokens', async () => {
    await g.play(`
gemini /v1beta/models/gemini-upstream:countTokens:
    json {"totalTokens":9}
`);

    const c = await genai.models.countTokens(request);

    assert.equal(c.totalTokens, 9);
});


test('embedContent', async () => {
    await g.play(`
gemini:
    json {"embedding":{"values":[0.5,0.25]},"embeddings":[{"values":[0.5,0.25]}]}
`);

    const r = await genai.models.embedContent(
        { model: 'gemini-test', contents: 'text' });

    assert.deepEqual(r.embeddings[0].values, [0.5, 0.25]);

    const [q] = await g.requests();
    assert.match(q.path, /gemini-upstream:(?:batchE|e)mbedContents?$/);
});


for (const [status, kind] of [[400, 'INVALID_ARGUMENT'],
                              [403, 'PERMISSION_DENIED'],
                              [404, 'NOT_FOUND'],
                              [429, 'RESOURCE_EXHAUSTED'],
                              [503, 'UNAVAILABLE']])
{
    test(`the provider's ${status}, as the provider said it`, async () => {
        await g.play(`
gemini:
    status ${status}
    json {"error":{"code":${status},"message":"said so","status":"${kind}"}}
`);

        const e = await thrown(client({ http: { retryOptions:
            { attempts: 1 } } }).models.generateContent(request));

        assert.ok(e instanceof ApiError);
        assert.equal(e.status, status);
        assert.match(e.message, new RegExp(`said so.*${kind}`, 's'));
    });
}


test('refusals of our own have this protocol\'s shape', async () => {
    await g.play('');

    const e = await thrown(client({ apiKey: 'sk-wrong' }).models
                               .generateContent(request));

    assert.equal(e.status, 401);
    assert.equal(JSON.parse(e.message).error.status, 'UNAUTHENTICATED');

    const m = await thrown(genai.models.generateContent(
        { ...request, model: 'no-such-model' }));

    assert.equal(m.status, 404);
    assert.equal(JSON.parse(m.message).error.status, 'NOT_FOUND');
    assert.equal((await g.requests()).length, 0);
});


test('a timeout of the package ends the upstream request', async () => {
    await g.play('gemini:\n    hang\n');

    await thrown(client({ http: { timeout: 300 } }).models
                     .generateContent(request));
    await g.left();
});


test('an aborted stream is left upstream', async () => {
    await g.play(`
gemini:
    sse
    forever pause=10 data ${answer([{ text: 'x' }])}
`);

    const abort = new AbortController();
    const s = await genai.models.generateContentStream(
        { ...request, config: { abortSignal: abort.signal } });
    let n = 0;

    await thrown((async () => {
        for await (const c of s) {
            assert.equal(c.text, 'x');
            if (++n === 5) {
                abort.abort();
            }
        }
        throw new Error('ended');
    })());

    await g.left();

    const [u] = await g.usage();
    assert.equal(u.outcome, 'client_closed');
});


test('models, in this protocol\'s shape', async () => {
    await g.play('');

    const names = (await all(await genai.models.list())).map((m) => m.name);
    assert.ok(names.includes('models/gemini-test'));

    const one = await genai.models.get({ model: 'gemini-test' });
    assert.equal(one.name, 'models/gemini-test');
});
