
#include "llm_answer.h"
#include "llm_protocol.h"


#define LLM_DONE_MARK  "[DONE]"


static int llm_answer_sse(llm_answer_t *a, const unsigned char *data,
    size_t len, size_t *used);
static int llm_answer_array(llm_answer_t *a, const unsigned char *data,
    size_t len, size_t *used);
static int llm_answer_json(llm_answer_t *a, const unsigned char *data,
    size_t len);
static void llm_answer_begin(llm_answer_t *a);
static void llm_answer_data(llm_answer_t *a, const llm_str_t *piece,
    size_t pos);
static void llm_answer_scan(llm_answer_t *a, const unsigned char *data,
    size_t len);
static int llm_answer_over(llm_answer_t *a, unsigned lines, unsigned bare);
static void llm_answer_take_ids(llm_answer_t *a);
static int llm_answer_break(llm_answer_t *a, int rc);


static const llm_protocol_t  *llm_protocols[] = {
    &llm_protocol_openai,
    &llm_protocol_anthropic,
    &llm_protocol_gemini,
    &llm_protocol_bedrock
};


llm_answer_t *
llm_answer_create(llm_arena_t *arena, const llm_op_t *op, llm_answer_e kind)
{
    unsigned       i, n;
    llm_answer_t  *a;

    a = llm_alloc(arena, sizeof(llm_answer_t));
    if (a == NULL) {
        return NULL;
    }

    memset(a, 0, offsetof(llm_answer_t, frame));

    a->model.len = 0;
    a->tier.len = 0;
    a->status.len = 0;

    a->arena = arena;
    a->op = op;
    a->kind = kind;
    a->sequence = -1;
    a->milli = -1;
    a->usage_total = -1;

    llm_buf_init(&a->usage, arena);
    llm_buf_init(&a->spare, arena);
    llm_buf_init(&a->payload, arena);
    llm_buf_init(&a->decoded, arena);

    n = sizeof(llm_protocols) / sizeof(llm_protocols[0]);

    for (i = 0; i < n; i++) {
        if (llm_protocols[i]->protocol == op->protocol) {
            a->reader = llm_protocols[i]->reader(op, kind);
            break;
        }
    }

    if (a->reader == NULL) {
        a->kind = LLM_ANSWER_OPAQUE;
    }

    if (a->kind == LLM_ANSWER_OPAQUE) {
        return a;
    }

    a->scan = llm_scan_open(arena, a->reader->picks, 0);
    if (a->scan == NULL) {
        return NULL;
    }

    if (a->kind == LLM_ANSWER_SSE) {
        llm_sse_init(&a->frame.sse);

    } else if (a->kind == LLM_ANSWER_ARRAY) {
        llm_array_init(&a->frame.array);

    } else if (a->kind == LLM_ANSWER_EVENTSTREAM) {
        llm_eventstream_init(&a->frame.aws);
    }

    return a;
}


int
llm_answer_feed(llm_answer_t *a, const unsigned char *data, size_t len,
    size_t *used)
{
    switch (a->kind) {

    case LLM_ANSWER_SSE:
        return llm_answer_sse(a, data, len, used);

    case LLM_ANSWER_ARRAY:
        return llm_answer_array(a, data, len, used);

    case LLM_ANSWER_EVENTSTREAM:
        return llm_answer_aws_feed(a, data, len, used);

    case LLM_ANSWER_JSON:
        *used = len;
        return llm_answer_json(a, data, len);

    default: /* LLM_ANSWER_OPAQUE */
        *used = len;

        if (len) {
            a->seen |= LLM_EVENT_CONTENT;
        }

        return LLM_AGAIN;
    }
}


static int
llm_answer_sse(llm_answer_t *a, const unsigned char *data, size_t len,
    size_t *used)
{
    int                   rc;
    size_t                n;
    llm_str_t             piece;
    const unsigned char  *p;

    p = data;

    for ( ;; ) {
        rc = llm_sse_next(&a->frame.sse, p, data + len - p, &n, &piece);

        if (rc == LLM_SSE_DATA) {
            /* of the LF that joins lines the place is of no use */
            llm_answer_data(a, &piece, a->pos + (size_t) (p - data) + n
                                       - piece.len);
            p += n;
            continue;
        }

        p += n;
        *used = p - data;

        if (rc == LLM_SSE_EVENT) {
            a->pos = 0;
            a->name = llm_sse_name(&a->frame.sse);

            return llm_answer_over(a, a->frame.sse.lines, a->frame.sse.bare);
        }

        a->pos += *used;

        return LLM_AGAIN;
    }
}


