
/*
 * What the scanner keeps of the values that picks name.
 */


#include "llm_scan.h"
#include "llm_scan_state.h"


/* a raw text is kept in a buffer of at least this, bytes */
#define LLM_PICK_COPY  48


static int llm_scan_pick_raw(llm_scan_t *s, const llm_pick_t *pick,
    llm_pick_state_t *st, size_t offset);
static int llm_scan_pick_copy(llm_scan_t *s, const llm_pick_t *pick,
    llm_pick_state_t *st, size_t offset);
static void llm_scan_pick_begins(llm_scan_t *s, unsigned i,
    const llm_found_t *value);


static const llm_found_t  llm_scan_nothing;


/* what no occurrence sets anew */

static inline void
llm_scan_found_init(llm_found_t *found)
{
    found->raw.len = 0;
    found->raw.data = NULL;
    found->count = 0;
    found->times = 0;
    found->truncated = 0;
}


int
llm_scan_picks_link(llm_picks_t *picks)
{
    size_t                len, longest;
    unsigned              i, parent;
    uint8_t              *slot;
    const llm_pick_t     *pick;
    const unsigned char  *name;

    if (picks->linked) {
        return LLM_OK;
    }

    if (picks->n > LLM_SCAN_MAX_PICKS) {
        return LLM_INVALID;
    }

    memset(picks->element, LLM_SCAN_NO_PICK, sizeof(picks->element));
    memset(picks->begins, LLM_SCAN_NO_PICK, sizeof(picks->begins));
    memset(picks->slots, LLM_SCAN_NO_PICK, sizeof(picks->slots));

    picks->parents = 0;
    longest = 1;

    for (i = 0; i < picks->n; i++) {

        pick = &picks->table[i];
        parent = pick->parent;

        if (parent == LLM_PICK_ROOT) {
            parent = LLM_SCAN_ROOT_PICK;

        } else if (parent >= i) {
            return LLM_INVALID;
        }

        if (pick->flags & LLM_PICK_BEGINS) {

            if (pick->name == NULL || parent >= i
                || !(picks->table[parent].flags & LLM_PICK_RAW))
            {
                return LLM_INVALID;
            }

            picks->begins[parent] = (uint8_t) i;
            continue;
        }

        if (pick->name == NULL) {
            picks->element[parent] = (uint8_t) i;
            continue;
        }

        len = strlen(pick->name);

        if (len > 255) {
            return LLM_INVALID;
        }

        name = (const unsigned char *) pick->name;

        picks->key[i] = llm_scan_key(name, len);
        picks->parent[i] = (uint8_t) parent;
        picks->parents |= llm_scan_bit(parent);

        slot = &picks->slots[llm_scan_slot(picks->key[i], parent)];
        picks->next[i] = *slot;
        *slot = (uint8_t) i;

        if (longest < len) {
            longest = len;
        }
    }

    picks->name_size = (uint16_t) (longest * LLM_SCAN_ESCAPED);
    picks->linked = 1;

    return LLM_OK;
}


void
llm_scan_pick_open(llm_scan_t *s, size_t offset, unsigned type)
{
    uint64_t           bit;
    unsigned           flags;
    llm_pick_state_t  *st;

    st = &s->picks[s->pick];
    bit = llm_scan_bit(s->pick);
    flags = s->set->table[s->pick].flags;

    if ((flags & LLM_PICK_FIRST) && (s->told & bit)) {
        st->found.times++;
        return;
    }

    s->open |= bit;

    st->start = offset;
    st->text = s->text;
    st->found.began = (uint8_t) type;

    if (flags & LLM_PICK_RAW) {
        s->raw |= bit;

        if (s->copies & bit) {
            st->copy->len = 0;
            st->copy->failed = 0;
        }
    }
}


int
llm_scan_pick_close(llm_scan_t *s, size_t offset, uint32_t count)
{
    uint64_t           bit;
    llm_found_t       *found;
    const llm_pick_t  *pick;
    llm_pick_state_t  *st;

    bit = llm_scan_bit(s->pick);

    if (!(s->open & bit)) {
        return LLM_OK;
    }

    s->open &= ~bit;

    st = &s->picks[s->pick];
    pick = &s->set->table[s->pick];
    found = &st->found;

    if (!(s->told & bit)) {
        s->told |= bit;
        llm_scan_found_init(found);
    }

    found->start = st->start;
    found->end = offset;
    found->type = found->began;
    found->times++;

    if (pick->flags & LLM_PICK_LENGTH) {
        found->count += s->text - st->text;

    } else if (pick->flags & LLM_PICK_COUNT) {
        found->count = count;
    }

    if (pick->flags & LLM_PICK_RAW) {
        s->raw &= ~bit;
        return llm_scan_pick_raw(s, pick, st, offset);
    }

    return LLM_OK;
}


