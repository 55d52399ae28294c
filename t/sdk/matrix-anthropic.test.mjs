// The @anthropic-ai/sdk package against every provider.

import Anthropic from '@anthropic-ai/sdk';
import { jsonSchemaOutputFormat }
    from '@anthropic-ai/sdk/helpers/json-schema';
import { matrix } from './matrix.mjs';


function client(g) {
    return new Anthropic({ apiKey: g.key, baseURL: g.base, maxRetries: 0 });
}


function start(o) {
    return o.turns.map(([role, content]) => ({ role, content: o.image
        ? [{ type: 'image', source: { type: 'base64',
                                      media_type: 'image/png',
                                      data: o.image } },
           { type: 'text', text: content }] : content }));
}


function begin(g, o) {
    const c = client(g);
    const messages = start(o);

    return {
        async next(results) {
            if (results) {
                messages.push({ role: 'user', content: results.map((x) => ({
                    type: 'tool_result', tool_use_id: x.id,
                    content: x.result })) });
            }

            const body = { model: o.model, messages, max_tokens: o.max,
                system: o.system, temperature: o.temperature,
                tools: o.tools?.map((t) => ({ name: t.name,
                    description: t.description, input_schema: t.schema })),
                ...(o.think ? { thinking: { type: 'enabled',
                                            budget_tokens: 1024 } } : {}),
                ...(o.schema ? { output_config: {
                    format: jsonSchemaOutputFormat(o.schema) } } : {}) };

            const r = o.stream ? await c.messages.stream(body).finalMessage()
                : o.schema ? await c.messages.parse(body)
                : await c.messages.create(body);

            messages.push({ role: 'assistant', content: r.content });

            const of = (type) => r.content.filter((b) => b.type === type);
            const u = r.usage;

            return { text: of('text').map((b) => b.text).join(''),
                     think: of('thinking').map((b) => b.thinking).join(''),
                     calls: of('tool_use').map((b) => ({ id: b.id,
                         name: b.name, args: b.input })),
                     stop: r.stop_reason, value: r.parsed_output,
                     usage: { input: u.input_tokens
                                  + (u.cache_read_input_tokens ?? 0)
                                  + (u.cache_creation_input_tokens ?? 0),
                              cached: u.cache_read_input_tokens ?? 0,
                              output: u.output_tokens } };
        },
    };
}


async function run(g, o, tool) {
    const r = await client(g).beta.messages.toolRunner({ model: o.model,
        max_tokens: o.max, messages: start(o), thread: false,
        tools: o.tools.map((t) => ({ type: 'custom', name: t.name,
            description: t.description, input_schema: t.schema,
            parse: (x) => x, run: tool })) });

    return r.content.map((b) => b.text ?? '').join('');
}


async function count(g, model, content) {
    const r = await client(g).messages.countTokens({ model,
        messages: [{ role: 'user', content }] });

    return r.input_tokens;
}


matrix({
    file: 'anthropic', name: '@anthropic-ai/sdk', model: 'claude-sonnet-4-5',
    begin, run, count,
    stops: { end: 'end_turn', length: 'max_tokens', tool: 'tool_use',
             filter: 'refusal' },
    not() {},
});
