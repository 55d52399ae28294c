
/*
 * What the scanner keeps: top-level members, and the values that picks name.
 */


#include "llm_scan.h"
#include "llm_scan_state.h"


#define llm_quote(n)       llm_quote_value(n)
#define llm_quote_value(n) #n

#define LLM_SCAN_ERROR_MEMBERS                                                \
    "more than " llm_quote(LLM_SCAN_MAX_MEMBERS) " members at the top level"
#define LLM_SCAN_ERROR_NAME                                                   \
    "name of more than " llm_quote(LLM_SCAN_MAX_NAME) " bytes"


static int llm_scan_name_keep(llm_scan_t *s, const unsigned char *p,
    size_t len);
static int llm_scan_name_decode(llm_scan_t *s, const unsigned char *p,
    llm_str_t *name);
static void llm_scan_name_match(llm_scan_t *s, const llm_str_t *name);
static int llm_scan_member_add(llm_scan_t *s, const llm_str_t *name);
static int llm_scan_members_grow(llm_scan_t *s);
static int llm_scan_pick_raw(llm_scan_t *s, llm_pick_state_t *st,
    llm_found_t *found, size_t offset);
static void llm_scan_pick_copy(llm_scan_t *s, llm_pick_state_t *st,
    size_t offset);


int
llm_scan_picks_init(llm_scan_t *s, const llm_pick_t *picks, unsigned n)
{
    size_t             len;
    unsigned           i, parent;
    uint8_t           *last;
    llm_pick_state_t  *st;

    memset(s->child, LLM_SCAN_NO_PICK, sizeof(s->child));
    memset(s->element, LLM_SCAN_NO_PICK, sizeof(s->element));

    s->name_size = (s->flags & LLM_SCAN_MEMBERS) ? LLM_SCAN_MAX_NAME : 1;

    if (n > LLM_SCAN_MAX_PICKS) {
        return LLM_LIMIT;
    }

    if (n) {
        s->picks = llm_calloc(s->arena, n * sizeof(llm_pick_state_t));
        s->found = llm_calloc(s->arena, n * sizeof(llm_found_t));

        if (s->picks == NULL || s->found == NULL) {
            return LLM_NOMEM;
        }
    }

    s->npicks = n;

    for (i = 0; i < n; i++) {

        parent = picks[i].parent;

        if (parent == LLM_PICK_ROOT) {
            parent = LLM_SCAN_ROOT_PICK;

        } else if (parent >= i) {
            return LLM_INVALID;
        }

        st = &s->picks[i];
        st->pick = &picks[i];
        st->next = LLM_SCAN_NO_PICK;

        llm_buf_init(&st->copy, s->arena);

        if (picks[i].name == NULL) {
            s->element[parent] = (uint8_t) i;
            continue;
        }

        len = strlen(picks[i].name);

        if (len > 255) {
            return LLM_INVALID;
        }

        st->len = (uint8_t) len;

        if (s->name_size < len) {
            s->name_size = len;
        }

        last = &s->child[parent];

        while (*last != LLM_SCAN_NO_PICK) {
            last = &s->picks[*last].next;
        }

        *last = (uint8_t) i;
    }

    s->name_size *= LLM_SCAN_ESCAPED;

    return LLM_OK;
}


void
llm_scan_picks_reset(llm_scan_t *s)
{
    unsigned  i;

    s->nopen = 0;

    if (s->npicks == 0) {
        return;
    }

    memset(s->found, 0, s->npicks * sizeof(llm_found_t));

    for (i = 0; i < s->npicks; i++) {
        s->picks[i].open = 0;
    }
}


void
llm_scan_pick_open(llm_scan_t *s, size_t offset, unsigned type)
{
    llm_found_t       *found;
    llm_pick_state_t  *st;

    st = &s->picks[s->pick];
    found = &s->found[s->pick];

    if ((st->pick->flags & LLM_PICK_FIRST) && found->times) {
        found->times++;
        return;
    }

    st->open = 1;
    st->start = offset;
    st->text = s->text;
    st->type = (uint8_t) type;

    if (st->pick->flags & LLM_PICK_RAW) {
        st->copy.len = 0;
        st->copy.failed = 0;
        s->nopen++;
    }
}


