
/*
 * OpenAI Responses API: the events of a streamed answer to a client.
 */


#include "llm_responses.h"


static void llm_responses_part_start(llm_translate_t *x,
    const llm_part_t *part, llm_buf_t *out);
static void llm_responses_part_open(llm_translate_t *x,
    const llm_part_t *part, llm_buf_t *out);
static void llm_responses_part_call(llm_translate_t *x,
    const llm_part_t *part, llm_buf_t *out);
static void llm_responses_part_delta(llm_translate_t *x,
    const llm_part_t *part, llm_buf_t *out);
static void llm_responses_part_state(llm_translate_t *x,
    const llm_part_t *part, llm_buf_t *out);
static void llm_responses_part_note(llm_translate_t *x,
    const llm_part_t *part, llm_buf_t *out);
static void llm_responses_part_stop(llm_translate_t *x,
    const llm_part_t *part, llm_buf_t *out);
static void llm_responses_part_end(llm_translate_t *x, llm_buf_t *out);
static void llm_responses_part_error(llm_translate_t *x,
    const llm_part_t *part, llm_buf_t *out);


void
llm_responses_write_part(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_responses_writer_t  *w;

    w = x->writer;

    switch (part->type) {

    case LLM_PART_START:
        llm_responses_part_start(x, part, out);
        break;

    case LLM_PART_OPEN:
        llm_responses_part_open(x, part, out);
        break;

    case LLM_PART_DELTA:
        llm_responses_part_delta(x, part, out);
        break;

    case LLM_PART_STATE:
        llm_responses_part_state(x, part, out);
        break;

    case LLM_PART_NOTE:
        llm_responses_part_note(x, part, out);
        break;

    case LLM_PART_CLOSE:

        /* a message stays open for the text that may follow */

        if (part->block != LLM_BLOCK_TEXT
            && part->block != LLM_BLOCK_REFUSAL)
        {
            llm_responses_close(x, out);
        }

        break;

    case LLM_PART_STOP:
        llm_responses_part_stop(x, part, out);
        break;

    case LLM_PART_END:
        llm_responses_part_end(x, out);
        break;

    case LLM_PART_PING:
        llm_buf_puts(out, ": ping\n\n");
        break;

    case LLM_PART_ERROR:
        llm_responses_part_error(x, part, out);
    }

    if (w->items.failed || w->parts.failed || w->text.failed
        || w->notes.failed)
    {
        out->failed = 1;
    }
}


static void
llm_responses_part_start(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_responses_writer_t  *w;

    w = x->writer;

    w->begun = 1;

    llm_buf_init(&w->items, x->arena);
    llm_buf_init(&w->parts, x->arena);
    llm_buf_init(&w->text, x->arena);
    llm_buf_init(&w->notes, x->arena);

    w->model = x->conf->model;

    if (part->name.len
        && llm_str_dup(x->arena, &w->model, part->name.data, part->name.len)
           != LLM_OK)
    {
        out->failed = 1;
    }

    if (llm_id_make(x, "resp_", 0, &w->id) != LLM_OK) {
        out->failed = 1;
        return;
    }

    if (w->whole) {
        return;
    }

    llm_responses_event(x, "response.created", out);
    llm_buf_puts(out, ",\"response\":");
    llm_responses_print_object(x, "in_progress", 0, NULL, NULL, out);
    llm_responses_event_end(x, out);

    llm_responses_event(x, "response.in_progress", out);
    llm_buf_puts(out, ",\"response\":");
    llm_responses_print_object(x, "in_progress", 0, NULL, NULL, out);
    llm_responses_event_end(x, out);
}


static void
llm_responses_part_open(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    switch (part->block) {

    case LLM_BLOCK_THINKING:
    case LLM_BLOCK_REDACTED:
        llm_responses_close(x, out);
        llm_responses_add(x, LLM_RESPONSES_REASONING, "rs_", out);
        break;

    case LLM_BLOCK_TOOL_CALL:
        llm_responses_close(x, out);
        llm_responses_part_call(x, part, out);
        break;

    case LLM_BLOCK_IMAGE:
        llm_responses_close(x, out);
        llm_responses_add(x, LLM_RESPONSES_IMAGE, "ig_", out);
        break;

    default: /* a message begins with its first text */
        break;
    }
}


