
/*
 * The scanner's walk over the structure of a text: one switch over a state
 * and a stack of fixed size, so that a text may stop after any byte.
 */


#include "llm_scan.h"
#include "llm_scan_state.h"
#include "llm_scan_skip.h"


#define llm_quote(n)       llm_quote_value(n)
#define llm_quote_value(n) #n

#define LLM_SCAN_ERROR_DEPTH                                                  \
    "more than " llm_quote(LLM_SCAN_MAX_DEPTH) " levels of nesting"
#define LLM_SCAN_ERROR_VALUES                                                 \
    "more than " llm_quote(LLM_SCAN_MAX_VALUES) " values"


static inline const unsigned char *llm_scan_unasked_from(llm_scan_t *s,
    const unsigned char *p);
static int llm_scan_run(llm_scan_t *s, const unsigned char *p);
static inline const unsigned char *llm_scan_scalar(const unsigned char *p,
    const unsigned char *end, unsigned *type, size_t *text);
static inline int llm_scan_name(llm_scan_t *s, const unsigned char *p);
static inline int llm_scan_value(llm_scan_t *s, const unsigned char *p);
static int llm_scan_string(llm_scan_t *s, const unsigned char *p);
static inline const unsigned char *llm_scan_string_open(llm_scan_t *s,
    const unsigned char *p);
static int llm_scan_digits(llm_scan_t *s, const unsigned char *p,
    llm_scan_state_e state);
static int llm_scan_word(llm_scan_t *s, const unsigned char *p, unsigned type,
    const char *word, size_t len);
static inline int llm_scan_value_begin(llm_scan_t *s, size_t offset,
    unsigned type);
static int llm_scan_push(llm_scan_t *s, const unsigned char *p,
    unsigned type);
static int llm_scan_deepen(llm_scan_t *s);
static inline int llm_scan_pop(llm_scan_t *s, const unsigned char *p);


int
llm_scan_structure(llm_scan_t *s)
{
    int                   rc;
    unsigned char         c;
    llm_level_t          *top;
    const unsigned char  *p, *q;

    p = s->pos;

    while (p < s->end) {
        c = *p;

        if (c <= ' '
            && (c == ' ' || c == '\n' || c == '\r' || c == '\t'))
        {
            p++;
            continue;
        }

        switch (s->state) {

        case LLM_SCAN_FIRST_VALUE:

            if (c == ']') {
                break;
            }

            /* fall through */

        case LLM_SCAN_VALUE:

            if (s->stack[s->depth].type == LLM_JSON_ARRAY
                && !llm_scan_watched(s))
            {
                q = p;
                p = llm_scan_unasked_from(s, p);

                if (s->state > LLM_SCAN_DONE) {
                    return LLM_OK;
                }

                if (p != q) {
                    continue;
                }
            }

            rc = llm_scan_value(s, p);

            if (rc != LLM_OK || s->state > LLM_SCAN_DONE) {
                return rc;
            }

            p = s->pos;
            continue;

        case LLM_SCAN_FIRST_NAME:

            if (c == '}') {
                break;
            }

            /* fall through */

        case LLM_SCAN_NAME:

            if (c != '"') {
                return llm_scan_unexpected(s, p);
            }

            if (!llm_scan_watched(s)) {

                q = p;
                p = llm_scan_unasked_from(s, p);

                if (s->state > LLM_SCAN_DONE) {
                    return LLM_OK;
                }

                if (p != q) {
                    continue;
                }

            } else if (!llm_scan_listed(s)) {

                rc = llm_scan_run(s, p);

                if (rc != LLM_OK || s->state > LLM_SCAN_DONE) {
                    return rc;
                }

                q = p;
                p = s->pos;

                if (p != q) {
                    continue;
                }
            }

            rc = llm_scan_name(s, p);

            if (rc != LLM_OK || s->state > LLM_SCAN_DONE) {
                return rc;
            }

            p = s->pos;
            continue;

        case LLM_SCAN_COLON:

            if (c != ':') {
                return llm_scan_unexpected(s, p);
            }

            s->state = LLM_SCAN_VALUE;
            p++;
            continue;

        case LLM_SCAN_NEXT:

            top = &s->stack[s->depth];

            if (c == ',') {
                p++;
                s->state = (top->type == LLM_JSON_OBJECT) ? LLM_SCAN_NAME
                                                          : LLM_SCAN_VALUE;
                continue;
            }

            if (c != ((top->type == LLM_JSON_OBJECT) ? '}' : ']')) {
                return llm_scan_unexpected(s, p);
            }

            break;

        default: /* LLM_SCAN_DONE */
            return llm_scan_unexpected(s, p);
        }

        rc = llm_scan_pop(s, p);
        if (rc != LLM_OK) {
            return rc;
        }

        p++;
    }

    s->pos = p;

    return LLM_OK;
}