int
llm_scan_pick_close(llm_scan_t *s, size_t offset, uint32_t count)
{
    unsigned           flags;
    llm_found_t       *found;
    llm_pick_state_t  *st;

    st = &s->picks[s->pick];

    if (!st->open) {
        return LLM_OK;
    }

    st->open = 0;

    flags = st->pick->flags;

    found = &s->found[s->pick];
    found->start = st->start;
    found->end = offset;
    found->type = st->type;
    found->times++;

    if (flags & LLM_PICK_LENGTH) {
        found->count += s->text - st->text;

    } else if (flags & LLM_PICK_COUNT) {
        found->count = count;
    }

    if (flags & LLM_PICK_RAW) {
        s->nopen--;
        return llm_scan_pick_raw(s, st, found, offset);
    }

    return LLM_OK;
}


static int
llm_scan_pick_raw(llm_scan_t *s, llm_pick_state_t *st, llm_found_t *found,
    size_t offset)
{
    size_t  len;

    len = offset - st->start;

    found->truncated = (len > st->pick->limit);
    found->raw.len = 0;
    found->raw.data = NULL;

    if (found->truncated) {
        return LLM_OK;
    }

    if ((s->flags & LLM_SCAN_BORROW) && st->start >= s->offset) {
        found->raw.data = (unsigned char *) s->piece + (st->start - s->offset);

    } else {
        llm_scan_pick_copy(s, st, offset);

        if (st->copy.failed) {
            return LLM_NOMEM;
        }

        found->raw.data = st->copy.data;
    }

    found->raw.len = len;

    return LLM_OK;
}


/* adds what the piece has of an open value, up to offset, if it may fit */

static void
llm_scan_pick_copy(llm_scan_t *s, llm_pick_state_t *st, size_t offset)
{
    size_t  from;

    if (offset - st->start > st->pick->limit) {
        return;
    }

    from = (st->start > s->offset) ? st->start : s->offset;

    if (offset > from) {
        llm_buf_add(&st->copy, s->piece + (from - s->offset), offset - from);
    }
}


int
llm_scan_keep(llm_scan_t *s)
{
    size_t                len;
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

    if (s->nopen == 0) {
        return LLM_OK;
    }

    for (i = 0; i < s->npicks; i++) {
        st = &s->picks[i];

        if (!st->open || !(st->pick->flags & LLM_PICK_RAW)) {
            continue;
        }

        /* the copy may take the place of an earlier raw text */

        s->found[i].raw.len = 0;
        s->found[i].raw.data = NULL;

        llm_scan_pick_copy(s, st, llm_scan_at(s, s->end));

        if (st->copy.failed) {
            return llm_scan_fail(s, st->start, LLM_NOMEM, "no memory");
        }
    }

    return LLM_OK;
}


/* keeps a part of a name; what no name that counts can have is only counted */

static int
llm_scan_name_keep(llm_scan_t *s, const unsigned char *p, size_t len)
{
    size_t  n;

    if (s->space == NULL) {
        s->space = llm_alloc(s->arena, 2 * s->name_size);
        if (s->space == NULL) {
            return LLM_NOMEM;
        }
    }

    if (s->name_len < s->name_size) {
        n = s->name_size - s->name_len;
        memcpy(s->space + s->name_len, p, (len < n) ? len : n);
    }

    s->name_len += len;

    return LLM_OK;
}


int
llm_scan_name_end(llm_scan_t *s, const unsigned char *p)
{
    int        rc;
    llm_str_t  name;

    rc = llm_scan_name_decode(s, p, &name);

    if (s->depth == 1 && (s->flags & LLM_SCAN_MEMBERS)) {

        if (rc == LLM_INVALID) {
            return llm_scan_fail(s, s->token, rc,
                                 "name with a NUL or half of a surrogate pair");
        }

        if (rc == LLM_LIMIT || (rc == LLM_OK && name.len > LLM_SCAN_MAX_NAME)) {
            return llm_scan_fail(s, s->token, LLM_LIMIT, LLM_SCAN_ERROR_NAME);
        }

        if (rc == LLM_OK) {
            rc = llm_scan_member_add(s, &name);
            if (rc != LLM_OK) {
                return rc;
            }
        }
    }

    if (rc == LLM_NOMEM) {
        return llm_scan_fail(s, s->token, rc, "no memory");
    }

    if (rc == LLM_OK) {
        llm_scan_name_match(s, &name);
    }

    return LLM_OK;
}


/*
 * The name that ends at p, unescaped, where it lies in the piece or in
 * s->space.  LLM_LIMIT if it is longer than any that counts.
 */