static void
llm_responses_part_call(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    const llm_tool_t        *tool;
    llm_responses_writer_t  *w;

    w = x->writer;

    /* a call has no place for its state: it goes before it */

    if (part->state.kind != LLM_STATE_NONE) {
        llm_responses_add(x, LLM_RESPONSES_REASONING, "rs_", out);
        llm_responses_part_state(x, part, out);
        llm_responses_close(x, out);
    }

    tool = llm_form_find_tool(x->form, &part->name);
    w->tool = tool;

    if (llm_str_dup(x->arena, &w->call_id, part->id.data, part->id.len)
        != LLM_OK
        || llm_str_dup(x->arena, &w->name, part->name.data, part->name.len)
           != LLM_OK)
    {
        out->failed = 1;
        return;
    }

    if (tool && tool->builtin) {
        w->text.len = 0;
        w->item = LLM_RESPONSES_BUILTIN;
        return;
    }

    if (tool && tool->custom) {
        llm_responses_add(x, LLM_RESPONSES_CUSTOM, "ctc_", out);
        return;
    }

    llm_responses_add(x, LLM_RESPONSES_CALL, "fc_", out);
}


static void
llm_responses_part_delta(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_responses_writer_t  *w;

    w = x->writer;

    switch (part->block) {

    case LLM_BLOCK_TEXT:
        llm_responses_say(x, 0, out);
        llm_responses_text_event(x, "response.output_text.delta",
                                 LLM_RESPONSES_CONTENT, "delta", &part->text,
                                 out);
        break;

    case LLM_BLOCK_REFUSAL:
        llm_responses_say(x, 1, out);
        llm_responses_text_event(x, "response.refusal.delta",
                                 LLM_RESPONSES_CONTENT, "delta", &part->text,
                                 out);
        break;

    case LLM_BLOCK_THINKING:

        if (!w->part) {
            w->part = 1;

            llm_responses_item_event(x, x->form->summary
                                     ? "response.reasoning_summary_part.added"
                                     : "response.content_part.added",
                                     x->form->summary
                                     ? LLM_RESPONSES_SUMMARY
                                     : LLM_RESPONSES_CONTENT, out);

            if (!w->whole) {
                llm_buf_puts(out, x->form->summary
                                  ? ",\"part\":{\"type\":\"summary_text\","
                                    "\"text\":\"\"}"
                                  : ",\"part\":{\"type\":"
                                    "\"reasoning_text\",\"text\":\"\"}");
            }

            llm_responses_event_end(x, out);
        }

        llm_responses_text_event(x, x->form->summary
                                 ? "response.reasoning_summary_text.delta"
                                 : "response.reasoning_text.delta",
                                 x->form->summary ? LLM_RESPONSES_SUMMARY
                                                  : LLM_RESPONSES_CONTENT,
                                 "delta", &part->text, out);
        break;

    case LLM_BLOCK_TOOL_CALL:

        if (w->item == LLM_RESPONSES_CALL) {
            llm_responses_text_event(x,
                                "response.function_call_arguments.delta",
                                NULL, "delta", &part->text, out);
        }

        break;

    case LLM_BLOCK_IMAGE:
        break;

    default:
        return;
    }

    llm_buf_add(&w->text, part->text.data, part->text.len);
}


static void
llm_responses_part_state(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_responses_writer_t  *w;

    static const llm_str_t  redacted = llm_string("redacted");

    w = x->writer;

    if (w->item != LLM_RESPONSES_REASONING) {
        return;
    }

    w->state.kind = part->state.kind;

    if (llm_str_dup(x->arena, &w->state.id, part->state.id.data,
                    part->state.id.len) != LLM_OK
        || llm_str_dup(x->arena, &w->state.data, part->state.data.data,
                       part->state.data.len) != LLM_OK)
    {
        out->failed = 1;
        return;
    }

    /* what is redacted comes back as such; see llm_responses_read_item.c */

    if (part->state.kind == LLM_STATE_ANTHROPIC && w->redacted) {
        w->state.id = redacted;
    }
}


