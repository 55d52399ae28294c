
/*
 * Names: those of top-level members, and those that picks ask for.
 */


#include "llm_scan.h"
#include "llm_scan_state.h"


#define llm_quote(n)       llm_quote_value(n)
#define llm_quote_value(n) #n

/* room at first; a request that waits in the queue should take little */
#define LLM_SCAN_FEW_MEMBERS  6

#define LLM_SCAN_ERROR_MEMBERS                                                \
    "more than " llm_quote(LLM_SCAN_MAX_MEMBERS) " members at the top level"
#define LLM_SCAN_ERROR_NAME                                                   \
    "name of more than " llm_quote(LLM_SCAN_MAX_NAME) " bytes"


static int llm_scan_name_decode(llm_scan_t *s, const unsigned char *p,
    llm_str_t *name);
static int llm_scan_member_add(llm_scan_t *s, const llm_str_t *name);
static uint32_t llm_scan_member_hash(const llm_str_t *name);
static int llm_scan_members_grow(llm_scan_t *s);


int
llm_scan_name_end(llm_scan_t *s, const unsigned char *p)
{
    int          rc;
    llm_str_t    name;
    const char  *error;

    rc = llm_scan_name_decode(s, p, &name);

    if (rc == LLM_OK) {
        return llm_scan_name_take(s, &name);
    }

    if (rc == LLM_NOMEM) {
        return llm_scan_fail(s, s->token, rc, "no memory");
    }

    if (!llm_scan_listed(s)) {
        return LLM_OK;
    }

    error = (rc == LLM_LIMIT) ? LLM_SCAN_ERROR_NAME
                              : "name with a NUL or half of a surrogate pair";

    return llm_scan_fail(s, s->token, rc, error);
}


int
llm_scan_name_take(llm_scan_t *s, const llm_str_t *name)
{
    int  rc;

    if (llm_scan_listed(s)) {

        if (name->len > LLM_SCAN_MAX_NAME) {
            return llm_scan_fail(s, s->token, LLM_LIMIT, LLM_SCAN_ERROR_NAME);
        }

        rc = llm_scan_member_add(s, name);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    s->pick = (uint8_t) llm_scan_find(s->set, s->stack[s->depth].pick,
                                      name->data, name->len);

    return LLM_OK;
}


int
llm_scan_name_keep(llm_scan_t *s, const unsigned char *p, size_t len)
{
    size_t  n;

    if (s->space == NULL) {
        s->space = llm_alloc(s->arena, 2 * s->name_size);
        if (s->space == NULL) {
            return LLM_NOMEM;
        }
    }

    /* what no name that counts can have is only counted */

    if (s->name_len < s->name_size) {
        n = s->name_size - s->name_len;
        memcpy(s->space + s->name_len, p, (len < n) ? len : n);
    }

    s->name_len += len;

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


static int
llm_scan_member_add(llm_scan_t *s, const llm_str_t *name)
{
    size_t         i;
    uint32_t       hash;
    llm_member_t  *m;

    hash = llm_scan_member_hash(name);

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


/* of both ends: short names are told by their length and eight bytes */

static uint32_t
llm_scan_member_hash(const llm_str_t *name)
{
    uint32_t  a, b;

    a = 0;
    b = 0;

    if (name->len >= 4) {
        memcpy(&a, name->data, 4);
        memcpy(&b, name->data + name->len - 4, 4);

    } else {
        memcpy(&a, name->data, name->len);
    }

    return (a * 0x9e3779b1u) ^ (b * 0x85ebca6bu) ^ (uint32_t) name->len;
}


static int
llm_scan_members_grow(llm_scan_t *s)
{
    unsigned       n;
    uint32_t      *hashes;
    llm_member_t  *members;

    n = s->amembers ? s->amembers * 2 : LLM_SCAN_FEW_MEMBERS;

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
