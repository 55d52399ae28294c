
/*
 * The scanner's walk over the structure of a text: one switch over a state
 * and a stack of fixed size, so that a text may stop after any byte.
 */


#include "llm_scan.h"
#include "llm_scan_state.h"


#define llm_quote(n)       llm_quote_value(n)
#define llm_quote_value(n) #n

#define LLM_SCAN_ERROR_DEPTH                                                  \
    "more than " llm_quote(LLM_SCAN_MAX_DEPTH) " levels of nesting"
#define LLM_SCAN_ERROR_VALUES                                                 \
    "more than " llm_quote(LLM_SCAN_MAX_VALUES) " values"


static int llm_scan_structure(llm_scan_t *s);
static void llm_scan_name_begin(llm_scan_t *s, size_t offset);
static int llm_scan_value(llm_scan_t *s, const unsigned char *p);
static int llm_scan_value_begin(llm_scan_t *s, size_t offset, unsigned type);
static int llm_scan_push(llm_scan_t *s, const unsigned char *p,
    unsigned type);
static int llm_scan_pop(llm_scan_t *s, const unsigned char *p);
static int llm_scan_unexpected(llm_scan_t *s, const unsigned char *p);


llm_scan_t *
llm_scan_create(llm_arena_t *arena, const llm_pick_t *picks, unsigned npicks,
    unsigned flags)
{
    llm_scan_t  *s;

    s = llm_calloc(arena, sizeof(llm_scan_t));
    if (s == NULL) {
        return NULL;
    }

    s->arena = arena;
    s->flags = flags;

    llm_buf_init(&s->names, arena);

    if (llm_scan_picks_init(s, picks, npicks) != LLM_OK) {
        return NULL;
    }

    llm_scan_reset(s);

    return s;
}


void
llm_scan_reset(llm_scan_t *s)
{
    s->state = LLM_SCAN_VALUE;
    s->rc = LLM_OK;
    s->depth = 0;
    s->offset = 0;
    s->piece = NULL;
    s->pos = NULL;
    s->end = NULL;
    s->type = LLM_JSON_NONE;
    s->name = 0;
    s->values = 0;
    s->text = 0;
    s->error = "";
    s->nmembers = 0;
    s->names.len = 0;
    s->names.failed = 0;
    s->duplicate.len = 0;
    s->duplicate.data = NULL;

    s->pick = LLM_SCAN_ROOT_PICK;
    s->stack[0].type = LLM_JSON_NONE;
    s->stack[0].pick = LLM_SCAN_NO_PICK;

    llm_scan_picks_reset(s);
}


int
llm_scan_feed(llm_scan_t *s, const unsigned char *data, size_t len)
{
    int  rc;

    if (s->rc != LLM_OK || len == 0) {
        return s->rc;
    }

    s->piece = data;
    s->pos = data;
    s->end = data + len;

    do {
        if (s->state <= LLM_SCAN_DONE) {
            rc = llm_scan_structure(s);

        } else if (s->state <= LLM_SCAN_UTF8) {
            rc = llm_scan_text(s);

        } else if (s->state == LLM_SCAN_LITERAL) {
            rc = llm_scan_literal(s);

        } else {
            rc = llm_scan_number(s);
        }

        if (rc != LLM_OK) {
            return rc;
        }

    } while (s->pos < s->end);

    rc = llm_scan_keep(s);
    if (rc != LLM_OK) {
        return rc;
    }

    s->offset += len;

    return LLM_OK;
}


int
llm_scan_end(llm_scan_t *s)
{
    if (s->rc != LLM_OK) {
        return s->rc;
    }

    switch (s->state) {

    case LLM_SCAN_ZERO:
    case LLM_SCAN_INTEGER:
    case LLM_SCAN_FRACTION:
    case LLM_SCAN_POWER:

        /* nothing but the end of the text ends an outermost number */

        if (s->depth == 0) {
            s->piece = NULL;
            s->pos = NULL;

            return llm_scan_value_end(s, s->offset, 0);
        }

        break;

    case LLM_SCAN_DONE:
        return LLM_OK;

    case LLM_SCAN_VALUE:

        if (s->depth == 0) {
            return llm_scan_fail(s, s->offset, LLM_INVALID, "empty text");
        }

        break;

    case LLM_SCAN_STRING:
    case LLM_SCAN_ESCAPE:
    case LLM_SCAN_HEX:
    case LLM_SCAN_UTF8:
        return llm_scan_fail(s, s->offset, LLM_INVALID,
                             "text ends inside a string");

    default:
        break;
    }

    return llm_scan_fail(s, s->offset, LLM_INVALID,
                         "text ends before its value does");
}


int
llm_scan_complete(const llm_scan_t *s)
{
    return s->state == LLM_SCAN_DONE && s->rc == LLM_OK;
}


size_t
llm_scan_close(const llm_scan_t *s)
{
    return s->close;
}


size_t
llm_scan_offset(const llm_scan_t *s)
{
    return s->offset;
}


const char *
llm_scan_error(const llm_scan_t *s)
{
    return s->error;
}


llm_json_e
llm_scan_type(const llm_scan_t *s)
{
    return (llm_json_e) s->type;
}


