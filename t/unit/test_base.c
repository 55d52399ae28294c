
/*
 * Arena, strings, buffers, and JSON strings that are valid whatever they hold.
 */


#include "unit.h"


static void
test_arena(void)
{
    size_t          i;
    llm_str_t       s;
    llm_arena_t    *arena;
    unsigned char  *p;

    arena = llm_arena_create(100);

    p = llm_alloc(arena, 60);
    ok(p != NULL, "60 of 100 bytes");
    is_int((uintptr_t) p % sizeof(long double), 0, "aligned");
    ok(llm_alloc(arena, 41) == NULL, "not 41 more");
    is_int(arena->left, 40, "which took nothing");
    ok(llm_alloc(arena, SIZE_MAX) == NULL, "nor all there is");

    p = llm_calloc(arena, 16);

    for (i = 0; i < 16 && p[i] == 0; i++) { /* void */ }

    is_int(i, 16, "zeroed");

    is_int(llm_str_dup(arena, &s, "abc", 3), LLM_OK, "a copy");
    is_str(s, "abc", "its text");
    is_int(s.data[3], 0, "ends with a zero byte");
    is_int(llm_str_dup(arena, &s, NULL, 0), LLM_OK, "a copy of nothing");
    ok(s.data != NULL && s.len == 0 && s.data[0] == 0, "is empty");
    is_int(llm_str_dup(arena, &s, "0123456789012345678901234567890", 31),
           LLM_NOMEM, "a copy that is too large");
    ok(s.data == NULL && s.len == 0, "is none");
    is_int(llm_str_dup(arena, &s, "", SIZE_MAX), LLM_NOMEM, "all there is");

    llm_arena_free(arena);
    llm_arena_free(NULL);
}


static void
test_buf(void)
{
    int           i;
    llm_buf_t     b;
    llm_arena_t  *arena;

    arena = llm_arena_create(1000);

    llm_buf_init(&b, arena);
    llm_buf_puts(&b, "n=");
    llm_buf_int(&b, 0);
    llm_buf_puts(&b, " ");
    llm_buf_int(&b, INT64_MIN);
    llm_buf_puts(&b, " ");
    llm_buf_int(&b, INT64_MAX);
    llm_buf_add(&b, NULL, 0);

    b.data[b.len] = '\0';
    is_int(strcmp((char *) b.data,
                  "n=0 -9223372036854775808 9223372036854775807"), 0, "text");

    for (i = 0; i < 100 && !b.failed; i++) {
        llm_buf_puts(&b, "0123456789");
    }

    ok(b.failed, "an arena's limit is told");
    is_int(b.len % 10, 44 % 10, "and nothing is added in part");

    i = (int) b.len;
    llm_buf_puts(&b, "x");
    is_int(b.len, i, "nor anything later");

    llm_arena_free(arena);

    /* where doubling is too much the need alone may fit */

    arena = llm_arena_create(64 + 110);
    llm_buf_init(&b, arena);
    llm_buf_add(&b, "0123456789012345678901234567890123456789"
                "012345678901234567890123", 64);
    llm_buf_add(&b, "0123456789012345678901234567890123456789", 40);
    ok(!b.failed && b.len == 104, "the last bytes of an arena");
    llm_arena_free(arena);
}


typedef struct {
    const char  *text;
    const char  *json;
} json_case_t;

#define FFFD  "\xef\xbf\xbd"

static const json_case_t  json_cases[] = {
    { "", "\"\"" },
    { "plain / text \x7f", "\"plain / text \x7f\"" },
    { "a\"b\\c", "\"a\\\"b\\\\c\"" },
    { "\n\r\t\b\f\x01\x1f", "\"\\n\\r\\t\\u0008\\u000c\\u0001\\u001f\"" },
    { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
      "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
    { "a\xff" "b", "\"a" FFFD "b\"" },
    { "\xc3", "\"" FFFD "\"" },
    { "\xe2\x82", "\"" FFFD FFFD "\"" },
    { "\xed\xa0\x80", "\"" FFFD FFFD FFFD "\"" },
    { "\xc0\x80x", "\"" FFFD FFFD "x\"" },
    { "\xf4\x90\x80\x80", "\"" FFFD FFFD FFFD FFFD "\"" }
};


static void
test_json(void)
{
    unsigned      i;
    llm_buf_t     b;
    llm_str_t     got;
    llm_arena_t  *arena;

    arena = llm_arena_create(1 << 16);

    for (i = 0; i < sizeof(json_cases) / sizeof(json_cases[0]); i++) {
        llm_buf_init(&b, arena);
        llm_buf_json(&b, json_cases[i].text, strlen(json_cases[i].text));

        got.len = b.len;
        got.data = b.data;
        is_str(got, json_cases[i].json, "json %u", i);
    }

    llm_buf_init(&b, arena);
    llm_buf_json(&b, "a\0b", 3);
    got.len = b.len;
    got.data = b.data;
    is_str(got, "\"a\\u0000b\"", "a NUL");

    llm_arena_free(arena);
}


/* llm_utf8() against the definition, by all code points and all short texts */

static void
test_utf8(void)
{
    size_t         n;
    uint32_t       code, bad;
    unsigned char  p[4];

    bad = 0;

    for (code = 0; code < 0x200000; code++) {

        /* every way to write it, needed or not */

        p[0] = (unsigned char) (0xf0 | code >> 18);
        p[1] = (unsigned char) (0x80 | (code >> 12 & 0x3f));
        p[2] = (unsigned char) (0x80 | (code >> 6 & 0x3f));
        p[3] = (unsigned char) (0x80 | (code & 0x3f));

        n = llm_utf8(p, 4);
        bad += (n != ((code >= 0x10000 && code <= 0x10ffff) ? 4 : 0));
        bad += (llm_utf8(p, 3) != 0);

        if (code < 0x10000) {
            p[0] = (unsigned char) (0xe0 | code >> 12);
            p[1] = p[2];
            p[2] = p[3];

            n = llm_utf8(p, 3);
            bad += (n != ((code >= 0x800 && (code & 0xf800) != 0xd800)
                          ? 3 : 0));
            bad += (llm_utf8(p, 2) != 0);
        }

        if (code < 0x800) {
            p[0] = (unsigned char) (0xc0 | code >> 6);
            p[1] = p[2];

            n = llm_utf8(p, 2);
            bad += (n != (code >= 0x80 ? 2 : 0));
            bad += (llm_utf8(p, 1) != 0);
        }
    }

    is_int(bad, 0, "every code point in every length");
    is_int(llm_utf8(p, 0), 0, "nothing");
    is_int(llm_utf8((unsigned char *) "\xc3(", 2), 0, "no continuation");
    is_int(llm_utf8((unsigned char *) "\xe2\x82(", 3), 0, "no second one");
}


int
main(void)
{
    plan(0);

    test_arena();
    test_buf();
    test_json();
    test_utf8();

    return unit_end();
}
