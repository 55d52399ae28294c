
/* an answer for a client of Anthropic's protocol, whole or as a stream */


#include "llm_messages.h"


static void llm_messages_print_head(llm_translate_t *x, const llm_str_t *id,
    llm_buf_t *out);
static void llm_messages_print_block(llm_translate_t *x,
    const llm_block_t *block, const llm_block_t *prev, llm_buf_t *out);
static void llm_messages_print_thinking(llm_translate_t *x,
    const llm_str_t *text, const llm_state_t *state, llm_buf_t *out);
static unsigned llm_messages_borrows(const llm_block_t *thought,
    const llm_block_t *call);
static void llm_messages_print_signature(llm_translate_t *x,
    const llm_state_t *state, llm_buf_t *out);
static void llm_messages_print_stop(llm_stop_e stop, const llm_str_t *text,
    llm_buf_t *out);
static void llm_messages_print_start(llm_translate_t *x,
    const llm_part_t *part, llm_buf_t *out);
static void llm_messages_print_open(llm_translate_t *x,
    const llm_part_t *part, llm_buf_t *out);
static void llm_messages_print_call(llm_translate_t *x, llm_buf_t *out);
static void llm_messages_print_delta(llm_translate_t *x,
    const llm_part_t *part, llm_buf_t *out);
static void llm_messages_print_state(llm_translate_t *x,
    const llm_part_t *part, llm_buf_t *out);
static void llm_messages_print_thought(llm_translate_t *x,
    const llm_state_t *state, llm_buf_t *out);
static void llm_messages_print_close(llm_translate_t *x,
    const llm_part_t *part, llm_buf_t *out);
static void llm_messages_print_late(llm_messages_printer_t *p,
    llm_buf_t *out);
static void llm_messages_print_index(const llm_messages_printer_t *p,
    const char *type, llm_buf_t *out);


static const char  *llm_messages_stops[LLM_STOP_N] = {
    "end_turn",                 /* NOT_TOLD */
    "end_turn",
    "max_tokens",               /* LENGTH */
    "stop_sequence",
    "tool_use",
    "refusal",                  /* FILTER */
    "refusal",
    "pause_turn"
};


void
llm_messages_print(llm_translate_t *x, const llm_message_t *m, llm_buf_t *out)
{
    const llm_block_t       *block, *prev;
    llm_messages_printer_t  *p;

    p = x->writer;

    if (llm_claude_counts(x->form)) {
        llm_buf_puts(out, "{\"input_tokens\":");
        llm_buf_int(out, llm_usage_input(&x->usage));
        llm_buf_puts(out, "}");
        return;
    }

    if (p->whole.len) {
        llm_buf_add(out, p->whole.data, p->whole.len);
        return;
    }

    llm_buf_puts(out, "{");
    llm_messages_print_head(x, &m->id, out);
    llm_buf_puts(out, ",\"content\":[");

    prev = NULL;

    for (block = m->blocks; block; block = block->next) {
        llm_messages_print_block(x, block, prev, out);
        prev = block;
    }

    llm_buf_puts(out, "],");
    llm_messages_print_stop(m->stop, &m->stop_text, out);
    llm_buf_puts(out, ",");
    llm_messages_print_usage(&x->usage, out);
    llm_buf_puts(out, "}");
}


/* the model is the one that was asked for: clients look it up */

static void
llm_messages_print_head(llm_translate_t *x, const llm_str_t *id,
    llm_buf_t *out)
{
    llm_str_t  own;

    if (id->len > 4 && memcmp(id->data, "msg_", 4) == 0) {
        own = *id;

    } else if (llm_id_make(x, "msg_", 0, &own) != LLM_OK) {
        out->failed = 1;
        return;
    }

    llm_buf_puts(out, "\"id\":");
    llm_buf_json(out, own.data, own.len);
    llm_buf_puts(out, ",\"type\":\"message\",\"role\":\"assistant\","
                      "\"model\":");
    llm_buf_json(out, x->conf->model.data, x->conf->model.len);
}


