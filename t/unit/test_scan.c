
/*
 * The JSON scanner: grammar, limits, picks, members, and that none of them
 * depends on how a text is cut into pieces.
 */


#include "unit.h"
#include "llm_scan.h"


#define PICK_N  10

static const llm_pick_t  picks[PICK_N] = {
    { "model", LLM_PICK_ROOT, LLM_PICK_RAW, 64 },
    { "messages", LLM_PICK_ROOT, LLM_PICK_LENGTH, 0 },
    { NULL, 1, LLM_PICK_COUNT, 0 },
    { "content", 2, LLM_PICK_LENGTH, 0 },
    { "tools", LLM_PICK_ROOT, LLM_PICK_COUNT, 0 },
    { "options", LLM_PICK_ROOT, LLM_PICK_RAW, 40 },
    { "usage", 5, LLM_PICK_RAW|LLM_PICK_FIRST, 40 },
    { NULL, LLM_PICK_ROOT, LLM_PICK_RAW, 16 },
    { "id", 7, LLM_PICK_RAW, 8 },
    { "", LLM_PICK_ROOT, LLM_PICK_RAW, 8 }
};


/* everything that a scan told, as text, so that two scans compare */

static void
describe(llm_scan_t *s, int rc, llm_buf_t *b)
{
    unsigned             i, n;
    const llm_found_t   *f;
    const llm_member_t  *m;

    b->len = 0;

    llm_buf_int(b, rc);
    llm_buf_puts(b, " at ");
    llm_buf_int(b, (int64_t) llm_scan_offset(s));
    llm_buf_puts(b, " ");
    llm_buf_puts(b, llm_scan_error(s));
    llm_buf_puts(b, " type ");
    llm_buf_int(b, llm_scan_type(s));
    llm_buf_puts(b, llm_scan_complete(s) ? " complete" : "");

    if (rc == LLM_DUPLICATE) {
        llm_buf_json(b, llm_scan_duplicate(s).data, llm_scan_duplicate(s).len);
    }

    if (rc != LLM_OK) {
        llm_buf_add(b, "", 1);
        return;
    }

    m = llm_scan_members(s, &n);

    for (i = 0; i < n; i++) {
        llm_buf_puts(b, "\n");
        llm_buf_json(b, m[i].name.data, m[i].name.len);
        llm_buf_puts(b, " ");
        llm_buf_int(b, (int64_t) m[i].name_start);
        llm_buf_puts(b, " ");
        llm_buf_int(b, (int64_t) m[i].start);
        llm_buf_puts(b, "-");
        llm_buf_int(b, (int64_t) m[i].end);
        llm_buf_puts(b, " type ");
        llm_buf_int(b, m[i].type);
    }

    for (i = 0; i < PICK_N; i++) {
        f = llm_scan_found(s, i);

        if (f->times == 0) {
            continue;
        }

        llm_buf_puts(b, "\npick ");
        llm_buf_int(b, i);
        llm_buf_puts(b, " ");
        llm_buf_int(b, (int64_t) f->start);
        llm_buf_puts(b, "-");
        llm_buf_int(b, (int64_t) f->end);
        llm_buf_puts(b, " x");
        llm_buf_int(b, f->times);
        llm_buf_puts(b, " count ");
        llm_buf_int(b, (int64_t) f->count);
        llm_buf_puts(b, " type ");
        llm_buf_int(b, f->type);
        llm_buf_puts(b, f->truncated ? " truncated " : " ");
        llm_buf_add(b, f->raw.data, f->raw.len);
    }

    llm_buf_add(b, "", 1);
}


/*
 * Feeds the text in pieces that end at first and then every step bytes.  Each
 * piece is a block of its own that is gone afterwards, as the contract allows.
 */