static void
llm_responses_part_note(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_buf_t                b;
    uint64_t                 from, to;
    llm_responses_writer_t  *w;

    w = x->writer;

    llm_responses_say(x, 0, out);

    from = part->from > w->base ? part->from - w->base : 0;
    to = part->to > w->base ? part->to - w->base : 0;

    llm_buf_init(&b, x->arena);

    llm_responses_print_string("{\"type\":\"url_citation\",\"url\":",
                               &part->id, &b);
    llm_responses_print_string(",\"title\":", &part->name, &b);
    llm_buf_puts(&b, ",\"start_index\":");
    llm_buf_int(&b, (int64_t) from);
    llm_buf_puts(&b, ",\"end_index\":");
    llm_buf_int(&b, (int64_t) to);
    llm_buf_puts(&b, "}");

    if (b.failed) {
        out->failed = 1;
        return;
    }

    llm_responses_item_event(x, "response.output_text.annotation.added",
                             LLM_RESPONSES_CONTENT, out);

    if (!w->whole) {
        llm_buf_puts(out, ",\"annotation_index\":");
        llm_buf_int(out, w->nnotes);
        llm_buf_puts(out, ",\"annotation\":");
        llm_buf_add(out, b.data, b.len);
    }

    llm_responses_event_end(x, out);

    llm_buf_puts(&w->notes, w->nnotes++ ? "," : "");
    llm_buf_add(&w->notes, b.data, b.len);
}


static void
llm_responses_part_stop(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_responses_writer_t  *w;

    w = x->writer;

    w->stop = part->stop;

    if (part->stop == LLM_STOP_REFUSAL && part->text.len && !w->refused) {
        llm_responses_say(x, 1, out);
        llm_responses_text_event(x, "response.refusal.delta",
                                 LLM_RESPONSES_CONTENT, "delta", &part->text,
                                 out);
        llm_buf_add(&w->text, part->text.data, part->text.len);
    }

    llm_responses_close(x, out);
}


static void
llm_responses_part_end(llm_translate_t *x, llm_buf_t *out)
{
    const char              *status;
    llm_responses_writer_t  *w;

    w = x->writer;

    /* words of a refusal are an answer, a filter without them is none */

    status = (w->stop == LLM_STOP_LENGTH || w->stop == LLM_STOP_FILTER
              || (w->stop == LLM_STOP_REFUSAL && !w->refused))
             ? "incomplete" : "completed";

    if (w->whole) {
        llm_responses_print_object(x, status, w->stop, NULL, NULL, out);
        return;
    }

    llm_responses_event(x, status[0] == 'c' ? "response.completed"
                                            : "response.incomplete", out);
    llm_buf_puts(out, ",\"response\":");
    llm_responses_print_object(x, status, w->stop, NULL, NULL, out);
    llm_responses_event_end(x, out);
}


/* told at the top, as it is documented, and nested, as it is sent */

static void
llm_responses_part_error(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_str_t                code, message;
    const char              *type;
    llm_part_t               start;
    llm_responses_writer_t  *w;

    w = x->writer;

    if (!w->begun) {
        memset(&start, 0, sizeof(llm_part_t));
        start.type = LLM_PART_START;
        llm_responses_part_start(x, &start, out);
    }

    code = part->name;
    message = part->text;
    type = llm_fault_type(part->fault);

    if (x->error == NULL || code.len == 0) {

        if (llm_fault_code(part->fault)) {
            code.data = (unsigned char *) llm_fault_code(part->fault);
            code.len = strlen(llm_fault_code(part->fault));
        }
    }

    if (message.len == 0 || part->fault == LLM_FAULT_AUTH) {
        message.data = (unsigned char *) "the provider failed";
        message.len = sizeof("the provider failed") - 1;
    }

    llm_responses_event(x, "error", out);
    llm_responses_print_string(",\"code\":", &code, out);
    llm_responses_print_string(",\"message\":", &message, out);
    llm_buf_puts(out, ",\"param\":null,\"error\":{\"type\":\"");
    llm_buf_puts(out, type);
    llm_responses_print_string("\",\"code\":", &code, out);
    llm_responses_print_string(",\"message\":", &message, out);
    llm_buf_puts(out, ",\"param\":null}");
    llm_responses_event_end(x, out);

    llm_responses_event(x, "response.failed", out);
    llm_buf_puts(out, ",\"response\":");
    llm_responses_print_object(x, "failed", 0, &code, &message, out);
    llm_responses_event_end(x, out);
}