int
llm_scan_fail(llm_scan_t *s, size_t offset, int rc, const char *error)
{
    s->rc = rc;
    s->offset = offset;
    s->error = error;

    return rc;
}


/* takes white space and punctuation until a scalar begins */

static int
llm_scan_structure(llm_scan_t *s)
{
    int                   rc;
    unsigned char         c;
    llm_level_t          *top;
    const unsigned char  *p;

    for (p = s->pos; p < s->end; p++) {
        c = *p;

        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
            continue;
        }

        top = &s->stack[s->depth];

        switch (s->state) {

        case LLM_SCAN_FIRST_VALUE:

            if (c == ']') {
                break;
            }

            /* fall through */

        case LLM_SCAN_VALUE:

            rc = llm_scan_value(s, p);
            if (rc != LLM_OK) {
                return rc;
            }

            if (s->state > LLM_SCAN_DONE) {
                s->pos = p + 1;
                return LLM_OK;
            }

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

            llm_scan_name_begin(s, llm_scan_at(s, p));
            s->pos = p + 1;

            return LLM_OK;

        case LLM_SCAN_COLON:

            if (c != ':') {
                return llm_scan_unexpected(s, p);
            }

            s->state = LLM_SCAN_VALUE;
            continue;

        case LLM_SCAN_NEXT:

            if (c == ',') {
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
    }

    s->pos = p;

    return LLM_OK;
}


static void
llm_scan_name_begin(llm_scan_t *s, size_t offset)
{
    s->token = offset;
    s->name = 1;
    s->escaped = 0;
    s->name_len = 0;
    s->wanted = s->child[s->stack[s->depth].pick] != LLM_SCAN_NO_PICK
                || (s->depth == 1 && (s->flags & LLM_SCAN_MEMBERS));
    s->pick = LLM_SCAN_NO_PICK;
    s->state = LLM_SCAN_STRING;
}


/* the byte at p begins a value */

static int
llm_scan_value(llm_scan_t *s, const unsigned char *p)
{
    unsigned          type;
    llm_scan_state_e  state;

    switch (*p) {

    case '{':
        return llm_scan_push(s, p, LLM_JSON_OBJECT);

    case '[':
        return llm_scan_push(s, p, LLM_JSON_ARRAY);

    case '"':
        s->name = 0;
        s->excess = 0;
        type = LLM_JSON_STRING;
        state = LLM_SCAN_STRING;
        break;

    case '-':
        type = LLM_JSON_NUMBER;
        state = LLM_SCAN_MINUS;
        break;

    case '0':
        type = LLM_JSON_NUMBER;
        state = LLM_SCAN_ZERO;
        break;

    case '1': case '2': case '3': case '4': case '5':
    case '6': case '7': case '8': case '9':
        type = LLM_JSON_NUMBER;
        state = LLM_SCAN_INTEGER;
        break;

    case 't':
        type = LLM_JSON_TRUE;
        state = LLM_SCAN_LITERAL;
        s->literal = "rue";
        break;

    case 'f':
        type = LLM_JSON_FALSE;
        state = LLM_SCAN_LITERAL;
        s->literal = "alse";
        break;

    case 'n':
        type = LLM_JSON_NULL;
        state = LLM_SCAN_LITERAL;
        s->literal = "ull";
        break;

    default:
        return llm_scan_unexpected(s, p);
    }

    s->state = state;

    return llm_scan_value_begin(s, llm_scan_at(s, p), type);
}


static int
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
        s->pick = s->element[top->pick];
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

    top = &s->stack[++s->depth];
    top->count = 0;
    top->type = (uint8_t) type;
    top->pick = s->pick;

    s->state = (type == LLM_JSON_OBJECT) ? LLM_SCAN_FIRST_NAME
                                         : LLM_SCAN_FIRST_VALUE;
    return LLM_OK;
}


static int
llm_scan_pop(llm_scan_t *s, const unsigned char *p)
{
    llm_level_t  *top;

    top = &s->stack[s->depth--];
    s->pick = top->pick;

    return llm_scan_value_end(s, llm_scan_at(s, p) + 1, top->count);
}


/* tells what should have been where p is */

static int
llm_scan_unexpected(llm_scan_t *s, const unsigned char *p)
{
    size_t       offset;
    const char  *error;

    offset = llm_scan_at(s, p);

    switch (s->state) {

    case LLM_SCAN_NAME:
        error = (*p == '}') ? "comma before \"}\""
                            : "a name in quotes must follow the comma";
        break;

    case LLM_SCAN_FIRST_NAME:
        error = "a name in quotes must follow \"{\"";
        break;

    case LLM_SCAN_COLON:
        error = "a colon must follow the name";
        break;

    case LLM_SCAN_NEXT:
        error = (s->stack[s->depth].type == LLM_JSON_OBJECT)
                ? "a comma or \"}\" must follow the value"
                : "a comma or \"]\" must follow the value";
        break;

    case LLM_SCAN_DONE:
        error = "something follows the value";
        break;

    default:

        if (offset == 0 && *p == 0xef) {
            error = "a byte order mark precedes the value";

        } else if (*p == ']' && s->stack[s->depth].type == LLM_JSON_ARRAY) {
            error = "comma before \"]\"";

        } else {
            error = "not a value";
        }
    }

    return llm_scan_fail(s, offset, LLM_INVALID, error);
}