static int
llm_answer_array(llm_answer_t *a, const unsigned char *data, size_t len,
    size_t *used)
{
    int                   rc;
    size_t                n;
    llm_str_t             piece;
    const unsigned char  *p;

    if (a->lost) {
        *used = len;
        return LLM_AGAIN;
    }

    p = data;

    for ( ;; ) {
        rc = llm_array_next(&a->frame.array, p, data + len - p, &n, &piece);

        if (rc == LLM_SSE_DATA) {
            llm_answer_data(a, &piece, a->pos + (size_t) (p - data) + n
                                       - piece.len);
            p += n;
            continue;
        }

        p += n;
        *used = p - data;

        if (rc == LLM_SSE_EVENT) {
            a->pos = 0;
            return llm_answer_over(a, 1, 0);
        }

        a->pos += *used;

        if (rc == LLM_AGAIN) {
            return LLM_AGAIN;
        }

        /* the frame is lost: no event ends any more */

        *used = len;
        a->lost = 1;

        return llm_answer_break(a, LLM_INVALID);
    }
}


static int
llm_answer_json(llm_answer_t *a, const unsigned char *data, size_t len)
{
    if (a->broken) {
        return LLM_AGAIN;
    }

    a->rc = llm_scan_feed(a->scan, data, len);

    return a->rc == LLM_OK ? LLM_AGAIN : llm_answer_break(a, a->rc);
}


/* the first byte of an event's data came */

static void
llm_answer_begin(llm_answer_t *a)
{
    a->begun = 1;
    a->scanning = 0;
    a->mark = 0;
    a->nids = 0;
    a->rc = LLM_OK;
}


/* pos is the place of the piece in its event */

static void
llm_answer_data(llm_answer_t *a, const llm_str_t *piece, size_t pos)
{
    size_t          i;
    unsigned char   ch;

    if (!a->begun) {
        llm_answer_begin(a);
    }

    i = 0;

    /* until the first bytes show that they are no end mark */

    while (!a->scanning && i < piece->len) {
        ch = piece->data[i];

        if (a->mark == sizeof(LLM_DONE_MARK) - 1 || a->mark == 0) {

            if (ch == ' ' || ch == '\t' || ch == '\n') {
                i++;
                continue;
            }
        }

        if (a->mark < sizeof(LLM_DONE_MARK) - 1
            && ch == LLM_DONE_MARK[a->mark])
        {
            a->mark++;
            i++;
            continue;
        }

        a->scanning = 1;
        llm_scan_reset(a->scan);
        llm_answer_scan(a, (const unsigned char *) LLM_DONE_MARK, a->mark);

        /* the mark's bytes stand before this one, in the same line or not */
        a->base = pos + i - a->mark;
    }

    if (i < piece->len) {
        llm_answer_scan(a, piece->data + i, piece->len - i);
    }
}


static void
llm_answer_scan(llm_answer_t *a, const unsigned char *data, size_t len)
{
    if (a->rc == LLM_OK) {
        a->rc = llm_scan_feed(a->scan, data, len);
    }
}


/* an event ended that has so many lines of data */

static int
llm_answer_over(llm_answer_t *a, unsigned lines, unsigned bare)
{
    unsigned  bits, named;

    named = a->begun && llm_str_is(&a->name, "error");
    bits = 0;

    if (!a->begun || (!a->scanning && a->mark == 0)) {
        bits = LLM_EVENT_COMMENT;
        a->nids = 0;

    } else if (!a->scanning) {

        if (a->mark == sizeof(LLM_DONE_MARK) - 1) {
            bits = LLM_EVENT_DONE;

        } else {
            a->rc = LLM_INVALID;
        }

    } else {

        if (a->rc == LLM_OK) {
            a->rc = llm_scan_end(a->scan);
        }

        if (a->rc == LLM_OK) {
            a->read = 0;
            bits = a->reader->absorb(a);

            if (lines == 1 && !bare) {
                llm_answer_take_ids(a);
            }
        }
    }

    a->begun = 0;

    if (bare) {
        /* clients of the format do not see it: only an error is news */
        bits = (bits & LLM_EVENT_ERROR) ? LLM_EVENT_ERROR : LLM_EVENT_COMMENT;

    } else if (named) {
        bits = (bits & LLM_EVENT_DONE) | LLM_EVENT_ERROR;
        a->rc = LLM_OK;
    }

    a->event = bits;
    a->seen |= bits;

    if (a->rc == LLM_OK) {
        return LLM_OK;
    }

    return a->broken ? LLM_OK : llm_answer_break(a, a->rc);
}


/* the ids of the text just scanned, which stands at a->base in one piece */

