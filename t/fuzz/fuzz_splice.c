
/*
 * Splicing: edits of any object leave an object with the members intended,
 * those that were not touched in their own bytes.
 *
 * The first bytes are the edits, up to a zero byte: two bits say which edit,
 * the others which member, by its number in the object, or a new name.
 */


#include "llm_splice.h"

#include <stdlib.h>


#define check(cond)  do { if (!(cond)) { abort(); } } while (0)

#define NEW  4

static const llm_str_t  names[NEW] = {
    llm_string("model"), llm_string("a"), llm_string("\"\\"),
    llm_string("\xc3\xa9")
};

static const llm_str_t  json = llm_string("{\"x\":[\"}\",1]}");


static llm_scan_t *
scan(llm_arena_t *arena, const unsigned char *data, size_t len)
{
    int          rc;
    llm_scan_t  *s;

    s = llm_scan_create(arena, NULL, 0, LLM_SCAN_MEMBERS);

    rc = llm_scan_feed(s, data, len);
    if (rc == LLM_OK) {
        rc = llm_scan_end(s);
    }

    return (rc == LLM_OK) ? s : NULL;
}


static const llm_member_t *
find(const llm_scan_t *s, const llm_str_t *name)
{
    unsigned             i, n;
    const llm_member_t  *m;

    m = llm_scan_members(s, &n);

    for (i = 0; i < n; i++) {
        if (m[i].name.len == name->len
            && memcmp(m[i].name.data, name->data, name->len) == 0)
        {
            return &m[i];
        }
    }

    return NULL;
}


static void
expect(const llm_scan_t *after, const unsigned char *out,
    const llm_str_t *name, const unsigned char *value, size_t len)
{
    const llm_member_t  *m;

    m = find(after, name);

    if (value == NULL) {
        check(m == NULL);
        return;
    }

    check(m != NULL && m->end - m->start == len);
    check(memcmp(out + m->start, value, len) == 0);
}


/* the last edit of a name in ops, or -1 */

static int
last_edit(const unsigned char *ops, size_t nops, const llm_str_t *name,
    const llm_member_t *m, unsigned n)
{
    int               edit;
    size_t            i;
    unsigned          k;
    const llm_str_t  *s;

    edit = -1;

    for (i = 0; i < nops; i++) {
        k = ops[i] >> 2;
        s = (k < NEW || n == 0) ? &names[k % NEW] : &m[(k - NEW) % n].name;

        if (s->len == name->len && memcmp(s->data, name->data, s->len) == 0) {
            edit = ops[i] & 3;
        }
    }

    return edit;
}


static void
verify(llm_arena_t *arena, const unsigned char *data, const llm_scan_t *before,
    const llm_buf_t *out, const unsigned char *ops, size_t nops)
{
    int                  edit;
    unsigned             i, n, had;
    llm_scan_t          *after;
    const llm_member_t  *m;

    after = scan(arena, out->data, out->len);
    check(after != NULL);

    m = llm_scan_members(before, &n);

    for (i = 0; i < n + NEW; i++) {
        const llm_str_t      *name = (i < n) ? &m[i].name : &names[i - n];
        const llm_member_t   *old = find(before, name);

        edit = last_edit(ops, nops, name, m, n);
        had = (old != NULL);

        if (edit == 0 || (edit == 1 && !had)) {
            expect(after, out->data, name, json.data, json.len);

        } else if (edit >= 2 || !had) {
            expect(after, out->data, name, NULL, 0);

        } else {
            expect(after, out->data, name, data + old->start,
                   old->end - old->start);
        }
    }

    /* nothing else came in */

    m = llm_scan_members(after, &n);

    for (i = 0; i < n; i++) {
        check(find(before, &m[i].name)
              || last_edit(ops, nops, &m[i].name, NULL, 0) >= 0);
    }
}


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    size_t               i, nops, pos, close;
    int64_t              delta;
    unsigned             n, k, nedits;
    llm_str_t            text;
    llm_buf_t            out;
    llm_edit_t          *e;
    llm_scan_t          *s;
    llm_arena_t         *arena;
    llm_splice_t        *sp;
    const llm_str_t     *name;
    const llm_member_t  *m;
    const unsigned char *ops;

    ops = data;
    nops = 0;

    while (nops < len && ops[nops]) { nops++; }

    if (nops == len) {
        return 0;
    }

    data += nops + 1;
    len -= nops + 1;

    arena = llm_arena_create((size_t) 1 << 26);
    s = scan(arena, data, len);

    if (s == NULL) {
        llm_arena_free(arena);
        return 0;
    }

    for (close = len - 1; data[close] != '}'; close--) { /* void */ }

    m = llm_scan_members(s, &n);
    sp = llm_splice_create(arena, m, n, close);

    for (i = 0; i < nops; i++) {
        k = ops[i] >> 2;
        name = (k < NEW || n == 0) ? &names[k % NEW] : &m[(k - NEW) % n].name;

        check((ops[i] & 3) == 0 ? llm_splice_set(sp, name, &json) == LLM_OK
              : (ops[i] & 3) == 1 ? llm_splice_fill(sp, name, &json) == LLM_OK
              : llm_splice_drop(sp, name) == LLM_OK);
    }

    check(llm_splice_finish(sp, &e, &nedits, &delta) == LLM_OK);

    llm_buf_init(&out, arena);
    pos = 0;

    for (i = 0; i < nedits; i++) {
        check(e[i].start >= pos && e[i].end >= e[i].start && e[i].end <= len);
        pos = e[i].end;
    }

    text.data = (unsigned char *) data;
    text.len = len;

    llm_splice_print(&out, &text, e, nedits);

    check(!out.failed);
    check((int64_t) out.len == (int64_t) len + delta);

    /* names that are added may pass the limit of members; then only count */

    if (n + NEW <= LLM_SCAN_MAX_MEMBERS) {
        verify(arena, data, s, &out, ops, nops);
    }

    llm_arena_free(arena);

    return 0;
}
