
/*
 * Readers of raw JSON scalars.
 */


#include "llm_scan.h"


#define LLM_JSON_MAX_INT  ((uint64_t) 1 << 53)


static size_t llm_json_escape(const unsigned char *p, const unsigned char *end,
    uint32_t *code);
static int llm_json_exponent(const unsigned char *p, const unsigned char *end,
    int64_t *n);


int
llm_json_string(llm_arena_t *arena, const llm_str_t *raw, llm_str_t *out)
{
    unsigned char  *p;

    out->len = 0;
    out->data = NULL;

    if (raw->len < 2 || raw->data[0] != '"' || raw->data[raw->len - 1] != '"')
    {
        return LLM_INVALID;
    }

    /* decoded it is never longer, and there is room for a final zero */

    p = llm_alloc(arena, raw->len - 1);
    if (p == NULL) {
        return LLM_NOMEM;
    }

    if (llm_json_unescape(raw->data + 1, raw->len - 2, p, &out->len)
        != LLM_OK)
    {
        out->len = 0;
        return LLM_INVALID;
    }

    p[out->len] = '\0';
    out->data = p;

    return LLM_OK;
}


int
llm_json_unescape(const unsigned char *raw, size_t len, unsigned char *dst,
    size_t *out)
{
    size_t                n;
    uint32_t              code;
    unsigned char        *d;
    const unsigned char  *p, *end;

    p = raw;
    end = raw + len;
    d = dst;

    while (p < end) {

        if (*p == '\\') {
            n = llm_json_escape(p, end, &code);

            if (n == 0 || code == 0) {
                return LLM_INVALID;
            }

            p += n;

            if (code < 0x80) {
                *d++ = (unsigned char) code;
            } else {
                d = llm_utf8_print(d, code);
            }

            continue;
        }

        if (*p < 0x20 || *p == '"') {
            return LLM_INVALID;
        }

        n = llm_utf8(p, (size_t) (end - p));
        if (n == 0) {
            return LLM_INVALID;
        }

        while (n--) {
            *d++ = *p++;
        }
    }

    *out = (size_t) (d - dst);

    return LLM_OK;
}


/* the length of the escape at p, both halves of a pair; 0 if invalid */

static size_t
llm_json_escape(const unsigned char *p, const unsigned char *end,
    uint32_t *code)
{
    uint32_t  low;

    if (end - p < 2) {
        return 0;
    }

    switch (p[1]) {

    case '"':
    case '\\':
    case '/':
        *code = p[1];
        return 2;

    case 'b':
        *code = '\b';
        return 2;

    case 'f':
        *code = '\f';
        return 2;

    case 'n':
        *code = '\n';
        return 2;

    case 'r':
        *code = '\r';
        return 2;

    case 't':
        *code = '\t';
        return 2;

    case 'u':
        break;

    default:
        return 0;
    }

    if (llm_json_hex(p + 2, end, code) != LLM_OK) {
        return 0;
    }

    if ((*code & 0xf800) != 0xd800) {
        return 6;
    }

    if (*code >= 0xdc00 || end - p < 12 || p[6] != '\\' || p[7] != 'u'
        || llm_json_hex(p + 8, end, &low) != LLM_OK
        || (low & 0xfc00) != 0xdc00)
    {
        return 0;
    }

    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);

    return 12;
}


int
llm_json_hex(const unsigned char *p, const unsigned char *end, uint32_t *code)
{
    unsigned  i, digit;

    if (end - p < 4) {
        return LLM_INVALID;
    }

    *code = 0;

    for (i = 0; i < 4; i++) {
        digit = (unsigned) (p[i] - '0');

        if (digit > 9) {
            digit = (unsigned) ((p[i] | 0x20) - 'a');

            if (digit > 5) {
                return LLM_INVALID;
            }

            digit += 10;
        }

        *code = *code << 4 | digit;
    }

    return LLM_OK;
}


/*
 * The digits are read as significant ones and a power of ten, so that 1000.0
 * and 1e3 are the same.  Trailing zeros wait in "zeros" until a digit follows
 * them: a significand over the limit is then either too large or no integer.
 */

int
llm_json_int(const llm_str_t *raw, int64_t *n)
{
    int64_t               power, zeros;
    uint64_t              value;
    unsigned              negative, point, digits;
    const unsigned char  *p, *end;

    p = raw->data;
    end = p + raw->len;

    negative = (p < end && *p == '-');
    p += negative;

    if (end - p >= 2 && p[0] == '0' && p[1] >= '0' && p[1] <= '9') {
        return LLM_INVALID;
    }

    value = 0;
    zeros = 0;
    power = 0;
    point = 0;
    digits = 0;

    for ( /* void */ ; p < end; p++) {

        if (*p == '.' && !point && digits) {
            point = 1;
            digits = 0;
            continue;
        }

        if (*p < '0' || *p > '9') {
            break;
        }

        digits = 1;
        power -= point;

        if (*p == '0') {
            zeros++;
            continue;
        }

        for ( /* void */ ; value && zeros; zeros--) {
            value *= 10;

            if (value > LLM_JSON_MAX_INT) {
                return LLM_INVALID;
            }
        }

        value = value * 10 + (*p - '0');
        zeros = 0;

        if (value > LLM_JSON_MAX_INT) {
            return LLM_INVALID;
        }
    }

    if (!digits || llm_json_exponent(p, end, &power) != LLM_OK) {
        return LLM_INVALID;
    }

    if (value == 0) {
        *n = 0;
        return LLM_OK;
    }

    power += zeros;

    if (power < 0) {
        return LLM_INVALID;
    }

    for ( /* void */ ; power; power--) {
        value *= 10;

        if (value > LLM_JSON_MAX_INT) {
            return LLM_INVALID;
        }
    }

    *n = negative ? -(int64_t) value : (int64_t) value;

    return LLM_OK;
}


/* adds the exponent that p may be at to *n; it must end the number */

static int
llm_json_exponent(const unsigned char *p, const unsigned char *end, int64_t *n)
{
    int64_t   e;
    unsigned  negative;

    if (p == end) {
        return LLM_OK;
    }

    if ((*p | 0x20) != 'e') {
        return LLM_INVALID;
    }

    p++;
    negative = 0;

    if (p < end && (*p == '+' || *p == '-')) {
        negative = (*p == '-');
        p++;
    }

    if (p == end) {
        return LLM_INVALID;
    }

    for (e = 0; p < end; p++) {

        if (*p < '0' || *p > '9') {
            return LLM_INVALID;
        }

        /* beyond this only the sign counts: no text has as many digits */

        if (e < (int64_t) 1 << 58) {
            e = e * 10 + (*p - '0');
        }
    }

    *n += negative ? -e : e;

    return LLM_OK;
}
