
/*
 * OpenAI chat completions: a whole answer to a client, and what it has in
 * common with chunks.
 */


#include "llm_chat.h"


static void llm_chat_print_message(llm_translate_t *x,
    const llm_message_t *m, llm_buf_t *out);
static void llm_chat_print_content(llm_translate_t *x,
    const llm_message_t *m, llm_buf_t *out);
static void llm_chat_print_thoughts(llm_translate_t *x,
    const llm_message_t *m, llm_buf_t *out);
static void llm_chat_print_calls(llm_translate_t *x, const llm_message_t *m,
    llm_buf_t *out);
static void llm_chat_print_media(llm_translate_t *x, const llm_message_t *m,
    llm_buf_t *out);
static void llm_chat_print_notes(const llm_message_t *m, llm_buf_t *out);
static void llm_chat_string(const char *name, const llm_str_t *s,
    llm_buf_t *out);


const llm_dialect_t  llm_dialect_chat = {
    LLM_DIALECT_CHAT,
    llm_chat_read_request,
    llm_chat_write_answer,
    llm_chat_write_part,
    sizeof(llm_chat_writer_t),
    llm_chat_write_request,
    llm_chat_read_answer,
    llm_chat_read_event,
    llm_chat_read_end,
    sizeof(llm_chat_reader_t)
};


void
llm_chat_write_answer(llm_translate_t *x, const llm_message_t *m,
    llm_buf_t *out)
{
    unsigned            refused;
    const llm_block_t  *block;

    refused = 0;

    for (block = m->blocks; block; block = block->next) {
        refused |= (block->kind == LLM_BLOCK_REFUSAL);
    }

    llm_buf_puts(out, "{\"id\":");
    llm_chat_print_id(x, &m->id, out);

    llm_buf_puts(out, ",\"object\":\"chat.completion\",\"created\":");
    llm_buf_int(out, x->conf->created);

    llm_chat_string(",\"model\":", m->model.len ? &m->model : &x->conf->model,
                    out);

    llm_buf_puts(out, ",\"choices\":[{\"index\":0,\"message\":");
    llm_chat_print_message(x, m, out);

    llm_buf_puts(out, ",\"logprobs\":null,\"finish_reason\":\"");
    llm_buf_puts(out, llm_chat_finish(x, m->stop, refused));
    llm_buf_puts(out, "\"}]");

    if (x->has_usage) {
        llm_buf_puts(out, ",\"usage\":");
        llm_chat_print_usage(&x->usage, out);
    }

    llm_buf_puts(out, ",\"system_fingerprint\":null}");
}


static void
llm_chat_print_message(llm_translate_t *x, const llm_message_t *m,
    llm_buf_t *out)
{
    llm_buf_puts(out, "{\"role\":\"assistant\"");

    llm_chat_print_content(x, m, out);
    llm_chat_print_thoughts(x, m, out);
    llm_chat_print_calls(x, m, out);
    llm_chat_print_media(x, m, out);
    llm_chat_print_notes(m, out);

    llm_buf_puts(out, "}");
}


static void
llm_chat_print_content(llm_translate_t *x, const llm_message_t *m,
    llm_buf_t *out)
{
    llm_str_t           text, refusal;
    unsigned            calls;
    const llm_block_t  *block;
    const llm_state_t  *state;

    if (llm_form_text(x->arena, m->blocks, "", &text) != LLM_OK) {
        out->failed = 1;
        return;
    }

    calls = 0;
    state = NULL;

    refusal.len = 0;
    refusal.data = NULL;

    if (m->stop == LLM_STOP_REFUSAL) {
        refusal = m->stop_text;
    }

    for (block = m->blocks; block; block = block->next) {

        if (block->kind == LLM_BLOCK_REFUSAL) {
            refusal = block->text;

        } else if (block->kind == LLM_BLOCK_TOOL_CALL) {
            calls = 1;

        } else if (block->kind == LLM_BLOCK_TEXT
                   && block->state.kind == LLM_STATE_GEMINI)
        {
            state = &block->state;
        }
    }

    llm_buf_puts(out, ",\"content\":");

    if (text.len || (!calls && refusal.len == 0)) {
        llm_buf_json(out, text.data, text.len);

    } else {
        llm_buf_puts(out, "null");
    }

    llm_buf_puts(out, ",\"refusal\":");

    if (refusal.len) {
        llm_buf_json(out, refusal.data, refusal.len);

    } else {
        llm_buf_puts(out, "null");
    }

    if (state) {
        llm_buf_puts(out, ",\"extra_content\":");
        llm_chat_print_signature(&state->data, out);
    }
}


/* as one text, and as blocks where they carry state */

