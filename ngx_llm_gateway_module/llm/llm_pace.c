
/*
 * Each provider has names of its own for what remains and when it resets, and
 * three ways to write a time: a duration, an RFC 3339 date, Unix seconds.
 */


#include "llm_pace.h"


#define LLM_PACE_EPOCH  1000000000     /* larger numbers are no durations */


typedef enum {
    LLM_PACE_REMAINING = 0,
    LLM_PACE_RESET,
    LLM_PACE_PERIOD,
    LLM_PACE_NO_WORD
} llm_pace_word_e;


static int llm_pace_window(llm_pace_t *pace, llm_pace_word_e word,
    const llm_str_t *window, const llm_str_t *value, int64_t now_ms);
static llm_pace_word_e llm_pace_word(const unsigned char *p, size_t len);
static unsigned llm_pace_index(const llm_str_t *window);
static unsigned llm_pace_used_up(const llm_str_t *value);
static int64_t llm_pace_time(const llm_str_t *value, int64_t now_ms);
static int64_t llm_pace_number(const llm_str_t *value);
static int64_t llm_pace_date(const llm_str_t *value);
static unsigned llm_pace_digits(const unsigned char *p, unsigned n,
    int64_t *out);


static const llm_str_t  llm_pace_words[] = {
    llm_string("remaining"),
    llm_string("reset"),
    llm_string("renewalperiod")
};


/* by their place a bit of pace->empty; others share the last one */

static const llm_str_t  llm_pace_windows[LLM_PACE_WINDOWS - 1] = {
    llm_string("requests"),
    llm_string("tokens"),
    llm_string("input-tokens"),
    llm_string("output-tokens")
};


#define llm_pace_begins(s, c)                                                 \
    ((s)->len >= sizeof(c) - 1 && memcmp((s)->data, c, sizeof(c) - 1) == 0)


void
llm_pace_init(llm_pace_t *pace)
{
    memset(pace, 0, sizeof(llm_pace_t));
    pace->retry_after_ms = -1;
}


int
llm_pace_header(llm_pace_t *pace, const llm_str_t *name,
    const llm_str_t *value, int64_t now_ms)
{
    size_t           n;
    int64_t          ms;
    llm_str_t        window;
    llm_pace_word_e  word;

    if (llm_pace_begins(name, "x-ratelimit-")) {

        window.data = name->data + sizeof("x-ratelimit-") - 1;
        window.len = name->len - (sizeof("x-ratelimit-") - 1);

        for (n = 0; n < window.len && window.data[n] != '-'; n++) {
            /* void */
        }

        word = llm_pace_word(window.data, n);

        if (n < window.len) {
            n++;
        }

        window.data += n;
        window.len -= n;

        return llm_pace_window(pace, word, &window, value, now_ms);
    }

    if (llm_pace_begins(name, "anthropic-ratelimit-")) {

        window.data = name->data + sizeof("anthropic-ratelimit-") - 1;
        window.len = name->len - (sizeof("anthropic-ratelimit-") - 1);

        for (n = window.len; n > 0 && window.data[n - 1] != '-'; n--) {
            /* void */
        }

        word = llm_pace_word(window.data + n, window.len - n);
        window.len = n ? n - 1 : 0;

        return llm_pace_window(pace, word, &window, value, now_ms);
    }

    if (!llm_pace_begins(name, "retry-after")) {
        return LLM_DECLINED;
    }

    if (llm_str_is(name, "retry-after-ms")) {

        ms = llm_pace_number(value);

        if (ms < 0) {
            return LLM_INVALID;
        }

        /* more exact than whole seconds, whichever comes first */

        pace->retry_after_ms = ms > LLM_PACE_MAX ? LLM_PACE_MAX : ms;

        return LLM_OK;
    }

    if (!llm_str_is(name, "retry-after")) {
        return LLM_DECLINED;
    }

    ms = llm_pace_duration(value, &n);

    if (ms < 0 || n != value->len) {
        return LLM_INVALID;
    }

    if (pace->retry_after_ms < 0) {
        pace->retry_after_ms = ms;
    }

    return LLM_OK;
}