static int
scan_cut(llm_scan_t *s, const char *text, size_t len, size_t first, size_t step)
{
    int             rc;
    size_t          n;
    unsigned char  *piece;

    for (n = first; len; n = step) {
        n = (n < len) ? n : len;

        piece = malloc(n);
        memcpy(piece, text, n);
        rc = llm_scan_feed(s, piece, n);
        memset(piece, 0xee, n);
        free(piece);

        if (rc != LLM_OK) {
            return rc;
        }

        text += n;
        len -= n;
    }

    return llm_scan_end(s);
}


/* whether any cut of the text gives what one piece gives */

static int
same_cut(const char *text, size_t len, unsigned flags)
{
    int           rc, same;
    size_t        i;
    llm_buf_t     one, cut;
    llm_scan_t   *s;
    llm_arena_t  *arena;

    arena = llm_arena_create(1 << 24);
    s = llm_scan_create(arena, picks, PICK_N, flags);
    llm_buf_init(&one, arena);
    llm_buf_init(&cut, arena);

    rc = scan_cut(s, text, len, len, len);
    describe(s, rc, &one);

    same = 1;

    for (i = 0; i <= len && same; i++) {
        llm_scan_reset(s);

        /* i == 0: byte by byte; else two pieces */

        rc = i ? scan_cut(s, text, len, i, len) : scan_cut(s, text, len, 1, 1);
        describe(s, rc, &cut);

        if (one.len != cut.len || memcmp(one.data, cut.data, one.len) != 0) {
            printf("# cut at %d:\n%s\n# not:\n%s\n", (int) i, cut.data,
                   one.data);
            same = 0;
        }
    }

    llm_arena_free(arena);

    return same;
}


typedef struct {
    const char  *text;
    int          rc;
    int          offset;
    const char  *error;
} grammar_t;

#define VALID    LLM_OK, 0, ""
#define BAD(at)  LLM_INVALID, at