static int
llm_scan_name_decode(llm_scan_t *s, const unsigned char *p, llm_str_t *name)
{
    const unsigned char  *raw;

    if (s->token >= s->offset) {
        raw = s->piece + (s->token - s->offset + 1);
        name->len = (size_t) (p - raw);

    } else {

        if (llm_scan_name_keep(s, s->piece, (size_t) (p - s->piece)) != LLM_OK)
        {
            return LLM_NOMEM;
        }

        raw = s->space;
        name->len = s->name_len;
    }

    name->data = (unsigned char *) raw;

    if (name->len > s->name_size) {
        return LLM_LIMIT;
    }

    if (!s->escaped) {
        return LLM_OK;
    }

    if (s->space == NULL) {
        s->space = llm_alloc(s->arena, 2 * s->name_size);
        if (s->space == NULL) {
            return LLM_NOMEM;
        }
    }

    name->data = s->space + s->name_size;

    return llm_json_unescape(raw, name->len, name->data, &name->len);
}


static void
llm_scan_name_match(llm_scan_t *s, const llm_str_t *name)
{
    unsigned           i;
    llm_pick_state_t  *st;

    for (i = s->child[s->stack[s->depth].pick];
         i != LLM_SCAN_NO_PICK;
         i = st->next)
    {
        st = &s->picks[i];

        if (st->len == name->len
            && (name->len == 0
                || (st->pick->name[0] == (char) name->data[0]
                    && memcmp(st->pick->name, name->data, name->len) == 0)))
        {
            s->pick = (uint8_t) i;
            return;
        }
    }
}


static int
llm_scan_member_add(llm_scan_t *s, const llm_str_t *name)
{
    size_t         i;
    uint32_t       hash;
    llm_member_t  *m;

    hash = 2166136261u;

    for (i = 0; i < name->len; i++) {
        hash = (hash ^ name->data[i]) * 16777619u;
    }

    for (i = 0; i < s->nmembers; i++) {
        m = &s->members[i];

        if (s->hashes[i] == hash && m->name.len == name->len
            && memcmp(m->name.data, name->data, name->len) == 0)
        {
            s->duplicate = m->name;

            return llm_scan_fail(s, s->token, LLM_DUPLICATE,
                                 "one member named twice");
        }
    }

    if (s->nmembers == LLM_SCAN_MAX_MEMBERS) {
        return llm_scan_fail(s, s->token, LLM_LIMIT, LLM_SCAN_ERROR_MEMBERS);
    }

    if (s->nmembers == s->amembers && llm_scan_members_grow(s) != LLM_OK) {
        return llm_scan_fail(s, s->token, LLM_NOMEM, "no memory");
    }

    /* a buffer that grows leaves its old block, and the names in it, alone */

    llm_buf_add(&s->names, name->data, name->len);

    if (s->names.failed) {
        return llm_scan_fail(s, s->token, LLM_NOMEM, "no memory");
    }

    s->hashes[s->nmembers] = hash;

    m = &s->members[s->nmembers++];
    m->name.len = name->len;
    m->name.data = name->len ? s->names.data + s->names.len - name->len
                             : (unsigned char *) "";
    m->name_start = s->token;
    m->start = 0;
    m->end = 0;
    m->type = LLM_JSON_NONE;

    return LLM_OK;
}


static int
llm_scan_members_grow(llm_scan_t *s)
{
    unsigned       n;
    uint32_t      *hashes;
    llm_member_t  *members;

    n = s->amembers ? s->amembers * 2 : 16;

    members = llm_alloc(s->arena, n * sizeof(llm_member_t));
    hashes = llm_alloc(s->arena, n * sizeof(uint32_t));

    if (members == NULL || hashes == NULL) {
        return LLM_NOMEM;
    }

    if (s->nmembers) {
        memcpy(members, s->members, s->nmembers * sizeof(llm_member_t));
        memcpy(hashes, s->hashes, s->nmembers * sizeof(uint32_t));
    }

    s->members = members;
    s->hashes = hashes;
    s->amembers = n;

    return LLM_OK;
}


llm_str_t
llm_scan_duplicate(const llm_scan_t *s)
{
    return s->duplicate;
}


const llm_found_t *
llm_scan_found(const llm_scan_t *s, unsigned pick)
{
    return &s->found[pick];
}


const llm_member_t *
llm_scan_members(const llm_scan_t *s, unsigned *n)
{
    *n = s->nmembers;

    return s->members;
}


const llm_member_t *
llm_scan_member(const llm_scan_t *s, const char *name)
{
    size_t               len;
    unsigned             i;
    const llm_member_t  *m;

    len = strlen(name);

    for (i = 0; i < s->nmembers; i++) {
        m = &s->members[i];

        if (m->name.len == len && memcmp(m->name.data, name, len) == 0) {
            return m;
        }
    }

    return NULL;
}
