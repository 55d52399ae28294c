
/* what the protocols' readers have in common */


#include "llm_protocol.h"


#define LLM_MILLI_MAX  (LLM_USAGE_MAX / 1000)


int64_t
llm_raw_int(const llm_str_t *raw)
{
    int64_t               n;
    const unsigned char  *p, *last;

    if (raw->len == 0) {
        return -1;
    }

    p = raw->data;
    last = p + raw->len;

    /* most are a few digits and nothing else */

    if (raw->len <= 15) {

        for (n = 0; p < last && *p >= '0' && *p <= '9'; p++) {
            n = n * 10 + (*p - '0');
        }

        if (p == last) {
            return n;
        }
    }

    if (llm_json_int(raw, &n) != LLM_OK || n < 0) {
        return -1;
    }

    return n;
}


int64_t
llm_found_int(const llm_found_t *f)
{
    return (f->type == LLM_JSON_NUMBER) ? llm_raw_int(&f->raw) : -1;
}


int64_t
llm_found_milli(const llm_found_t *f)
{
    return llm_raw_milli(&f->raw);
}


int64_t
llm_raw_milli(const llm_str_t *raw)
{
    int                   digits;
    int64_t               n;
    const unsigned char  *p, *last;

    if (raw->len == 0) {
        return -1;
    }

    p = raw->data;
    last = p + raw->len;

    if (*p == '"' && raw->len > 2) {
        p++;
        last--;
    }

    if (p == last || *p < '0' || *p > '9') {
        return -1;
    }

    for (n = 0; p < last && *p >= '0' && *p <= '9'; p++) {
        n = n * 10 + (*p - '0');

        if (n > LLM_MILLI_MAX) {
            return -1;
        }
    }

    n *= 1000;

    if (p == last) {
        return n;
    }

    if (*p++ != '.' || p == last) {
        return -1;
    }

    /* the fourth digit rounds, those behind it say nothing */

    for (digits = 0; p < last; p++, digits++) {

        if (*p < '0' || *p > '9') {
            return -1;
        }

        switch (digits) {
        case 0:
            n += (*p - '0') * 100;
            break;
        case 1:
            n += (*p - '0') * 10;
            break;
        case 2:
            n += *p - '0';
            break;
        case 3:
            n += (*p >= '5');
            break;
        }
    }

    return n;
}


void
llm_word_set(llm_word_t *w, const llm_found_t *f)
{
    size_t                len;
    const unsigned char  *p;

    if (f->type != LLM_JSON_STRING || f->raw.len < 3) {
        return;
    }

    p = f->raw.data + 1;
    len = f->raw.len - 2;

    if (len == w->len && memcmp(p, w->data, len) == 0) {
        return;
    }

    if (len > LLM_ANSWER_MAX_WORD || memchr(p, '\\', len) != NULL) {
        return;
    }

    memcpy(w->data, p, len);
    w->len = len;
}


llm_str_t
llm_answer_type(const llm_answer_t *a, unsigned pick)
{
    llm_str_t           type;
    const llm_found_t  *f;

    f = llm_answer_found(a, pick);

    if (f->type != LLM_JSON_STRING || f->raw.len < 3) {
        return a->name;
    }

    type.data = f->raw.data + 1;
    type.len = f->raw.len - 2;

    return type;
}


int
llm_answer_note_error(llm_answer_t *a, unsigned pick, unsigned message)
{
    const llm_found_t  *f;

    f = llm_answer_found(a, pick);

    if (f->type == LLM_JSON_OBJECT) {
        f = llm_answer_found(a, message);

    } else if (f->type != LLM_JSON_STRING) {
        return 0;
    }

    if (f->type == LLM_JSON_STRING) {
        llm_answer_keep_error(a, &f->raw);
    }

    return 1;
}


void
llm_answer_keep_error(llm_answer_t *a, const llm_str_t *raw)
{
    size_t     len;
    llm_str_t  text;

    /* a stream of errors must not eat the arena */

    if (a->error_len || raw->len < 3
        || a->error_tries == LLM_ANSWER_MAX_TRIES)
    {
        return;
    }

    a->error_tries++;

    if (llm_json_string(a->arena, raw, &text) != LLM_OK) {
        return;
    }

    len = text.len;

    if (len > LLM_ANSWER_MAX_ERROR) {
        len = LLM_ANSWER_MAX_ERROR;

        /* no half of a character is kept */

        while (len > 0 && (text.data[len] & 0xc0) == 0x80) {
            len--;
        }
    }

    memcpy(a->error, text.data, len);
    a->error_len = len;
}


int
llm_answer_has_error(llm_answer_t *a)
{
    return llm_answer_note_error(a, LLM_PICK_ERROR, LLM_PICK_ERROR_MESSAGE)
           || llm_answer_note_error(a, LLM_PICK_ERROR_0,
                                    LLM_PICK_ERROR_0_MESSAGE);
}


int
llm_answer_keep_usage(llm_answer_t *a, const llm_found_t *f)
{
    if (f->type != LLM_JSON_OBJECT || f->raw.len == 0) {
        return 0;
    }

    a->usage.len = 0;
    a->usage_told++;
    llm_buf_add(&a->usage, f->raw.data, f->raw.len);

    if (a->usage.failed) {
        /* half an object is none */
        a->usage.failed = 0;
        a->usage.len = 0;
    }

    return 1;
}


int
llm_answer_rescan(llm_answer_t *a, llm_scan_t **scan, llm_picks_t *picks,
    unsigned flags, const llm_str_t *text)
{
    int  rc;

    if (text->len == 0) {
        return LLM_DECLINED;
    }

    if (*scan == NULL) {
        *scan = llm_scan_open(a->arena, picks, flags);
        if (*scan == NULL) {
            return LLM_NOMEM;
        }

    } else {
        llm_scan_reset(*scan);
    }

    rc = llm_scan_feed(*scan, text->data, text->len);

    return rc == LLM_OK ? llm_scan_end(*scan) : rc;
}


void
llm_usage_take(llm_usage_t *u, llm_usage_e unit, int64_t n, int64_t *left)
{
    if (n > *left) {
        n = *left;
    }

    if (n > 0) {
        *left -= n;
        llm_usage_set(u, unit, n);
    }
}
