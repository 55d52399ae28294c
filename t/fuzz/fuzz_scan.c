
/*
 * The scanner: any text, cut anywhere, gives what one piece gives; what it
 * accepts another parser accepts too; what it tells lies in the text.
 *
 * The first byte sets flags and the seed of the cuts.
 */


#define _GNU_SOURCE    /* memmem() */

#include "llm_scan.h"

#include <cjson/cJSON.h>
#include <stdlib.h>


#define N  8

static const llm_pick_t  picks[N] = {
    { "model", LLM_PICK_ROOT, LLM_PICK_RAW, 16 },
    { "messages", LLM_PICK_ROOT, LLM_PICK_LENGTH, 0 },
    { NULL, 1, LLM_PICK_COUNT, 0 },
    { "content", 2, LLM_PICK_LENGTH|LLM_PICK_FIRST, 0 },
    { NULL, LLM_PICK_ROOT, LLM_PICK_RAW|LLM_PICK_COUNT, 24 },
    { "a", 4, LLM_PICK_RAW|LLM_PICK_FIRST, 8 },
    { "", 5, LLM_PICK_LENGTH, 0 },
    { "a", LLM_PICK_ROOT, LLM_PICK_RAW|LLM_PICK_LENGTH, 1000000 }
};


#define check(cond)  do { if (!(cond)) { abort(); } } while (0)


/*
 * Whether cJSON may refuse what is valid: it decodes all escapes, halves of
 * pairs too, and reads numbers of 63 bytes at most.
 */

static int
beyond(const unsigned char *data, size_t len)
{
    size_t  i, digits;

    if (memmem(data, len, "\\u", 2) != NULL) {
        return 1;
    }

    digits = 0;

    for (i = 0; i < len && digits < 60; i++) {
        digits = (memchr("0123456789+-.eE", data[i], 15) != NULL) ? digits + 1
                                                                  : 0;
    }

    return digits == 60;
}


/* in pieces of at most "most" bytes, or, without a seed, in one */

static int
scan(llm_scan_t *s, const unsigned char *data, size_t len, unsigned seed,
    unsigned most)
{
    int             rc;
    size_t          n;
    unsigned char  *piece;

    while (len) {
        n = len;

        if (seed) {
            seed = seed * 1103515245 + 12345;
            n = 1 + (seed >> 16) % ((seed & 0x800) ? most : 3);
            n = (n < len) ? n : len;
        }

        piece = malloc(n);
        memcpy(piece, data, n);
        rc = llm_scan_feed(s, piece, n);
        free(piece);

        if (rc != LLM_OK) {
            return rc;
        }

        data += n;
        len -= n;
    }

    return llm_scan_end(s);
}


static void
same(const llm_scan_t *a, const llm_scan_t *b)
{
    unsigned             i, n, m;
    const llm_found_t   *f, *g;
    const llm_member_t  *x, *y;

    check(llm_scan_offset(a) == llm_scan_offset(b));
    check(strcmp(llm_scan_error(a), llm_scan_error(b)) == 0);
    check(llm_scan_type(a) == llm_scan_type(b));
    check(llm_scan_complete(a) == llm_scan_complete(b));

    x = llm_scan_members(a, &n);
    y = llm_scan_members(b, &m);
    check(n == m);

    for (i = 0; i < n; i++) {
        check(x[i].name.len == y[i].name.len);
        check(memcmp(x[i].name.data, y[i].name.data, x[i].name.len) == 0);
        check(x[i].name_start == y[i].name_start);
        check(x[i].start == y[i].start && x[i].end == y[i].end);
        check(x[i].type == y[i].type);
    }

    for (i = 0; i < N; i++) {
        f = llm_scan_found(a, i);
        g = llm_scan_found(b, i);
        check(f->times == g->times && f->count == g->count);
        check(f->start == g->start && f->end == g->end);
        check(f->type == g->type && f->truncated == g->truncated);

        if (llm_scan_complete(a)) {
            check(f->raw.len == g->raw.len);
            check(f->raw.len == 0
                  || memcmp(f->raw.data, g->raw.data, f->raw.len) == 0);
        }
    }
}


static void
good(const llm_scan_t *s, const unsigned char *data, size_t len,
    llm_arena_t *arena)
{
    int64_t              i64;
    cJSON               *json, *item;
    unsigned             i, n;
    llm_str_t            raw, out;
    const llm_found_t   *f;
    const llm_member_t  *m;

    json = cJSON_ParseWithLength((const char *) data, len);
    check(json != NULL || beyond(data, len));

    m = llm_scan_members(s, &n);
    item = json ? json->child : NULL;

    check(json == NULL || n == 0 || cJSON_GetArraySize(json) == (int) n);

    for (i = 0; i < n; i++) {
        check(m[i].start < m[i].end && m[i].end < len);
        check(data[m[i].name_start] == '"');

        if (item) {
            check(strlen(item->string) == m[i].name.len);
            check(memcmp(item->string, m[i].name.data, m[i].name.len) == 0);
            item = item->next;
        }

        raw.data = (unsigned char *) data + m[i].start;
        raw.len = m[i].end - m[i].start;

        (void) llm_json_string(arena, &raw, &out);

        if (llm_json_int(&raw, &i64) == LLM_OK) {
            check(m[i].type == LLM_JSON_NUMBER);
            check(i64 >= -((int64_t) 1 << 53) && i64 <= (int64_t) 1 << 53);
        }
    }

    cJSON_Delete(json);

    for (i = 0; i < N; i++) {
        f = llm_scan_found(s, i);

        if (f->times == 0) {
            continue;
        }

        check(f->start < f->end && f->end <= len);

        if (f->raw.len) {
            check(f->raw.len == f->end - f->start);
            check(memcmp(f->raw.data, data + f->start, f->raw.len) == 0);

            json = cJSON_ParseWithLength((char *) f->raw.data, f->raw.len);
            check(json != NULL || beyond(f->raw.data, f->raw.len));
            cJSON_Delete(json);
        }
    }
}


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    int           rc;
    unsigned      seed, flags;
    llm_scan_t   *one, *cut;
    llm_arena_t  *arena;

    if (len == 0) {
        return 0;
    }

    flags = (data[0] & 1) ? LLM_SCAN_MEMBERS : 0;
    seed = data[0] | 0x100u;
    data++;
    len--;

    arena = llm_arena_create((size_t) 1 << 26);

    one = llm_scan_create(arena, picks, N, flags);
    rc = scan(one, data, len, 0, 0);

    /* too little at once to skip much of it */

    cut = llm_scan_create(arena, picks, N, flags);
    check(scan(cut, data, len, seed, 40) == rc);
    same(one, cut);

    /* the same scanner again, whatever state it stopped in */

    llm_scan_reset(cut);
    check(scan(cut, data, len, seed ^ 0x5a, 400) == rc);
    same(one, cut);

    if (rc == LLM_OK) {
        good(one, data, len, arena);

    } else {
        check(llm_scan_error(one)[0] != '\0');
        check(llm_scan_offset(one) <= len);
    }

    llm_arena_free(arena);

    return 0;
}