static int
llm_pace_window(llm_pace_t *pace, llm_pace_word_e word,
    const llm_str_t *window, const llm_str_t *value, int64_t now_ms)
{
    int64_t    ms;
    unsigned   i;
    llm_str_t  name;

    if (word == LLM_PACE_NO_WORD) {
        return LLM_DECLINED;
    }

    name = *window;

    /* "req-minute" and "tokens-minute": they end with the clock's minute */

    if (name.len > sizeof("-minute") - 1
        && memcmp(name.data + name.len - (sizeof("-minute") - 1), "-minute",
                  sizeof("-minute") - 1)
           == 0)
    {
        name.len -= sizeof("-minute") - 1;
        i = llm_pace_index(&name);

        pace->period_ms[i] = (uint32_t) (60000 - now_ms % 60000);

    } else {
        i = llm_pace_index(&name);
    }

    if (word == LLM_PACE_REMAINING) {

        if (llm_pace_used_up(value)) {
            pace->empty |= (uint8_t) (1u << i);
        }

        return LLM_OK;
    }

    ms = llm_pace_time(value, now_ms);

    if (ms < 0) {
        return LLM_INVALID;
    }

    if (word == LLM_PACE_PERIOD) {
        pace->period_ms[i] = (uint32_t) ms;

    } else if (pace->reset_ms[i] == 0 || ms < pace->reset_ms[i]) {
        pace->reset_ms[i] = (uint32_t) ms;
    }

    return LLM_OK;
}


static llm_pace_word_e
llm_pace_word(const unsigned char *p, size_t len)
{
    unsigned  i;

    for (i = 0; i < LLM_PACE_NO_WORD; i++) {
        if (llm_pace_words[i].len == len
            && memcmp(llm_pace_words[i].data, p, len) == 0)
        {
            break;
        }
    }

    return (llm_pace_word_e) i;
}


static unsigned
llm_pace_index(const llm_str_t *window)
{
    unsigned  i;

    if (llm_str_is(window, "req")) {
        return 0;
    }

    for (i = 0; i < LLM_PACE_WINDOWS - 1; i++) {
        if (llm_pace_windows[i].len == window->len
            && memcmp(llm_pace_windows[i].data, window->data, window->len)
               == 0)
        {
            break;
        }
    }

    return i;
}


/* zero or less */

static unsigned
llm_pace_used_up(const llm_str_t *value)
{
    size_t  i;

    if (value->len && value->data[0] == '-') {
        return 1;
    }

    for (i = 0; i < value->len && value->data[i] == '0'; i++) {
        /* void */
    }

    return i && i == value->len;
}


/* milliseconds from now until a time in any of the forms; -1: it is none */

static int64_t
llm_pace_time(const llm_str_t *value, int64_t now_ms)
{
    size_t   n;
    int64_t  ms;

    if (value->len > 10 && (value->data[10] == 'T' || value->data[10] == 't'))
    {
        ms = llm_pace_date(value);

    } else {
        ms = llm_pace_number(value);

        if (ms < LLM_PACE_EPOCH) {

            ms = llm_pace_duration(value, &n);

            return n == value->len ? ms : -1;
        }

        if (ms < (int64_t) LLM_PACE_EPOCH * 100) {
            ms *= 1000;
        }
    }

    if (ms < 0) {
        return -1;
    }

    ms -= now_ms;

    return ms < 0 ? 0 : ms > LLM_PACE_MAX ? LLM_PACE_MAX : ms;
}


/* digits alone; -1: it is no number, or one of more than 15 of them */

static int64_t
llm_pace_number(const llm_str_t *value)
{
    int64_t  n;

    if (value->len == 0 || value->len > 15
        || !llm_pace_digits(value->data, (unsigned) value->len, &n))
    {
        return -1;
    }

    return n;
}


/* RFC 3339, in milliseconds of Unix time; -1 */