static const grammar_t  grammar[] = {
    { "{}", VALID },
    { "[]", VALID },
    { " \t\r\n{ } \n", VALID },
    { "\"\"", VALID },
    { "0", VALID },
    { "-0", VALID },
    { " 12 ", VALID },
    { "-1.5e+10", VALID },
    { "1E5", VALID },
    { "1e-5", VALID },
    { "0.25", VALID },
    { "true", VALID },
    { "[false,null ,true]", VALID },
    { "[[],[{}],{\"a\":[]}]", VALID },
    { "{\"a\":1,\"b\":{\"a\":1,\"a\":2},\"c\":[1,2]}", VALID },
    { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uABCD\\uabcd\"", VALID },
    { "\"\\ud800 lone\"", VALID },
    { "\"\x7f \xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80\"",
      VALID },
    { "\"\xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\"", VALID },

    { "", BAD(0), "empty text" },
    { "  ", BAD(2), "empty text" },
    { "\xef\xbb\xbf{}", BAD(0), "a byte order mark precedes the value" },
    { "{", BAD(1), "text ends before its value does" },
    { "[1", BAD(2), "text ends before its value does" },
    { "-", BAD(1), "text ends before its value does" },
    { "1.", BAD(2), "text ends before its value does" },
    { "1e", BAD(2), "text ends before its value does" },
    { "tru", BAD(3), "text ends before its value does" },
    { "\"abc", BAD(4), "text ends inside a string" },
    { "\"abc\\", BAD(5), "text ends inside a string" },
    { "\"\xe4\xb8", BAD(3), "text ends inside a string" },
    { "{}x", BAD(2), "something follows the value" },
    { "{}{}", BAD(2), "something follows the value" },
    { "1 2", BAD(2), "something follows the value" },
    { "[1,]", BAD(3), "comma before \"]\"" },
    { "[,1]", BAD(1), "not a value" },
    { "{\"a\":1,}", BAD(7), "comma before \"}\"" },
    { "{,}", BAD(1), "a name in quotes must follow \"{\"" },
    { "{a:1}", BAD(1), "a name in quotes must follow \"{\"" },
    { "{'a':1}", BAD(1), "a name in quotes must follow \"{\"" },
    { "{\"a\":1,2}", BAD(7), "a name in quotes must follow the comma" },
    { "{\"a\" 1}", BAD(5), "a colon must follow the name" },
    { "{\"a\":}", BAD(5), "not a value" },
    { "{\"a\":1 \"b\":2}", BAD(7), "a comma or \"}\" must follow the value" },
    { "[1 2]", BAD(3), "a comma or \"]\" must follow the value" },
    { "[1}", BAD(2), "a comma or \"]\" must follow the value" },
    { "{\"a\":1]", BAD(6), "a comma or \"}\" must follow the value" },
    { "]", BAD(0), "not a value" },
    { "}", BAD(0), "not a value" },
    { "01", BAD(1), "number with a leading zero" },
    { "-012", BAD(2), "number with a leading zero" },
    { "+1", BAD(0), "not a value" },
    { ".5", BAD(0), "not a value" },
    { "[1.]", BAD(3), "number without a digit where one must be" },
    { "[1.e5]", BAD(3), "number without a digit where one must be" },
    { "[1e]", BAD(3), "number without a digit where one must be" },
    { "[1e+]", BAD(4), "number without a digit where one must be" },
    { "[-]", BAD(2), "number without a digit where one must be" },
    { "[-a]", BAD(2), "number without a digit where one must be" },
    { "1.2.3", BAD(3), "something follows the value" },
    { "1e5e5", BAD(3), "something follows the value" },
    { "[0x1]", BAD(2), "a comma or \"]\" must follow the value" },
    { "NaN", BAD(0), "not a value" },
    { "nul1", BAD(3), "not a value" },
    { "True", BAD(0), "not a value" },
    { "// c\n1", BAD(0), "not a value" },
    { "\f1", BAD(0), "not a value" },
    { "\"a\nb\"", BAD(2), "control character in string" },
    { "\"0123456789abcdef\x1fz\"", BAD(17), "control character in string" },
    { "\"\\x\"", BAD(2), "invalid escape in string" },
    { "\"\\u12g4\"", BAD(5), "invalid escape in string" },
    { "\"\\U1234\"", BAD(2), "invalid escape in string" },
    { "\"\\u123\"", BAD(6), "invalid escape in string" },
    { "\"\x80\"", BAD(1), "invalid UTF-8 in string" },
    { "\"a\xc0\x80\"", BAD(2), "invalid UTF-8 in string" },
    { "\"\xc1\xbf\"", BAD(1), "invalid UTF-8 in string" },
    { "\"\xe0\x9f\xbf\"", BAD(2), "invalid UTF-8 in string" },
    { "\"\xed\xa0\x80\"", BAD(2), "invalid UTF-8 in string" },
    { "\"\xf0\x8f\xbf\xbf\"", BAD(2), "invalid UTF-8 in string" },
    { "\"\xf4\x90\x80\x80\"", BAD(2), "invalid UTF-8 in string" },
    { "\"\xf5\x80\x80\x80\"", BAD(1), "invalid UTF-8 in string" },
    { "\"\xc3(\"", BAD(2), "invalid UTF-8 in string" },
    { "\"\xe4\xb8\"", BAD(3), "invalid UTF-8 in string" },
    { "\"\xe4\xb8\xad\xe4\xb8z\"", BAD(6), "invalid UTF-8 in string" },
    { "\"\xf0\x9f\x98z\"", BAD(4), "invalid UTF-8 in string" },
    { "{\"\xff\":1}", BAD(2), "invalid UTF-8 in string" }
};


