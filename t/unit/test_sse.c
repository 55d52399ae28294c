
/*
 * Event streams and arrays: events end where they do and their data is what
 * it is, however the bytes are cut.
 */


#include "unit.h"
#include "llm_sse.h"


/*
 * All that a stream tells: data as it is, "|" behind an event with its name
 * and whether it was bare; "-" for one without data, "~" for what is left.
 */

static void
describe(const char *text, size_t len, size_t piece, llm_buf_t *b,
    llm_buf_t *ends)
{
    int        rc;
    char       copy[256];
    size_t     pos, n, used, done;
    llm_str_t  data;
    llm_sse_t  sse;

    b->len = 0;
    ends->len = 0;

    llm_sse_init(&sse);

    for (pos = 0; pos < len; pos += n) {
        n = (len - pos < piece) ? len - pos : piece;

        /* pieces lie elsewhere each time and are gone afterwards */
        memcpy(copy, text + pos, n);

        for (done = 0; ; done += used) {
            rc = llm_sse_next(&sse, (unsigned char *) copy + done, n - done,
                              &used, &data);

            if (rc == LLM_AGAIN) {
                break;
            }

            if (rc == LLM_SSE_DATA) {
                llm_buf_add(b, data.data, data.len);
                continue;
            }

            llm_buf_puts(b, sse.lines ? "" : "-");
            llm_buf_puts(b, sse.bare ? "|bare" : "|");
            llm_buf_add(b, llm_sse_name(&sse).data, llm_sse_name(&sse).len);
            llm_buf_puts(b, ";");

            used += done;

            if (text[pos + used - 1] == '\r' && pos + used < len
                && text[pos + used] == '\n')
            {
                /* only where the piece was cut between the two */
                llm_buf_puts(ends, used == n ? "" : "cut ");
                llm_buf_int(ends, (int64_t) (pos + used + 1));

            } else {
                llm_buf_int(ends, (int64_t) (pos + used));
            }

            llm_buf_puts(ends, " ");
            used -= done;
        }
    }

    llm_buf_puts(b, "~");
}


static void
check(const char *name, const char *text, const char *want, const char *ends)
{
    int           same;
    size_t        len, piece;
    llm_buf_t     b, e;
    llm_str_t     got;
    llm_arena_t  *arena;

    arena = llm_arena_create(1024 * 1024);
    len = strlen(text);

    llm_buf_init(&b, arena);
    llm_buf_init(&e, arena);

    describe(text, len, 256, &b, &e);

    got.data = b.data;
    got.len = b.len;
    is_str(got, want, "%s", name);

    got.data = e.data;
    got.len = e.len;
    is_str(got, ends, "%s: where events end", name);

    same = 1;

    for (piece = 1; piece < len; piece++) {
        describe(text, len, piece, &b, &e);

        if (b.len != strlen(want) || memcmp(b.data, want, b.len) != 0
            || e.len != strlen(ends) || memcmp(e.data, ends, e.len) != 0)
        {
            printf("# pieces of %d: \"%.*s\" %.*s\n", (int) piece, (int) b.len,
                   (char *) b.data, (int) e.len, (char *) e.data);
            same = 0;
        }
    }

    ok(same, "%s: in any pieces", name);

    llm_arena_free(arena);
}


static void
describe_array(const char *text, size_t len, size_t piece, llm_buf_t *b)
{
    int          rc;
    size_t       pos, n, used, done;
    llm_str_t    data;
    llm_array_t  array;

    b->len = 0;
    rc = LLM_AGAIN;

    llm_array_init(&array);

    for (pos = 0; pos < len && rc != LLM_INVALID; pos += n) {
        n = (len - pos < piece) ? len - pos : piece;

        for (done = 0; ; done += used) {
            rc = llm_array_next(&array, (unsigned char *) text + pos + done,
                                n - done, &used, &data);

            if (rc == LLM_SSE_DATA) {
                llm_buf_add(b, data.data, data.len);

            } else if (rc == LLM_SSE_EVENT) {
                llm_buf_puts(b, "|");

            } else {
                break;
            }
        }
    }

    llm_buf_puts(b, rc == LLM_INVALID ? "!"
                    : llm_array_complete(&array) ? "." : "~");
}


static void
check_array(const char *text, const char *want)
{
    int           same;
    size_t        len, piece;
    llm_buf_t     b;
    llm_arena_t  *arena;

    arena = llm_arena_create(1024 * 1024);
    len = strlen(text);
    same = 1;

    llm_buf_init(&b, arena);

    for (piece = 1; piece <= len; piece++) {
        describe_array(text, len, piece, &b);

        if (b.len != strlen(want) || memcmp(b.data, want, b.len) != 0) {
            printf("# pieces of %d: \"%.*s\", want \"%s\"\n", (int) piece,
                   (int) b.len, (char *) b.data, want);
            same = 0;
        }
    }

    ok(same, "array %s", text);

    llm_arena_free(arena);
}


