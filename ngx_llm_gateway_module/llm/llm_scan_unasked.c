
/*
 * The scanner where nobody asks for anything: the messages of a prompt, the
 * schemas of its tools, embeddings.  The same grammar as in llm_scan_walk.c
 * without what is kept of values, and of tokens that the piece has whole.
 * What is wrong, or not that simple, is left to the states of that file.
 */


#include "llm_scan.h"
#include "llm_scan_state.h"
#include "llm_scan_skip.h"


static inline llm_level_t *llm_unasked_push(llm_scan_t *s, llm_level_t *top,
    unsigned char c);
static inline const unsigned char *llm_unasked_name(const unsigned char *p,
    const unsigned char *end);
static void llm_unasked_cut(llm_scan_t *s, const unsigned char *p,
    uint64_t excess);
static const unsigned char *llm_unasked_scalar(const unsigned char *p,
    const unsigned char *end);
static const unsigned char *llm_unasked_number(const unsigned char *p,
    const unsigned char *end);


#define llm_unasked_close(type)  ((type) == LLM_JSON_OBJECT ? '}' : ']')


static inline const unsigned char *
llm_unasked_space(const unsigned char *p, const unsigned char *end)
{
    while (p < end && *p <= ' '
           && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
    {
        p++;
    }

    return p;
}


/* behind what is plain in a string that goes on at p */

static inline const unsigned char *
llm_unasked_string(const unsigned char *p, const unsigned char *end,
    uint64_t *excess)
{
#if (__SSE2__)

    unsigned  mask;

    if (end - p >= 16) {
        mask = llm_scan_stops(p);

        if (mask == 0) {
            return llm_scan_plain(p + 16, end, excess);
        }

        p += __builtin_ctz(mask);

        if (*p == '"') {
            return p;
        }
    }

#endif

    return llm_scan_plain(p, end, excess);
}


/*
 * A value ended before p: closes what ends there, too, but for the container
 * that the walk began in, up to the next value or what is none.
 */

static inline const unsigned char *
llm_unasked_next(llm_scan_t *s, llm_level_t **level, llm_level_t *base,
    const unsigned char *p, const unsigned char *end)
{
    llm_level_t  *top;

    top = *level;

    for ( ;; ) {
        p = llm_unasked_space(p, end);

        if (p == end) {
            break;
        }

        if (*p == ',') {
            *level = top;
            s->state = (top->type == LLM_JSON_OBJECT) ? LLM_SCAN_NAME
                                                      : LLM_SCAN_VALUE;
            return llm_unasked_space(p + 1, end);
        }

        if (*p != llm_unasked_close(top->type) || top == base) {
            break;
        }

        top--;
        p++;
    }

    *level = top;
    s->state = LLM_SCAN_NEXT;

    return p;
}


void
llm_scan_unasked(llm_scan_t *s)
{
    uint32_t              values;
    uint64_t              excess, text;
    llm_level_t          *top, *base, *last;
    const unsigned char  *p, *q, *end;

    p = s->pos;
    end = s->end;
    text = s->text;
    values = s->values;
    top = &s->stack[s->depth];
    base = top;
    last = &s->stack[s->nlevels - 1];
    excess = 0;

    while (p < end) {

        if (top->type == LLM_JSON_OBJECT) {

            q = llm_unasked_name(p, end);
            if (q == NULL) {
                break;
            }

            p = q;
            s->pick = LLM_SCAN_NO_PICK;
            s->state = LLM_SCAN_VALUE;
        }

        if (values == LLM_SCAN_MAX_VALUES) {
            break;
        }

        if (*p == '"') {

            q = llm_unasked_string(p + 1, end, &excess);

            values++;
            top->count++;

            if (q == end || *q != '"') {
                llm_unasked_cut(s, p, excess);
                p = q;
                break;
            }

            text += (size_t) (q - p) - 1 - excess;
            excess = 0;
            p = q + 1;

        } else if (*p == '{' || *p == '[') {

            if (top == last) {
                break;
            }

            values++;
            top->count++;
            top = llm_unasked_push(s, top, *p);

            p = llm_unasked_space(p + 1, end);

            if (p == end || *p != llm_unasked_close(top->type)) {
                continue;
            }

        } else {

            q = llm_unasked_scalar(p, end);
            if (q == NULL) {
                break;
            }

            values++;
            top->count++;
            p = q;
        }

        p = llm_unasked_next(s, &top, base, p, end);

        if (s->state == LLM_SCAN_NEXT) {
            break;
        }
    }

    s->pos = p;
    s->text = text;
    s->values = values;
    s->depth = (unsigned) (top - s->stack);
}


static inline llm_level_t *
llm_unasked_push(llm_scan_t *s, llm_level_t *top, unsigned char c)
{
    top++;

    top->count = 0;
    top->pick = LLM_SCAN_NO_PICK;

    if (c == '{') {
        top->type = LLM_JSON_OBJECT;
        s->state = LLM_SCAN_FIRST_NAME;

    } else {
        top->type = LLM_JSON_ARRAY;
        s->state = LLM_SCAN_FIRST_VALUE;
    }

    return top;
}


/* behind the name at p and its colon, or NULL */

static inline const unsigned char *
llm_unasked_name(const unsigned char *p, const unsigned char *end)
{
    uint64_t  excess;

    if (*p != '"') {
        return NULL;
    }

    excess = 0;
    p = llm_unasked_string(p + 1, end, &excess);

    if (p == end || *p != '"') {
        return NULL;
    }

    p++;

    /* most have nothing on either side of the colon */

    if (end - p >= 2 && p[0] == ':' && p[1] > ' ') {
        return p + 1;
    }

    p = llm_unasked_space(p, end);

    if (p == end || *p != ':') {
        return NULL;
    }

    p = llm_unasked_space(p + 1, end);

    return (p == end) ? NULL : p;
}


/* the string at p goes on behind what the piece has of it as plain text */

static void
llm_unasked_cut(llm_scan_t *s, const unsigned char *p, uint64_t excess)
{
    s->token = llm_scan_at(s, p);
    s->pick = LLM_SCAN_NO_PICK;
    s->name = 0;
    s->excess = excess;
    s->state = LLM_SCAN_STRING;
}


/* behind the number or word at p, or NULL */

static const unsigned char *
llm_unasked_scalar(const unsigned char *p, const unsigned char *end)
{
    switch (*p) {

    case 't':
        return (end - p >= 4 && memcmp(p, "true", 4) == 0) ? p + 4 : NULL;

    case 'f':
        return (end - p >= 5 && memcmp(p, "false", 5) == 0) ? p + 5 : NULL;

    case 'n':
        return (end - p >= 4 && memcmp(p, "null", 4) == 0) ? p + 4 : NULL;

    default:
        return llm_unasked_number(p, end);
    }
}


/* a number is over only where another byte follows it */

static const unsigned char *
llm_unasked_number(const unsigned char *p, const unsigned char *end)
{
#define llm_unasked_digit()  (p < end && (unsigned) (*p - '0') <= 9)

    if (*p == '-') {
        p++;
    }

    if (!llm_unasked_digit()) {
        return NULL;
    }

    if (*p++ == '0' && llm_unasked_digit()) {
        return NULL;
    }

    while (llm_unasked_digit()) {
        p++;
    }

    if (p < end && *p == '.') {
        p++;

        if (!llm_unasked_digit()) {
            return NULL;
        }

        while (llm_unasked_digit()) {
            p++;
        }
    }

    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;

        if (p < end && (*p == '+' || *p == '-')) {
            p++;
        }

        if (!llm_unasked_digit()) {
            return NULL;
        }

        while (llm_unasked_digit()) {
            p++;
        }
    }

    return (p < end) ? p : NULL;

#undef llm_unasked_digit
}