static void
llm_messages_print_block(llm_translate_t *x, const llm_block_t *block,
    const llm_block_t *prev, llm_buf_t *out)
{
    const llm_state_t       *state;
    llm_messages_printer_t  *p;

    static const llm_str_t  none = llm_string("");

    p = x->writer;
    state = &block->state;

    switch (block->kind) {

    case LLM_BLOCK_TEXT:
    case LLM_BLOCK_REFUSAL:

        if (block->text.len == 0) {
            return;
        }

        llm_buf_puts(out, p->next++ ? "," : "");
        llm_buf_puts(out, "{\"type\":\"text\",\"text\":");
        llm_buf_json(out, block->text.data, block->text.len);
        llm_buf_puts(out, "}");
        return;

    case LLM_BLOCK_THINKING:

        if (llm_messages_borrows(block, block->next)) {
            state = &block->next->state;
        }

        /* fall through */

    case LLM_BLOCK_REDACTED:
        llm_buf_puts(out, p->next++ ? "," : "");

        if (block->kind == LLM_BLOCK_REDACTED
            && state->kind == LLM_STATE_ANTHROPIC)
        {
            llm_buf_puts(out, "{\"type\":\"redacted_thinking\",\"data\":");
            llm_buf_json(out, state->data.data, state->data.len);
            llm_buf_puts(out, "}");
            return;
        }

        llm_messages_print_thinking(x, &block->text, state, out);
        return;

    case LLM_BLOCK_TOOL_CALL:

        if (state->kind != LLM_STATE_NONE
            && !(prev && llm_messages_borrows(prev, block)))
        {
            llm_buf_puts(out, p->next++ ? "," : "");
            llm_messages_print_thinking(x, &none, state, out);
        }

        llm_buf_puts(out, p->next++ ? "," : "");
        llm_buf_puts(out, "{\"type\":\"tool_use\",\"id\":");
        llm_buf_json(out, block->id.data, block->id.len);
        llm_buf_puts(out, ",\"name\":");
        llm_buf_json(out, block->name.data, block->name.len);
        llm_buf_puts(out, ",\"input\":");
        llm_form_print_raw(out, &block->json);
        llm_buf_puts(out, "}");
        return;

    default:
        /* the protocol has no place for what else a model makes */
        return;
    }
}


static void
llm_messages_print_thinking(llm_translate_t *x, const llm_str_t *text,
    const llm_state_t *state, llm_buf_t *out)
{
    llm_buf_puts(out, "{\"type\":\"thinking\",\"thinking\":");
    llm_buf_json(out, text->data, x->form->thoughts == 0 ? 0 : text->len);
    llm_buf_puts(out, ",\"signature\":");
    llm_messages_print_signature(x, state, out);
    llm_buf_puts(out, "}");
}


/*
 * State that a provider ties to a tool call goes with the thinking before it,
 * where there is some that has none of its own.
 */

static unsigned
llm_messages_borrows(const llm_block_t *thought, const llm_block_t *call)
{
    return thought->kind == LLM_BLOCK_THINKING
           && thought->state.kind == LLM_STATE_NONE
           && call != NULL
           && call->kind == LLM_BLOCK_TOOL_CALL
           && call->state.kind != LLM_STATE_NONE;
}


static void
llm_messages_print_signature(llm_translate_t *x, const llm_state_t *state,
    llm_buf_t *out)
{
    llm_str_t  text;

    text.len = 0;
    text.data = NULL;

    if (state->kind == LLM_STATE_ANTHROPIC) {
        text = state->data;

    } else if (state->kind != LLM_STATE_NONE
               && llm_state_print(x->arena, state, &text) != LLM_OK)
    {
        out->failed = 1;
        return;
    }

    llm_buf_json(out, text.data, text.len);
}


static void
llm_messages_print_stop(llm_stop_e stop, const llm_str_t *text,
    llm_buf_t *out)
{
    llm_buf_puts(out, "\"stop_reason\":\"");
    llm_buf_puts(out, llm_messages_stops[stop]);
    llm_buf_puts(out, "\",\"stop_sequence\":");

    if (stop == LLM_STOP_SEQUENCE && text->len) {
        llm_buf_json(out, text->data, text->len);

    } else {
        llm_buf_puts(out, "null");
    }
}


