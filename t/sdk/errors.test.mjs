// What goes wrong at a provider, as each package tells it: its class, its
// status, the provider's words, and whether it is tried again.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { ApiError, GoogleGenAI } from '@google/genai';
import { generateText, streamText } from 'ai';
import OpenAI from 'openai';
import { Gateway, all, thrown } from './harness.mjs';
import { columns, objects } from './matrix.mjs';
import { Upstream } from './upstream.mjs';
import { statuses, usage, words } from './wire.mjs';

let g, up;

before(async () => {
    up = await Upstream.start();
    g = await Gateway.start({ objects, provider: up });
});

after(async () => {
    await g.stop();
    up.stop();
});


// ---- one question of each package; more: how often it may be repeated

const openai = (more) => new OpenAI({ apiKey: g.key,
    baseURL: `${g.base}/v1`, maxRetries: more });
const anthropic = (more) => new Anthropic({ apiKey: g.key, baseURL: g.base,
                                            maxRetries: more });
const genai = (more) => new GoogleGenAI({ apiKey: g.key, httpOptions: {
    baseUrl: g.base, retryOptions: { attempts: more + 1 } } });


async function ask(model, prompt, stream, maxRetries) {
    if (!stream) {
        return generateText({ model, prompt, maxRetries });
    }

    let error;

    await streamText({ model, prompt, maxRetries,
                       onError(e) { error = e.error; } }).consumeStream();

    if (error) {
        throw error;
    }
}


const clients = {
    'openai, chat': { speaks: ['chat'], kin: 'openai',
        ask(model, content, stream, more) {
            const chat = openai(more).chat.completions;
            const body = { model, messages: [{ role: 'user', content }] };

            return stream ? chat.stream(body).finalContent()
                          : chat.create(body);
        } },
    'openai, responses': { speaks: ['responses'], kin: 'openai',
        ask(model, input, stream, more) {
            const r = openai(more).responses;

            return stream ? r.stream({ model, input }).finalResponse()
                          : r.create({ model, input });
        } },
    '@anthropic-ai/sdk': { speaks: ['anthropic'], kin: 'anthropic',
        ask(model, content, stream, more) {
            const { messages } = anthropic(more);
            const body = { model, max_tokens: 100,
                           messages: [{ role: 'user', content }] };

            return stream ? messages.stream(body).finalMessage()
                          : messages.create(body);
        } },
    '@google/genai': { speaks: ['gemini', 'vertex'], kin: 'gemini',
        async ask(model, contents, stream, more) {
            const { models } = genai(more);

            if (!stream) {
                return models.generateContent({ model, contents });
            }

            return all(await models.generateContentStream({ model,
                                                            contents }));
        } },
    'ai, @ai-sdk/openai': { speaks: ['chat'], kin: 'openai', ai: true,
        ask: (model, ...rest) => ask(createOpenAI({ apiKey: g.key,
            baseURL: `${g.base}/v1` }).chat(model), ...rest) },
    'ai, @ai-sdk/anthropic': { speaks: ['anthropic'], kin: 'anthropic',
        ai: true, ask: (model, ...rest) => ask(createAnthropic({
            apiKey: g.key, baseURL: `${g.base}/v1` })(model), ...rest) },
};


// ---- what has to come of it

const translated = { ...statuses, unprocessable: 400, key: 502,
                     overloaded: 503 };

const classes = {
    openai: { 400: OpenAI.BadRequestError, 401: OpenAI.AuthenticationError,
              403: OpenAI.PermissionDeniedError, 404: OpenAI.NotFoundError,
              413: OpenAI.APIError, 422: OpenAI.UnprocessableEntityError,
              429: OpenAI.RateLimitError, 500: OpenAI.InternalServerError,
              502: OpenAI.InternalServerError,
              503: OpenAI.InternalServerError,
              529: OpenAI.InternalServerError },
    anthropic: { 400: Anthropic.BadRequestError,
                 401: Anthropic.AuthenticationError,
                 403: Anthropic.PermissionDeniedError,
                 404: Anthropic.NotFoundError, 413: Anthropic.APIError,
                 422: Anthropic.UnprocessableEntityError,
                 429: Anthropic.RateLimitError,
                 500: Anthropic.InternalServerError,
                 502: Anthropic.InternalServerError,
                 503: Anthropic.InternalServerError,
                 529: Anthropic.InternalServerError },
};

// codes that an OpenAI client may act upon

const codes = { missing: 'model_not_found', rate: 'rate_limit_exceeded',
                context: 'context_length_exceeded',
                unavailable: 'overloaded' };


