
/*
 * A non-recursive, incremental scanner of JSON: what its callers see.
 */


#include "llm_scan.h"
#include "llm_scan_state.h"


llm_scan_t *
llm_scan_create(llm_arena_t *arena, const llm_pick_t *picks, unsigned npicks,
    unsigned flags)
{
    llm_picks_t  *set;

    if (npicks == 0) {
        return llm_scan_open(arena, NULL, flags);
    }

    set = llm_alloc(arena, sizeof(llm_picks_t));
    if (set == NULL) {
        return NULL;
    }

    set->table = picks;
    set->n = npicks;
    set->linked = 0;

    return llm_scan_open(arena, set, flags);
}


llm_scan_t *
llm_scan_open(llm_arena_t *arena, llm_picks_t *picks, unsigned flags)
{
    llm_scan_t          *s;

    static llm_picks_t   none;

    if (picks == NULL) {
        picks = &none;
    }

    if (llm_scan_picks_link(picks) != LLM_OK) {
        return NULL;
    }

    s = llm_alloc(arena, sizeof(llm_scan_t)
                         + picks->n * sizeof(llm_pick_state_t));
    if (s == NULL) {
        return NULL;
    }

    memset(s, 0, offsetof(llm_scan_t, levels));

    s->arena = arena;
    s->set = picks;
    s->flags = flags;
    s->stack = s->levels;
    s->nlevels = LLM_SCAN_LEVELS;
    s->name_size = picks->name_size;

    if ((flags & LLM_SCAN_MEMBERS)
        && s->name_size < LLM_SCAN_MAX_NAME * LLM_SCAN_ESCAPED)
    {
        s->name_size = LLM_SCAN_MAX_NAME * LLM_SCAN_ESCAPED;
    }

    llm_buf_init(&s->names, arena);

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

    s->open = 0;
    s->told = 0;
    s->raw = 0;
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


int
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