void
llm_messages_print_usage(const llm_usage_t *u, llm_buf_t *out)
{
    int64_t  written, hour;

    hour = u->units[LLM_USAGE_CACHE_WRITE_1H];
    written = u->units[LLM_USAGE_CACHE_WRITE_5M] + hour;

    llm_buf_puts(out, "\"usage\":{\"input_tokens\":");
    llm_buf_int(out, llm_usage_input(u) - written
                     - u->units[LLM_USAGE_CACHE_READ]);
    llm_buf_puts(out, ",\"cache_creation_input_tokens\":");
    llm_buf_int(out, written);
    llm_buf_puts(out, ",\"cache_read_input_tokens\":");
    llm_buf_int(out, u->units[LLM_USAGE_CACHE_READ]);

    if (written) {
        llm_buf_puts(out, ",\"cache_creation\":"
                          "{\"ephemeral_5m_input_tokens\":");
        llm_buf_int(out, written - hour);
        llm_buf_puts(out, ",\"ephemeral_1h_input_tokens\":");
        llm_buf_int(out, hour);
        llm_buf_puts(out, "}");
    }

    llm_buf_puts(out, ",\"output_tokens\":");
    llm_buf_int(out, llm_usage_output(u));

    if (u->units[LLM_USAGE_SEARCHES]) {
        llm_buf_puts(out, ",\"server_tool_use\":{\"web_search_requests\":");
        llm_buf_int(out, u->units[LLM_USAGE_SEARCHES]);
        llm_buf_puts(out, "}");
    }

    llm_buf_puts(out, "}");
}


void
llm_messages_print_part(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_messages_printer_t  *p;

    p = x->writer;

    switch (part->type) {

    case LLM_PART_START:
        llm_messages_print_start(x, part, out);
        break;

    case LLM_PART_OPEN:
        llm_messages_print_open(x, part, out);
        break;

    case LLM_PART_DELTA:
        llm_messages_print_call(x, out);
        llm_messages_print_delta(x, part, out);
        break;

    case LLM_PART_STATE:
        llm_messages_print_state(x, part, out);
        break;

    case LLM_PART_NOTE:
        break;

    case LLM_PART_CLOSE:
        llm_messages_print_call(x, out);
        llm_messages_print_close(x, part, out);
        break;

    case LLM_PART_STOP:
        llm_messages_print_late(p, out);
        llm_buf_puts(out, "event: message_delta\ndata: "
                          "{\"type\":\"message_delta\",\"delta\":{");
        llm_messages_print_stop(part->stop, &part->text, out);
        llm_buf_puts(out, "},");
        llm_messages_print_usage(&x->usage, out);
        llm_buf_puts(out, "}\n\n");
        break;

    case LLM_PART_ERROR:
        llm_translate_print_error(x, out);
        break;

    case LLM_PART_END:
        llm_buf_puts(out, "event: message_stop\ndata: "
                          "{\"type\":\"message_stop\"}\n\n");
        break;

    case LLM_PART_PING:
        llm_buf_puts(out, "event: ping\ndata: {\"type\":\"ping\"}\n\n");
        break;
    }
}


static void
llm_messages_print_start(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_buf_puts(out, "event: message_start\ndata: "
                      "{\"type\":\"message_start\",\"message\":{");
    llm_messages_print_head(x, &part->id, out);
    llm_buf_puts(out, ",\"content\":[],\"stop_reason\":null,"
                      "\"stop_sequence\":null,");
    llm_messages_print_usage(&x->usage, out);
    llm_buf_puts(out, "}}\n\n"
                      "event: ping\ndata: {\"type\":\"ping\"}\n\n");
}


/* a tool call waits: state that comes with it has its place before it */

static void
llm_messages_print_open(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_messages_printer_t  *p;

    p = x->writer;

    if (part->block == LLM_BLOCK_TOOL_CALL) {

        if (llm_str_dup(x->arena, &p->id, part->id.data, part->id.len)
                != LLM_OK
            || llm_str_dup(x->arena, &p->name, part->name.data,
                           part->name.len)
               != LLM_OK)
        {
            out->failed = 1;
            return;
        }

        p->held = 1;

        if (part->state.kind != LLM_STATE_NONE) {
            llm_messages_print_thought(x, &part->state, out);
        }

        return;
    }

    llm_messages_print_late(p, out);

    switch (part->block) {

    case LLM_BLOCK_TEXT:
    case LLM_BLOCK_REFUSAL:
        llm_messages_print_index(p, "content_block_start", out);
        llm_buf_puts(out, ",\"content_block\":{\"type\":\"text\","
                          "\"text\":\"\"}}\n\n");
        break;

    case LLM_BLOCK_THINKING:
        llm_messages_print_index(p, "content_block_start", out);
        llm_buf_puts(out, ",\"content_block\":{\"type\":\"thinking\","
                          "\"thinking\":\"\",\"signature\":\"\"}}\n\n");
        p->late = 1;
        return;

    default:
        /* redacted: it is its state; others have no place here */
        return;
    }

    p->open = 1;
}


