
/*
 * Answers as AWS event streams.  A message counts only when its checksum is
 * right, so that its payload is kept until then; the memory is used again for
 * the next one.
 */


#include "llm_base64.h"
#include "llm_protocol.h"


static int llm_answer_aws_message(llm_answer_t *a);
static int llm_answer_aws_event(llm_answer_t *a, const llm_str_t *text);
static void llm_answer_aws_exception(llm_answer_t *a, const llm_str_t *text);
static int llm_answer_aws_broken(llm_answer_t *a, int rc);


/* of a chunk, or of an exception */

enum {
    PAYLOAD_BYTES = 0,
    PAYLOAD_MESSAGE,
    PAYLOAD_N
};

static const llm_pick_t  llm_answer_aws_picks[PAYLOAD_N] = {
    { "bytes",   LLM_PICK_ROOT, LLM_PICK_RAW, LLM_EVENTSTREAM_MAX_PAYLOAD },
    { "message", LLM_PICK_ROOT, LLM_PICK_RAW, 4096 }
};

static llm_picks_t  llm_answer_aws_set = llm_picks(llm_answer_aws_picks);


int
llm_answer_aws_feed(llm_answer_t *a, const unsigned char *data, size_t len,
    size_t *used)
{
    int                   rc;
    size_t                n;
    llm_str_t             piece;
    const unsigned char  *p;

    *used = len;

    if (a->lost) {
        return LLM_AGAIN;
    }

    p = data;

    for ( ;; ) {
        rc = llm_eventstream_next(&a->frame.aws, p, data + len - p, &n,
                                  &piece);
        p += n;

        switch (rc) {

        case LLM_SSE_DATA:
            llm_buf_add(&a->payload, piece.data, piece.len);
            continue;

        case LLM_SSE_EVENT:
            *used = (size_t) (p - data);
            return llm_answer_aws_message(a);

        case LLM_AGAIN:
            return LLM_AGAIN;

        default:
            a->lost = 1;
            a->broken = 1;
            return rc;
        }
    }
}


static int
llm_answer_aws_message(llm_answer_t *a)
{
    int        rc;
    llm_str_t  text, values[PAYLOAD_N];

    text.data = a->payload.data;
    text.len = a->payload.len;

    a->payload.len = 0;
    a->event = 0;
    a->name = llm_eventstream_name(&a->frame.aws);

    if (a->payload.failed) {
        a->payload.failed = 0;
        return llm_answer_aws_broken(a, LLM_NOMEM);
    }

    if (a->frame.aws.exception) {
        llm_answer_aws_exception(a, &text);
        a->event = LLM_EVENT_ERROR;
        a->seen |= LLM_EVENT_ERROR;
        return LLM_OK;
    }

    if (text.len == 0) {
        a->event = LLM_EVENT_COMMENT;
        a->seen |= LLM_EVENT_COMMENT;
        return LLM_OK;
    }

    if (!llm_str_is(&a->name, "chunk")) {
        return llm_answer_aws_event(a, &text);
    }

    /* an event of the model's own protocol is in it */

    rc = llm_answer_rescan(a, &a->payload_scan, NULL, 0, &text);

    if (rc != LLM_OK
        || llm_scan_kept(&llm_answer_aws_set, &text, values) != LLM_OK
        || values[PAYLOAD_BYTES].len < 2)
    {
        return llm_answer_aws_broken(a, rc == LLM_NOMEM ? rc : LLM_INVALID);
    }

    text.data = values[PAYLOAD_BYTES].data + 1;
    text.len = values[PAYLOAD_BYTES].len - 2;

    a->decoded.len = 0;

    rc = llm_base64_decode(&a->decoded, &text);

    if (rc != LLM_OK) {
        return llm_answer_aws_broken(a, rc);
    }

    text.data = a->decoded.data;
    text.len = a->decoded.len;

    a->name.len = 0;

    return llm_answer_aws_event(a, &text);
}


static int
llm_answer_aws_event(llm_answer_t *a, const llm_str_t *text)
{
    int  rc;

    llm_scan_reset(a->scan);

    rc = llm_scan_feed(a->scan, text->data, text->len);

    if (rc == LLM_OK) {
        rc = llm_scan_end(a->scan);
    }

    if (rc != LLM_OK) {
        return llm_answer_aws_broken(a, rc);
    }

    a->read = 0;
    a->event = a->reader->absorb(a);
    a->seen |= a->event;

    return LLM_OK;
}


static void
llm_answer_aws_exception(llm_answer_t *a, const llm_str_t *text)
{
    llm_str_t  values[PAYLOAD_N];

    if (llm_answer_rescan(a, &a->payload_scan, NULL, 0, text) == LLM_OK
        && llm_scan_kept(&llm_answer_aws_set, text, values) == LLM_OK
        && values[PAYLOAD_MESSAGE].len
        && values[PAYLOAD_MESSAGE].data[0] == '"')
    {
        llm_answer_keep_error(a, &values[PAYLOAD_MESSAGE]);
    }
}


/* told once; messages behind it are read as before */

static int
llm_answer_aws_broken(llm_answer_t *a, int rc)
{
    if (a->broken) {
        return LLM_OK;
    }

    a->broken = 1;

    return rc;
}


int
llm_answer_aws_end(llm_answer_t *a)
{
    if (a->broken || (a->seen & LLM_EVENT_ERROR)
        || !llm_eventstream_complete(&a->frame.aws))
    {
        return LLM_INVALID;
    }

    return (a->finished || (a->seen & LLM_EVENT_DONE)) ? LLM_OK : LLM_INVALID;
}
