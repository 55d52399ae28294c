
/*
 * Multipart bodies: any cuts give what one piece gives, ranges lie in the
 * body, and a value is followed by the boundary.  Also boundaries of any
 * Content-Type.
 *
 * The first byte sets the seed of the cuts.
 */


#define _GNU_SOURCE    /* memmem() */

#include "llm_multipart.h"

#include <stdlib.h>


#define check(cond)  do { if (!(cond)) { abort(); } } while (0)


static int
read_body(llm_multipart_t *m, const unsigned char *data, size_t len,
    unsigned seed)
{
    int             rc;
    size_t          n;
    unsigned char  *piece;

    while (len) {
        n = len;

        if (seed) {
            seed = seed * 1103515245 + 12345;
            n = 1 + (seed >> 16) % ((seed & 0x800) ? 60 : 4);
            n = (n < len) ? n : len;
        }

        piece = malloc(n);
        memcpy(piece, data, n);
        rc = llm_multipart_feed(m, piece, n);
        free(piece);

        if (rc != LLM_OK) {
            return rc;
        }

        data += n;
        len -= n;
    }

    return llm_multipart_end(m);
}


static void
content_type(const unsigned char *data, size_t len)
{
    llm_str_t       type, boundary;
    llm_arena_t    *arena;
    unsigned char  *copy;

    static const char  prefix[] = "multipart/form-data;boundary";

    copy = malloc(sizeof(prefix) - 1 + len);
    memcpy(copy, prefix, sizeof(prefix) - 1);
    memcpy(copy + sizeof(prefix) - 1, data, len);

    type.data = copy;
    type.len = sizeof(prefix) - 1 + len;

    if (llm_multipart_boundary(&type, &boundary) == LLM_OK) {
        check(boundary.len > 0 && boundary.len <= 70);
        check(boundary.data >= copy
              && boundary.data + boundary.len <= copy + type.len);

        arena = llm_arena_create(1 << 16);
        check(llm_multipart_create(arena, &boundary) != NULL);
        llm_arena_free(arena);
    }

    free(copy);
}


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    int                 rc;
    unsigned            i, n, k;
    llm_arena_t        *arena;
    llm_multipart_t    *one, *cut;
    const llm_field_t  *f, *g, *found;

    static const llm_str_t  boundary = llm_string("b0");

    if (len == 0) {
        return 0;
    }

    content_type(data, len);

    arena = llm_arena_create(1 << 22);

    one = llm_multipart_create(arena, &boundary);
    rc = read_body(one, data + 1, len - 1, 0);

    cut = llm_multipart_create(arena, &boundary);
    check(read_body(cut, data + 1, len - 1, data[0] | 0x100u) == rc);

    check(llm_multipart_offset(one) == llm_multipart_offset(cut));
    check(strcmp(llm_multipart_error(one), llm_multipart_error(cut)) == 0);
    check(llm_multipart_offset(one) <= len - 1);

    f = llm_multipart_fields(one, &n);
    g = llm_multipart_fields(cut, &k);
    check(n == k);

    data++;
    len--;

    for (i = 0; i < n && rc == LLM_OK; i++) {
        check(f[i].start == g[i].start && f[i].end == g[i].end);
        check(f[i].file == g[i].file && f[i].truncated == g[i].truncated);
        check(f[i].name.len == g[i].name.len);
        check(memcmp(f[i].name.data, g[i].name.data, f[i].name.len) == 0);
        check(f[i].value.len == g[i].value.len);

        check(f[i].start <= f[i].end && f[i].end + 6 <= len);
        check(memcmp(data + f[i].end, "\r\n--b0", 6) == 0);
        check(memmem(data + f[i].start, f[i].end - f[i].start, "\r\n--b0", 6)
              == NULL);

        if (!f[i].file && !f[i].truncated) {
            check(f[i].value.len == f[i].end - f[i].start);
            check(memcmp(f[i].value.data, data + f[i].start, f[i].value.len)
                  == 0);
            check(memcmp(g[i].value.data, data + f[i].start, f[i].value.len)
                  == 0);
        }
    }

    (void) llm_multipart_find(one, "model", &found);

    llm_arena_free(arena);

    return 0;
}