static inline const unsigned char *
llm_scan_unasked_from(llm_scan_t *s, const unsigned char *p)
{
    s->pos = p;
    llm_scan_unasked(s);

    return s->pos;
}


/*
 * The quote at p opens a name.  Takes members as long as the piece has them
 * without anything special, up to a value that is no plain scalar; what is
 * behind s->pos is left to the states.  LLM_OK or LLM_NOMEM.
 */

static int
llm_scan_run(llm_scan_t *s, const unsigned char *p)
{
    int                   rc;
    size_t                text, more;
    uint32_t              n;
    unsigned              i, cut, asked, parent, type;
    const unsigned char  *q, *v, *end;

    rc = LLM_OK;
    end = s->end;
    parent = s->stack[s->depth].pick;
    asked = llm_scan_asked(s->set, parent);
    cut = 0;
    more = 0;
    text = 0;
    n = 0;

    while (*p == '"' && s->values + n < LLM_SCAN_MAX_VALUES) {

        q = llm_scan_skip(p + 1, end);

        if (end - q < 3 || q[0] != '"' || q[1] != ':') {
            break;
        }

        v = q + 2;
        i = asked ? llm_scan_find(s->set, parent, p + 1, (size_t) (q - p) - 1)
                  : LLM_SCAN_NO_PICK;

        q = llm_scan_scalar(v, end, &type, &more);

        if (q == NULL || q == end || (*q != ',' && *q != '}')) {

            s->pick = (uint8_t) i;
            s->state = LLM_SCAN_VALUE;
            p = v;

            cut = (q == NULL && type == LLM_JSON_STRING);
            break;
        }

        if (i != LLM_SCAN_NO_PICK) {

            rc = llm_scan_pick_scalar(s, i, v, q, type, more);

            if (rc != LLM_OK) {
                rc = llm_scan_fail(s, llm_scan_at(s, q), rc, "no memory");
                break;
            }
        }

        text += more;
        n++;
        p = q;

        if (*p == '}') {
            s->state = LLM_SCAN_NEXT;
            break;
        }

        s->state = LLM_SCAN_NAME;

        if (++p == end) {
            break;
        }
    }

    s->pos = p;
    s->values += n;
    s->stack[s->depth].count += n;
    s->text += text;

    if (cut) {

        /* what is known to be plain is not looked at again */

        rc = llm_scan_value_begin(s, llm_scan_at(s, p), LLM_JSON_STRING);
        s->pos = llm_scan_string_open(s, p + 1 + more);
    }

    return rc;
}


/*
 * Behind the scalar at p, if the piece has it whole and plain, else NULL; a
 * number may go on there.  text is the length of a string, or of its part.
 */

static inline const unsigned char *
llm_scan_scalar(const unsigned char *p, const unsigned char *end,
    unsigned *type, size_t *text)
{
    const unsigned char  *q;

    *text = 0;

    switch (*p) {

    case '"':
        *type = LLM_JSON_STRING;
        q = llm_scan_skip(p + 1, end);
        *text = (size_t) (q - p) - 1;

        return (q < end && *q == '"') ? q + 1 : NULL;

    case '0':
        *type = LLM_JSON_NUMBER;
        return p + 1;

    case '1': case '2': case '3': case '4': case '5':
    case '6': case '7': case '8': case '9':

        *type = LLM_JSON_NUMBER;

        do {
            p++;
        } while (p < end && *p >= '0' && *p <= '9');

        return p;

    case 't':
        *type = LLM_JSON_TRUE;
        return (end - p >= 4 && memcmp(p, "true", 4) == 0) ? p + 4 : NULL;

    case 'f':
        *type = LLM_JSON_FALSE;
        return (end - p >= 5 && memcmp(p, "false", 5) == 0) ? p + 5 : NULL;

    case 'n':
        *type = LLM_JSON_NULL;
        return (end - p >= 4 && memcmp(p, "null", 4) == 0) ? p + 4 : NULL;

    default:
        *type = LLM_JSON_NONE;    /* not needed, but compilers do not see it */
        return NULL;
    }
}


