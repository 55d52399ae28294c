
/*
 * The scanner in a string, a number or a word.  Strings are nearly all of a
 * large body (prompts, images in base64), so their plain bytes are skipped
 * many at a time.
 */


#include "llm_scan.h"
#include "llm_scan_state.h"
#include "llm_scan_skip.h"


static const unsigned char *llm_text_utf8(const unsigned char *p,
    const unsigned char *end);
static const unsigned char *llm_text_plain(llm_scan_t *s,
    const unsigned char *p);
#if (__SSE2__)
static const unsigned char *llm_text_blocks(const unsigned char *p,
    const unsigned char *end, uint64_t *excess);
#endif
static inline size_t llm_text_escape(const unsigned char *p,
    uint64_t *excess);
static int llm_text_code(const unsigned char *p, uint32_t *code);
static int llm_text_special(llm_scan_t *s, const unsigned char **pp);
static int llm_text_pending(llm_scan_t *s, const unsigned char **pp);
static int llm_text_end(llm_scan_t *s, const unsigned char *p);
static void llm_text_lead(llm_scan_t *s, unsigned char c);


/* what follows a backslash; 'u' apart */

static const uint8_t  llm_text_escapes[256] = {
    ['"'] = 1, ['\\'] = 1, ['/'] = 1, ['b'] = 1, ['f'] = 1, ['n'] = 1,
    ['r'] = 1, ['t'] = 1
};


/*
 * Numbers: the next state by the state (from LLM_SCAN_MINUS on) and the class
 * of the byte.  0 ends the number before the byte, BAD is no number.
 */

#define LLM_NUMBER_BAD  0xff

enum {
    LLM_NUMBER_OTHER = 0,
    LLM_NUMBER_ZERO,
    LLM_NUMBER_DIGIT,
    LLM_NUMBER_POINT,
    LLM_NUMBER_E,
    LLM_NUMBER_SIGN,
    LLM_NUMBER_N
};

static const uint8_t  llm_number_classes[256] = {
    ['0'] = LLM_NUMBER_ZERO,
    ['1'] = LLM_NUMBER_DIGIT, ['2'] = LLM_NUMBER_DIGIT,
    ['3'] = LLM_NUMBER_DIGIT, ['4'] = LLM_NUMBER_DIGIT,
    ['5'] = LLM_NUMBER_DIGIT, ['6'] = LLM_NUMBER_DIGIT,
    ['7'] = LLM_NUMBER_DIGIT, ['8'] = LLM_NUMBER_DIGIT,
    ['9'] = LLM_NUMBER_DIGIT,
    ['.'] = LLM_NUMBER_POINT,
    ['e'] = LLM_NUMBER_E, ['E'] = LLM_NUMBER_E,
    ['+'] = LLM_NUMBER_SIGN, ['-'] = LLM_NUMBER_SIGN
};

static const uint8_t  llm_number_next[][LLM_NUMBER_N] = {

    /* LLM_SCAN_MINUS */
    { LLM_NUMBER_BAD, LLM_SCAN_ZERO, LLM_SCAN_INTEGER, LLM_NUMBER_BAD,
      LLM_NUMBER_BAD, LLM_NUMBER_BAD },

    /* LLM_SCAN_ZERO */
    { 0, LLM_NUMBER_BAD, LLM_NUMBER_BAD, LLM_SCAN_POINT,
      LLM_SCAN_EXPONENT, 0 },

    /* LLM_SCAN_INTEGER */
    { 0, LLM_SCAN_INTEGER, LLM_SCAN_INTEGER, LLM_SCAN_POINT,
      LLM_SCAN_EXPONENT, 0 },

    /* LLM_SCAN_POINT */
    { LLM_NUMBER_BAD, LLM_SCAN_FRACTION, LLM_SCAN_FRACTION, LLM_NUMBER_BAD,
      LLM_NUMBER_BAD, LLM_NUMBER_BAD },

    /* LLM_SCAN_FRACTION */
    { 0, LLM_SCAN_FRACTION, LLM_SCAN_FRACTION, 0,
      LLM_SCAN_EXPONENT, 0 },

    /* LLM_SCAN_EXPONENT */
    { LLM_NUMBER_BAD, LLM_SCAN_POWER, LLM_SCAN_POWER, LLM_NUMBER_BAD,
      LLM_NUMBER_BAD, LLM_SCAN_SIGN },

    /* LLM_SCAN_SIGN */
    { LLM_NUMBER_BAD, LLM_SCAN_POWER, LLM_SCAN_POWER, LLM_NUMBER_BAD,
      LLM_NUMBER_BAD, LLM_NUMBER_BAD },

    /* LLM_SCAN_POWER */
    { 0, LLM_SCAN_POWER, LLM_SCAN_POWER, 0, 0, 0 }
};


