
/*
 * The same picks in a text that was kept of one already scanned: nothing is
 * checked again, and nothing but the values is written down.
 */


#include "llm_scan.h"
#include "llm_scan_skip.h"
#include "llm_scan_state.h"
#include "llm_walk.h"


#define LLM_KEPT_MAX_DEPTH  4


static const unsigned char *llm_kept_name(const llm_picks_t *picks,
    unsigned place, const unsigned char *p, const unsigned char *end,
    unsigned *pick);
static const unsigned char *llm_kept_value(const unsigned char *p,
    const unsigned char *end);
static unsigned llm_kept_find(const llm_picks_t *picks, unsigned place,
    const llm_str_t *name);


int
llm_scan_kept(llm_picks_t *picks, const llm_str_t *text, llm_str_t *values)
{
    size_t                len;
    unsigned              i, depth, places[LLM_KEPT_MAX_DEPTH];
    const llm_pick_t     *pick;
    const unsigned char  *p, *q, *end;

    memset(values, 0, picks->n * sizeof(llm_str_t));

    if (text->len < 2 || text->data[0] != '{'
        || llm_scan_picks_link(picks) != LLM_OK)
    {
        return LLM_DECLINED;
    }

    p = text->data + 1;
    end = text->data + text->len - 1;

    depth = 0;
    places[0] = LLM_SCAN_ROOT_PICK;

    for ( ;; ) {

        p = llm_walk_between(p, end);

        if (p == end) {
            return LLM_OK;
        }

        if (*p == '}' && depth) {
            depth--;
            p++;
            continue;
        }

        p = llm_kept_name(picks, places[depth], p, end, &i);
        p = llm_walk_between(p, end);

        if (p == end) {
            return LLM_OK;
        }

        /* an object that is asked for is walked into instead of over */

        if (*p == '{' && i != LLM_SCAN_NO_PICK
            && !(picks->table[i].flags & LLM_PICK_RAW)
            && llm_scan_asked(picks, i)
            && depth < LLM_KEPT_MAX_DEPTH - 1)
        {
            places[++depth] = i;
            p++;
            continue;
        }

        q = llm_kept_value(p, end);

        if (i != LLM_SCAN_NO_PICK) {
            pick = &picks->table[i];

            if (pick->flags & LLM_PICK_RAW) {
                len = (size_t) (q - p);

                values[i].data = (unsigned char *) p;
                values[i].len = (len > pick->limit) ? 0 : len;
            }
        }

        if (q == p) {
            return LLM_OK;
        }

        p = q;
    }
}


/* behind the name at p, if it is one; *pick is what it names under place */

static const unsigned char *
llm_kept_name(const llm_picks_t *picks, unsigned place, const unsigned char *p,
    const unsigned char *end, unsigned *pick)
{
    llm_str_t             name;
    llm_walk_t            walk;
    const unsigned char  *q;

    if (*p == '"') {
        q = llm_scan_skip(p + 1, end);

        if (q < end && *q == '"') {
            *pick = llm_scan_find(picks, place, p + 1, (size_t) (q - p) - 1);
            return q + 1;
        }
    }

    walk.p = p;
    walk.end = end;

    *pick = llm_walk_element(&walk, &name)
            ? llm_kept_find(picks, place, &name) : LLM_SCAN_NO_PICK;

    return walk.p;
}


/* behind the value at p; most are numbers */

static const unsigned char *
llm_kept_value(const unsigned char *p, const unsigned char *end)
{
    llm_str_t   value;
    llm_walk_t  walk;

    if (*p < '0' || *p > '9') {
        walk.p = p;
        walk.end = end;

        (void) llm_walk_element(&walk, &value);

        return walk.p;
    }

    while (p < end && *p > ' ' && *p != ',' && *p != '}' && *p != ']') {
        p++;
    }

    return p;
}


/* name has its quotes, and may have escapes */

static unsigned
llm_kept_find(const llm_picks_t *picks, unsigned place, const llm_str_t *name)
{
    size_t         len;
    unsigned       i;
    unsigned char  plain[LLM_SCAN_MAX_NAME];

    if (name->len < 2) {
        return LLM_SCAN_NO_PICK;
    }

    len = name->len - 2;

    i = llm_scan_find(picks, place, name->data + 1, len);

    if (i != LLM_SCAN_NO_PICK
        || len == 0
        || memchr(name->data + 1, '\\', len) == NULL)
    {
        return i;
    }

    if (len > sizeof(plain)
        || llm_json_unescape(name->data + 1, len, plain, &len) != LLM_OK)
    {
        return LLM_SCAN_NO_PICK;
    }

    return llm_scan_find(picks, place, plain, len);
}