static int64_t
llm_pace_date(const llm_str_t *value)
{
    int64_t               y, mon, d, h, min, s, zh, zm, days, era, scale, ms;
    const unsigned char  *p, *last;

    p = value->data;
    last = p + value->len;

    if (value->len < sizeof("2000-01-01T00:00:00Z") - 1
        || !llm_pace_digits(p, 4, &y) || p[4] != '-'
        || !llm_pace_digits(p + 5, 2, &mon) || p[7] != '-'
        || !llm_pace_digits(p + 8, 2, &d)
        || !llm_pace_digits(p + 11, 2, &h) || p[13] != ':'
        || !llm_pace_digits(p + 14, 2, &min) || p[16] != ':'
        || !llm_pace_digits(p + 17, 2, &s)
        || mon < 1 || mon > 12 || d < 1 || d > 31 || h > 23 || min > 59
        || s > 60)
    {
        return -1;
    }

    ms = 0;
    p += 19;

    if (p < last && *p == '.') {

        for (p++, scale = 100; p < last && *p >= '0' && *p <= '9'; p++) {
            ms += (*p - '0') * scale;
            scale /= 10;
        }
    }

    zh = 0;
    zm = 0;

    if (last - p == 6 && (*p == '+' || *p == '-') && p[3] == ':'
        && llm_pace_digits(p + 1, 2, &zh) && llm_pace_digits(p + 4, 2, &zm))
    {
        if (*p == '-') {
            zh = -zh;
            zm = -zm;
        }

    } else if (last - p != 1 || (*p != 'Z' && *p != 'z')) {
        return -1;
    }

    /* days since 1970, of years that begin in March */

    y -= (mon <= 2);
    era = y / 400;
    mon = (mon + 9) % 12;
    y -= era * 400;
    days = era * 146097 + y * 365 + y / 4 - y / 100 + (153 * mon + 2) / 5
           + d - 1 - 719468;

    return (((days * 24 + h - zh) * 60 + min - zm) * 60 + s) * 1000 + ms;
}


static unsigned
llm_pace_digits(const unsigned char *p, unsigned n, int64_t *out)
{
    *out = 0;

    while (n--) {

        if (*p < '0' || *p > '9') {
            return 0;
        }

        *out = *out * 10 + (*p++ - '0');
    }

    return 1;
}


int64_t
llm_pace_pause(const llm_pace_t *pace)
{
    int64_t   ms, pause;
    unsigned  i;

    pause = 0;

    for (i = 0; pace->empty >> i; i++) {

        if (!(pace->empty >> i & 1)) {
            continue;
        }

        ms = pace->reset_ms[i] ? pace->reset_ms[i] : pace->period_ms[i];

        if (ms == 0) {
            ms = LLM_PACE_UNKNOWN;
        }

        pause = ms > pause ? ms : pause;
    }

    return pause;
}


int64_t
llm_pace_duration(const llm_str_t *text, size_t *used)
{
    int64_t               ms, n, scale;
    const unsigned char  *p, *last, *end;

    p = text->data;
    last = p + text->len;
    end = p;
    ms = 0;

    while (p < last && *p >= '0' && *p <= '9') {

        for (n = 0; p < last && *p >= '0' && *p <= '9'; p++) {

            if (n < LLM_PACE_MAX) {
                n = n * 10 + (*p - '0');
            }
        }

        /* fractions: three digits of them are milliseconds */

        n *= 1000;

        if (last - p > 1 && *p == '.' && p[1] >= '0' && p[1] <= '9') {

            for (p++, scale = 100; p < last && *p >= '0' && *p <= '9'; p++) {
                n += (*p - '0') * scale;
                scale /= 10;
            }
        }

        if (last - p >= 2 && p[0] == 'm' && p[1] == 's') {
            n /= 1000;
            p += 2;

        } else if (p < last && *p == 's') {
            p++;

        } else if (p < last && *p == 'm') {
            n *= 60;
            p++;

        } else if (p < last && *p == 'h') {
            n *= 3600;
            p++;

        } else if (p < last && *p == 'd') {
            n *= 86400;
            p++;

        } else if (end != text->data) {

            /* a number without a unit is none of it, but for a first one */

            break;
        }

        ms += n;
        end = p;

        if (ms > LLM_PACE_MAX) {
            ms = LLM_PACE_MAX;
        }
    }

    *used = end - text->data;

    return *used ? ms : -1;
}