/* the value of a hex digit, or 16 */

static inline unsigned
llm_text_digit(unsigned char c)
{
    unsigned  digit;

    digit = (unsigned) (c - '0');

    if (digit > 9) {
        digit = (unsigned) ((c | 0x20) - 'a');
        digit = (digit > 5) ? 16 : digit + 10;
    }

    return digit;
}


/*
 * How much longer an escape with four digits is than what it stands for; each
 * half of a pair counts for two of its four bytes.
 */

static inline unsigned
llm_text_excess(uint32_t code)
{
    return (code < 0x80) ? 5
           : (code < 0x800 || (code & 0xf800) == 0xd800) ? 4 : 3;
}


int
llm_scan_text(llm_scan_t *s)
{
    int                   rc;
    const unsigned char  *p;

    p = s->pos;

    while (p < s->end) {

        if (s->state != LLM_SCAN_STRING) {

            rc = llm_text_pending(s, &p);
            if (rc != LLM_OK) {
                return rc;
            }

            continue;
        }

        p = llm_text_plain(s, p);

        if (p == s->end) {
            break;
        }

        if (*p == '"') {
            return llm_text_end(s, p);
        }

        rc = llm_text_special(s, &p);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    s->pos = p;

    return LLM_OK;
}


/* skips plain bytes and escapes that the piece has whole */

static const unsigned char *
llm_text_plain(llm_scan_t *s, const unsigned char *p)
{
    size_t                len;
    uint64_t              excess;
    const unsigned char  *end;

    end = s->end;
    excess = 0;

#if (__SSE2__)
    p = llm_text_blocks(p, end, &excess);
#endif

    do {
        p = llm_scan_skip(p, end);

        len = (end - p >= LLM_SCAN_ESCAPED) ? llm_text_escape(p, &excess) : 0;
        p += len;

    } while (len);

    if (excess) {
        s->escaped = 1;
        s->excess += excess;
    }

    return p;
}


#if (__SSE2__)

/*
 * The same, as long as there are blocks of 32 bytes.  All that is special in
 * one is found at once: text in prompts has an escape every few words.
 */

static const unsigned char *
llm_text_blocks(const unsigned char *p, const unsigned char *end,
    uint64_t *excess)
{
    size_t    len, next;
    unsigned  mask;

    while (end - p >= 32 + LLM_SCAN_ESCAPED) {

        mask = llm_scan_stops(p) | llm_scan_stops(p + 16) << 16;
        next = 0;

        while (mask) {
            next = (size_t) __builtin_ctz(mask);

            len = llm_text_escape(p + next, excess);
            if (len == 0) {
                return p + next;
            }

            next += len;
            mask = (next < 32) ? mask & ~0u << next : 0;
        }

        p += (next > 32) ? next : 32;
    }

    return p;
}

#endif


/*
 * The length of the escape at p, of which LLM_SCAN_ESCAPED bytes can be read;
 * 0 if there is none, or an invalid one.
 */

static inline size_t
llm_text_escape(const unsigned char *p, uint64_t *excess)
{
    uint32_t  code;

    if (p[0] != '\\') {
        return 0;
    }

    if (llm_text_escapes[p[1]]) {
        (*excess)++;
        return 2;
    }

    if (p[1] != 'u' || llm_text_code(p + 2, &code) != LLM_OK) {
        return 0;
    }

    *excess += llm_text_excess(code);

    return 6;
}


/* four hex digits */

static int
llm_text_code(const unsigned char *p, uint32_t *code)
{
    unsigned  i, digit;

    *code = 0;

    for (i = 0; i < 4; i++) {
        digit = llm_text_digit(p[i]);

        if (digit > 15) {
            return LLM_INVALID;
        }

        *code = *code << 4 | digit;
    }

    return LLM_OK;
}


const unsigned char *
llm_scan_skip_long(const unsigned char *p, const unsigned char *end)
{
#if (__SSE2__)

    unsigned  mask;

    while (end - p >= 32) {
        mask = llm_scan_stops(p) | llm_scan_stops(p + 16) << 16;

        if (mask) {
            return p + __builtin_ctz(mask);
        }

        p += 32;
    }

    if (end - p >= 16) {
        mask = llm_scan_stops(p);

        if (mask) {
            return p + __builtin_ctz(mask);
        }

        p += 16;
    }

    if (end - p >= 8) {
        mask = llm_scan_stops_in(_mm_loadl_epi64((const __m128i *) p)) & 0xff;

        if (mask) {
            return p + __builtin_ctz(mask);
        }

        p += 8;
    }

#else

    uint64_t  v, stops;

    /*
     * A byte below n borrows into its top bit from v - n; the same trick
     * finds zero bytes of v ^ c.  Borrows into higher bytes may only raise
     * false alarms, which the loop below settles.
     */

#define llm_text_ones        0x0101010101010101ULL
#define llm_text_below(v, n) (((v) - llm_text_ones * (n)) & ~(v))

    while (end - p >= 8) {
        memcpy(&v, p, 8);

        stops = v | llm_text_below(v, 0x20)
                | llm_text_below(v ^ (llm_text_ones * '"'), 1)
                | llm_text_below(v ^ (llm_text_ones * '\\'), 1);

        if (stops & (llm_text_ones * 0x80)) {
            break;
        }

        p += 8;
    }

#undef llm_text_ones
#undef llm_text_below

#endif

    while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
        p++;
    }

    return p;
}


