
/*
 * Splicing of members: fixed cases whose bytes are known, then random edits
 * of random objects, checked with another parser.
 */


#include "unit.h"
#include "llm_splice.h"

#include <cjson/cJSON.h>


typedef struct {
    const char  *text;
    const char  *ops;      /* "=name:json", "?name:json" (fill), "-name" */
    const char  *result;
} splice_case_t;

static const splice_case_t  cases[] = {
    { "{}", "", "{}" },
    { "{}", "=a:1", "{\"a\":1}" },
    { " { \n} ", "=a:1 ?b:2", " { \n\"a\":1,\"b\":2} " },
    { "{\"a\":1}", "=a:22", "{\"a\":22}" },
    { "{\"a\":1}", "?a:22", "{\"a\":1}" },
    { "{\"a\":1}", "?b:2", "{\"a\":1,\"b\":2}" },
    { "{\"a\":1}", "-a", "{}" },
    { "{\"a\":1}", "-b", "{\"a\":1}" },
    { "{\"a\":1}", "-a =b:2", "{\"b\":2}" },
    { "{ \"a\" : 1 , \"b\" : 2 }", "-a", "{ \"b\" : 2 }" },
    { "{ \"a\" : 1 , \"b\" : 2 }", "-b", "{ \"a\" : 1 }" },
    { "{ \"a\" : 1 , \"b\" : 2 }", "-a -b", "{  }" },
    { "{ \"a\" : 1 , \"b\" : 2 }", "-a -b ?c:3", "{ \"c\":3 }" },
    { "{ \"a\" : 1 , \"b\" : 2 }", "-b =c:3", "{ \"a\" : 1,\"c\":3 }" },
    { "{ \"a\" : 1 , \"b\" : 2 }", "-b =a:9 =c:3",
      "{ \"a\" : 9,\"c\":3 }" },
    { "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}", "-b -c", "{\"a\":1,\"d\":4}" },
    { "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}", "-a -c", "{\"b\":2,\"d\":4}" },
    { "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}", "-b -d", "{\"a\":1,\"c\":3}" },
    { "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}", "-c -d", "{\"a\":1,\"b\":2}" },
    { "{\"\\u0061\":1}", "=a:2", "{\"\\u0061\":2}" },
    { "{\"a\":1}", "=a:2 -a", "{}" },
    { "{\"a\":1}", "-a =a:2", "{\"a\":2}" },
    { "{\"a\":1}", "-a ?a:2", "{\"a\":1}" },
    { "{\"a\":1}", "=q\"\\\n:2", "{\"a\":1,\"q\\\"\\\\\\n\":2}" }
};


static llm_scan_t *
scan(llm_arena_t *arena, const char *text, size_t len, size_t *close)
{
    llm_scan_t  *s;

    s = llm_scan_create(arena, NULL, 0, LLM_SCAN_MEMBERS);

    if (llm_scan_feed(s, (unsigned char *) text, len) != LLM_OK
        || llm_scan_end(s) != LLM_OK)
    {
        return NULL;
    }

    for (*close = len - 1; text[*close] != '}'; (*close)--) { /* void */ }

    return s;
}


/* what is sent; *fine: the edits are in order, and the length is right */

static llm_str_t
apply(llm_arena_t *arena, const char *text, size_t len, llm_edit_t *e,
    unsigned n, int64_t delta, int *fine)
{
    size_t     pos;
    unsigned   i;
    llm_str_t  in, out;
    llm_buf_t  b;

    llm_buf_init(&b, arena);

    *fine = 1;
    pos = 0;

    for (i = 0; i < n; i++) {

        if (e[i].start < pos || e[i].end < e[i].start || e[i].end > len) {
            *fine = 0;
            n = i;
            break;
        }

        pos = e[i].end;
    }

    in.data = (unsigned char *) text;
    in.len = len;

    llm_splice_print(&b, &in, e, n);

    if ((int64_t) b.len != (int64_t) len + delta) {
        *fine = 0;
    }

    out.len = b.len;
    out.data = b.data;

    return out;
}


static void
test_cases(void)
{
    int                   fine;
    char                 *ops, *op, *json;
    size_t                close;
    int64_t               delta;
    unsigned              i, n, nedits;
    llm_str_t             name, value, out;
    llm_edit_t           *edits;
    llm_scan_t           *s;
    llm_splice_t         *sp;
    llm_arena_t          *arena;
    const llm_member_t   *m;
    const splice_case_t  *c;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        c = &cases[i];

        arena = llm_arena_create(1 << 20);
        s = scan(arena, c->text, strlen(c->text), &close);
        m = llm_scan_members(s, &n);
        sp = llm_splice_create(arena, m, n, close);

        ops = strdup(c->ops);

        for (op = strtok(ops, " "); op; op = strtok(NULL, " ")) {
            json = strchr(op, ':');

            if (json) {
                *json++ = '\0';
                value = unit_str(json);
            }

            name = unit_str(op + 1);

            (void) (*op == '=' ? llm_splice_set(sp, &name, &value)
                    : *op == '?' ? llm_splice_fill(sp, &name, &value)
                    : llm_splice_drop(sp, &name));
        }

        is_int(llm_splice_finish(sp, &edits, &nedits, &delta), LLM_OK,
               "case %u finished", i);

        out = apply(arena, c->text, strlen(c->text), edits, nedits, delta,
                    &fine);

        is_str(out, c->result, "%s on %s", c->ops, c->text);
        ok(fine, "its edits are in order, its length is right");

        free(ops);
        llm_arena_free(arena);
    }
}


