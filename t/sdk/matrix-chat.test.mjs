// The openai package's chat completions against every provider.

import OpenAI from 'openai';
import { matrix } from './matrix.mjs';


function client(g) {
    return new OpenAI({ apiKey: g.key, baseURL: `${g.base}/v1`,
                        maxRetries: 0 });
}


function functions(list) {
    return list?.map((t) => ({ type: 'function', function: {
        name: t.name, description: t.description, parameters: t.schema } }));
}


function start(o) {
    return [...(o.system ? [{ role: 'system', content: o.system }] : []),
            ...o.turns.map(([role, content]) => ({ role, content: o.image
                ? [{ type: 'text', text: content },
                   { type: 'image_url', image_url: {
                       url: `data:image/png;base64,${o.image}` } }]
                : content }))];
}


// Accumulated text of a field that the package does not know: its stream
// helper keeps the last piece only.

async function streamed(c, body) {
    let think = '';
    const s = c.chat.completions.stream({ ...body,
        stream_options: { include_usage: true } });

    s.on('chunk', (x) => {
        think += x.choices[0]?.delta.reasoning_content ?? '';
    });

    const r = await s.finalChatCompletion();

    return { r, think };
}


function begin(g, o) {
    const c = client(g);
    const messages = start(o);

    return {
        async next(results) {
            messages.push(...(results ?? []).map((x) => ({ role: 'tool',
                tool_call_id: x.id, content: x.result })));

            const body = { model: o.model, messages,
                max_completion_tokens: o.max, temperature: o.temperature,
                tools: functions(o.tools),
                ...(o.think ? { reasoning_effort: 'high' } : {}),
                ...(o.schema ? { response_format: { type: 'json_schema',
                    json_schema: { name: 'place', schema: o.schema,
                                   strict: true } } } : {}) };

            const { r, think } = o.stream ? await streamed(c, body)
                : { r: o.schema ? await c.chat.completions.parse(body)
                                : await c.chat.completions.create(body) };

            const [{ message, finish_reason }] = r.choices;

            messages.push(message);

            return { text: message.content ?? '',
                     think: think ?? message.reasoning_content,
                     calls: (message.tool_calls ?? []).map((t) => ({
                         id: t.id, name: t.function.name,
                         args: JSON.parse(t.function.arguments) })),
                     stop: finish_reason, value: message.parsed
                         ?? (o.schema && JSON.parse(message.content)),
                     usage: { input: r.usage.prompt_tokens,
                         output: r.usage.completion_tokens,
                         cached: r.usage.prompt_tokens_details?.cached_tokens,
                         reasoning: r.usage.completion_tokens_details
                                        ?.reasoning_tokens } };
        },
    };
}


async function run(g, o, tool) {
    const r = client(g).chat.completions.runTools({ model: o.model,
        messages: start(o), tools: o.tools.map((t) => ({ type: 'function',
            function: { name: t.name, description: t.description,
                        parameters: t.schema, parse: JSON.parse,
                        function: tool } })) });

    return r.finalContent();
}


matrix({
    file: 'chat', name: 'openai, chat', model: 'gpt-4o', begin, run,
    stops: { end: 'stop', length: 'length', tool: 'tool_calls',
             filter: 'content_filter' },
    not(feature, column) {
        if (feature === 'reasoning, stream' && column === 'chat') {
            return 'the helper keeps the last piece of reasoning_content, '
                   + 'which no protocol but DeepSeek\'s own needs back';
        }
    },
});