/* skips whole sequences; stops at ASCII, a bad sequence or a cut one */

static const unsigned char *
llm_text_utf8(const unsigned char *p, const unsigned char *end)
{
    size_t  n;

    while (p < end && *p >= 0x80) {

        /* three bytes without a special case: most of CJK and punctuation */

        if (end - p >= 3 && (*p & 0xf0) == 0xe0 && *p != 0xe0 && *p != 0xed) {

            if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80) {
                break;
            }

            p += 3;
            continue;
        }

        if (end - p >= 2 && *p >= 0xc2 && *p < 0xe0) {

            if ((p[1] & 0xc0) != 0x80) {
                break;
            }

            p += 2;
            continue;
        }

        n = llm_utf8(p, (size_t) (end - p));
        if (n == 0) {
            break;
        }

        p += n;
    }

    return p;
}


/* takes what llm_scan_skip() stopped at */

static int
llm_text_special(llm_scan_t *s, const unsigned char **pp)
{
    const unsigned char  *p;

    p = *pp;

    if (*p >= 0x80) {
        p = llm_text_utf8(p, s->end);

        if (p < s->end && *p >= 0x80) {

            llm_text_lead(s, *p);

            if (s->left == 0) {
                return llm_scan_fail(s, llm_scan_at(s, p), LLM_INVALID,
                                     "invalid UTF-8 in string");
            }

            p++;
        }

        *pp = p;

        return LLM_OK;
    }

    if (*p != '\\') {
        return llm_scan_fail(s, llm_scan_at(s, p), LLM_INVALID,
                             "control character in string");
    }

    s->escaped = 1;

    if (s->end - p >= 2 && llm_text_escapes[p[1]]) {
        s->excess++;
        p += 2;

    } else {
        s->state = LLM_SCAN_ESCAPE;
        p++;
    }

    *pp = p;

    return LLM_OK;
}