static uint32_t  seed = 20240229;


static unsigned
dice(unsigned n)
{
    seed = seed * 1664525 + 1013904223;

    return (unsigned) ((seed >> 8) % n);
}


static void
space(llm_buf_t *b)
{
    unsigned  n;

    for (n = dice(6); n > 3; n--) {
        llm_buf_add(b, &" \n\t\r"[dice(4)], 1);
    }
}


/* what must become of each of the names: "" for none */

#define NAMES  10

static const char *const  names[NAMES] = {
    "model", "a", "", "stream", "x\"y", "\xc3\xa9", "n", "user", "\n", "z"
};

static const char *const  values[] = {
    "1", "\"},{\"", "[1,{\"a\":\"]\"}]", "{\"model\":{}}", "null", "-1.5e3",
    "true", "\"\\\\\\\"\"", "[]", "{ }"
};

#define VALUES  (sizeof(values) / sizeof(values[0]))


/* whether out has exactly the members of want, in their bytes */

static int
same_members(llm_arena_t *arena, const llm_str_t *out,
    const char *const *want)
{
    int                  n, i;
    cJSON               *json;
    size_t               close;
    unsigned             nmembers;
    llm_scan_t          *s;
    const llm_member_t  *m;

    json = cJSON_ParseWithLength((char *) out->data, out->len);
    s = scan(arena, (char *) out->data, out->len, &close);

    if (json == NULL || s == NULL) {
        cJSON_Delete(json);
        return 0;
    }

    n = 0;

    for (i = 0; i < NAMES; i++) {
        m = llm_scan_member(s, names[i]);

        if (want[i] == NULL) {
            if (m || cJSON_GetObjectItemCaseSensitive(json, names[i])) {
                break;
            }

            continue;
        }

        n++;

        if (m == NULL || m->end - m->start != strlen(want[i])
            || memcmp(out->data + m->start, want[i], m->end - m->start) != 0
            || cJSON_GetObjectItemCaseSensitive(json, names[i]) == NULL)
        {
            break;
        }
    }

    (void) llm_scan_members(s, &nmembers);

    if (i < NAMES || n != cJSON_GetArraySize(json) || n != (int) nmembers) {
        cJSON_Delete(json);
        return 0;
    }

    cJSON_Delete(json);

    return 1;
}


static int
random_round(llm_arena_t *arena)
{
    int                  fine;
    char                 op[NAMES];
    size_t               close;
    int64_t              delta;
    unsigned             i, j, n, r, nedits;
    llm_str_t            name, value, out;
    llm_buf_t            b;
    llm_edit_t          *edits;
    llm_scan_t          *s;
    llm_splice_t        *sp;
    const char          *want[NAMES], *with[NAMES];
    const llm_member_t  *m;

    llm_buf_init(&b, arena);
    memset(want, 0, sizeof(want));

    space(&b);
    llm_buf_puts(&b, "{");
    space(&b);

    n = dice(NAMES + 1);

    for (i = 0; i < n; i++) {
        do { j = dice(NAMES); } while (want[j]);

        want[j] = values[dice(VALUES)];

        if (i) {
            llm_buf_puts(&b, ",");
            space(&b);
        }

        llm_buf_json(&b, names[j], strlen(names[j]));
        space(&b);
        llm_buf_puts(&b, ":");
        space(&b);
        llm_buf_puts(&b, want[j]);
        space(&b);
    }

    llm_buf_puts(&b, "}");
    space(&b);

    s = scan(arena, (char *) b.data, b.len, &close);
    m = llm_scan_members(s, &n);
    sp = llm_splice_create(arena, m, n, close);

    memset(op, 0, sizeof(op));

    for (r = dice(12); r; r--) {
        j = dice(NAMES);
        with[j] = values[dice(VALUES)];
        name = unit_str(names[j]);
        value = unit_str(with[j]);
        op[j] = "=?--"[dice(4)];

        (void) (op[j] == '=' ? llm_splice_set(sp, &name, &value)
                : op[j] == '?' ? llm_splice_fill(sp, &name, &value)
                : llm_splice_drop(sp, &name));
    }

    for (j = 0; j < NAMES; j++) {
        if (op[j] == '-') {
            want[j] = NULL;

        } else if (op[j] == '=' || (op[j] == '?' && want[j] == NULL)) {
            want[j] = with[j];
        }
    }

    if (llm_splice_finish(sp, &edits, &nedits, &delta) != LLM_OK) {
        return 0;
    }

    out = apply(arena, (char *) b.data, b.len, edits, nedits, delta, &fine);

    if (!fine || !same_members(arena, &out, want)) {
        printf("# %.*s\n# became %.*s\n", (int) b.len, b.data, (int) out.len,
               out.data);
        return 0;
    }

    return 1;
}


static void
test_random(void)
{
    int           i, good;
    llm_arena_t  *arena;

    good = 0;

    for (i = 0; i < 20000; i++) {
        arena = llm_arena_create(1 << 20);
        good += random_round(arena);
        llm_arena_free(arena);
    }

    is_int(good, i, "random edits of random objects");
}


int
main(void)
{
    plan(0);

    test_cases();
    test_random();

    return unit_end();
}