static void
llm_chat_print_thoughts(llm_translate_t *x, const llm_message_t *m,
    llm_buf_t *out)
{
    unsigned            n;
    llm_buf_t           b;
    const llm_block_t  *block;

    llm_buf_init(&b, x->arena);

    for (block = m->blocks; block; block = block->next) {

        if (block->kind == LLM_BLOCK_THINKING) {
            llm_buf_add(&b, block->text.data, block->text.len);
        }
    }

    if (b.failed) {
        out->failed = 1;
    }

    if (b.len) {
        llm_buf_puts(out, ",\"reasoning_content\":");
        llm_buf_json(out, b.data, b.len);
    }

    n = 0;

    for (block = m->blocks; block; block = block->next) {

        if ((block->kind == LLM_BLOCK_THINKING
             || block->kind == LLM_BLOCK_REDACTED)
            && block->state.kind != LLM_STATE_NONE)
        {
            llm_buf_puts(out, n++ ? "," : ",\"thinking_blocks\":[");
            llm_chat_print_thinking(x, block->kind, &block->text,
                                    &block->state, out);
        }
    }

    if (n) {
        llm_buf_puts(out, "]");
    }
}


static void
llm_chat_print_calls(llm_translate_t *x, const llm_message_t *m,
    llm_buf_t *out)
{
    unsigned            n, custom;
    const llm_str_t    *arguments;
    const llm_tool_t   *tool;
    const llm_block_t  *block;

    n = 0;

    for (block = m->blocks; block; block = block->next) {

        if (block->kind != LLM_BLOCK_TOOL_CALL) {
            continue;
        }

        if (x->form->legacy) {
            llm_chat_string(",\"function_call\":{\"name\":", &block->name,
                            out);
            llm_chat_string(",\"arguments\":", &block->text, out);
            llm_buf_puts(out, "}");
            return;
        }

        tool = llm_form_find_tool(x->form, &block->name);
        custom = tool && tool->custom;
        arguments = custom ? &block->json : &block->text;

        llm_buf_puts(out, n++ ? ",{" : ",\"tool_calls\":[{");
        llm_chat_print_call(x, &block->id, &block->name, custom, arguments,
                            &block->state, out);
        llm_buf_puts(out, "}");
    }

    if (n) {
        llm_buf_puts(out, "]");
    }
}


static void
llm_chat_print_media(llm_translate_t *x, const llm_message_t *m,
    llm_buf_t *out)
{
    unsigned            n;
    llm_str_t           id;
    const llm_block_t  *block;

    n = 0;

    for (block = m->blocks; block; block = block->next) {

        if (block->kind == LLM_BLOCK_IMAGE) {
            llm_buf_puts(out, n ? "," : ",\"images\":[");
            llm_chat_print_image(&block->mime, &block->data, n++, out);
        }
    }

    if (n) {
        llm_buf_puts(out, "]");
    }

    for (block = m->blocks; block; block = block->next) {

        if (block->kind == LLM_BLOCK_AUDIO) {

            if (llm_id_make(x, "audio_", 0, &id) != LLM_OK) {
                out->failed = 1;
                return;
            }

            llm_chat_string(",\"audio\":{\"id\":", &id, out);
            llm_chat_string(",\"data\":", &block->data, out);
            llm_buf_puts(out, ",\"expires_at\":");
            llm_buf_int(out, x->conf->created + 3600);
            llm_buf_puts(out, ",\"transcript\":\"\"}");
            return;
        }
    }
}


static void
llm_chat_print_notes(const llm_message_t *m, llm_buf_t *out)
{
    const llm_note_t  *note;

    if (m->notes == NULL) {
        return;
    }

    llm_buf_puts(out, ",\"annotations\":[");

    for (note = m->notes; note; note = note->next) {

        if (note != m->notes) {
            llm_buf_puts(out, ",");
        }

        llm_chat_print_note(&note->url, &note->title, note->from, note->to,
                            out);
    }

    llm_buf_puts(out, "]");
}


const char *
llm_chat_finish(const llm_translate_t *x, llm_stop_e stop,
    unsigned refused)
{
    switch (stop) {

    case LLM_STOP_LENGTH:
        return "length";

    case LLM_STOP_TOOL:
        return x->form->legacy ? "function_call" : "tool_calls";

    case LLM_STOP_REFUSAL:
        return refused ? "stop" : "content_filter";

    case LLM_STOP_FILTER:
        return "content_filter";

    default:
        return "stop";
    }
}


void
llm_chat_print_id(llm_translate_t *x, const llm_str_t *id, llm_buf_t *out)
{
    size_t     i;
    llm_buf_t  b;
    llm_str_t  s;

    static const llm_str_t  prefixes[] = {
        llm_string("chatcmpl-"), llm_string("msg_"), llm_string("resp_")
    };

    if (id->len == 0) {

        if (llm_id_make(x, "chatcmpl-", 0, &s) != LLM_OK) {
            out->failed = 1;
            return;
        }

        llm_buf_json(out, s.data, s.len);
        return;
    }

    s = *id;

    for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {

        if (s.len > prefixes[i].len
            && memcmp(s.data, prefixes[i].data, prefixes[i].len) == 0)
        {
            s.data += prefixes[i].len;
            s.len -= prefixes[i].len;
            break;
        }
    }

    llm_buf_init(&b, x->arena);
    llm_buf_puts(&b, "chatcmpl-");
    llm_buf_add(&b, s.data, s.len);

    if (b.failed) {
        out->failed = 1;
    }

    llm_buf_json(out, b.data, b.len);
}


