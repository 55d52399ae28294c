
/*
 * The parts of an answer on their way from the upstream's reader to the
 * client's writer: what holds whatever the two are.
 */


#include "llm_dialect.h"


static void llm_translate_part_start(llm_translate_t *x,
    const llm_part_t *part);
static void llm_translate_part_open(llm_translate_t *x,
    const llm_part_t *part);
static void llm_translate_part_delta(llm_translate_t *x,
    const llm_part_t *part);
static void llm_translate_join(llm_translate_t *x, uint32_t half);
static void llm_translate_flush(llm_translate_t *x);
static void llm_translate_tell_text(llm_translate_t *x,
    const unsigned char *data, size_t len);
static void llm_translate_part_note(llm_translate_t *x,
    const llm_part_t *part);
static void llm_translate_part_stop(llm_translate_t *x,
    const llm_part_t *part);
static void llm_translate_begin(llm_translate_t *x);
static void llm_translate_tell(llm_translate_t *x, const llm_part_t *part);
static llm_stop_e llm_translate_stop_of(const llm_translate_t *x);
static unsigned llm_translate_blank(const llm_str_t *text);


void
llm_translate_part(llm_translate_t *x, const llm_part_t *part)
{
    if (x->ended || x->failed) {
        return;
    }

    switch (part->type) {

    case LLM_PART_START:
        llm_translate_part_start(x, part);
        break;

    case LLM_PART_OPEN:
        llm_translate_part_open(x, part);
        break;

    case LLM_PART_DELTA:
        llm_translate_part_delta(x, part);
        break;

    case LLM_PART_STATE:

        if (x->open && part->state.kind != LLM_STATE_NONE) {
            llm_translate_tell(x, part);
        }

        break;

    case LLM_PART_NOTE:
        llm_translate_part_note(x, part);
        break;

    case LLM_PART_CLOSE:
        llm_translate_close(x);
        break;

    case LLM_PART_STOP:
        llm_translate_part_stop(x, part);
        break;

    case LLM_PART_ERROR:
        x->failed = 1;
        x->fault.fault = part->fault ? part->fault : LLM_FAULT_SERVER;
        x->fault.retry_after = -1;
        llm_translate_dup(x, &x->fault.code, &part->name);
        llm_translate_dup(x, &x->fault.message, &part->text);
        break;

    case LLM_PART_END:
        llm_translate_done(x);
        break;

    case LLM_PART_PING:

        if (x->begun) {
            llm_translate_tell(x, part);
        }
    }
}


/* the first one counts; it waits until something is to be said */

static void
llm_translate_part_start(llm_translate_t *x, const llm_part_t *part)
{
    if (x->started) {
        return;
    }

    x->started = 1;
    x->start.type = LLM_PART_START;

    llm_translate_dup(x, &x->start.id, &part->id);
    llm_translate_dup(x, &x->start.name, &part->name);
}


static void
llm_translate_begin(llm_translate_t *x)
{
    if (x->begun) {
        return;
    }

    x->begun = 1;
    x->start.type = LLM_PART_START;

    if (x->message) {
        x->message->id = x->start.id;
        x->message->model = x->start.name;
        return;
    }

    llm_translate_tell(x, &x->start);
}


static void
llm_translate_part_open(llm_translate_t *x, const llm_part_t *part)
{
    llm_part_t  p;

    llm_translate_close(x);
    llm_translate_begin(x);

    p = *part;
    p.index = x->nblocks++;

    if (p.block == LLM_BLOCK_TOOL_CALL) {
        x->tools = 1;

        llm_name_restore(x, &part->name, &p.name);

        if (p.id.len == 0
            && llm_id_make(x, "call_", p.index, &p.id) != LLM_OK)
        {
            x->nomem = 1;
            return;
        }
    }

    x->open = 1;
    x->block = p.block;
    x->fragment = 0;
    x->from = x->points;

    llm_translate_tell(x, &p);
}


/* halves of surrogate pairs, which providers split between two events */

static void
llm_translate_part_delta(llm_translate_t *x, const llm_part_t *part)
{
    size_t                n;
    uint32_t              half;
    const unsigned char  *p, *end;

    if (!x->open || part->text.len == 0) {
        return;
    }

    /* arguments of nothing but white space are none */

    if (!x->fragment && x->block == LLM_BLOCK_TOOL_CALL
        && llm_translate_blank(&part->text))
    {
        return;
    }

    x->fragment = 1;

    p = part->text.data;
    end = p + part->text.len;

    while (p < end) {
        n = llm_form_half(p, end, &half);

        if (n) {
            llm_translate_flush(x);
            llm_translate_tell_text(x, p, n);
            p += n;
        }

        if (p < end) {
            llm_translate_join(x, half);
            p += LLM_FORM_HALF;
        }
    }
}


/* the first half of a pair waits for the other one */

static void
llm_translate_join(llm_translate_t *x, uint32_t half)
{
    uint32_t       code;
    unsigned char  c[4], *end;

    if (half < 0xdc00) {
        llm_translate_flush(x);
        x->half = half;
        return;
    }

    if (x->half == 0) {
        llm_translate_tell_text(x, (const unsigned char *) "\xef\xbf\xbd", 3);
        return;
    }

    code = 0x10000 + ((x->half - 0xd800) << 10) + (half - 0xdc00);
    x->half = 0;

    end = llm_utf8_print(c, code);

    llm_translate_tell_text(x, c, (size_t) (end - c));
}