static void
test_grammar(void)
{
    int               rc;
    size_t            len;
    unsigned          i;
    llm_scan_t       *s;
    llm_arena_t      *arena;
    const grammar_t  *g;

    for (i = 0; i < sizeof(grammar) / sizeof(grammar[0]); i++) {
        g = &grammar[i];
        len = strlen(g->text);

        arena = llm_arena_create(1 << 20);
        s = llm_scan_create(arena, NULL, 0, 0);

        rc = scan_cut(s, g->text, len, len, len);

        ok(rc == g->rc && strcmp(llm_scan_error(s), g->error) == 0
           && (rc == LLM_OK || llm_scan_offset(s) == (size_t) g->offset),
           "grammar %u: rc %d at %d, \"%s\"", i, rc,
           (int) llm_scan_offset(s), llm_scan_error(s));

        is_int(llm_scan_complete(s), g->rc == LLM_OK, "complete %u", i);
        ok(same_cut(g->text, len, 0), "cuts of %u", i);

        llm_arena_free(arena);
    }
}


typedef struct {
    const char  *text;
    int          rc;
    int          offset;
    const char  *what;
} member_case_t;

static const member_case_t  member_cases[] = {
    { "{\"a\":1,\"b\":2,\"a\":3}", LLM_DUPLICATE, 13, "twice" },
    { "{\"model\":1,\"mod\\u0065l\":2}", LLM_DUPLICATE, 11, "escaped twice" },
    { "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", LLM_DUPLICATE, 18,
      "a pair and its UTF-8" },
    { "{\"\":1,\"\":2}", LLM_DUPLICATE, 6, "empty twice" },
    { "{\"a\":{\"b\":1,\"b\":2},\"b\":3}", LLM_OK, 0, "twice but nested" },
    { "{\"a\":1,\"A\":2}", LLM_OK, 0, "case counts" },
    { "{\"\\u0000\":1}", LLM_INVALID, 1, "NUL" },
    { "{\"a\":1,\"x\\ud800\":1}", LLM_INVALID, 7, "half of a pair" },
    { "{\"x\\udc00\\ud800\":1}", LLM_INVALID, 1, "pair reversed" },
    { "{\"a\":{\"\\u0000\":1}}", LLM_OK, 0, "NUL but nested" },
    { "[1]", LLM_INVALID, 0, "an array" },
    { " 1", LLM_INVALID, 1, "a number" },
    { "{}", LLM_OK, 0, "empty" }
};


static void
test_members(void)
{
    int                   rc;
    size_t                len;
    unsigned              i, n;
    llm_scan_t           *s;
    llm_arena_t          *arena;
    const char           *text;
    const llm_member_t   *m;
    const member_case_t  *c;

    for (i = 0; i < sizeof(member_cases) / sizeof(member_cases[0]); i++) {
        c = &member_cases[i];
        len = strlen(c->text);

        arena = llm_arena_create(1 << 20);
        s = llm_scan_create(arena, NULL, 0, LLM_SCAN_MEMBERS);

        rc = scan_cut(s, c->text, len, len, len);

        ok(rc == c->rc
           && (rc == LLM_OK || llm_scan_offset(s) == (size_t) c->offset),
           "members, %s: %d at %d, \"%s\"", c->what, rc,
           (int) llm_scan_offset(s), llm_scan_error(s));

        ok(same_cut(c->text, len, LLM_SCAN_MEMBERS), "cuts, %s", c->what);

        llm_arena_free(arena);
    }

    text = "{ \"a\" : 12 , \"b\\n\":\"x\" ,\"c\":[ ],\"d\":null }";
    arena = llm_arena_create(1 << 20);
    s = llm_scan_create(arena, NULL, 0, LLM_SCAN_MEMBERS);

    rc = llm_scan_feed(s, (unsigned char *) text, strlen(text));
    is_int(rc, LLM_OK, "members scanned");
    is_int(llm_scan_end(s), LLM_OK, "members ended");
    is_int(llm_scan_type(s), LLM_JSON_OBJECT, "an object");

    m = llm_scan_members(s, &n);
    is_int(n, 4, "four members");

    is_int(m[0].name_start, 2, "name of the first");
    is_int(m[0].start, 8, "start of a number");
    is_int(m[0].end, 10, "a number ends at its last digit");
    is_int(m[0].type, LLM_JSON_NUMBER, "type of a number");
    is_str(m[1].name, "b\n", "a name unescaped");
    is_int(m[1].end - m[1].start, 3, "a string with its quotes");
    is_int(m[2].type, LLM_JSON_ARRAY, "type of an array");
    is_int(m[2].end - m[2].start, 3, "an array with its brackets");
    ok(llm_scan_member(s, "d") == &m[3], "a member by name");
    is_int(m[3].type, LLM_JSON_NULL, "type of null");
    ok(llm_scan_member(s, "e") == NULL, "no such member");

    llm_scan_reset(s);
    llm_scan_members(s, &n);
    is_int(n, 0, "none after reset");

    text = "{\"a\":1,\"a\":";
    rc = llm_scan_feed(s, (unsigned char *) text, strlen(text));
    is_int(rc, LLM_DUPLICATE, "told before its value");
    is_str(llm_scan_duplicate(s), "a", "the name that came twice");
    is_int(llm_scan_feed(s, (unsigned char *) "1}", 2), LLM_DUPLICATE,
           "an error is final");

    llm_arena_free(arena);
}


