
/*
 * One word of a "limit": "rpm=600", "tokens=1m/day", "budget=0.5/month".
 */


#include "llm_limit.h"

#include "llm_price.h"


#define LLM_LIMIT_DAYS  366    /* the longest window of N units, in days */


typedef struct {
    llm_str_t        name;
    llm_window_e     unit;
    unsigned         counted:1;      /* may have a number: "30s" */
} llm_limit_unit_t;


typedef struct {
    llm_str_t        name;
    llm_limit_e      kind;
    llm_window_e     unit;           /* NONE: written behind a '/' */
} llm_limit_word_t;


static int llm_limit_parse_window(const llm_str_t *text, llm_limit_t *limit,
    const char **err);
static int llm_limit_parse_number(const unsigned char *p, size_t len,
    int64_t *n);
static int llm_limit_parse_amount(const llm_str_t *text, llm_limit_t *limit,
    const char **err);
static int llm_limit_finish(llm_limit_t *limit, const char **err);


static const llm_limit_unit_t  llm_limit_units[] = {
    { llm_string("s"),      LLM_WINDOW_SECOND, 1 },
    { llm_string("second"), LLM_WINDOW_SECOND, 0 },
    { llm_string("m"),      LLM_WINDOW_MINUTE, 1 },
    { llm_string("minute"), LLM_WINDOW_MINUTE, 0 },
    { llm_string("h"),      LLM_WINDOW_HOUR,   1 },
    { llm_string("hour"),   LLM_WINDOW_HOUR,   0 },
    { llm_string("d"),      LLM_WINDOW_DAY,    1 },
    { llm_string("day"),    LLM_WINDOW_DAY,    0 },
    { llm_string("week"),   LLM_WINDOW_WEEK,   0 },
    { llm_string("month"),  LLM_WINDOW_MONTH,  0 },
    { llm_string("total"),  LLM_WINDOW_TOTAL,  0 },
    { llm_string(""),       LLM_WINDOW_NONE,   0 }
};


static const llm_limit_word_t  llm_limit_words[] = {
    { llm_string("rpm"),           LLM_LIMIT_REQUESTS,      LLM_WINDOW_MINUTE },
    { llm_string("tpm"),           LLM_LIMIT_TOKENS,        LLM_WINDOW_MINUTE },
    { llm_string("requests"),      LLM_LIMIT_REQUESTS,      LLM_WINDOW_NONE },
    { llm_string("tokens"),        LLM_LIMIT_TOKENS,        LLM_WINDOW_NONE },
    { llm_string("input_tokens"),  LLM_LIMIT_INPUT_TOKENS,  LLM_WINDOW_NONE },
    { llm_string("output_tokens"), LLM_LIMIT_OUTPUT_TOKENS, LLM_WINDOW_NONE },
    { llm_string("inflight"),      LLM_LIMIT_INFLIGHT,      LLM_WINDOW_NONE },
    { llm_string("budget"),        LLM_LIMIT_BUDGET,        LLM_WINDOW_NONE },
    { llm_string(""),              LLM_LIMIT_N,             LLM_WINDOW_NONE }
};


