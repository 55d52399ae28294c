
/* framing of AWS event streams */


#include "unit.h"
#include "aws_frame.h"
#include "llm_eventstream.h"


static llm_arena_t  *arena;


/*
 * What a stream tells, in words: "name=payload;" for a message, "!" before
 * the name of an exception, and how it ends.
 */

static llm_str_t
story(const llm_buf_t *stream, size_t piece)
{
    int                 rc;
    char               *copy;
    size_t              pos, n, used;
    llm_buf_t           out, payload;
    llm_str_t           s, name;
    llm_eventstream_t   es;

    llm_buf_init(&out, arena);
    llm_buf_init(&payload, arena);
    llm_eventstream_init(&es);

    for (pos = 0; pos < stream->len; pos += n) {
        n = stream->len - pos < piece ? stream->len - pos : piece;

        copy = malloc(n);
        memcpy(copy, stream->data + pos, n);

        rc = llm_eventstream_next(&es, (unsigned char *) copy, n, &used, &s);

        n = used;

        if (rc == LLM_SSE_DATA) {
            llm_buf_add(&payload, s.data, s.len);

        } else if (rc == LLM_SSE_EVENT) {
            name = llm_eventstream_name(&es);
            llm_buf_puts(&out, es.exception ? "!" : "");
            llm_buf_add(&out, name.data, name.len);
            llm_buf_puts(&out, "=");
            llm_buf_add(&out, payload.data, payload.len);
            name = llm_eventstream_text(&es);
            llm_buf_add(&out, name.data, name.len);
            llm_buf_puts(&out, ";");
            payload.len = 0;

        } else if (rc != LLM_AGAIN) {
            free(copy);
            llm_buf_puts(&out, rc == LLM_INVALID ? "invalid"
                               : rc == LLM_LIMIT ? "limit" : "what?");
            break;
        }

        free(copy);
    }

    if (pos == stream->len) {
        llm_buf_puts(&out, llm_eventstream_complete(&es) ? "complete"
                                                         : "cut");
    }

    s.data = out.data;
    s.len = out.len;

    return s;
}


static void
check(const llm_buf_t *stream, const char *want, const char *what)
{
    size_t  i;

    static const size_t  pieces[] = { SIZE_MAX, 1, 2, 3, 7, 64 };

    for (i = 0; i < sizeof(pieces) / sizeof(size_t); i++) {
        is_str(story(stream, pieces[i]), want, "%s, in pieces of %zu", what,
               pieces[i]);
    }
}


static void
check_messages(void)
{
    llm_buf_t  b, h;

    llm_buf_init(&b, arena);

    aws_event(&b, "event", "messageStart", "{\"role\":\"assistant\"}");
    aws_event(&b, "event", "contentBlockDelta", "{\"delta\":{}}");
    aws_event(&b, "event", "metadata", "");

    check(&b, "messageStart={\"role\":\"assistant\"};"
              "contentBlockDelta={\"delta\":{}};metadata=;complete",
          "messages");

    aws_event(&b, "exception", "throttlingException", "{\"message\":\"no\"}");

    check(&b, "messageStart={\"role\":\"assistant\"};"
              "contentBlockDelta={\"delta\":{}};metadata=;"
              "!throttlingException={\"message\":\"no\"};complete",
          "an exception");

    b.len -= 3;

    check(&b, "messageStart={\"role\":\"assistant\"};"
              "contentBlockDelta={\"delta\":{}};metadata=;cut",
          "a stream that is cut");

    b.len = 0;
    llm_buf_init(&h, arena);
    aws_header(&h, ":message-type", "error");
    aws_header(&h, ":error-code", "InternalError");
    aws_header(&h, ":error-message", "it broke");
    aws_message(&b, &h, "", 0);

    check(&b, "!InternalError=it broke;complete", "an error");

    b.len = 0;
    check(&b, "complete", "nothing");
}


/* all types that a value may have, and names that nobody asked for */