static int
limit_case(llm_buf_t *b, unsigned flags, size_t *offset, const char **error)
{
    int           rc;
    llm_scan_t   *s;
    llm_arena_t  *arena;

    arena = llm_arena_create(1 << 22);
    s = llm_scan_create(arena, NULL, 0, flags);

    rc = llm_scan_feed(s, b->data, b->len);
    if (rc == LLM_OK) {
        rc = llm_scan_end(s);
    }

    *offset = llm_scan_offset(s);
    *error = llm_scan_error(s);

    llm_arena_free(arena);

    return rc;
}


static void
test_limits(void)
{
    int           i, n, rc;
    size_t        at;
    llm_buf_t     b;
    const char   *error;
    llm_arena_t  *arena;

    arena = llm_arena_create((size_t) 1 << 30);
    llm_buf_init(&b, arena);

    for (n = LLM_SCAN_MAX_DEPTH; n <= LLM_SCAN_MAX_DEPTH + 1; n++) {
        b.len = 0;

        for (i = 0; i < n; i++) {
            llm_buf_puts(&b, (i % 2) ? "[" : "{\"a\":");
        }

        llm_buf_puts(&b, "1");

        for (i = n - 1; i >= 0; i--) {
            llm_buf_puts(&b, (i % 2) ? "]" : "}");
        }

        rc = limit_case(&b, 0, &at, &error);
        is_int(rc, n == LLM_SCAN_MAX_DEPTH ? LLM_OK : LLM_LIMIT,
               "%d levels", n);
    }

    ok(strstr(error, "128 levels") != NULL, "told: %s", error);
    is_int(at, LLM_SCAN_MAX_DEPTH / 2 * 6, "where the level begins");

    for (n = LLM_SCAN_MAX_MEMBERS; n <= LLM_SCAN_MAX_MEMBERS + 1; n++) {
        b.len = 0;
        llm_buf_puts(&b, "{");

        for (i = 0; i < n; i++) {
            llm_buf_puts(&b, i ? ",\"m" : "\"m");
            llm_buf_int(&b, i);
            llm_buf_puts(&b, "\":0");
        }

        llm_buf_puts(&b, "}");

        rc = limit_case(&b, LLM_SCAN_MEMBERS, &at, &error);
        is_int(rc, n == LLM_SCAN_MAX_MEMBERS ? LLM_OK : LLM_LIMIT,
               "%d members", n);
    }

    ok(strstr(error, "256 members") != NULL, "told: %s", error);
    is_int(limit_case(&b, 0, &at, &error), LLM_OK, "unless not listed");

    for (n = LLM_SCAN_MAX_NAME; n <= LLM_SCAN_MAX_NAME + 1; n++) {
        b.len = 0;
        llm_buf_puts(&b, "{\"");

        for (i = 0; i < n; i++) {
            llm_buf_puts(&b, "\\u0061");
        }

        llm_buf_puts(&b, "\":0}");

        rc = limit_case(&b, LLM_SCAN_MEMBERS, &at, &error);
        is_int(rc, n == LLM_SCAN_MAX_NAME ? LLM_OK : LLM_LIMIT,
               "a name of %d bytes, escaped", n);
    }

    ok(strstr(error, "256 bytes") != NULL, "told: %s", error);
    is_int(at, 1, "where the name begins");

    b.len = 0;
    llm_buf_puts(&b, "{\"");

    for (i = 0; i < 4096; i++) {
        llm_buf_puts(&b, "n");
    }

    llm_buf_puts(&b, "\":0}");

    is_int(limit_case(&b, LLM_SCAN_MEMBERS, &at, &error), LLM_LIMIT,
           "a long plain name");
    ok(same_cut((char *) b.data, b.len, LLM_SCAN_MEMBERS), "cuts of it");
    ok(same_cut((char *) b.data, b.len, 0), "cuts of it, not listed");

    for (n = LLM_SCAN_MAX_VALUES; n <= LLM_SCAN_MAX_VALUES + 1; n++) {
        b.len = 0;
        llm_buf_puts(&b, "[0");

        for (i = 2; i < n; i++) {
            llm_buf_add(&b, ",0", 2);
        }

        llm_buf_puts(&b, "]");

        rc = limit_case(&b, 0, &at, &error);
        is_int(rc, n == LLM_SCAN_MAX_VALUES ? LLM_OK : LLM_LIMIT,
               "%d values", n);
    }

    ok(strstr(error, "4000000 values") != NULL, "told: %s", error);

    llm_arena_free(arena);
}