static void
llm_messages_print_call(llm_translate_t *x, llm_buf_t *out)
{
    llm_messages_printer_t  *p;

    p = x->writer;

    if (!p->held) {
        return;
    }

    p->held = 0;
    p->open = 1;

    llm_messages_print_late(p, out);

    llm_messages_print_index(p, "content_block_start", out);
    llm_buf_puts(out, ",\"content_block\":{\"type\":\"tool_use\",\"id\":");
    llm_buf_json(out, p->id.data, p->id.len);
    llm_buf_puts(out, ",\"name\":");
    llm_buf_json(out, p->name.data, p->name.len);
    llm_buf_puts(out, ",\"input\":{}}}\n\n");
}


static void
llm_messages_print_delta(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    const char              *delta;
    llm_messages_printer_t  *p;

    p = x->writer;

    switch (part->block) {

    case LLM_BLOCK_TEXT:
    case LLM_BLOCK_REFUSAL:
        delta = "text_delta\",\"text\":";
        break;

    case LLM_BLOCK_THINKING:

        if (x->form->thoughts == 0) {
            return;
        }

        delta = "thinking_delta\",\"thinking\":";
        break;

    case LLM_BLOCK_TOOL_CALL:
        delta = "input_json_delta\",\"partial_json\":";
        break;

    default:
        return;
    }

    llm_messages_print_index(p, "content_block_delta", out);
    llm_buf_puts(out, ",\"delta\":{\"type\":\"");
    llm_buf_puts(out, delta);
    llm_buf_json(out, part->text.data, part->text.len);
    llm_buf_puts(out, "}}\n\n");
}


static void
llm_messages_print_state(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_messages_printer_t  *p;

    p = x->writer;

    if (p->held) {
        llm_messages_print_thought(x, &part->state, out);
        llm_messages_print_call(x, out);
        return;
    }

    if (x->block == LLM_BLOCK_REDACTED
        && part->state.kind == LLM_STATE_ANTHROPIC)
    {
        llm_messages_print_index(p, "content_block_start", out);
        llm_buf_puts(out, ",\"content_block\":{\"type\":"
                          "\"redacted_thinking\",\"data\":");
        llm_buf_json(out, part->state.data.data, part->state.data.len);
        llm_buf_puts(out, "}}\n\n");
        p->open = 1;
        return;
    }

    if (x->block == LLM_BLOCK_REDACTED || x->block == LLM_BLOCK_THINKING) {
        llm_messages_print_thought(x, &part->state, out);
        p->late = 0;
        p->open = 1;
    }
}


/* the signature of the thinking that is open, or of one made for it */

static void
llm_messages_print_thought(llm_translate_t *x, const llm_state_t *state,
    llm_buf_t *out)
{
    llm_messages_printer_t  *p;

    p = x->writer;

    if (!p->late) {
        llm_messages_print_index(p, "content_block_start", out);
        llm_buf_puts(out, ",\"content_block\":{\"type\":\"thinking\","
                          "\"thinking\":\"\",\"signature\":\"\"}}\n\n");
        p->late = 1;
    }

    llm_messages_print_index(p, "content_block_delta", out);
    llm_buf_puts(out, ",\"delta\":{\"type\":\"signature_delta\","
                      "\"signature\":");
    llm_messages_print_signature(x, state, out);
    llm_buf_puts(out, "}}\n\n");
}


static void
llm_messages_print_close(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_messages_printer_t  *p;

    p = x->writer;

    /* thinking without a signature waits for one of the call behind it */

    if (!p->open) {
        return;
    }

    p->open = 0;

    llm_messages_print_index(p, "content_block_stop", out);
    llm_buf_puts(out, "}\n\n");

    p->next++;
}


/* closes the thinking that waited */

static void
llm_messages_print_late(llm_messages_printer_t *p, llm_buf_t *out)
{
    if (!p->late) {
        return;
    }

    p->late = 0;

    llm_messages_print_index(p, "content_block_stop", out);
    llm_buf_puts(out, "}\n\n");

    p->next++;
}


static void
llm_messages_print_index(const llm_messages_printer_t *p, const char *type,
    llm_buf_t *out)
{
    llm_buf_puts(out, "event: ");
    llm_buf_puts(out, type);
    llm_buf_puts(out, "\ndata: {\"type\":\"");
    llm_buf_puts(out, type);
    llm_buf_puts(out, "\",\"index\":");
    llm_buf_int(out, p->next);
}