void
llm_chat_print_usage(const llm_usage_t *u, llm_buf_t *out)
{
    int64_t  input, output, written;

    input = llm_usage_input(u);
    output = llm_usage_output(u);
    written = u->units[LLM_USAGE_CACHE_WRITE_5M]
              + u->units[LLM_USAGE_CACHE_WRITE_1H];

    llm_buf_puts(out, "{\"prompt_tokens\":");
    llm_buf_int(out, input);

    llm_buf_puts(out, ",\"completion_tokens\":");
    llm_buf_int(out, output);

    llm_buf_puts(out, ",\"total_tokens\":");
    llm_buf_int(out, input + output);

    llm_buf_puts(out, ",\"prompt_tokens_details\":{\"cached_tokens\":");
    llm_buf_int(out, u->units[LLM_USAGE_CACHE_READ]);

    if (written) {
        llm_buf_puts(out, ",\"cache_write_tokens\":");
        llm_buf_int(out, written);
    }

    llm_buf_puts(out, ",\"audio_tokens\":");
    llm_buf_int(out, u->units[LLM_USAGE_AUDIO_INPUT]);

    llm_buf_puts(out, "},\"completion_tokens_details\":"
                      "{\"reasoning_tokens\":");
    llm_buf_int(out, u->units[LLM_USAGE_REASONING]);

    llm_buf_puts(out, ",\"audio_tokens\":");
    llm_buf_int(out, u->units[LLM_USAGE_AUDIO_OUTPUT]);

    llm_buf_puts(out, "}}");
}


void
llm_chat_print_call(llm_translate_t *x, const llm_str_t *id,
    const llm_str_t *name, unsigned custom, const llm_str_t *arguments,
    const llm_state_t *state, llm_buf_t *out)
{
    llm_str_t  input;

    llm_chat_string("\"id\":", id, out);

    if (custom) {
        llm_chat_string(",\"type\":\"custom\",\"custom\":{\"name\":", name,
                        out);

        if (llm_form_custom_input(x->arena, arguments, &input) != LLM_OK) {
            out->failed = 1;
            return;
        }

        llm_chat_string(",\"input\":", &input, out);

    } else {
        llm_chat_string(",\"type\":\"function\",\"function\":{\"name\":",
                        name, out);
        llm_chat_string(",\"arguments\":", arguments, out);
    }

    llm_buf_puts(out, "}");

    if (state && state->kind == LLM_STATE_GEMINI) {
        llm_buf_puts(out, ",\"extra_content\":");
        llm_chat_print_signature(&state->data, out);
    }
}


void
llm_chat_print_thinking(llm_translate_t *x, llm_block_e kind,
    const llm_str_t *text, const llm_state_t *state, llm_buf_t *out)
{
    llm_str_t  signature;

    signature = state->data;

    if (state->kind != LLM_STATE_ANTHROPIC
        && llm_state_print(x->arena, state, &signature) != LLM_OK)
    {
        out->failed = 1;
        return;
    }

    if (kind == LLM_BLOCK_REDACTED) {
        llm_chat_string("{\"type\":\"redacted_thinking\",\"data\":",
                        &signature, out);

    } else {
        llm_chat_string("{\"type\":\"thinking\",\"thinking\":", text, out);
        llm_chat_string(",\"signature\":", &signature, out);
    }

    llm_buf_puts(out, "}");
}


void
llm_chat_print_image(const llm_str_t *mime, const llm_str_t *data,
    unsigned index, llm_buf_t *out)
{
    llm_buf_puts(out, "{\"type\":\"image_url\",\"index\":");
    llm_buf_int(out, index);
    llm_buf_puts(out, ",\"image_url\":{\"url\":");
    llm_form_print_data_url(mime, data, out);
    llm_buf_puts(out, "}}");
}


void
llm_chat_print_note(const llm_str_t *url, const llm_str_t *title,
    uint64_t from, uint64_t to, llm_buf_t *out)
{
    llm_chat_string("{\"type\":\"url_citation\",\"url_citation\":{\"url\":",
                    url, out);
    llm_chat_string(",\"title\":", title, out);
    llm_buf_puts(out, ",\"start_index\":");
    llm_buf_int(out, (int64_t) from);
    llm_buf_puts(out, ",\"end_index\":");
    llm_buf_int(out, (int64_t) to);
    llm_buf_puts(out, "}}");
}


void
llm_chat_print_signature(const llm_str_t *signature, llm_buf_t *out)
{
    llm_chat_string("{\"google\":{\"thought_signature\":", signature, out);
    llm_buf_puts(out, "}}");
}


static void
llm_chat_string(const char *name, const llm_str_t *s, llm_buf_t *out)
{
    llm_buf_puts(out, name);
    llm_buf_json(out, s->data, s->len);
}
