
/*
 * Framing of AWS event streams: nothing that a provider sends does harm, and
 * what is told does not depend on how the bytes are cut.  Checksums are made
 * right before, so that what is behind them is reached; the input's first two
 * bytes choose the pieces, and whether that is done.
 */


#include "../unit/aws_frame.h"
#include "llm_eventstream.h"

#include <stdio.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
story(const unsigned char *data, size_t size, size_t piece, llm_buf_t *out)
{
    int                rc;
    size_t             pos, n, used;
    llm_str_t          s, name;
    unsigned char     *copy;
    llm_eventstream_t  es;

    llm_eventstream_init(&es);

    for (pos = 0; pos < size; pos += used) {
        n = size - pos < piece ? size - pos : piece;

        copy = malloc(n);
        memcpy(copy, data + pos, n);

        rc = llm_eventstream_next(&es, copy, n, &used, &s);

        if (used > n || (rc == LLM_AGAIN && used != n)) {
            abort();
        }

        if (rc == LLM_SSE_DATA) {

            if (s.len == 0 || s.data < copy || s.data + s.len > copy + n) {
                abort();
            }

            llm_buf_add(out, s.data, s.len);

        } else if (rc == LLM_SSE_EVENT) {
            name = llm_eventstream_name(&es);
            llm_buf_add(out, name.data, name.len);
            name = llm_eventstream_text(&es);
            llm_buf_add(out, name.data, name.len);
            llm_buf_puts(out, es.exception ? "!" : ";");

        } else if (rc != LLM_AGAIN) {
            free(copy);
            llm_buf_int(out, rc);
            return;
        }

        free(copy);
    }

    llm_buf_int(out, llm_eventstream_complete(&es));
}


/* of each message that the lengths tell */

static void
correct(unsigned char *data, size_t size)
{
    size_t     total;
    llm_buf_t  b;

    while (size >= 16) {
        total = (size_t) data[0] << 24 | (size_t) data[1] << 16
                | (size_t) data[2] << 8 | data[3];

        b.arena = NULL;
        b.failed = 0;
        b.data = data + 8;
        b.len = 0;
        b.size = 4;
        aws_number(&b, aws_crc(data, 8));

        if (total < 16 || total > size) {
            return;
        }

        b.data = data + total - 4;
        b.len = 0;
        aws_number(&b, aws_crc(data, total - 4));

        data += total;
        size -= total;
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          piece;
    llm_buf_t       whole, pieces;
    llm_arena_t    *arena;
    unsigned char  *copy;

    if (size < 3) {
        return 0;
    }

    piece = 1 + data[0] % 16;

    copy = malloc(size - 2);
    memcpy(copy, data + 2, size - 2);

    if (data[1] % 8) {
        correct(copy, size - 2);
    }

    arena = llm_arena_create(64 * 1024 * 1024);

    llm_buf_init(&whole, arena);
    llm_buf_init(&pieces, arena);

    story(copy, size - 2, size, &whole);
    story(copy, size - 2, piece, &pieces);

    if (whole.len != pieces.len
        || memcmp(whole.data, pieces.data, whole.len) != 0)
    {
        fprintf(stderr, "whole:  %.*s\npieces: %.*s\n", (int) whole.len,
                (char *) whole.data, (int) pieces.len, (char *) pieces.data);
        abort();
    }

    llm_arena_free(arena);
    free(copy);

    return 0;
}