static void
check_headers(void)
{
    llm_buf_t    b, h;
    const char  *long_name;

    long_name = "a-name-that-is-longer-than-those-that-are-looked-for";

    llm_buf_init(&b, arena);
    llm_buf_init(&h, arena);

    llm_buf_add(&h, "\1t\0", 3);
    llm_buf_add(&h, "\1f\1", 3);
    llm_buf_add(&h, "\1b\2\7", 4);
    llm_buf_add(&h, "\1s\3\0\1", 5);
    llm_buf_add(&h, "\1i\4\0\0\0\1", 7);
    llm_buf_add(&h, "\1l\5\0\0\0\0\0\0\0\1", 11);
    llm_buf_add(&h, "\1x\6\0\3abc", 8);
    llm_buf_add(&h, "\1d\10\0\0\0\0\0\0\0\1", 11);
    llm_buf_add(&h, "\1u\11\1\2\3\4\5\6\7\0\1\2\3\4\5\6\7\0", 19);
    aws_header(&h, long_name, "x");
    aws_header(&h, "", "x");
    aws_header(&h, "empty", "");
    aws_header(&h, ":event-type", "chunk");
    aws_message(&b, &h, "{}", 2);

    check(&b, "chunk={};complete", "types of values");

    b.len = 0;
    h.len = 0;
    llm_buf_add(&h, "\1t\12", 3);
    aws_message(&b, &h, "{}", 2);
    check(&b, "invalid", "a type that is none");

    b.len = 0;
    h.len = 0;
    llm_buf_add(&h, "\5abc", 4);
    aws_message(&b, &h, "{}", 2);
    check(&b, "invalid", "a name longer than the headers");

    b.len = 0;
    h.len = 0;
    llm_buf_add(&h, "\1a\7\0\5abc", 8);
    aws_message(&b, &h, "{}", 2);
    check(&b, "invalid", "a value longer than the headers");

    b.len = 0;
    h.len = 0;
    aws_message(&b, &h, "{}", 2);
    check(&b, "={};complete", "no headers");
}


static void
check_damage(void)
{
    size_t     i;
    unsigned   wrong;
    llm_buf_t  b;
    llm_str_t  s;

    llm_buf_init(&b, arena);
    aws_event(&b, "event", "messageStop", "{\"stopReason\":\"end_turn\"}");

    wrong = 0;

    /* whatever byte is changed, the message does not count */

    for (i = 0; i < b.len; i++) {
        b.data[i] ^= 0x20;

        s = story(&b, SIZE_MAX);
        wrong += (s.len != 7 && s.len != 5 && s.len != 3);

        s = story(&b, 1);
        wrong += (s.len != 7 && s.len != 5 && s.len != 3);

        b.data[i] ^= 0x20;
    }

    is_int(wrong, 0, "no damaged message counts");

    b.len = 0;
    aws_number(&b, 15);
    aws_number(&b, 0);
    aws_number(&b, aws_crc(b.data, 8));
    check(&b, "invalid", "a message shorter than its frame");

    b.len = 0;
    aws_number(&b, 100);
    aws_number(&b, 85);
    aws_number(&b, aws_crc(b.data, 8));
    check(&b, "invalid", "headers longer than the message");

    b.len = 0;
    aws_number(&b, 0x7fffffff);
    aws_number(&b, 0);
    aws_number(&b, aws_crc(b.data, 8));
    check(&b, "limit", "a payload over the limit");

    b.len = 0;
    aws_number(&b, 0x00100000);
    aws_number(&b, 0x00080000);
    aws_number(&b, aws_crc(b.data, 8));
    check(&b, "limit", "headers over the limit");

    b.len = 0;
    aws_number(&b, 0xffffffff);
    aws_number(&b, 0xffffffff);
    aws_number(&b, aws_crc(b.data, 8));
    check(&b, "invalid", "lengths that overflow");
}


int
main(void)
{
    plan(0);

    arena = llm_arena_create(64 * 1024 * 1024);

    check_messages();
    check_headers();
    check_damage();

    llm_arena_free(arena);

    return unit_end();
}
