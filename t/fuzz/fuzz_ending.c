
/*
 * Ends of streams behind any events: whatever was told, the end is printed
 * without harm, and each event in it is JSON.  The input's first byte chooses
 * the protocol, events are lines.
 */


#include "llm_ending.h"
#include "llm_scan.h"

#include <stdio.h>
#include <stdlib.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const llm_op_e  ops[] = {
    LLM_OP_CHAT, LLM_OP_COMPLETIONS, LLM_OP_MESSAGES, LLM_OP_RESPONSES,
    LLM_OP_GENERATE_STREAM
};


static int
is_json(llm_arena_t *arena, const unsigned char *data, size_t len)
{
    llm_scan_t  *scan;

    scan = llm_scan_create(arena, NULL, 0, 0);

    return scan && llm_scan_feed(scan, data, len) == LLM_OK
           && llm_scan_end(scan) == LLM_OK;
}


static void
check(llm_arena_t *arena, const llm_buf_t *out)
{
    const unsigned char  *p, *last, *end;

    p = out->data;
    last = p + out->len;

    while (p && p < last) {

        end = memchr(p, '\n', last - p);
        if (end == NULL) {
            end = last;
        }

        if (end - p > 6 && memcmp(p, "data: {", 7) == 0
            && !is_json(arena, p + 6, end - p - 6 - (end[-1] == '\r')))
        {
            fprintf(stderr, "%.*s\n", (int) (end - p), (char *) p);
            abort();
        }

        p = end + 1;
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    llm_buf_t           out;
    llm_str_t           line;
    llm_usage_t         usage;
    llm_arena_t        *arena;
    llm_ending_t       *e;
    const uint8_t      *last, *end;
    llm_ending_conf_t   conf;

    if (size == 0) {
        return 0;
    }

    arena = llm_arena_create(16 * 1024 * 1024);

    memset(&usage, 0, sizeof(llm_usage_t));
    memset(&conf, 0, sizeof(llm_ending_conf_t));

    conf.op = &llm_ops[ops[data[0] % (sizeof(ops) / sizeof(ops[0]))]];
    conf.answers = 1 + data[0] / 32;
    conf.usage = data[0] & 1;

    e = llm_ending_create(arena, &conf);

    last = data + size;
    data++;

    while (e && data < last) {

        end = memchr(data, '\n', last - data);
        if (end == NULL) {
            end = last;
        }

        line.data = (unsigned char *) data;
        line.len = end - data;

        data = end + 1;

        /* the reader passes events on that are JSON */

        if (!is_json(arena, line.data, line.len)) {
            continue;
        }

        if (llm_ending_follows(e)) {
            llm_ending_event(e, &line);
        }

        llm_buf_init(&out, arena);

        if (llm_ending_print(e, &line, &usage, &out) == LLM_OK) {
            check(arena, &out);

            if (conf.op->op == LLM_OP_RESPONSES) {
                break;
            }
        }
    }

    llm_arena_free(arena);

    return 0;
}