int
llm_limit_parse(const llm_str_t *word, llm_limit_t *limit, const char **err)
{
    int                      rc;
    llm_str_t                amount, window;
    unsigned char           *p, *last;
    const llm_limit_word_t  *w;

    memset(limit, 0, sizeof(llm_limit_t));

    limit->text = *word;
    limit->n = 1;

    last = word->data + word->len;
    p = memchr(word->data, '=', word->len);

    for (w = llm_limit_words; p && w->name.len; w++) {
        if (w->name.len == (size_t) (p - word->data)
            && memcmp(w->name.data, word->data, w->name.len) == 0)
        {
            break;
        }
    }

    if (p == NULL || w->name.len == 0) {
        *err = "it must be \"rpm=\", \"tpm=\", \"requests=\", \"tokens=\", "
               "\"input_tokens=\", \"output_tokens=\", \"inflight=\" or "
               "\"budget=\"";
        return LLM_INVALID;
    }

    limit->kind = w->kind;
    limit->unit = w->unit;

    amount.data = p + 1;
    amount.len = last - amount.data;

    p = memchr(amount.data, '/', amount.len);

    if (w->unit != LLM_WINDOW_NONE || w->kind == LLM_LIMIT_INFLIGHT) {

        if (p) {
            *err = w->kind == LLM_LIMIT_INFLIGHT
                   ? "\"inflight\" has no window, like \"inflight=50\""
                   : "its window is a minute, for another one there are "
                     "\"requests=10/s\" and \"tokens=1m/day\"";
            return LLM_INVALID;
        }

    } else {

        if (p == NULL) {
            *err = w->kind == LLM_LIMIT_BUDGET
                   ? "it needs a window, like \"budget=10/day\" or "
                     "\"budget=100/total\""
                   : "it needs a window, like \"requests=10/s\" or "
                     "\"tokens=1m/day\"";
            return LLM_INVALID;
        }

        window.data = p + 1;
        window.len = last - window.data;

        amount.len = p - amount.data;

        rc = llm_limit_parse_window(&window, limit, err);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    rc = llm_limit_parse_amount(&amount, limit, err);
    if (rc != LLM_OK) {
        return rc;
    }

    return llm_limit_finish(limit, err);
}


static int
llm_limit_parse_window(const llm_str_t *text, llm_limit_t *limit,
    const char **err)
{
    size_t                   digits, len;
    int64_t                  n;
    const llm_limit_unit_t  *u;

    for (digits = 0; digits < text->len; digits++) {
        if (text->data[digits] < '0' || text->data[digits] > '9') {
            break;
        }
    }

    n = 1;
    len = text->len - digits;

    if (digits && (llm_limit_parse_number(text->data, digits, &n) != LLM_OK
                   || n == 0))
    {
        goto invalid;
    }

    for (u = llm_limit_units; u->name.len; u++) {

        if (u->name.len != len
            || memcmp(u->name.data, text->data + digits, len) != 0
            || (digits && !u->counted))
        {
            continue;
        }

        limit->unit = u->unit;
        limit->n = n;

        if (digits
            && n > LLM_LIMIT_DAYS * 86400 / (u->unit == LLM_WINDOW_SECOND ? 1
                                     : u->unit == LLM_WINDOW_MINUTE ? 60
                                     : u->unit == LLM_WINDOW_HOUR ? 3600
                                     : 86400))
        {
            *err = "its window is longer than 366 days";
            return LLM_INVALID;
        }

        return LLM_OK;
    }

invalid:

    *err = "a window is \"second\", \"minute\", \"hour\", \"day\", \"week\", "
           "\"month\", \"total\", \"s\", \"m\", \"h\", \"d\" or a number of "
           "the last four, like \"30s\"";

    return LLM_INVALID;
}


static int
llm_limit_parse_number(const unsigned char *p, size_t len, int64_t *n)
{
    if (len == 0 || len > 15) {
        return LLM_INVALID;
    }

    for (*n = 0; len; p++, len--) {

        if (*p < '0' || *p > '9') {
            return LLM_INVALID;
        }

        *n = *n * 10 + (*p - '0');
    }

    return LLM_OK;
}


static int
llm_limit_parse_amount(const llm_str_t *text, llm_limit_t *limit,
    const char **err)
{
    size_t   len;
    int64_t  scale;

    if (limit->kind == LLM_LIMIT_BUDGET) {

        /* 1e-6 times units of 1e-15 are nano-dollars */

        if (text->len == 0
            || memchr(text->data, 'e', text->len)
            || memchr(text->data, 'E', text->len)
            || llm_price_parse(text, -6, &limit->amount) != LLM_OK)
        {
            *err = "a budget is an amount of USD, like \"budget=0.5/day\"";
            return LLM_INVALID;
        }

        return LLM_OK;
    }

    len = text->len;
    scale = 1;

    if (len && (text->data[len - 1] == 'k' || text->data[len - 1] == 'K')) {
        scale = 1000;
        len--;

    } else if (len
               && (text->data[len - 1] == 'm' || text->data[len - 1] == 'M'))
    {
        scale = 1000000;
        len--;
    }

    if (llm_limit_parse_number(text->data, len, &limit->amount) != LLM_OK
        || limit->amount == 0
        || limit->amount > (int64_t) 1000000000000000 / scale)
    {
        *err = "its amount is a count above 0, like \"600\", \"200k\" or "
               "\"2m\"";
        return LLM_INVALID;
    }

    limit->amount *= scale;

    return LLM_OK;
}


/*
 * Rates are smooth: of up to an hour, and of any number of units that is
 * written.  What is counted by the day or longer starts anew with it.
 */

static int
llm_limit_finish(llm_limit_t *limit, const char **err)
{
    int64_t  seconds;

    if (limit->kind == LLM_LIMIT_INFLIGHT) {
        return LLM_OK;
    }

    limit->id = (uint64_t) (limit->kind + 1) << 56
                | (uint64_t) limit->unit << 48
                | (uint64_t) limit->n << 16;

    if (limit->kind == LLM_LIMIT_BUDGET) {
        return LLM_OK;
    }

    switch (limit->unit) {

    case LLM_WINDOW_SECOND:
        seconds = 1;
        break;

    case LLM_WINDOW_MINUTE:
        seconds = 60;
        break;

    case LLM_WINDOW_HOUR:
        seconds = 3600;
        break;

    case LLM_WINDOW_DAY:

        if (limit->n == 1) {
            return LLM_OK;
        }

        seconds = 86400;
        break;

    default:
        return LLM_OK;
    }

    limit->smooth = 1;

    if (limit->amount / 1000000000 > seconds * limit->n) {
        *err = "it allows more than a billion a second";
        return LLM_INVALID;
    }

    return LLM_OK;
}
