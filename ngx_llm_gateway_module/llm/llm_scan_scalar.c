
/*
 * The scanner in a string, a number or a word.  Strings are nearly all of a
 * large body (prompts, images in base64), so their plain bytes are skipped
 * many at a time.
 */


#include "llm_scan.h"
#include "llm_scan_state.h"
#include "llm_scan_skip.h"


static int llm_text_special(llm_scan_t *s, const unsigned char **pp);
static int llm_text_pending(llm_scan_t *s, const unsigned char **pp);
static int llm_text_end(llm_scan_t *s, const unsigned char *p);
static void llm_text_lead(llm_scan_t *s, unsigned char c);


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


int
llm_scan_text(llm_scan_t *s)
{
    int                   rc;
    uint64_t              excess;
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

        excess = 0;
        p = llm_scan_plain(p, s->end, &excess);

        if (excess) {
            s->escaped = 1;
            s->excess += excess;
        }

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


/* takes what llm_scan_skip() stopped at */

static int
llm_text_special(llm_scan_t *s, const unsigned char **pp)
{
    const unsigned char  *p;

    p = *pp;

    if (*p >= 0x80) {
        p = llm_scan_utf8(p, s->end);

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

    if (s->end - p >= 2 && llm_scan_escaped(p[1])) {
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

        if (llm_scan_escaped(c)) {
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

        digit = llm_scan_digit(c);

        if (digit < 16) {
            s->code = s->code << 4 | digit;

            if (--s->left == 0) {
                s->excess += llm_scan_excess(s->code);
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
