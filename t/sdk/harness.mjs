// nginx with the module, and the scripted provider behind it, for one file
// of tests; both on loopback, both ended by their process ids.

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const top = process.env.LLM_TOP;
const KEY = 'sk-sdk-test';


function freePort() {
    return new Promise((resolve, reject) => {
        const s = net.createServer();
        s.on('error', reject);
        s.listen(0, '127.0.0.1', () => {
            const { port } = s.address();
            s.close(() => resolve(port));
        });
    });
}


async function accepts(port, child) {
    for (let i = 0; i < 200; i++) {
        if (child.exitCode !== null) {
            throw new Error(`nginx ended with ${child.exitCode}`);
        }

        const ok = await new Promise((resolve) => {
            const s = net.connect(port, '127.0.0.1');
            s.on('connect', () => { s.destroy(); resolve(true); });
            s.on('error', () => resolve(false));
        });

        if (ok) {
            return;
        }

        await sleep(20);
    }

    throw new Error('nginx does not listen');
}


// What is the same for all, around the providers, models and keys of a file.

function config(dir, port, objects) {
    return `
load_module ${process.env.LLM_SO};
worker_processes 2;
daemon off;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log info;
${process.getuid() === 0 ? 'user root;' : ''}

events { worker_connections 512; }

http {
    access_log             off;
    client_body_temp_path  ${dir}/body;
    proxy_temp_path        ${dir}/proxy;
    fastcgi_temp_path      ${dir}/fastcgi;
    uwsgi_temp_path        ${dir}/uwsgi;
    scgi_temp_path         ${dir}/scgi;
    client_max_body_size   32m;

    llm_zone       8m;
    llm_usage_log  ${dir}/usage.jsonl flush=10ms;
    llm_id_secret  plain:sdk-tests-id-secret;

    ${objects}
    server {
        listen    127.0.0.1:${port};
        location / { llm_route; }
    }
}
`;
}


function passing(provider) {
    const at = (name) => `http://127.0.0.1:${provider}/${name}`;

    return `
    llm_provider openai {
        protocol  openai;
        pass      ${at('openai/v1')};
        api_key   sk-openai-upstream;
        timeout   connect=1s first_byte=2s idle=2s;
    }

    llm_provider anthropic {
        protocol  anthropic;
        pass      ${at('anthropic/v1')};
        api_key   sk-anthropic-upstream;
        timeout   connect=1s first_byte=2s idle=2s;
    }

    llm_provider gemini {
        protocol  gemini;
        pass      ${at('gemini/v1beta')};
        api_key   sk-gemini-upstream;
        timeout   connect=1s first_byte=2s idle=2s;
    }

    llm_model gpt-test {
        endpoint  chat responses completions embeddings moderations images
                  audio video;
        route     openai model=gpt-upstream;
        price     input=2.50 cached_input=1.25 output=10;
    }

    llm_model claude-test {
        endpoint  messages;
        route     anthropic model=claude-upstream;
        price     input=3 output=15;
    }

    llm_model gemini-test {
        endpoint  gemini embeddings;
        route     gemini model=gemini-upstream;
        price     input=0.30 output=2.50;
    }

    llm_key sdk {
        secret  plain:${KEY};
        models  *;
    }

    llm_key other {
        secret  plain:sk-other;
        models  *;
    }

    llm_key narrow {
        secret  plain:sk-narrow;
        models  claude-test;
    }
`;
}


export class Gateway {
    // objects: those of the configuration, by the provider's port; provider: a
    // scripted one of the test's own, instead of t/lib/provider.pl