int
llm_scan_pick_scalar(llm_scan_t *s, unsigned i, const unsigned char *from,
    const unsigned char *to, unsigned type, size_t text)
{
    uint64_t           bit;
    llm_found_t       *found;
    const llm_pick_t  *pick;
    llm_pick_state_t  *st;

    bit = llm_scan_bit(i);
    pick = &s->set->table[i];
    st = &s->picks[i];
    found = &st->found;

    if (!(s->told & bit)) {
        s->told |= bit;
        llm_scan_found_init(found);

    } else if (pick->flags & LLM_PICK_FIRST) {
        found->times++;
        return LLM_OK;
    }

    st->start = llm_scan_at(s, from);

    found->start = st->start;
    found->end = llm_scan_at(s, to);
    found->type = (uint8_t) type;
    found->times++;

    if (pick->flags & LLM_PICK_LENGTH) {
        found->count += text;

    } else if (pick->flags & LLM_PICK_COUNT) {
        found->count = 0;
    }

    if (!(pick->flags & LLM_PICK_RAW)) {
        return LLM_OK;
    }

    if (s->copies & bit) {
        st->copy->len = 0;
        st->copy->failed = 0;
    }

    return llm_scan_pick_raw(s, pick, st, found->end);
}


static int
llm_scan_pick_raw(llm_scan_t *s, const llm_pick_t *pick, llm_pick_state_t *st,
    size_t offset)
{
    size_t        len;
    llm_found_t  *found;

    len = offset - st->start;

    found = &st->found;
    found->truncated = (len > pick->limit);
    found->raw.len = 0;
    found->raw.data = NULL;

    if (found->truncated) {
        return LLM_OK;
    }

    if ((s->flags & LLM_SCAN_BORROW) && st->start >= s->offset) {
        found->raw.data = (unsigned char *) s->piece + (st->start - s->offset);

    } else {

        if (llm_scan_pick_copy(s, pick, st, offset) != LLM_OK) {
            return LLM_NOMEM;
        }

        found->raw.data = st->copy->data;
    }

    found->raw.len = len;

    if (s->set->begins[pick - s->set->table] != LLM_SCAN_NO_PICK) {
        llm_scan_pick_begins(s, s->set->begins[pick - s->set->table], found);
    }

    return LLM_OK;
}


/* one more value that begins as pick i says, or not */

static void
llm_scan_pick_begins(llm_scan_t *s, unsigned i, const llm_found_t *value)
{
    size_t        n;
    llm_found_t  *found;
    const char   *text;

    text = s->set->table[i].name;
    n = strlen(text);

    if (value->raw.len < n || memcmp(value->raw.data, text, n) != 0) {
        return;
    }

    found = &s->picks[i].found;

    if (!(s->told & llm_scan_bit(i))) {
        s->told |= llm_scan_bit(i);
        llm_scan_found_init(found);
    }

    found->start = value->start;
    found->end = value->end;
    found->type = value->type;
    found->times++;
}


/* adds what the piece has of an open value, up to offset, if it may fit */

static int
llm_scan_pick_copy(llm_scan_t *s, const llm_pick_t *pick, llm_pick_state_t *st,
    size_t offset)
{
    size_t    from, size;
    uint64_t  bit;

    if (offset - st->start > pick->limit) {
        return LLM_OK;
    }

    bit = llm_scan_bit(pick - s->set->table);

    if (!(s->copies & bit)) {

        /* with room for what is there, and for a little more of the next */

        size = offset - st->start;

        if (size < LLM_PICK_COPY) {
            size = LLM_PICK_COPY;
        }

        st->copy = llm_alloc(s->arena, sizeof(llm_buf_t) + size);
        if (st->copy == NULL) {
            return LLM_NOMEM;
        }

        llm_buf_init(st->copy, s->arena);

        st->copy->data = (unsigned char *) (st->copy + 1);
        st->copy->size = size;

        s->copies |= bit;
    }

    from = (st->start > s->offset) ? st->start : s->offset;

    if (offset > from) {
        llm_buf_add(st->copy, s->piece + (from - s->offset), offset - from);
    }

    return st->copy->failed ? LLM_NOMEM : LLM_OK;
}


int
llm_scan_keep(llm_scan_t *s)
{
    size_t                len;
    uint64_t              raw;
    unsigned              i;
    llm_pick_state_t     *st;
    const unsigned char  *p;

    if (s->name && s->wanted && s->state >= LLM_SCAN_STRING
        && s->state <= LLM_SCAN_UTF8)
    {
        p = s->piece;

        if (s->token >= s->offset) {
            p += s->token - s->offset + 1;
        }

        len = (size_t) (s->end - p);

        if (len && llm_scan_name_keep(s, p, len) != LLM_OK) {
            return llm_scan_fail(s, s->token, LLM_NOMEM, "no memory");
        }
    }

    for (raw = s->raw; raw; raw &= raw - 1) {

        i = (unsigned) __builtin_ctzll(raw);
        st = &s->picks[i];

        /* the copy may take the place of an earlier raw text */

        st->found.raw.len = 0;
        st->found.raw.data = NULL;

        if (llm_scan_pick_copy(s, &s->set->table[i], st,
                               llm_scan_at(s, s->end))
            != LLM_OK)
        {
            return llm_scan_fail(s, st->start, LLM_NOMEM, "no memory");
        }
    }

    return LLM_OK;
}


const llm_found_t *
llm_scan_found(const llm_scan_t *s, unsigned pick)
{
    return (s->told & llm_scan_bit(pick)) ? &s->picks[pick].found
                                          : &llm_scan_nothing;
}
