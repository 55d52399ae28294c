
/*
 * Long texts, made at random and then spoilt, are read in one piece as they
 * are in short ones, in which nothing is skipped many bytes at a time: by what
 * the fuzzer of the scanner checks, which aborts.
 */


#include "../fuzz/fuzz_scan.c"

#include "unit.h"


#define MAX   4096
#define EACH  20000


typedef struct {
    unsigned char   data[MAX + 64];
    size_t          len;
    uint64_t        seed;
} text_t;


static unsigned
any(text_t *t, unsigned n)
{
    t->seed = t->seed * 6364136223846793005ULL + 1442695040888963407ULL;

    return (unsigned) (t->seed >> 33) % n;
}


static void
put(text_t *t, const char *s)
{
    size_t  n;

    n = strlen(s);

    if (t->len + n <= MAX) {
        memcpy(t->data + t->len, s, n);
        t->len += n;
    }
}


static void
space(text_t *t)
{
    static const char  *s[] = { " ", "\n", "\r\n\t", "  ", "" };

    if (any(t, 8) == 0) {
        put(t, s[any(t, 5)]);
    }
}


static void
string(text_t *t)
{
    unsigned  i, n;

    static const char  *word[] = {
        "a", "content", "word ", "\\n", "\\\\", "\\\"", "\\\\\\\\", "\\/",
        "\\u2014", "\\u0041", "\\ud83d\\ude00", "\\u00e9", "\xc3\xa9",
        "\xe4\xb8\xad\xe6\x96\x87", "\xf0\x9f\x98\x80", "{\\\"a\\\":[1]}",
        ",:[]{}", "\\b\\f\\r\\t"
    };

    put(t, "\"");

    n = any(t, 4) ? any(t, 6) : any(t, 60);

    for (i = 0; i < n; i++) {
        put(t, any(t, 2) ? "plain text, some" : word[any(t, 18)]);
    }

    put(t, "\"");
}


static void
value(text_t *t, unsigned depth)
{
    unsigned  i, n, object;

    static const char  *word[] = {
        "true", "false", "null", "0", "-1", "12.5e+3", "123456789012", "1E9"
    };

    if (depth == 0 || any(t, 3)) {

        if (any(t, 3)) {
            string(t);

        } else {
            put(t, word[any(t, 8)]);
        }

        return;
    }

    object = any(t, 2);
    n = any(t, 5);
    put(t, object ? "{" : "[");
    space(t);

    for (i = 0; i < n; i++) {

        if (i) {
            put(t, ",");
            space(t);
        }

        if (object) {
            string(t);
            space(t);
            put(t, ":");
            space(t);
        }

        value(t, depth - 1);
        space(t);
    }

    put(t, object ? "}" : "]");
}


/* as deep as may be, or deeper */

static void
nest(text_t *t)
{
    unsigned  i, n;

    n = any(t, 140);

    for (i = 0; i < n; i++) {
        put(t, "[");
    }

    value(t, 3);

    for (i = 0; i < n; i++) {
        put(t, "]");
    }
}


/* an object, whose members nobody asks for in their insides */

static void
make(text_t *t)
{
    unsigned  i, n;

    n = 2 + any(t, 6);
    put(t, "{\"messages\":[");

    for (i = 0; i < n; i++) {
        put(t, i ? ",{\"role\":" : "{\"role\":");
        string(t);
        put(t, ",\"content\":");
        value(t, 4);
        put(t, "}");
    }

    put(t, "],\"x\":[");

    if (any(t, 8)) {
        value(t, 12);

    } else {
        nest(t);
    }

    put(t, "],\"model\":\"m\"}");
}


static void
spoil(text_t *t)
{
    size_t  at;

    static const char  bytes[] = "\"\\{}[]:,u \n\x01\x1a\x0c\x80\xc3\xe4""0e.t";

    at = any(t, (unsigned) t->len);

    switch (any(t, 3)) {

    case 0:
        t->data[at] = (unsigned char) bytes[any(t, sizeof(bytes))];
        break;

    case 1:
        memmove(t->data + at, t->data + at + 1, t->len - at - 1);
        t->len--;
        break;

    default:
        memmove(t->data + at + 1, t->data + at, t->len - at);
        t->data[at] = (unsigned char) bytes[any(t, sizeof(bytes))];
        t->len++;
    }
}


int
main(void)
{
    unsigned  i, n;

    static text_t  t;

    plan(3);

    t.seed = 42;

    for (n = 0; n < 3; n++) {

        for (i = 0; i < EACH; i++) {
            t.data[0] = (unsigned char) any(&t, 256);
            t.len = 1;

            make(&t);

            if (n) {
                spoil(&t);
            }

            if (n == 2) {
                t.len = 1 + any(&t, (unsigned) t.len);
            }

            (void) LLVMFuzzerTestOneInput(t.data, t.len);
        }

        ok(i == EACH, "%u texts %s", i,
           n == 0 ? "as they should be" : n == 1 ? "spoilt" : "cut short");
    }

    return unit_end();
}