static void
test_picks(void)
{
    int                 rc, i;
    char                name[32];
    size_t              left;
    llm_scan_t         *s;
    llm_arena_t        *arena;
    const char         *text;
    const llm_found_t  *f;

    text = "{\"mod\\u0065l\":\"gpt\\n\",\"x\":{\"model\":1},"
           "\"messages\":[{\"role\":\"u\",\"content\":\"h\\u00e9\\n\\\\\"},"
           "{\"content\":[{\"text\":\"\\ud83d\\ude00ab\"}]}],"
           "\"tools\":[1,[2,3],{}],"
           "\"options\":{\"usage\":true,\"usage\" : [ 1 ]},\"\":7 }";

    arena = llm_arena_create(1 << 20);
    s = llm_scan_create(arena, picks, PICK_N, LLM_SCAN_BORROW);

    rc = llm_scan_feed(s, (unsigned char *) text, strlen(text));
    is_int(rc, LLM_OK, "picks scanned");
    is_int(llm_scan_end(s), LLM_OK, "picks ended");

    f = llm_scan_found(s, 0);
    is_str(f->raw, "\"gpt\\n\"", "raw text of an escaped name's value");
    ok(f->raw.data == (unsigned char *) text + f->start, "borrowed");
    is_int(f->times, 1, "not the nested one");
    is_int(f->type, LLM_JSON_STRING, "its type");

    is_int(llm_scan_found(s, 1)->count, 1 + 5 + 6, "decoded bytes, all");
    is_int(llm_scan_found(s, 2)->times, 2, "two elements");
    is_int(llm_scan_found(s, 2)->count, 1, "members of the last");
    is_int(llm_scan_found(s, 3)->count, 5 + 6, "decoded bytes of contents");
    is_int(llm_scan_found(s, 3)->times, 2, "two contents");
    is_int(llm_scan_found(s, 4)->count, 3, "elements, no nested ones");
    is_str(llm_scan_found(s, 5)->raw, "{\"usage\":true,\"usage\" : [ 1 ]}",
           "raw text of an object");
    is_str(llm_scan_found(s, 6)->raw, "true", "the first one");
    is_int(llm_scan_found(s, 6)->times, 2, "of two");
    is_str(llm_scan_found(s, 9)->raw, "7", "an empty name");

    ok(same_cut(text, strlen(text), 0), "cuts");
    ok(same_cut(text, strlen(text), LLM_SCAN_MEMBERS), "cuts, members");

    llm_scan_reset(s);
    is_int(llm_scan_found(s, 0)->times, 0, "nothing after reset");

    /* a raw text of exactly its limit, and of one byte more */

    s = llm_scan_create(arena, picks, PICK_N, 0);

    text = "[{\"id\":\"123456\"},{\"id\":123456789},\"0123456789abcd\"]";
    rc = scan_cut(s, text, strlen(text), 13, 100);
    is_int(rc, LLM_OK, "array scanned");
    is_int(llm_scan_found(s, 8)->times, 2, "two ids");
    is_int(llm_scan_found(s, 8)->truncated, 1, "over its limit");
    is_int(llm_scan_found(s, 8)->raw.len, 0, "so no text");
    is_str(llm_scan_found(s, 7)->raw, "\"0123456789abcd\"", "at its limit");
    ok(same_cut(text, strlen(text), 0), "cuts");

    text = "{\"id\":\"123456\"}";
    llm_scan_reset(s);
    (void) scan_cut(s, text, strlen(text), 3, 4);
    is_int(llm_scan_found(s, 8)->times, 0, "no element, no id");

    /* thousands of texts, cut and escaped, grow nothing */

    s = llm_scan_create(arena, picks, PICK_N, LLM_SCAN_MEMBERS);
    arena->left = 16384;
    left = 0;

    for (i = 0; i < 5000; i++) {
        llm_scan_reset(s);
        snprintf(name, sizeof(name), "{\"mod\\u0065l\":\"%d\"}", i);

        if (scan_cut(s, name, strlen(name), 1 + (size_t) i % 12, 5) != LLM_OK) {
            break;
        }

        if (i == 1000) {
            left = arena->left;
        }
    }

    is_int(i, 5000, "one scanner for many texts");
    is_int(arena->left, left, "takes no more memory");

    llm_arena_free(arena);
}