/* the quote at p opens a name; one that the piece has whole ends here, too */

static inline int
llm_scan_name(llm_scan_t *s, const unsigned char *p)
{
    int                   rc;
    unsigned              wanted;
    llm_str_t             name;
    const unsigned char  *q;

    s->pick = LLM_SCAN_NO_PICK;

    wanted = llm_scan_asked(s->set, s->stack[s->depth].pick)
             || llm_scan_listed(s);

    q = llm_scan_skip(p + 1, s->end);

    if (q == s->end || *q != '"') {
        s->pos = q;
        s->token = llm_scan_at(s, p);
        s->name = 1;
        s->escaped = 0;
        s->name_len = 0;
        s->wanted = wanted;
        s->state = LLM_SCAN_STRING;

        return LLM_OK;
    }

    name.data = (unsigned char *) p + 1;
    name.len = (size_t) (q - p) - 1;

    if (wanted) {
        s->token = llm_scan_at(s, p);

        rc = llm_scan_name_take(s, &name);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    q++;

    if (q < s->end && *q == ':') {
        s->pos = q + 1;
        s->state = LLM_SCAN_VALUE;

    } else {
        s->pos = q;
        s->state = LLM_SCAN_COLON;
    }

    return LLM_OK;
}


/*
 * The byte at p begins a value.  Scalars that the piece has whole, and without
 * anything special, end here, too.
 */

static inline int
llm_scan_value(llm_scan_t *s, const unsigned char *p)
{
    switch (*p) {

    case '{':
        return llm_scan_push(s, p, LLM_JSON_OBJECT);

    case '[':
        return llm_scan_push(s, p, LLM_JSON_ARRAY);

    case '"':
        return llm_scan_string(s, p);

    case '-':
        return llm_scan_digits(s, p, LLM_SCAN_MINUS);

    case '0':
        return llm_scan_digits(s, p, LLM_SCAN_ZERO);

    case '1': case '2': case '3': case '4': case '5':
    case '6': case '7': case '8': case '9':
        return llm_scan_digits(s, p, LLM_SCAN_INTEGER);

    case 't':
        return llm_scan_word(s, p, LLM_JSON_TRUE, "true", 4);

    case 'f':
        return llm_scan_word(s, p, LLM_JSON_FALSE, "false", 5);

    case 'n':
        return llm_scan_word(s, p, LLM_JSON_NULL, "null", 4);

    default:
        return llm_scan_unexpected(s, p);
    }
}


static int
llm_scan_string(llm_scan_t *s, const unsigned char *p)
{
    int                   rc;
    const unsigned char  *q;

    rc = llm_scan_value_begin(s, llm_scan_at(s, p), LLM_JSON_STRING);
    if (rc != LLM_OK) {
        return rc;
    }

    q = llm_scan_skip(p + 1, s->end);

    if (q < s->end && *q == '"') {
        s->pos = q + 1;
        s->text += (size_t) (q - p) - 1;

        return llm_scan_value_end(s, llm_scan_at(s, q) + 1, 0);
    }

    s->pos = llm_scan_string_open(s, q);

    return LLM_OK;
}


/* the string at hand goes on at p, which is returned */

static inline const unsigned char *
llm_scan_string_open(llm_scan_t *s, const unsigned char *p)
{
    s->name = 0;
    s->excess = 0;
    s->state = LLM_SCAN_STRING;

    return p;
}


static int
llm_scan_digits(llm_scan_t *s, const unsigned char *p, llm_scan_state_e state)
{
    int                   rc;
    const unsigned char  *q;

    rc = llm_scan_value_begin(s, llm_scan_at(s, p), LLM_JSON_NUMBER);
    if (rc != LLM_OK) {
        return rc;
    }

    q = p + 1;

    if (state == LLM_SCAN_INTEGER) {
        while (q < s->end && *q >= '0' && *q <= '9') {
            q++;
        }
    }

    s->pos = q;

    if (state != LLM_SCAN_MINUS && q < s->end
        && (*q == ',' || *q == '}' || *q == ']'))
    {
        return llm_scan_value_end(s, llm_scan_at(s, q), 0);
    }

    s->state = state;

    return LLM_OK;
}


static int
llm_scan_word(llm_scan_t *s, const unsigned char *p, unsigned type,
    const char *word, size_t len)
{
    int  rc;

    rc = llm_scan_value_begin(s, llm_scan_at(s, p), type);
    if (rc != LLM_OK) {
        return rc;
    }

    if ((size_t) (s->end - p) >= len && memcmp(p, word, len) == 0) {
        s->pos = p + len;
        return llm_scan_value_end(s, llm_scan_at(s, p) + len, 0);
    }

    s->pos = p + 1;
    s->literal = word + 1;
    s->state = LLM_SCAN_LITERAL;

    return LLM_OK;
}


static inline int
llm_scan_value_begin(llm_scan_t *s, size_t offset, unsigned type)
{
    llm_level_t  *top;

    if (s->values == LLM_SCAN_MAX_VALUES) {
        return llm_scan_fail(s, offset, LLM_LIMIT, LLM_SCAN_ERROR_VALUES);
    }

    s->values++;
    s->token = offset;

    top = &s->stack[s->depth];
    top->count++;

    if (top->type == LLM_JSON_ARRAY) {
        s->pick = s->set->element[top->pick];
    }

    if (s->pick < LLM_SCAN_NO_PICK) {
        llm_scan_pick_open(s, offset, type);
    }

    if (s->depth > 1) {
        return LLM_OK;
    }

    if (s->depth == 0) {

        if ((s->flags & LLM_SCAN_MEMBERS) && type != LLM_JSON_OBJECT) {
            return llm_scan_fail(s, offset, LLM_INVALID,
                                 "the text must be an object");
        }

        s->type = (uint8_t) type;

    } else if (s->flags & LLM_SCAN_MEMBERS) {
        s->members[s->nmembers - 1].start = offset;
        s->members[s->nmembers - 1].type = (uint8_t) type;
    }

    return LLM_OK;
}


int
llm_scan_value_end(llm_scan_t *s, size_t offset, uint32_t count)
{
    if (s->pick < LLM_SCAN_NO_PICK) {

        if (llm_scan_pick_close(s, offset, count) != LLM_OK) {
            return llm_scan_fail(s, offset, LLM_NOMEM, "no memory");
        }
    }

    if (s->depth == 0) {
        s->state = LLM_SCAN_DONE;
        s->close = offset - 1;
        return LLM_OK;
    }

    s->state = LLM_SCAN_NEXT;

    if (s->depth == 1 && (s->flags & LLM_SCAN_MEMBERS)) {
        s->members[s->nmembers - 1].end = offset;
    }

    return LLM_OK;
}


static int
llm_scan_push(llm_scan_t *s, const unsigned char *p, unsigned type)
{
    int           rc;
    size_t        offset;
    llm_level_t  *top;

    offset = llm_scan_at(s, p);

    if (s->depth == LLM_SCAN_MAX_DEPTH) {
        return llm_scan_fail(s, offset, LLM_LIMIT, LLM_SCAN_ERROR_DEPTH);
    }

    rc = llm_scan_value_begin(s, offset, type);
    if (rc != LLM_OK) {
        return rc;
    }

    if (s->depth + 1 == s->nlevels && llm_scan_deepen(s) != LLM_OK) {
        return llm_scan_fail(s, offset, LLM_NOMEM, "no memory");
    }

    s->pos = p + 1;

    top = &s->stack[++s->depth];
    top->count = 0;
    top->type = (uint8_t) type;
    top->pick = s->pick;

    s->state = (type == LLM_JSON_OBJECT) ? LLM_SCAN_FIRST_NAME
                                         : LLM_SCAN_FIRST_VALUE;
    return LLM_OK;
}


/* makes room for all levels that there may be */

static int
llm_scan_deepen(llm_scan_t *s)
{
    llm_level_t  *stack;

    stack = llm_alloc(s->arena,
                      (LLM_SCAN_MAX_DEPTH + 1) * sizeof(llm_level_t));
    if (stack == NULL) {
        return LLM_NOMEM;
    }

    memcpy(stack, s->levels, sizeof(s->levels));

    s->stack = stack;
    s->nlevels = LLM_SCAN_MAX_DEPTH + 1;

    return LLM_OK;
}


static inline int
llm_scan_pop(llm_scan_t *s, const unsigned char *p)
{
    llm_level_t  *top;

    top = &s->stack[s->depth--];
    s->pick = top->pick;

    return llm_scan_value_end(s, llm_scan_at(s, p) + 1, top->count);
}