int
main(void)
{
    plan(0);

    check("LF", "data: a\n\ndata: b\n\n", "a|;b|;~", "9 18 ");
    check("CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", "a|;b|;~", "11 22 ");
    check("CR", "data: a\r\rdata: b\r\r", "a|;b|;~", "9 18 ");
    check("LF and CRLF", "data: a\n\r\ndata: b\r\n\n", "a|;b|;~", "10 20 ");

    check("no space", "data:a\n\n", "a|;~", "8 ");
    check("one space only", "data:  a\n\n", " a|;~", "10 ");
    check("no colon", "data\n\n", "|;~", "6 ");
    check("empty data", "data:\n\n", "|;~", "7 ");
    check("joined", "data: a\ndata: b\n\n", "a\nb|;~", "17 ");
    check("joined, empty ones", "data: a\ndata:\ndata\ndata: b\n\n",
          "a\n\n\nb|;~", "28 ");
    check("joined, CRLF", "data: a\r\ndata: b\r\n\r\n", "a\nb|;~", "20 ");

    check("byte order mark", "\xef\xbb\xbf" "data: a\n\n", "a|;~", "12 ");
    check("half a mark", "\xef\xbb" "data: a\n\n", "-|;~", "11 ");
    check("a mark inside", "data: a\n\n\xef\xbb\xbf" "data: b\n\n",
          "a|;-|;~", "9 21 ");

    check("comments", ": PROCESSING\n\n:\n\ndata: a\n: b\n\n",
          "-|;-|;a|;~", "14 17 30 ");
    check("blank lines", "\n\n\ndata: a\n\n\n", "-|;-|;-|;a|;-|;~",
          "1 2 3 12 13 ");
    check("other fields", "id: 1\nretry: 5\ndatas: x\ndat: x\nDATA: x\n\n",
          "-|;~", "40 ");

    check("names", "event: ping\ndata: a\n\ndata: b\n\n", "a|ping;b|;~",
          "21 30 ");
    check("name without space", "event:x:y\ndata: a\n\n", "a|x:y;~", "19 ");
    check("the last name counts", "event: x\nevent: yz\ndata: a\n\n", "a|yz;~",
          "28 ");
    check("a name behind the data", "data: a\nevent: x\n\n", "a|x;~", "18 ");
    check("a name taken back", "event: x\nevent\ndata: a\n\n", "a|;~", "24 ");
    check("a long name",
          "event: 0123456789012345678901234567890123456789"
          "0123456789012345678901234567890123456789\ndata: a\n\n",
          "a|0123456789012345678901234567890123456789"
          "012345678901234567890123;~", "97 ");

    check("bare lines", "data: a\n\n{\n \"b\":\r\n1}\n\ndata: c\n\n",
          "a|;{\n \"b\":\n1}|bare;c|;~", "9 22 31 ");
    check("a bare line behind a name", "event: error\n{\"a\":1}\n\n",
          "{\"a\":1}|bareerror;~", "22 ");
    check("no bare line behind data", "data: a\n{\"b\":1}\n\n", "a|;~", "17 ");

    check("cut", "data: a\n\ndata: b", "a|;b~", "9 ");
    check("colons and braces in data", "data: {\"a\": \":\"}\n\n",
          "{\"a\": \":\"}|;~", "18 ");

    check_array("[{\"a\":1},{\"b\":[2,{}]}]", "{\"a\":1}|{\"b\":[2,{}]}|.");
    check_array(" [\r\n{\"a\":\"]}\\\"\"}\r\n,\n{}]\n",
                "{\"a\":\"]}\\\"\"}|{}|.");
    check_array("[]", ".");
    check_array(" [ ] ", ".");
    check_array("[1, 2.5e3 ,null,\"x\\\\\"]", "1|2.5e3|null|\"x\\\\\"|.");
    check_array("{\"error\":[1]}", "{\"error\":[1]}|.");
    check_array("[[1],[2]]", "[1]|[2]|.");
    check_array("[{\"a\":1}", "{\"a\":1}|~");
    check_array("[{\"a\":", "{\"a\":~");
    check_array("[{}{}]", "{}|!");
    check_array("[,{}]", "!");
    check_array("[{},]", "{}|!");
    check_array("[{}],", "{}|!");
    check_array("[}]", "!");
    check_array("}", "!");
    check_array("{}{}", "{}|!");

    return unit_end();
}
