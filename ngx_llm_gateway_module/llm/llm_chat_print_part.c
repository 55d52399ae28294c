
/*
 * OpenAI chat completions: a streamed answer to a client.
 */


#include "llm_chat.h"


static void llm_chat_part_start(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out);
static void llm_chat_part_open(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out);
static void llm_chat_part_delta(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out);
static void llm_chat_part_state(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out);
static void llm_chat_part_close(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out);
static void llm_chat_part_stop(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out);
static void llm_chat_part_end(llm_translate_t *x, llm_buf_t *out);
static void llm_chat_delta_open(llm_translate_t *x, const char *delta,
    llm_buf_t *out);
static void llm_chat_delta_close(llm_translate_t *x, const char *delta,
    llm_buf_t *out);
static void llm_chat_delta_text(llm_translate_t *x, const char *delta,
    const llm_str_t *text, llm_buf_t *out);
static void llm_chat_delta_call(llm_translate_t *x, unsigned n,
    llm_buf_t *out);


void
llm_chat_write_part(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_chat_writer_t  *w;

    w = x->writer;

    switch (part->type) {

    case LLM_PART_START:
        llm_chat_part_start(x, part, out);
        break;

    case LLM_PART_OPEN:
        llm_chat_part_open(x, part, out);
        break;

    case LLM_PART_DELTA:
        llm_chat_part_delta(x, part, out);
        break;

    case LLM_PART_STATE:
        llm_chat_part_state(x, part, out);
        break;

    case LLM_PART_NOTE:
        llm_chat_delta_open(x, "\"annotations\":[", out);
        llm_chat_print_note(&part->id, &part->name, part->from, part->to,
                            out);
        llm_chat_delta_close(x, "]", out);
        break;

    case LLM_PART_CLOSE:
        llm_chat_part_close(x, part, out);
        break;

    case LLM_PART_STOP:
        llm_chat_part_stop(x, part, out);
        break;

    case LLM_PART_END:
        llm_chat_part_end(x, out);
        break;

    case LLM_PART_PING:
        llm_buf_puts(out, ": ping\n\n");
        break;

    case LLM_PART_ERROR:
        llm_translate_print_error(x, out);
    }

    if (w->prefix.failed || w->text.failed) {
        out->failed = 1;
    }
}


static void
llm_chat_part_start(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_buf_t          *b;
    llm_chat_writer_t  *w;
    const llm_str_t    *model;

    w = x->writer;
    b = &w->prefix;

    llm_buf_init(b, x->arena);
    llm_buf_init(&w->text, x->arena);

    model = part->name.len ? &part->name : &x->conf->model;

    llm_buf_puts(b, "data: {\"id\":");
    llm_chat_print_id(x, &part->id, b);
    llm_buf_puts(b, ",\"object\":\"chat.completion.chunk\",\"created\":");
    llm_buf_int(b, x->conf->created);
    llm_buf_puts(b, ",\"model\":");
    llm_buf_json(b, model->data, model->len);
    llm_buf_puts(b, ",\"system_fingerprint\":null,\"choices\":[");

    llm_chat_delta_open(x, "\"role\":\"assistant\",\"content\":\"\"", out);
    llm_chat_delta_close(x, "", out);
}


