// The openai package's Responses against every provider.

import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { matrix } from './matrix.mjs';


function client(g) {
    return new OpenAI({ apiKey: g.key, baseURL: `${g.base}/v1`,
                        maxRetries: 0 });
}


function begin(g, o) {
    const c = client(g);
    const input = o.turns.map(([role, content]) => ({ role, content: o.image
        ? [{ type: 'input_text', text: content },
           { type: 'input_image', detail: 'auto',
             image_url: `data:image/png;base64,${o.image}` }] : content }));

    return {
        async next(results) {
            input.push(...(results ?? []).map((x) => ({
                type: 'function_call_output', call_id: x.id,
                output: x.result })));

            const body = { model: o.model, input, store: false,
                instructions: o.system, max_output_tokens: o.max,
                temperature: o.temperature,
                tools: o.tools?.map((t) => ({ type: 'function',
                    name: t.name, description: t.description,
                    parameters: t.schema, strict: false })),
                ...(o.think ? { reasoning: { effort: 'high',
                                             summary: 'auto' },
                    include: ['reasoning.encrypted_content'] } : {}),
                ...(o.schema ? { text: { format: zodTextFormat(
                    z.object({ city: z.string(), ok: z.boolean() }),
                    'place') } } : {}) };

            const r = o.stream
                ? await c.responses.stream(body).finalResponse()
                : o.schema ? await c.responses.parse(body)
                : await c.responses.create(body);

            input.push(...r.output);

            const items = (type) => r.output.filter((x) => x.type === type);
            const calls = items('function_call').map((x) => ({
                id: x.call_id, name: x.name, args: JSON.parse(x.arguments) }));

            return { text: r.output_text, value: r.output_parsed, calls,
                     think: items('reasoning').flatMap((x) => x.summary)
                                .map((x) => x.text).join(''),
                     stop: r.incomplete_details?.reason
                           ?? (calls.length ? 'tool' : r.status),
                     usage: { input: r.usage.input_tokens,
                         output: r.usage.output_tokens,
                         cached: r.usage.input_tokens_details.cached_tokens,
                         reasoning: r.usage.output_tokens_details
                                        .reasoning_tokens } };
        },
    };
}


matrix({
    file: 'responses', name: 'openai, responses', model: 'gpt-5', begin,
    responses: true,
    stops: { end: 'completed', length: 'max_output_tokens', tool: 'tool',
             filter: 'content_filter' },
    not() {},
});