static void
llm_answer_take_ids(llm_answer_t *a)
{
    unsigned            i, n;
    llm_answer_id_t     id;
    const llm_found_t  *f;

    a->nids = 0;

    if (!(a->op->flags & (LLM_OP_MAKES_ID|LLM_OP_BY_ID))) {
        return;
    }

    for (i = 0; i < a->reader->nids; i++) {
        f = llm_answer_found(a, a->reader->ids[i]);

        if (f->type != LLM_JSON_STRING || f->raw.len < 3
            || memchr(f->raw.data, '\\', f->raw.len) != NULL)
        {
            continue;
        }

        id.offset = a->base + f->end - 1;
        id.id.data = f->raw.data + 1;
        id.id.len = f->raw.len - 2;

        for (n = a->nids++; n > 0 && a->ids[n - 1].offset > id.offset; n--) {
            a->ids[n] = a->ids[n - 1];
        }

        a->ids[n] = id;
    }
}


static int
llm_answer_break(llm_answer_t *a, int rc)
{
    a->broken = 1;

    return rc;
}


int
llm_answer_end(llm_answer_t *a)
{
    switch (a->kind) {

    case LLM_ANSWER_SSE:

        if (a->begun) {
            a->name = llm_sse_name(&a->frame.sse);
            (void) llm_answer_over(a, a->frame.sse.lines, a->frame.sse.bare);
        }

        if (a->broken) {
            return LLM_INVALID;
        }

        return ((a->seen & LLM_EVENT_DONE)
                || (a->finished && !(a->seen & LLM_EVENT_ERROR)))
               ? LLM_OK : LLM_INVALID;

    case LLM_ANSWER_ARRAY:

        if (a->broken || (a->seen & LLM_EVENT_ERROR)) {
            return LLM_INVALID;
        }

        return (a->finished && llm_array_complete(&a->frame.array))
               ? LLM_OK : LLM_INVALID;

    case LLM_ANSWER_EVENTSTREAM:
        return llm_answer_aws_end(a);

    case LLM_ANSWER_JSON:

        if (a->broken) {
            return LLM_INVALID;
        }

        a->rc = llm_scan_end(a->scan);

        if (a->rc != LLM_OK) {
            (void) llm_answer_break(a, a->rc);
            return LLM_INVALID;
        }

        a->base = 0;
        a->read = 0;
        a->event = a->reader->absorb(a);
        a->seen = a->event;
        llm_answer_take_ids(a);

        if (a->event & LLM_EVENT_ERROR) {
            return LLM_INVALID;
        }

        /* some model servers rank in an array: all else is an object */

        return (llm_scan_type(a->scan) == LLM_JSON_OBJECT
                || a->op->op == LLM_OP_RERANK)
               ? LLM_OK : LLM_INVALID;

    default: /* LLM_ANSWER_OPAQUE */
        return a->seen ? LLM_OK : LLM_INVALID;
    }
}


int
llm_answer_complete(const llm_answer_t *a)
{
    return a->kind == LLM_ANSWER_JSON && llm_scan_complete(a->scan);
}


unsigned
llm_answer_begun(const llm_answer_t *a)
{
    return a->kind == LLM_ANSWER_EVENTSTREAM
           || (a->begun && a->scanning && a->rc == LLM_OK);
}


unsigned
llm_answer_event(const llm_answer_t *a)
{
    return a->event;
}


unsigned
llm_answer_seen(const llm_answer_t *a)
{
    return a->seen;
}


const llm_answer_id_t *
llm_answer_ids(const llm_answer_t *a, unsigned *n)
{
    *n = a->nids;

    return a->ids;
}


int
llm_answer_usage(llm_answer_t *a, llm_usage_t *usage, llm_str_t *raw)
{
    if (!a->read) {
        memset(&a->units, 0, sizeof(llm_usage_t));

        if (a->reader) {
            a->reader->usage(a, &a->units);
        }

        a->read = 1;
    }

    *usage = a->units;

    raw->data = a->usage.data;
    raw->len = (a->usage.len <= LLM_ANSWER_MAX_RAW) ? a->usage.len : 0;

    return a->units.known ? LLM_OK : LLM_DECLINED;
}


unsigned
llm_answer_told(const llm_answer_t *a)
{
    return a->usage_told;
}


uint64_t
llm_answer_text(const llm_answer_t *a)
{
    return a->text;
}


int64_t
llm_answer_items(const llm_answer_t *a)
{
    return a->items;
}


int64_t
llm_answer_sequence(const llm_answer_t *a)
{
    return a->sequence;
}


static llm_str_t
llm_word_str(const llm_word_t *w)
{
    llm_str_t  s;

    s.data = (unsigned char *) w->data;
    s.len = w->len;

    return s;
}


llm_str_t
llm_answer_model(const llm_answer_t *a)
{
    return llm_word_str(&a->model);
}


llm_str_t
llm_answer_tier(const llm_answer_t *a)
{
    return llm_word_str(&a->tier);
}


llm_str_t
llm_answer_status(const llm_answer_t *a)
{
    return llm_word_str(&a->status);
}


llm_str_t
llm_answer_error(const llm_answer_t *a)
{
    llm_str_t  s;

    s.data = (unsigned char *) a->error;
    s.len = a->error_len;

    return s;
}