static void
llm_chat_part_open(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_chat_writer_t  *w;
    const llm_tool_t   *tool;

    static const llm_str_t  nothing = { 0, NULL };

    w = x->writer;

    w->text.len = 0;
    w->state.kind = LLM_STATE_NONE;
    w->custom = 0;
    w->skip = 0;

    switch (part->block) {

    case LLM_BLOCK_REFUSAL:
        w->refused = 1;
        break;

    case LLM_BLOCK_IMAGE:
        w->mime.len = 0;

        if (part->mime.len
            && llm_str_dup(x->arena, &w->mime, part->mime.data,
                           part->mime.len) != LLM_OK)
        {
            out->failed = 1;
        }

        break;

    case LLM_BLOCK_AUDIO:

        if (llm_id_make(x, "audio_", 0, &w->id) != LLM_OK) {
            out->failed = 1;
        }

        break;

    case LLM_BLOCK_TOOL_CALL:

        if (x->form->legacy) {
            w->skip = w->ncalls++ != 0;

            if (!w->skip) {
                llm_chat_delta_open(x, "\"function_call\":{\"name\":", out);
                llm_buf_json(out, part->name.data, part->name.len);
                llm_chat_delta_close(x, ",\"arguments\":\"\"}", out);
            }

            break;
        }

        tool = llm_form_find_tool(x->form, &part->name);

        if (tool && tool->custom) {
            w->custom = 1;

            if (llm_str_dup(x->arena, &w->id, part->id.data, part->id.len)
                != LLM_OK)
            {
                out->failed = 1;
            }

            w->tool = tool;
            w->ncalls++;
            break;
        }

        llm_chat_delta_call(x, w->ncalls++, out);
        llm_buf_puts(out, ",");
        llm_chat_print_call(x, &part->id, &part->name, 0, &nothing,
                            &part->state, out);
        llm_chat_delta_close(x, "}]", out);
        break;

    default:
        break;
    }
}


static void
llm_chat_part_delta(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_chat_writer_t  *w;

    w = x->writer;

    switch (part->block) {

    case LLM_BLOCK_TEXT:
        llm_chat_delta_text(x, "\"content\":", &part->text, out);
        break;

    case LLM_BLOCK_REFUSAL:
        llm_chat_delta_text(x, "\"refusal\":", &part->text, out);
        break;

    case LLM_BLOCK_THINKING:
        llm_chat_delta_text(x, "\"reasoning_content\":", &part->text, out);

        /* a block with a signature is told whole, too */

        llm_buf_add(&w->text, part->text.data, part->text.len);
        break;

    case LLM_BLOCK_TOOL_CALL:

        if (w->custom) {
            llm_buf_add(&w->text, part->text.data, part->text.len);
            break;
        }

        if (x->form->legacy) {

            if (!w->skip) {
                llm_chat_delta_open(x, "\"function_call\":{\"arguments\":",
                                    out);
                llm_buf_json(out, part->text.data, part->text.len);
                llm_chat_delta_close(x, "}", out);
            }

            break;
        }

        llm_chat_delta_call(x, w->ncalls - 1, out);

        llm_buf_puts(out, ",\"function\":{\"arguments\":");
        llm_buf_json(out, part->text.data, part->text.len);
        llm_chat_delta_close(x, "}}]", out);
        break;

    case LLM_BLOCK_IMAGE:
        llm_buf_add(&w->text, part->text.data, part->text.len);
        break;

    case LLM_BLOCK_AUDIO:
        llm_chat_delta_open(x, "\"audio\":{\"id\":", out);
        llm_buf_json(out, w->id.data, w->id.len);
        llm_buf_puts(out, ",\"data\":");
        llm_buf_json(out, part->text.data, part->text.len);
        llm_chat_delta_close(x, "}", out);
        break;

    default:
        break;
    }
}


static void
llm_chat_part_state(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_chat_writer_t  *w;

    w = x->writer;

    switch (x->block) {

    case LLM_BLOCK_THINKING:
    case LLM_BLOCK_REDACTED:
        w->state.kind = part->state.kind;

        if (llm_str_dup(x->arena, &w->state.id, part->state.id.data,
                        part->state.id.len) != LLM_OK
            || llm_str_dup(x->arena, &w->state.data, part->state.data.data,
                           part->state.data.len) != LLM_OK)
        {
            out->failed = 1;
        }

        break;

    case LLM_BLOCK_TOOL_CALL:

        if (part->state.kind != LLM_STATE_GEMINI || w->custom
            || x->form->legacy)
        {
            break;
        }

        llm_chat_delta_call(x, w->ncalls - 1, out);

        llm_buf_puts(out, ",\"extra_content\":");
        llm_chat_print_signature(&part->state.data, out);
        llm_chat_delta_close(x, "}]", out);
        break;

    default:

        if (part->state.kind == LLM_STATE_GEMINI) {
            llm_chat_delta_open(x, "\"extra_content\":", out);
            llm_chat_print_signature(&part->state.data, out);
            llm_chat_delta_close(x, "", out);
        }
    }
}