/*
 * Notes how a sequence that begins with c must go on; left is 0 if none may.
 * The second byte's range shuts out overlongs, surrogates and > U+10FFFF.
 */

static void
llm_text_lead(llm_scan_t *s, unsigned char c)
{
    s->left = (c < 0xc2 || c > 0xf4) ? 0 : (c < 0xe0) ? 1 : (c < 0xf0) ? 2 : 3;
    s->min = (c == 0xe0) ? 0xa0 : (c == 0xf0) ? 0x90 : 0x80;
    s->max = (c == 0xed) ? 0x9f : (c == 0xf4) ? 0x8f : 0xbf;
    s->state = LLM_SCAN_UTF8;
}


/* takes one byte of an escape, or of a sequence that was cut */

static int
llm_text_pending(llm_scan_t *s, const unsigned char **pp)
{
    unsigned       digit;
    unsigned char  c;
    const char    *error;

    c = *(*pp)++;

    switch (s->state) {

    case LLM_SCAN_ESCAPE:

        if (llm_text_escapes[c]) {
            s->excess++;
            s->state = LLM_SCAN_STRING;
            return LLM_OK;
        }

        if (c == 'u') {
            s->code = 0;
            s->left = 4;
            s->state = LLM_SCAN_HEX;
            return LLM_OK;
        }

        error = "invalid escape in string";
        break;

    case LLM_SCAN_HEX:

        digit = llm_text_digit(c);

        if (digit < 16) {
            s->code = s->code << 4 | digit;

            if (--s->left == 0) {
                s->excess += llm_text_excess(s->code);
                s->state = LLM_SCAN_STRING;
            }

            return LLM_OK;
        }

        error = "invalid escape in string";
        break;

    default: /* LLM_SCAN_UTF8 */

        if (c >= s->min && c <= s->max) {
            s->min = 0x80;
            s->max = 0xbf;

            if (--s->left == 0) {
                s->state = LLM_SCAN_STRING;
            }

            return LLM_OK;
        }

        error = "invalid UTF-8 in string";
    }

    return llm_scan_fail(s, llm_scan_at(s, *pp) - 1, LLM_INVALID, error);
}


/* p is at the closing quote */

static int
llm_text_end(llm_scan_t *s, const unsigned char *p)
{
    size_t  end;

    s->pos = p + 1;
    end = llm_scan_at(s, p) + 1;

    if (s->name) {
        s->state = LLM_SCAN_COLON;

        return s->wanted ? llm_scan_name_end(s, p) : LLM_OK;
    }

    s->text += end - s->token - 2 - s->excess;

    return llm_scan_value_end(s, end, 0);
}


int
llm_scan_number(llm_scan_t *s)
{
    unsigned              state, next;
    const char           *error;
    const unsigned char  *p;

    state = s->state;

    for (p = s->pos; p < s->end; p++) {

        next = llm_number_next[state - LLM_SCAN_MINUS][llm_number_classes[*p]];

        if (next == 0) {
            s->pos = p;
            return llm_scan_value_end(s, llm_scan_at(s, p), 0);
        }

        if (next == LLM_NUMBER_BAD) {
            error = (state == LLM_SCAN_ZERO)
                    ? "number with a leading zero"
                    : "number without a digit where one must be";

            return llm_scan_fail(s, llm_scan_at(s, p), LLM_INVALID, error);
        }

        state = next;
    }

    s->state = (llm_scan_state_e) state;
    s->pos = p;

    return LLM_OK;
}


int
llm_scan_literal(llm_scan_t *s)
{
    const unsigned char  *p;

    for (p = s->pos; p < s->end; p++) {

        if (*p != (unsigned char) *s->literal) {
            return llm_scan_fail(s, llm_scan_at(s, p), LLM_INVALID,
                                 "not a value");
        }

        s->literal++;

        if (*s->literal == '\0') {
            s->pos = p + 1;
            return llm_scan_value_end(s, llm_scan_at(s, p) + 1, 0);
        }
    }

    s->pos = p;

    return LLM_OK;
}