function status(client, kind, column) {
    const bedrock = ['converse', 'invoke'].includes(column);

    // as the provider has it, byte for byte

    if (client.speaks.includes(column)) {
        return kind === 'overloaded' && client.kin === 'gemini'
            ? 503 : statuses[kind];
    }

    if (kind === 'overloaded' && bedrock) {
        return 429;
    }

    return client.kin === 'anthropic' && ['overloaded', 'unavailable']
        .includes(kind) ? 529 : translated[kind];
}


function whole(name, client, kind, column) {
    return async () => {
        const id = `${name}.${kind}.${column}`.replaceAll(/[^\w.-]/g, '_');
        const list = up.play(id, { fault: kind });
        const e = await thrown(client.ask(`x-to-${column}`, `Hi [[${id}]]`,
                                          false, 1));
        const want = status(client, kind, column);
        const own = client.speaks.includes(column);

        // what the provider said; of its opinion of our key only itself

        const last = e.lastError ?? e;
        const said = String(last.message);

        assert.equal(last.status ?? last.statusCode, want);
        assert.ok(kind === 'key' && !own
            ? said.includes('refused the gateway\'s credentials')
            : said.includes(kind === 'context' ? /gemini|vertex/.test(column)
                ? 'exceeds the maximum number of tokens'
                : /converse|invoke/.test(column) ? 'Input is too long'
                : words.context : words[kind]), said);

        if (client.ai) {
            assert.equal(last.isRetryable, want === 429 || want >= 500);

        } else if (client.kin === 'gemini') {
            assert.ok(last instanceof ApiError);

        } else {
            assert.ok(last instanceof classes[client.kin][want],
                      `${last.constructor.name} for ${want}`);
        }

        if (client.kin === 'openai' && !client.ai && !own) {
            assert.equal(last.code ?? undefined,
                kind === 'overloaded' && want === 429 ? codes.rate
                : kind === 'key' || kind === 'server' ? 'upstream_error'
                : kind === 'overloaded' ? codes.unavailable
                : /chat|responses/.test(column)
                ? { large: 'request_too_large', forbidden: 'forbidden',
                    policy: 'content_policy_violation' }[kind]
                  ?? codes[kind] : codes[kind]);
        }

        if (client.kin === 'anthropic' && kind === 'context') {
            assert.match(said, /prompt is too long/);
        }

        // only this one of them does not listen to x-should-retry

        const again = (want === 429 || want >= 500)
                      && (kind !== 'key' || client.ai
                          || client.kin === 'gemini');

        assert.equal(list.length, again ? 2 : 1, 'how often it was asked');
    };
}


function delayed(name, client, column) {
    return async () => {
        const id = `${name}.delay.${column}`.replaceAll(/[^\w.-]/g, '_');

        up.play(id, { fault: 'rate', after: 7 });

        const e = await thrown(client.ask(`x-to-${column}`, `Hi [[${id}]]`,
                                          false, 0));

        if (client.kin === 'gemini') {
            assert.match(e.message, /7s/);

        } else {
            assert.equal(e.headers?.get('retry-after')
                         ?? e.responseHeaders['retry-after'], '7');
        }
    };
}


function broken(name, client, kind, column) {
    return async () => {
        const id = `${name}.${kind}.${column}`.replaceAll(/[^\w.-]/g, '_');
        const seen = up.play(id, { blocks: [{ text: 'As far as it goes' }],
            usage, stop: 'end', [kind]: kind === 'cut' || 'server' });
        const e = await thrown(client.ask(`x-to-${column}`, `Hi [[${id}]]`,
                                          true, 1));

        assert.match(String(e.message), kind === 'cut' ? /was cut|terminated/
                                                       : /something broke/);
        assert.equal(seen.length, 1, 'what was begun is not asked again');

        if (!client.ai) {
            assert.ok(e instanceof { openai: OpenAI.APIError,
                                     anthropic: Anthropic.APIError,
                                     gemini: ApiError }[client.kin],
                      e.constructor.name);
        }
    };
}


for (const [name, client] of Object.entries(clients)) {
    describe(name, { concurrency: 50 }, () => {
        for (const column of columns) {
            for (const kind of Object.keys(words)) {
                test(`${kind}: ${column}`, whole(name, client, kind, column));
            }

            test(`Retry-After: ${column}`, delayed(name, client, column));

            for (const kind of ['broken', 'cut']) {
                test(`${kind}: ${column}`,
                     broken(name, client, kind, column));
            }
        }
    });
}
