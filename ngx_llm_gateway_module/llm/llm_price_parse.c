
/*
 * What the words of a catalogue mean: decimal numbers, names of fields.
 *
 * Prices are read from their digits: a double on the way would already have
 * changed most of them.
 */


#include "llm_price_state.h"


#define LLM_PRICE_POWER_MAX  100000


static int llm_price_exponent(const unsigned char *p,
    const unsigned char *end, int64_t *n);


static const llm_str_t  llm_price_fields[LLM_PRICE_N] = {
#define LLM_PRICE_FIELD(p, field)  llm_string(field),
    LLM_PRICE_MAP(LLM_PRICE_FIELD)
#undef LLM_PRICE_FIELD
};


int
llm_price_parse(const llm_str_t *text, int exp10, int64_t *femto)
{
    int                   half;
    int64_t               power, n;
    const unsigned char  *p, *end, *last, *point;

    p = text->data;
    end = text->data + text->len;

    for (last = p; last < end && *last >= '0' && *last <= '9'; last++) {
        /* void */
    }

    if (last == p || (last - p > 1 && *p == '0')) {
        return LLM_INVALID;
    }

    point = last;

    if (last < end && *last == '.') {

        for (last++; last < end && *last >= '0' && *last <= '9'; last++) {
            /* void */
        }

        if (last == point + 1) {
            return LLM_INVALID;
        }
    }

    if (llm_price_exponent(last, end, &power) != LLM_OK) {
        return LLM_INVALID;
    }

    /* the power of ten that the first digit stands for, in 1e-15 USD */

    power += (point - p) - 1 + exp10 + 15;

    n = 0;
    half = 0;

    for ( /* void */ ; p < last; p++) {

        if (*p == '.') {
            continue;
        }

        if (power < 0) {

            /* of what is cut off the first digit alone decides */

            half = (power == -1 && *p >= '5');
            break;
        }

        if (n > (INT64_MAX - 9) / 10) {
            return LLM_LIMIT;
        }

        n = n * 10 + (*p - '0');
        power--;
    }

    if (n) {

        for ( /* void */ ; power >= 0; power--) {

            if (n > INT64_MAX / 10) {
                return LLM_LIMIT;
            }

            n *= 10;
        }
    }

    *femto = n + half;

    return LLM_OK;
}


/* LLM_INVALID: what stands behind the digits is no exponent */

static int
llm_price_exponent(const unsigned char *p, const unsigned char *end,
    int64_t *n)
{
    int  minus;

    *n = 0;

    if (p == end) {
        return LLM_OK;
    }

    if (*p != 'e' && *p != 'E') {
        return LLM_INVALID;
    }

    p++;
    minus = 0;

    if (p < end && (*p == '+' || *p == '-')) {
        minus = (*p == '-');
        p++;
    }

    if (p == end) {
        return LLM_INVALID;
    }

    for ( /* void */ ; p < end; p++) {

        if (*p < '0' || *p > '9') {
            return LLM_INVALID;
        }

        /* beyond this all numbers are zero or too large */

        if (*n < LLM_PRICE_POWER_MAX) {
            *n = *n * 10 + (*p - '0');
        }
    }

    if (minus) {
        *n = -*n;
    }

    return LLM_OK;
}


void
llm_price_print(int64_t nano, llm_buf_t *out)
{
    size_t         len;
    int64_t        rest;
    unsigned       i;
    unsigned char  text[10];

    if (nano < 0) {
        llm_buf_puts(out, "-");

        /* so that the lowest number, which has no opposite, prints too */

        llm_buf_int(out, -(nano / 1000000000));
        rest = -(nano % 1000000000);

    } else {
        llm_buf_int(out, nano / 1000000000);
        rest = nano % 1000000000;
    }

    if (rest == 0) {
        return;
    }

    text[0] = '.';

    for (i = 9; i > 0; i--) {
        text[i] = (unsigned char) ('0' + rest % 10);
        rest /= 10;
    }

    for (len = 10; text[len - 1] == '0'; len--) {
        /* void */
    }

    llm_buf_add(out, text, len);
}


int
llm_price_field(const llm_str_t *field, llm_rate_t *rate)
{
    size_t           len;
    int64_t          n;
    unsigned         i, found;
    llm_str_t        s;
    const llm_str_t  *f;

    found = LLM_PRICE_N;
    len = 0;

    for (i = 0; i < LLM_PRICE_N; i++) {
        f = &llm_price_fields[i];

        if (f->len > len && f->len <= field->len
            && memcmp(f->data, field->data, f->len) == 0)
        {
            found = i;
            len = f->len;
        }
    }

    if (found == LLM_PRICE_N) {
        return LLM_DECLINED;
    }

    memset(rate, 0, sizeof(llm_rate_t));

    rate->kind = (uint8_t) found;

    s.data = field->data + len;
    s.len = field->len - len;

    if (s.len > 7 && memcmp(s.data, "_above_", 7) == 0) {
        s.data += 7;
        s.len -= 7;

        for (n = 0; s.len && *s.data >= '0' && *s.data <= '9'; s.len--) {
            n = n * 10 + (*s.data++ - '0');

            if (n > 1000000000) {
                return LLM_DECLINED;
            }
        }

        if (n == 0 || s.len < 8 || memcmp(s.data, "k_tokens", 8) != 0) {
            return LLM_DECLINED;
        }

        s.data += 8;
        s.len -= 8;

        rate->above = n * 1000;
    }

    if (s.len == 0) {
        return LLM_OK;
    }

    if (llm_str_is(&s, "_priority")) {
        rate->tier = LLM_PRICE_PRIORITY;
        return LLM_OK;
    }

    if (llm_str_is(&s, "_flex")) {
        rate->tier = LLM_PRICE_FLEX;
        return LLM_OK;
    }

    return LLM_DECLINED;
}


uint64_t
llm_price_pixels(const llm_str_t *size)
{
    size_t    i, side;
    uint64_t  n[2];

    n[0] = 0;
    n[1] = 0;
    side = 0;

    for (i = 0; i < size->len; i++) {

        if (size->data[i] >= '0' && size->data[i] <= '9') {
            n[side] = n[side] * 10 + (size->data[i] - '0');

            if (n[side] > 65535) {
                return 0;
            }

            continue;
        }

        if (side || n[0] == 0) {
            return 0;
        }

        side = 1;

        if (size->data[i] == 'x') {
            continue;
        }

        if (size->len - i < 3 || memcmp(size->data + i, "-x-", 3) != 0) {
            return 0;
        }

        i += 2;
    }

    return n[0] * n[1];
}