static void
llm_chat_part_close(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_str_t           text, json;
    llm_chat_writer_t  *w;

    w = x->writer;

    text.data = w->text.data;
    text.len = w->text.len;

    switch (part->block) {

    case LLM_BLOCK_THINKING:
    case LLM_BLOCK_REDACTED:

        if (w->state.kind == LLM_STATE_NONE) {
            break;
        }

        llm_chat_delta_open(x, "\"thinking_blocks\":[", out);
        llm_chat_print_thinking(x, part->block, &text, &w->state, out);
        llm_chat_delta_close(x, "]", out);
        break;

    case LLM_BLOCK_TOOL_CALL:

        if (!w->custom) {
            break;
        }

        if (llm_form_arguments(x->arena, &text, &json) != LLM_OK) {
            out->failed = 1;
            break;
        }

        llm_chat_delta_call(x, w->ncalls - 1, out);

        llm_buf_puts(out, ",");
        llm_chat_print_call(x, &w->id, &w->tool->name, 1, &json, NULL, out);
        llm_chat_delta_close(x, "}]", out);
        break;

    case LLM_BLOCK_IMAGE:
        llm_chat_delta_open(x, "\"images\":[", out);
        llm_chat_print_image(&w->mime, &text, w->nimages++, out);
        llm_chat_delta_close(x, "]", out);
        break;

    default:
        break;
    }
}


static void
llm_chat_part_stop(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_chat_writer_t  *w;

    w = x->writer;

    if (part->stop == LLM_STOP_REFUSAL && part->text.len && !w->refused) {
        llm_chat_delta_text(x, "\"refusal\":", &part->text, out);
    }

    llm_buf_add(out, w->prefix.data, w->prefix.len);
    llm_buf_puts(out, "{\"index\":0,\"delta\":{},\"logprobs\":null,"
                      "\"finish_reason\":\"");
    llm_buf_puts(out, llm_chat_finish(x, part->stop, w->refused));
    llm_buf_puts(out, x->form->include_usage ? "\"}],\"usage\":null}\n\n"
                                             : "\"}]}\n\n");
}


static void
llm_chat_part_end(llm_translate_t *x, llm_buf_t *out)
{
    llm_chat_writer_t  *w;

    w = x->writer;

    if (x->form->include_usage) {
        llm_buf_add(out, w->prefix.data, w->prefix.len);
        llm_buf_puts(out, "],\"usage\":");

        if (x->has_usage) {
            llm_chat_print_usage(&x->usage, out);

        } else {
            llm_buf_puts(out, "null");
        }

        llm_buf_puts(out, "}\n\n");
    }

    llm_buf_puts(out, "data: [DONE]\n\n");
}


static void
llm_chat_delta_open(llm_translate_t *x, const char *delta, llm_buf_t *out)
{
    llm_chat_writer_t  *w;

    w = x->writer;

    llm_buf_add(out, w->prefix.data, w->prefix.len);
    llm_buf_puts(out, "{\"index\":0,\"delta\":{");
    llm_buf_puts(out, delta);
}


static void
llm_chat_delta_close(llm_translate_t *x, const char *delta, llm_buf_t *out)
{
    llm_buf_puts(out, delta);
    llm_buf_puts(out, x->form->include_usage
                      ? "},\"logprobs\":null,\"finish_reason\":null}],"
                        "\"usage\":null}\n\n"
                      : "},\"logprobs\":null,\"finish_reason\":null}]}\n\n");
}


static void
llm_chat_delta_text(llm_translate_t *x, const char *delta,
    const llm_str_t *text, llm_buf_t *out)
{
    llm_chat_delta_open(x, delta, out);
    llm_buf_json(out, text->data, text->len);
    llm_chat_delta_close(x, "", out);
}


/* calls are numbered among themselves, whatever stands between them */

static void
llm_chat_delta_call(llm_translate_t *x, unsigned n, llm_buf_t *out)
{
    llm_chat_delta_open(x, "\"tool_calls\":[{\"index\":", out);
    llm_buf_int(out, n);
}