/* the other half did not come */

static void
llm_translate_flush(llm_translate_t *x)
{
    if (x->half) {
        x->half = 0;
        llm_translate_tell_text(x, (const unsigned char *) "\xef\xbf\xbd", 3);
    }
}


static void
llm_translate_tell_text(llm_translate_t *x, const unsigned char *data,
    size_t len)
{
    llm_part_t  part;

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_DELTA;
    part.block = x->block;
    part.index = x->nblocks - 1;
    part.text.data = (unsigned char *) data;
    part.text.len = len;

    if (x->block == LLM_BLOCK_TEXT) {
        x->points += llm_form_points(&part.text);
    }

    llm_translate_tell(x, &part);
}


static void
llm_translate_part_note(llm_translate_t *x, const llm_part_t *part)
{
    llm_part_t  p;

    if (!x->open || x->block != LLM_BLOCK_TEXT) {
        return;
    }

    p = *part;
    p.block = x->block;
    p.index = x->nblocks - 1;

    if (!p.exact) {
        p.from = x->from;
        p.to = x->points;
    }

    llm_translate_tell(x, &p);
}


static void
llm_translate_part_stop(llm_translate_t *x, const llm_part_t *part)
{
    x->stopped = 1;
    x->stop.type = LLM_PART_STOP;
    x->stop.stop = part->stop;

    if (part->text.len) {
        llm_translate_dup(x, &x->stop.text, &part->text);
    }
}


void
llm_translate_start(llm_translate_t *x, const llm_str_t *id,
    const llm_str_t *model)
{
    llm_part_t  part;

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_START;

    if (id) {
        part.id = *id;
    }

    if (model) {
        part.name = *model;
    }

    llm_translate_part(x, &part);
}


void
llm_translate_open(llm_translate_t *x, llm_block_e kind, const llm_str_t *id,
    const llm_str_t *name)
{
    llm_part_t  part;

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_OPEN;
    part.block = kind;

    if (id) {
        part.id = *id;
    }

    if (name) {
        part.name = *name;
    }

    llm_translate_part(x, &part);
}


void
llm_translate_delta(llm_translate_t *x, const llm_str_t *text)
{
    llm_part_t  part;

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_DELTA;
    part.text = *text;

    llm_translate_part(x, &part);
}


void
llm_translate_close(llm_translate_t *x)
{
    llm_part_t  part;

    if (!x->open || x->ended || x->failed) {
        return;
    }

    llm_translate_flush(x);

    if (x->block == LLM_BLOCK_TOOL_CALL && !x->fragment) {
        llm_translate_tell_text(x, (const unsigned char *) "{}", 2);
    }

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_CLOSE;
    part.block = x->block;
    part.index = x->nblocks - 1;

    llm_translate_tell(x, &part);

    x->open = 0;
}


void
llm_translate_stop(llm_translate_t *x, llm_stop_e stop, const llm_str_t *text)
{
    llm_part_t  part;

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_STOP;
    part.stop = stop;

    if (text) {
        part.text = *text;
    }

    llm_translate_part(x, &part);
}


void
llm_translate_error(llm_translate_t *x, llm_fault_e fault,
    const llm_str_t *code, const llm_str_t *message)
{
    llm_part_t  part;

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_ERROR;
    part.fault = fault;

    if (code) {
        part.name = *code;
    }

    if (message) {
        part.text = *message;
    }

    llm_translate_part(x, &part);
}


void
llm_translate_done(llm_translate_t *x)
{
    llm_part_t  part;

    if (x->ended || x->failed) {
        return;
    }

    llm_translate_close(x);
    llm_translate_begin(x);

    x->stop.type = LLM_PART_STOP;
    x->stop.stop = llm_translate_stop_of(x);

    x->ended = 1;

    if (x->message) {
        x->message->stop = x->stop.stop;
        x->message->stop_text = x->stop.text;
        return;
    }

    llm_translate_tell(x, &x->stop);

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_END;

    llm_translate_tell(x, &part);
}


/* some servers say "stop" behind tool calls, and Gemini always does */

static llm_stop_e
llm_translate_stop_of(const llm_translate_t *x)
{
    switch (x->stop.stop) {

    case LLM_STOP_LENGTH:
    case LLM_STOP_FILTER:
    case LLM_STOP_REFUSAL:
        return x->stop.stop;

    case LLM_STOP_NOT_TOLD:
    case LLM_STOP_TOOL:
        return x->tools ? LLM_STOP_TOOL : LLM_STOP_END;

    default:
        return x->tools ? LLM_STOP_TOOL : x->stop.stop;
    }
}


/* to the client's stream, or into the message that is to be printed */

static void
llm_translate_tell(llm_translate_t *x, const llm_part_t *part)
{
    if (x->message == NULL) {
        x->client->write_part(x, part, x->out);
        return;
    }

    llm_translate_keep(x, part);
}


static unsigned
llm_translate_blank(const llm_str_t *text)
{
    size_t  i;

    for (i = 0; i < text->len; i++) {

        if (text->data[i] != ' ' && text->data[i] != '\n'
            && text->data[i] != '\r' && text->data[i] != '\t')
        {
            return 0;
        }
    }

    return 1;
}
