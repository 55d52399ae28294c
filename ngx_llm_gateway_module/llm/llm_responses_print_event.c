
/*
 * OpenAI Responses API: items of a streamed answer as they open and close,
 * and the frame of their events.
 */


#include "llm_responses.h"


static void llm_responses_close_part(llm_translate_t *x, llm_buf_t *out);
static void llm_responses_close_thought(llm_translate_t *x, llm_buf_t *out);
static void llm_responses_close_call(llm_translate_t *x, llm_buf_t *out);


void
llm_responses_say(llm_translate_t *x, unsigned refusal, llm_buf_t *out)
{
    llm_responses_writer_t  *w;

    w = x->writer;

    if (w->item == LLM_RESPONSES_MESSAGE && w->part
        && w->refusal == refusal)
    {
        return;
    }

    if (w->item != LLM_RESPONSES_MESSAGE) {
        llm_responses_close(x, out);
        llm_responses_add(x, LLM_RESPONSES_MESSAGE, "msg_", out);

        w->base = x->from;

    } else {
        llm_responses_close_part(x, out);
    }

    w->part = 1;
    w->refusal = refusal;
    w->refused |= refusal;
    w->text.len = 0;
    w->notes.len = 0;
    w->nnotes = 0;

    llm_responses_item_event(x, "response.content_part.added",
                             LLM_RESPONSES_CONTENT, out);

    if (!w->whole) {
        llm_buf_puts(out, ",\"part\":");
        llm_responses_print_text_part(x, 0, out);
    }

    llm_responses_event_end(x, out);
}


void
llm_responses_add(llm_translate_t *x, llm_responses_item_e item,
    const char *prefix, llm_buf_t *out)
{
    llm_responses_writer_t  *w;

    w = x->writer;

    w->item = item;
    w->part = 0;
    w->nparts = 0;
    w->text.len = 0;
    w->parts.len = 0;
    w->state.kind = LLM_STATE_NONE;
    w->redacted = (x->block == LLM_BLOCK_REDACTED);

    if (llm_id_make(x, prefix, w->nitems, &w->item_id) != LLM_OK) {
        out->failed = 1;
        return;
    }

    if (w->whole) {
        return;
    }

    llm_responses_event(x, "response.output_item.added", out);
    llm_buf_puts(out, ",\"output_index\":");
    llm_buf_int(out, w->nitems);
    llm_buf_puts(out, ",\"item\":");
    llm_responses_print_item(x, 0, out);
    llm_responses_event_end(x, out);
}


void
llm_responses_close(llm_translate_t *x, llm_buf_t *out)
{
    llm_responses_writer_t  *w;

    w = x->writer;

    switch (w->item) {

    case LLM_RESPONSES_NO_ITEM:
        return;

    case LLM_RESPONSES_MESSAGE:
        llm_responses_close_part(x, out);
        break;

    case LLM_RESPONSES_REASONING:
        llm_responses_close_thought(x, out);
        break;

    case LLM_RESPONSES_IMAGE:
        break;

    default:
        llm_responses_close_call(x, out);
    }

    llm_buf_puts(&w->items, w->items.len ? "," : "");
    llm_responses_print_item(x, 1, &w->items);

    if (!w->whole) {
        llm_responses_event(x, "response.output_item.done", out);
        llm_buf_puts(out, ",\"output_index\":");
        llm_buf_int(out, w->nitems);
        llm_buf_puts(out, ",\"item\":");
        llm_responses_print_item(x, 1, out);
        llm_responses_event_end(x, out);
    }

    w->nitems++;
    w->item = LLM_RESPONSES_NO_ITEM;
    w->part = 0;
}


static void
llm_responses_close_part(llm_translate_t *x, llm_buf_t *out)
{
    llm_str_t                text;
    llm_responses_writer_t  *w;

    w = x->writer;

    if (!w->part) {
        return;
    }

    text.data = w->text.data;
    text.len = w->text.len;

    llm_responses_text_event(x, w->refusal ? "response.refusal.done"
                                           : "response.output_text.done",
                             LLM_RESPONSES_CONTENT,
                             w->refusal ? "refusal" : "text", &text, out);

    llm_responses_item_event(x, "response.content_part.done",
                             LLM_RESPONSES_CONTENT, out);

    if (!w->whole) {
        llm_buf_puts(out, ",\"part\":");
        llm_responses_print_text_part(x, 1, out);
    }

    llm_responses_event_end(x, out);

    llm_buf_puts(&w->parts, w->parts.len ? "," : "");
    llm_responses_print_text_part(x, 1, &w->parts);

    w->nparts++;
    w->part = 0;
}