    static async start({ objects = passing, provider } = {}) {
        const g = new Gateway();
        const dir = fs.mkdtempSync(path.join(top, 'build/sdk/run-'));

        g.dir = dir;
        g.key = KEY;
        g.providerPort = provider ? provider.port : await g.startProvider();

        g.port = await freePort();
        g.base = `http://127.0.0.1:${g.port}`;

        fs.writeFileSync(path.join(dir, 'nginx.conf'),
                         config(dir, g.port, objects(g.providerPort)));

        g.nginx = spawn(process.env.NGINX_BIN || '/usr/sbin/nginx',
                        ['-e', path.join(dir, 'error.log'), '-p', dir,
                         '-c', path.join(dir, 'nginx.conf')],
                        { stdio: ['ignore', 'inherit', 'inherit'] });
        await accepts(g.port, g.nginx);
        return g;
    }

    async startProvider() {
        const p = spawn('perl', [path.join(top, 't/lib/provider.pl'),
                                 '--port=0', `--parent=${process.pid}`],
                        { stdio: ['ignore', 'pipe', 'inherit'] });

        this.provider = p;

        return new Promise((resolve, reject) => {
            p.stdout.once('data', (d) => resolve(parseInt(d, 10)));
            p.once('exit', () => reject(new Error('no provider')));
        });
    }

    async stop() {
        const ended = (p) => p.exitCode !== null || p.signalCode !== null
            ? null : new Promise((r) => p.once('exit', r));

        this.nginx.kill('SIGTERM');
        await ended(this.nginx);

        if (this.provider) {
            this.provider.kill('SIGTERM');
            await ended(this.provider);
        }

        const log = fs.readFileSync(path.join(this.dir, 'error.log'), 'utf8');
        const bad = log.split('\n')
                       .filter((l) => /\[(alert|crit|emerg)\]/.test(l)
                                      && !/refused our credential/.test(l));

        if (bad.length === 0) {
            fs.rmSync(this.dir, { recursive: true });
            return;
        }

        throw new Error(`error log: ${bad.join('\n')}`);
    }

    async reload() {
        this.nginx.kill('SIGHUP');
        await sleep(300);
    }

    async ask(method, what, body) {
        const r = await fetch(`http://127.0.0.1:${this.providerPort}/-/${what}`,
                              { method, body });
        const text = await r.text();

        if (r.status !== 200) {
            throw new Error(`provider: ${text}`);
        }

        return text;
    }

    // what the provider plays from here on (see t/lib/README.md), as soon as
    // the records of what was before are all written

    async play(script) {
        do {
            this.before = this.usageLines().length;
            await sleep(40);
        } while (this.usageLines().length !== this.before);

        await this.ask('POST', 'script', script);
    }

    async log() {
        const text = await this.ask('GET', 'log');
        return text.split('\n').filter(Boolean).map((l) => JSON.parse(l));
    }

    async requests() {
        return (await this.log()).filter((r) => r.type === 'request');
    }

    // the connections that the gateway closed in the middle of an answer

    async left(n = 1) {
        for (let i = 0; i < 300; i++) {
            const l = (await this.log()).filter((r) => r.type === 'close'
                                                && r.by === 'peer'
                                                && r.playing);
            if (l.length >= n) {
                return l;
            }

            await sleep(10);
        }

        throw new Error('the upstream connection was not closed');
    }

    usageLines() {
        const file = path.join(this.dir, 'usage.jsonl');

        return fs.existsSync(file)
            ? fs.readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
    }

    // the n usage records since play(), and no more than these

    async usage(n = 1) {
        for (let i = 0; i < 300; i++) {
            const lines = this.usageLines().slice(this.before);

            if (lines.length >= n) {
                await sleep(30);

                const all = this.usageLines().slice(this.before);

                if (all.length !== n) {
                    throw new Error(`${all.length} records, not ${n}`);
                }

                return all.map((l) => JSON.parse(l));
            }

            await sleep(10);
        }

        throw new Error(`fewer than ${n} usage records`);
    }
}


// Collects an async iterable.

export async function all(stream) {
    const out = [];

    for await (const x of stream) {
        out.push(x);
    }

    return out;
}


// What a promise was rejected with.

export async function thrown(promise) {
    try {
        await promise;

    } catch (e) {
        return e;
    }

    throw new Error('nothing was thrown');
}


export { sleep, spawnSync };
