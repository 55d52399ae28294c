// The scripted providers of the matrix: each protocol by its own path.  What
// is played is found by the [[id]] in the request, so that many tests may run
// at once; what came is checked, and kept for the test to look at.

import http from 'node:http';
import { setImmediate as turn, setTimeout as sleep }
    from 'node:timers/promises';
import * as chat from './wire-chat.mjs';
import * as responses from './wire-responses.mjs';
import * as messages from './wire-messages.mjs';
import * as generate from './wire-generate.mjs';
import * as converse from './wire-converse.mjs';

const wires = [
    [/^\/(chat|deepseek)\/v1\/chat\/completions$/, chat],
    [/^\/responses\/v1\/responses$/, responses],
    [/^\/claude\/v1\/messages$/, messages],
    [/^\/bedrock\/model\/[^/]+\/invoke(-with-response-stream)?$/, messages],
    [/^\/(google|vertex)\/v1(beta)?\/models\/[^:]+:(g|streamG)enerateContent$/,
     generate],
    [/^\/bedrock\/model\/[^/]+\/converse(-stream)?$/, converse],
];

// how each is asked for a count of tokens, and answers: of 42

const counts = [
    [/^\/claude\/v1\/messages\/count_tokens$/,
     (b) => b.model && b.messages, { input_tokens: 42 }],
    [/^\/(google|vertex)\/v1(beta)?\/models\/[^:]+:countTokens$/,
     (b) => (b.generateContentRequest ?? b).contents, { totalTokens: 42 }],
    [/^\/bedrock\/model\/[^/]+\/count-tokens$/,
     (b) => b.input.converse?.messages ?? b.input.invokeModel.body,
     { inputTokens: 42 }],
];

const sizes = [7, 1, 90, 3, 250];


export class Upstream {
    static async start() {
        const u = new Upstream();

        u.scripts = new Map();
        u.server = http.createServer((req, res) => {
            u.serve(req, res).catch((e) => {
                res.destroy();
                u.broken = e;
            });
        });

        await new Promise((r) => u.server.listen(0, '127.0.0.1', r));
        u.port = u.server.address().port;
        return u;
    }

    stop() {
        this.server.closeAllConnections();
        this.server.close();

        if (this.broken) {
            throw this.broken;
        }
    }

    // Plays these answers to the requests that have [[id]] in them, the last
    // one again and again, or what a function of the request makes; what came
    // is in the list that it returns.

    play(id, ...answers) {
        const script = { answers, seen: [] };

        this.scripts.set(id, script);
        return script.seen;
    }

    async serve(req, res) {
        const chunks = [];

        for await (const c of req) {
            chunks.push(c);
        }

        const text = Buffer.concat(chunks).toString();
        const [path, query] = req.url.split('?');
        const count = counts.find(([re]) => re.test(path));

        if (count) {
            const [, valid, answer] = count;
            const ok = valid(JSON.parse(text));

            res.writeHead(ok ? 200 : 400,
                          { 'content-type': 'application/json' });
            res.end(JSON.stringify(ok ? answer : { message: 'odd' }));
            return;
        }

        const id = /\[\[([\w.-]+)\]\]/.exec(text)?.[1];
        const script = this.scripts.get(id);
        const wire = wires.find(([re]) => re.test(path))?.[1];

        if (!script || !wire) {
            res.writeHead(404, { 'content-type': 'application/json' });
            res.end(JSON.stringify({ error: { message:
                `the provider has nothing for ${req.url} ${id}` } }));
            return;
        }

        const n = script.seen.length;
        let answer = script.answers[Math.min(n, script.answers.length - 1)];
        const at = { path, query, headers: req.headers };
        const seen = { ...at, text, body: JSON.parse(text) };

        script.seen.push(seen);

        if (answer.fault) {
            const f = (path.startsWith('/bedrock/') ? converse : wire)
                .fault(answer.fault, answer.after);

            res.writeHead(f.status, { 'content-type': 'application/json',
                                      ...f.headers });
            res.end(JSON.stringify(f.body));
            return;
        }

        try {
            seen.told = wire.read(seen.body, at);

        } catch (e) {
            seen.wrong = e;
            res.writeHead(400, { 'content-type': 'application/json' });
            res.end(JSON.stringify({ message: e.message, error:
                { type: 'invalid_request_error', message: e.message } }));
            return;
        }

        if (typeof answer === 'function') {
            answer = answer(seen.told);
        }

        const model = seen.body.model
            ?? /models?\/([^:/]+)/.exec(path)?.[1];

        if (!seen.told.stream) {
            res.writeHead(200, { 'content-type': 'application/json' });
            res.end(JSON.stringify(wire.unary(answer, model, seen.body)));
            return;
        }

        const events = wire.events(answer, model, seen.body, at);
        const binary = Buffer.isBuffer(events[0]);

        res.writeHead(200, { 'content-type': binary
            ? 'application/vnd.amazon.eventstream' : query === 'alt=sse'
              || wire !== generate
            ? 'text/event-stream' : 'application/json' });

        const whole = (list) => Buffer.concat(list.map((e) =>
            Buffer.from(e)));

        if (!answer.cut && !answer.broken) {
            await this.split(res, whole(events));
            res.end();
            return;
        }

        // what goes wrong does so when the rest is with the client

        const bytes = whole(events.slice(0, -1));

        await this.split(res, answer.cut
            ? bytes.subarray(0, bytes.length * 0.7) : bytes);
        await sleep(100);

        if (answer.cut) {
            res.destroy();
            return;
        }

        res.end(events.at(-1));
    }

    // In pieces that end anywhere.

    async split(res, bytes) {
        res.socket.setNoDelay(true);

        for (let i = 0, n = 0; i < bytes.length; n++) {
            const size = sizes[n % sizes.length];

            res.write(bytes.subarray(i, i + size));
            i += size;
            await turn();
        }
    }
}