static void
llm_responses_close_thought(llm_translate_t *x, llm_buf_t *out)
{
    llm_str_t                text;
    unsigned                 summary;
    llm_responses_writer_t  *w;

    w = x->writer;

    if (!w->part) {
        return;
    }

    summary = x->form->summary;

    text.data = w->text.data;
    text.len = w->text.len;

    llm_responses_text_event(x, summary
                             ? "response.reasoning_summary_text.done"
                             : "response.reasoning_text.done",
                             summary ? LLM_RESPONSES_SUMMARY
                                     : LLM_RESPONSES_CONTENT,
                             "text", &text, out);

    llm_responses_item_event(x, summary
                             ? "response.reasoning_summary_part.done"
                             : "response.content_part.done",
                             summary ? LLM_RESPONSES_SUMMARY
                                     : LLM_RESPONSES_CONTENT, out);

    if (!w->whole) {
        llm_responses_print_string(summary
                                   ? ",\"part\":{\"type\":\"summary_text\","
                                     "\"text\":"
                                   : ",\"part\":{\"type\":"
                                     "\"reasoning_text\",\"text\":",
                                   &text, out);
        llm_buf_puts(out, "}");
    }

    llm_responses_event_end(x, out);
}


static void
llm_responses_close_call(llm_translate_t *x, llm_buf_t *out)
{
    llm_str_t                text, json;
    llm_responses_writer_t  *w;

    w = x->writer;

    text.data = w->text.data;
    text.len = w->text.len;

    if (w->item == LLM_RESPONSES_CALL) {
        llm_responses_item_event(x, "response.function_call_arguments.done",
                                 NULL, out);

        if (!w->whole) {
            llm_responses_print_string(",\"name\":", &w->name, out);
            llm_responses_print_string(",\"arguments\":", &text, out);
        }

        llm_responses_event_end(x, out);
        return;
    }

    if (llm_form_arguments(x->arena, &text, &json) != LLM_OK) {
        out->failed = 1;
        return;
    }

    if (w->item == LLM_RESPONSES_BUILTIN) {
        llm_buf_init(&w->text, x->arena);
        llm_responses_add(x, LLM_RESPONSES_BUILTIN, "call_", out);
        llm_buf_add(&w->text, json.data, json.len);
        return;
    }

    /* text that was an argument */

    if (llm_form_custom_input(x->arena, &json, &text) != LLM_OK) {
        out->failed = 1;
        return;
    }

    llm_responses_text_event(x, "response.custom_tool_call_input.delta",
                             NULL, "delta", &text, out);
    llm_responses_text_event(x, "response.custom_tool_call_input.done",
                             NULL, "input", &text, out);

    llm_buf_init(&w->text, x->arena);
    llm_buf_add(&w->text, text.data, text.len);
}


void
llm_responses_event(llm_translate_t *x, const char *type, llm_buf_t *out)
{
    llm_responses_writer_t  *w;

    w = x->writer;

    llm_buf_puts(out, "event: ");
    llm_buf_puts(out, type);
    llm_buf_puts(out, "\ndata: {\"type\":\"");
    llm_buf_puts(out, type);
    llm_buf_puts(out, "\",\"sequence_number\":");
    llm_buf_int(out, w->sequence++);
}


void
llm_responses_item_event(llm_translate_t *x, const char *type,
    const char *index, llm_buf_t *out)
{
    llm_responses_writer_t  *w;

    w = x->writer;

    if (w->whole) {
        return;
    }

    llm_responses_event(x, type, out);
    llm_responses_print_string(",\"item_id\":", &w->item_id, out);
    llm_buf_puts(out, ",\"output_index\":");
    llm_buf_int(out, w->nitems);

    if (index) {
        llm_buf_puts(out, index);
        llm_buf_int(out, w->nparts);
    }
}


void
llm_responses_text_event(llm_translate_t *x, const char *type,
    const char *index, const char *member, const llm_str_t *text,
    llm_buf_t *out)
{
    llm_responses_writer_t  *w;

    w = x->writer;

    if (w->whole) {
        return;
    }

    llm_responses_item_event(x, type, index, out);

    llm_buf_puts(out, ",\"");
    llm_buf_puts(out, member);
    llm_buf_puts(out, "\":");
    llm_buf_json(out, text->data, text->len);

    if (index && strncmp(type, "response.output_text.", 21) == 0) {
        llm_buf_puts(out, ",\"logprobs\":[]");
    }

    llm_responses_event_end(x, out);
}


void
llm_responses_event_end(llm_translate_t *x, llm_buf_t *out)
{
    llm_responses_writer_t  *w;

    w = x->writer;

    if (!w->whole) {
        llm_buf_puts(out, "}\n\n");
    }
}
