
/*
 * Multipart bodies: framing, headers, limits, in any pieces.
 */


#include "unit.h"
#include "llm_multipart.h"


#define CD    "Content-Disposition: form-data; "
#define PART  "--b0\r\n" CD


typedef struct {
    const char  *text;
    int          rc;
    int          offset;
    const char  *told;     /* fields as describe() tells them, or the error */
} body_case_t;

static const body_case_t  bodies[] = {
    { PART "name=\"model\"\r\n\r\ngpt\r\n--b0--\r\n", LLM_OK, 0,
      "[model=gpt 54-57]" },
    { PART "name=model\r\n\r\ngpt\r\n--b0--", LLM_OK, 0,
      "[model=gpt 52-55]" },
    { "pre\r\nam--b0ble\r\n" PART "name=a\r\n\r\n1\r\n--b0--epilogue\r\n--b0",
      LLM_OK, 0, "[a=1 64-65]" },
    { PART "name=a\r\n\r\n\r\n--b0--", LLM_OK, 0, "[a= 48-48]" },
    { PART "name=a\r\n\r\n\r\r\n-\r\n--\r\n--b\r\n--b1\r\r\n--b0--", LLM_OK, 0,
      "[a=\r\r\n-\r\n--\r\n--b\r\n--b1\r 48-68]" },
    { PART "name=a\r\n\r\n1\r\n--b0 \t\r\n" CD "name=\"b\"\r\n\r\n2\r\n--b0--",
      LLM_OK, 0, "[a=1 48-49][b=2 103-104]" },
    { PART "name=\"f\"; filename=\"a;\\\"b.wav\"\r\nContent-Type: audio/wav"
      "\r\n\r\n\x01\x02\r\n--b0--", LLM_OK, 0, "[f file 97-99]" },
    { PART "filename*=UTF-8''x%20y; name=f\r\n\r\nx\r\n--b0--", LLM_OK, 0,
      "[f file 72-73]" },
    { PART "name=f; FILENAME=x\r\n\r\nx\r\n--b0--", LLM_OK, 0,
      "[f file 60-61]" },
    { "--b0\r\ncontent-DISPOSITION:Form-Data ;NAME=\"x\\\"\\\\y\" ; z=\r\n"
      "Content-Transfer-Encoding: Binary\r\n\r\n1\r\n--b0--", LLM_OK, 0,
      "[x\"\\y=1 94-95]" },
    { PART "name=a\r\n\r\n1\r\n" PART "name=a\r\n\r\n2\r\n--b0--", LLM_OK, 0,
      "[a=1 48-49][a=2 99-100]" },
    { "--b0--", LLM_OK, 0, "" },

    { "", LLM_INVALID, 0, "body ends before its last boundary" },
    { "x--b0--", LLM_INVALID, 7, "body ends before its last boundary" },
    { PART "name=a\r\n\r\n1\r\n--b0", LLM_INVALID, 55,
      "body ends before its last boundary" },
    { PART "name=a\r\n\r\n1\r\n--b0-", LLM_INVALID, 56,
      "body ends before its last boundary" },
    { PART "name=a\r\n\r\n1\n--b0--", LLM_INVALID, 56,
      "body ends before its last boundary" },
    { PART "name=a\r\n", LLM_INVALID, 46,
      "body ends before its last boundary" },
    { "--b0x\r\n", LLM_INVALID, 4,
      "something follows a boundary in its line" },
    { "--b0\n", LLM_INVALID, 4, "something follows a boundary in its line" },
    { "--b0\rx", LLM_INVALID, 5, "something follows a boundary in its line" },
    { "--b0-x", LLM_INVALID, 5, "something follows a boundary in its line" },
    { PART "name=a\r\n\r\n--b0--", LLM_INVALID, 48,
      "boundary where a value must begin" },
    { PART "name=a\n\r\n1\r\n--b0--", LLM_INVALID, 44,
      "line of a part's header without CR" },
    { "--b0\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "part without Content-Disposition" },
    { "--b0\r\nX: y\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "part without Content-Disposition" },
    { PART "filename=a\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "part without a name" },
    { PART "name=a; name=b\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "part with two names" },
    { PART "name*=UTF-8''a\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "part with an encoded name" },
    { PART "name=a\r\n" CD "name=b\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "part with two Content-Dispositions" },
    { PART "name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--b0--",
      LLM_INVALID, 6, "part in a transfer encoding" },
    { "--b0\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--b0--",
      LLM_INVALID, 6, "part that is no form-data" },
    { PART "\r\n name=a\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "part without a name" },
    { PART "name=a\r\n x\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "malformed line in a part's header" },
    { PART "name=a\r\nX : y\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "malformed line in a part's header" },
    { PART "name=a\r\nX\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "malformed line in a part's header" },
    { PART "name=\"a\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "malformed Content-Disposition" },
    { PART "name=\"a\\\"\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "malformed Content-Disposition" },
    { PART "name=\"a\"b\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "malformed Content-Disposition" },
    { PART "name=a b\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "malformed Content-Disposition" },
    { PART "name\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "malformed Content-Disposition" },
    { PART "name=\"\xff\"\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "name of a part that is no UTF-8" },
    { PART "name=\"a\rb\"\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "control character in a part's header" },
    { PART "name=\"a\x01\"\r\n\r\n1\r\n--b0--", LLM_INVALID, 6,
      "control character in a part's header" }
};


/* feeds pieces that are gone afterwards */

static int
feed_cut(llm_multipart_t *m, const char *text, size_t len, size_t first,
    size_t step)
{
    int             rc;
    size_t          n;
    unsigned char  *piece;

    for (n = first; len; n = step) {
        n = (n < len) ? n : len;

        piece = malloc(n);
        memcpy(piece, text, n);
        rc = llm_multipart_feed(m, piece, n);
        memset(piece, 0xee, n);
        free(piece);

        if (rc != LLM_OK) {
            return rc;
        }

        text += n;
        len -= n;
    }

    return llm_multipart_end(m);
}


static void
describe(llm_multipart_t *m, int rc, llm_buf_t *b)
{
    unsigned            i, n;
    const llm_field_t  *f;

    if (rc != LLM_OK) {
        llm_buf_puts(b, llm_multipart_error(m));
        return;
    }

    f = llm_multipart_fields(m, &n);

    for (i = 0; i < n; i++) {
        llm_buf_puts(b, "[");
        llm_buf_add(b, f[i].name.data, f[i].name.len);
        llm_buf_puts(b, f[i].file ? " file" : "=");
        llm_buf_add(b, f[i].value.data, f[i].value.len);
        llm_buf_puts(b, f[i].truncated ? "truncated " : " ");
        llm_buf_int(b, (int64_t) f[i].start);
        llm_buf_puts(b, "-");
        llm_buf_int(b, (int64_t) f[i].end);
        llm_buf_puts(b, "]");
    }
}


static int
read_cut(llm_arena_t *arena, const char *text, size_t len, size_t first,
    size_t step, llm_str_t *told, size_t *offset)
{
    int               rc;
    llm_buf_t         b;
    llm_str_t         boundary;
    llm_multipart_t  *m;

    llm_buf_init(&b, arena);
    boundary = unit_str("b0");

    m = llm_multipart_create(arena, &boundary);
    rc = feed_cut(m, text, len, first, step);
    describe(m, rc, &b);

    told->len = b.len;
    told->data = b.data;
    *offset = llm_multipart_offset(m);

    return rc;
}


static int
same_cut(const char *text, size_t len)
{
    int           rc, same;
    size_t        i, at, at_cut;
    llm_str_t     one, cut;
    llm_arena_t  *arena, *part;

    arena = llm_arena_create(1 << 20);
    rc = read_cut(arena, text, len, len, len, &one, &at);

    same = 1;

    for (i = 0; i <= len && same; i++) {
        part = llm_arena_create(1 << 20);

        same = (rc == read_cut(part, text, len, i ? i : 1, i ? len : 1, &cut,
                               &at_cut)
                && at == at_cut && one.len == cut.len
                && (one.len == 0
                    || memcmp(one.data, cut.data, one.len) == 0));

        if (!same) {
            printf("# cut at %d: %.*s at %d\n", (int) i, (int) cut.len,
                   cut.data, (int) at_cut);
        }

        llm_arena_free(part);
    }

    llm_arena_free(arena);

    return same;
}


static void
test_bodies(void)
{
    int                 rc;
    size_t              at, len;
    unsigned            i;
    llm_str_t           told;
    llm_arena_t        *arena;
    const body_case_t  *c;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        c = &bodies[i];
        len = strlen(c->text);

        arena = llm_arena_create(1 << 20);
        rc = read_cut(arena, c->text, len, len, len, &told, &at);

        is_int(rc, c->rc, "body %u", i);
        is_str(told, c->told, "body %u told", i);
        ok(rc == LLM_OK || at == (size_t) c->offset, "body %u at %d", i,
           (int) at);
        ok(same_cut(c->text, len), "body %u cut", i);

        llm_arena_free(arena);
    }
}


static void
part(llm_buf_t *b, const char *name, size_t len)
{
    llm_buf_puts(b, PART "name=");
    llm_buf_puts(b, name);
    llm_buf_puts(b, "\r\n\r\n");

    while (len--) {
        llm_buf_puts(b, "v");
    }

    llm_buf_puts(b, "\r\n");
}


static void
test_limits(void)
{
    int                 rc, i, n;
    size_t              at;
    llm_buf_t           b;
    llm_str_t           told, boundary;
    llm_arena_t        *arena;
    llm_multipart_t    *m;
    const llm_field_t  *f;

    arena = llm_arena_create(1 << 24);
    llm_buf_init(&b, arena);

    for (n = LLM_MULTIPART_MAX_FIELDS; n <= LLM_MULTIPART_MAX_FIELDS + 1; n++) {
        b.len = 0;

        for (i = 0; i < n; i++) {
            part(&b, "x", 1);
        }

        llm_buf_puts(&b, "--b0--\r\n");

        rc = read_cut(arena, (char *) b.data, b.len, b.len, 1, &told, &at);
        is_int(rc, n == LLM_MULTIPART_MAX_FIELDS ? LLM_OK : LLM_LIMIT,
               "%d fields", n);
    }

    is_str(told, "more than 64 fields", "told");

    for (n = LLM_MULTIPART_MAX_HEADER; n <= LLM_MULTIPART_MAX_HEADER + 1; n++) {
        b.len = 0;
        llm_buf_puts(&b, PART "name=a\r\nX-Long: ");

        /* with the line ends of the header and of its empty line */

        while (b.len < 6 + (size_t) n - 4) {
            llm_buf_puts(&b, "x");
        }

        llm_buf_puts(&b, "\r\n\r\n1\r\n--b0--");

        rc = read_cut(arena, (char *) b.data, b.len, b.len, 1, &told, &at);
        is_int(rc, n == LLM_MULTIPART_MAX_HEADER ? LLM_OK : LLM_LIMIT,
               "header of %d bytes", n);
    }

    is_str(told, "header of a part over 4096 bytes", "told");
    ok(same_cut((char *) b.data, b.len), "cuts of it");

    for (n = LLM_MULTIPART_MAX_TEXT; n <= LLM_MULTIPART_MAX_TEXT + 1; n++) {
        b.len = 0;
        part(&b, "long", (size_t) n);
        part(&b, "short", 2);
        llm_buf_puts(&b, "--b0--\r\n");

        boundary = unit_str("b0");
        m = llm_multipart_create(arena, &boundary);
        rc = feed_cut(m, (char *) b.data, b.len, b.len, 1);
        is_int(rc, LLM_OK, "value of %d bytes", n);

        is_int(llm_multipart_find(m, "long", &f), LLM_OK, "found");
        is_int(f->truncated, n > LLM_MULTIPART_MAX_TEXT, "kept or not");
        is_int(f->value.len, n > LLM_MULTIPART_MAX_TEXT ? 0 : n, "its text");
        is_int(f->end - f->start, n, "its range");
        is_int(llm_multipart_find(m, "short", &f), LLM_OK, "the next");
        is_str(f->value, "vv", "its text");
        is_int(llm_multipart_find(m, "none", &f), LLM_DECLINED, "no such");
    }

    ok(same_cut((char *) b.data, b.len), "cuts of it");

    b.len = 0;
    part(&b, "a", 1);
    part(&b, "a", 1);
    llm_buf_puts(&b, "--b0--\r\n");

    m = llm_multipart_create(arena, &boundary);
    rc = feed_cut(m, (char *) b.data, b.len, b.len, 1);
    is_int(llm_multipart_find(m, "a", &f), LLM_DUPLICATE, "named twice");
    is_int(llm_multipart_feed(m, (unsigned char *) "x", 1), LLM_OK,
           "an epilogue");

    llm_arena_free(arena);
}


static void
test_memory(void)
{
    int               rc;
    size_t            limit;
    llm_buf_t         b;
    llm_str_t         boundary;
    llm_arena_t      *arena, *text;
    llm_multipart_t  *m;

    text = llm_arena_create(1 << 20);
    llm_buf_init(&b, text);
    part(&b, "model", 100);
    llm_buf_puts(&b, "--b0--\r\n");

    boundary = unit_str("b0");
    rc = LLM_NOMEM;

    for (limit = 0; rc == LLM_NOMEM && limit < 1 << 16; limit += 8) {
        arena = llm_arena_create(limit);
        m = llm_multipart_create(arena, &boundary);

        if (m) {
            rc = feed_cut(m, (char *) b.data, b.len, 7, 7);
        }

        llm_arena_free(arena);
    }

    is_int(rc, LLM_OK, "without memory: told, until %d bytes suffice",
           (int) limit);
    ok(limit > 256, "and not before");

    llm_arena_free(text);
}


typedef struct {
    const char  *type;
    const char  *boundary;      /* NULL: invalid */
} type_case_t;

#define B70  "0123456789012345678901234567890123456789012345678901234567890" \
             "123456789"

static const type_case_t  types[] = {
    { "multipart/form-data; boundary=abc", "abc" },
    { "Multipart/Form-Data;BOUNDARY=abc", "abc" },
    { " multipart/form-data ; charset=utf-8 ; boundary=\"a b:c\" ", "a b:c" },
    { "multipart/form-data; boundary=----WebKitFormBoundaryAb/=?;",
      "----WebKitFormBoundaryAb/=?" },
    { "multipart/form-data; x=\"a;boundary=no\"; boundary=yes", "yes" },
    { "multipart/form-data; boundary=" B70, B70 },
    { "multipart/form-data; boundary=" B70 "x", NULL },
    { "multipart/form-data", NULL },
    { "multipart/form-data; boundary=", NULL },
    { "multipart/form-data; boundary=\"\"", NULL },
    { "multipart/form-data; boundary=\"a ", NULL },
    { "multipart/form-data; boundary=\"a \"", NULL },
    { "multipart/form-data; boundary=a; boundary=b", NULL },
    { "multipart/form-data; boundary=a\r\nb", NULL },
    { "multipart/form-data; boundary=\"a\\b\"", NULL },
    { "multipart/form-data; boundary=a\xc3\xa9", NULL },
    { "multipart/form-data; myboundary=a", NULL },
    { "multipart/mixed; boundary=a", NULL },
    { "application/json", NULL },
    { "", NULL }
};


static void
test_boundary(void)
{
    int                 rc;
    unsigned            i;
    llm_str_t           type, boundary;
    llm_arena_t        *arena;
    const type_case_t  *c;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        c = &types[i];
        type = unit_str(c->type);
        rc = llm_multipart_boundary(&type, &boundary);

        is_int(rc, c->boundary ? LLM_OK : LLM_INVALID, "type %u", i);

        if (rc == LLM_OK && c->boundary) {
            is_str(boundary, c->boundary, "boundary %u", i);
        }
    }

    arena = llm_arena_create(1 << 20);
    boundary = unit_str(B70 "x");
    ok(llm_multipart_create(arena, &boundary) == NULL, "boundary too long");
    boundary = unit_str("a\rb");
    ok(llm_multipart_create(arena, &boundary) == NULL, "boundary with CR");
    llm_arena_free(arena);
}


int
main(void)
{
    plan(0);

    test_bodies();
    test_limits();
    test_memory();
    test_boundary();

    return unit_end();
}