static void
test_memory(void)
{
    int           rc;
    size_t        limit;
    llm_scan_t   *s;
    llm_arena_t  *arena;
    const char   *text;

    text = "{\"options\":{\"usage\":[1,2,3]},\"\\u0061\":1,\"b\":2}";
    rc = LLM_NOMEM;

    for (limit = 0; rc == LLM_NOMEM && limit < 1 << 16; limit += 8) {
        arena = llm_arena_create(limit);
        s = llm_scan_create(arena, picks, PICK_N, LLM_SCAN_MEMBERS);

        if (s) {
            rc = scan_cut(s, text, strlen(text), 7, 7);
        }

        llm_arena_free(arena);
    }

    is_int(rc, LLM_OK, "without memory: told, until %d bytes suffice",
           (int) limit);
    ok(limit > sizeof(void *) * 64, "and not before");
}


typedef struct {
    const char  *raw;
    int          rc;
    const char  *text;
} string_case_t;

static const string_case_t  string_cases[] = {
    { "\"\"", LLM_OK, "" },
    { "\"abc\"", LLM_OK, "abc" },
    { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", LLM_OK, "\"\\/\b\f\n\r\t" },
    { "\"\\u0041\\u00e9\\u20aC\\uD83D\\uDE00\"", LLM_OK,
      "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
    { "\"\xe4\xb8\xad\"", LLM_OK, "\xe4\xb8\xad" },
    { "\"\\ud800\"", LLM_INVALID, "" },
    { "\"\\ud800x\\udc00\"", LLM_INVALID, "" },
    { "\"\\udc00\"", LLM_INVALID, "" },
    { "\"\\ud800\\ud800\"", LLM_INVALID, "" },
    { "\"\\u0000\"", LLM_INVALID, "" },
    { "\"\\u00\"", LLM_INVALID, "" },
    { "\"\\\"", LLM_INVALID, "" },
    { "\"a\"b\"", LLM_INVALID, "" },
    { "\"a\nb\"", LLM_INVALID, "" },
    { "\"\xff\"", LLM_INVALID, "" },
    { "\"", LLM_INVALID, "" },
    { "", LLM_INVALID, "" },
    { "12", LLM_INVALID, "" },
    { "\"abc", LLM_INVALID, "" }
};

typedef struct {
    const char  *raw;
    int          rc;
    int64_t      n;
} int_case_t;

static const int_case_t  int_cases[] = {
    { "0", LLM_OK, 0 },
    { "-0", LLM_OK, 0 },
    { "7", LLM_OK, 7 },
    { "-12", LLM_OK, -12 },
    { "1e3", LLM_OK, 1000 },
    { "1E+3", LLM_OK, 1000 },
    { "1000.0", LLM_OK, 1000 },
    { "1.50e1", LLM_OK, 15 },
    { "1200e-2", LLM_OK, 12 },
    { "0e999999999999999999999", LLM_OK, 0 },
    { "0.000", LLM_OK, 0 },
    { "10000000000000000000000000e-25", LLM_OK, 1 },
    { "0.00000000000000000001e20", LLM_OK, 1 },
    { "9007199254740992", LLM_OK, 9007199254740992 },
    { "-9007199254740992.00", LLM_OK, -9007199254740992 },
    { "9007199254740993", LLM_INVALID, 0 },
    { "9e99", LLM_INVALID, 0 },
    { "1e999999999999999999999", LLM_INVALID, 0 },
    { "1e-999999999999999999999", LLM_INVALID, 0 },
    { "18446744073709551616", LLM_INVALID, 0 },
    { "1.5", LLM_INVALID, 0 },
    { "15e-1", LLM_INVALID, 0 },
    { "\"5\"", LLM_INVALID, 0 },
    { "", LLM_INVALID, 0 },
    { "-", LLM_INVALID, 0 },
    { "1.", LLM_INVALID, 0 },
    { ".5", LLM_INVALID, 0 },
    { "1e", LLM_INVALID, 0 },
    { "1e+", LLM_INVALID, 0 },
    { "01", LLM_INVALID, 0 },
    { "1 ", LLM_INVALID, 0 },
    { "1.0.0", LLM_INVALID, 0 },
    { "true", LLM_INVALID, 0 },
    { "null", LLM_INVALID, 0 }
};


static void
test_scalars(void)
{
    int           rc;
    int64_t       n;
    unsigned      i;
    llm_str_t     raw, out;
    llm_arena_t  *arena;

    arena = llm_arena_create(1 << 20);

    for (i = 0; i < sizeof(string_cases) / sizeof(string_cases[0]); i++) {
        raw = unit_str(string_cases[i].raw);
        rc = llm_json_string(arena, &raw, &out);

        is_int(rc, string_cases[i].rc, "string %u", i);
        is_str(out, string_cases[i].text, "string %u decoded", i);
    }

    for (i = 0; i < sizeof(int_cases) / sizeof(int_cases[0]); i++) {
        raw = unit_str(int_cases[i].raw);
        n = 0;
        rc = llm_json_int(&raw, &n);

        is_int(rc, int_cases[i].rc, "number \"%s\"", int_cases[i].raw);
        is_int(n, int_cases[i].n, "its value");
    }

    llm_arena_free(arena);
}


int
main(void)
{
    plan(0);

    test_grammar();
    test_members();
    test_limits();
    test_picks();
    test_memory();
    test_scalars();

    return unit_end();
}
