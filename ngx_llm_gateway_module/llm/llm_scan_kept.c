
/*
 * The same picks in a text that was kept of one already scanned: nothing is
 * checked again, and nothing but the values is written down.
 */


#include "llm_scan.h"
#include "llm_scan_state.h"
#include "llm_walk.h"


#define LLM_KEPT_MAX_DEPTH  4


typedef struct {
    llm_walk_t      walk;
    unsigned        place;      /* whose members these are */
} llm_kept_level_t;


static unsigned llm_kept_find(const llm_picks_t *picks, unsigned place,
    const llm_str_t *name);


int
llm_scan_kept(llm_picks_t *picks, const llm_str_t *text, llm_str_t *values)
{
    unsigned           i;
    llm_str_t          name, value;
    const llm_pick_t  *pick;
    llm_kept_level_t  *level, levels[LLM_KEPT_MAX_DEPTH];

    memset(values, 0, picks->n * sizeof(llm_str_t));

    if (text->len < 2 || text->data[0] != '{'
        || llm_scan_picks_link(picks) != LLM_OK)
    {
        return LLM_DECLINED;
    }

    level = levels;
    level->place = LLM_SCAN_ROOT_PICK;
    llm_walk_open(&level->walk, text);

    for ( ;; ) {

        if (!llm_walk_member(&level->walk, &name, &value)) {

            if (level == levels) {
                return LLM_OK;
            }

            level--;
            continue;
        }

        i = llm_kept_find(picks, level->place, &name);

        if (i == LLM_SCAN_NO_PICK) {
            continue;
        }

        pick = &picks->table[i];

        if (pick->flags & LLM_PICK_RAW) {
            values[i] = value;

            if (value.len > pick->limit) {
                values[i].len = 0;
            }
        }

        if (value.data[0] == '{' && llm_scan_asked(picks, i)
            && level < levels + LLM_KEPT_MAX_DEPTH - 1)
        {
            level++;
            level->place = i;
            llm_walk_open(&level->walk, &value);
        }
    }
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
