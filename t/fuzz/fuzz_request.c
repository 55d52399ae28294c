
/*
 * Any bytes as a request: the first byte chooses the operation, the second
 * one how the rest is cut; the rest is a JSON body, then a path, then the text
 * of an error.  What comes out must keep the promises of the headers.
 */


#include "llm_request.h"

#include <stdlib.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


#define must(cond)    if (!(cond)) { abort(); }


static unsigned
fuzz_is_json(llm_arena_t *arena, const unsigned char *data, size_t len)
{
    llm_scan_t  *scan;

    scan = llm_scan_create(arena, NULL, 0, 0);

    return scan && llm_scan_feed(scan, data, len) == LLM_OK
           && llm_scan_end(scan) == LLM_OK;
}


static void
fuzz_text(const llm_str_t *s, size_t max)
{
    size_t  i;

    must(s->len <= max);

    for (i = 0; i < s->len; i++) {
        must(s->data[i] >= 0x20 && s->data[i] != 0x7f);
    }
}


static void
fuzz_error(llm_arena_t *arena, const llm_op_t *op, const llm_error_t *err)
{
    unsigned   i;
    llm_buf_t  b;

    for (i = LLM_PROTOCOL_NONE; i <= LLM_PROTOCOL_GEMINI; i++) {
        llm_buf_init(&b, arena);
        llm_error_print(i, err, &b);

        must(b.failed || fuzz_is_json(arena, b.data, b.len));
        must(b.failed || memchr(b.data, '\n', b.len) == NULL);
    }

    llm_buf_init(&b, arena);
    llm_error_print_event(op, op->op == LLM_OP_GENERATE_STREAM
                              ? LLM_ERROR_ARRAY_FIRST : 0, 7, err, &b);

    must(b.failed || op->op != LLM_OP_GENERATE_STREAM
         || fuzz_is_json(arena, b.data, b.len));
}


static void
fuzz_body(llm_arena_t *arena, const llm_op_t *op, const uint8_t *data,
    size_t size, size_t cut)
{
    int                rc;
    unsigned           n;
    llm_str_t          json, again;
    llm_scan_t        *scan;
    llm_error_t        err;
    llm_request_t      req;
    const llm_pick_t  *picks;

    picks = llm_request_picks(op, &n);

    must(n <= LLM_SCAN_MAX_PICKS);

    scan = llm_scan_create(arena, picks, n, cut & 1 ? LLM_SCAN_MEMBERS : 0);

    must(scan != NULL);

    if (cut > size) {
        cut = size;
    }

    if (llm_scan_feed(scan, data, cut) != LLM_OK
        || llm_scan_feed(scan, data + cut, size - cut) != LLM_OK
        || llm_scan_end(scan) != LLM_OK)
    {
        return;
    }

    memset(&err, 0, sizeof(err));
    memset(&req, 0xff, sizeof(req));

    rc = llm_request_read_json(op, scan, arena, &req, &err);

    if (rc != LLM_OK) {
        must(rc == LLM_INVALID);
        must(err.message.len && llm_error_status(&err) == 400);

        fuzz_error(arena, op, &err);
        return;
    }

    must(req.model.len || !(op->flags & LLM_OP_MODEL_BODY)
         || (op->flags & LLM_OP_MODEL_OPTIONAL));

    fuzz_text(&req.model, 256);
    fuzz_text(&req.previous, 512);
    fuzz_text(&req.size, 64);
    fuzz_text(&req.quality, 64);

    must(req.n >= 1 && req.n <= 128);
    must(req.max_tokens >= -1 && req.max_tokens <= (int64_t) 1 << 53);
    must(req.seconds == -1
         || (req.seconds >= 1 && req.seconds <= 86400 * 128));
    must(req.characters >= -1 && req.characters <= (int64_t) size);
    must(req.stream_options == (req.options.len != 0));

    if (!req.stream_options) {
        return;
    }

    must(llm_request_usage_option(arena, &req.options, &json) == LLM_OK);
    must(fuzz_is_json(arena, json.data, json.len));

    /* what tells its usage already stays as it is */

    must(llm_request_usage_option(arena, &json, &again) == LLM_OK);
    must(again.data == json.data && again.len == json.len);
    must(!req.include_usage || json.data == req.options.data);
}


static void
fuzz_path(llm_arena_t *arena, const uint8_t *data, size_t size)
{
    size_t        i;
    unsigned      n;
    llm_buf_t     b;
    llm_str_t     method, path, args;
    llm_target_t  target;

    static const char  *methods[] = { "GET", "POST", "DELETE" };

    path.data = (unsigned char *) data;
    path.len = size;

    args = path;

    for (n = 0; n < 3; n++) {
        method.data = (unsigned char *) methods[n];
        method.len = strlen(methods[n]);

        if (llm_endpoint_find(&method, &path, &args, &target) != LLM_OK) {
            must(target.op->op == LLM_OP_NONE);
            continue;
        }

        must(target.op->op != LLM_OP_NONE);
        must(target.model.len == 0
             || (target.model.data >= data
                 && target.model.data + target.model.len <= data + size));
        must(target.id.len == 0
             || (target.id.data >= data
                 && target.id.data + target.id.len <= data + size));

        llm_buf_init(&b, arena);

        if (llm_endpoint_path(target.op, &target.model, &target.id, &b)
            != LLM_OK)
        {
            must(b.len == 0);
            continue;
        }

        must(b.failed || (b.len && b.data[0] == '/'));

        for (i = 0; i < b.len; i++) {
            must(b.data[i] > 0x20 && b.data[i] < 0x7f
                 && strchr("?#\\\"<>", b.data[i]) == NULL);

            if (b.data[i] == '/') {
                must(i + 1 < b.len && b.data[i + 1] != '/');
                must(b.len - i < 3 || memcmp(b.data + i, "/..", 3) != 0
                     || (b.len - i > 3 && b.data[i + 3] != '/'
                         && b.data[i + 3] != ':'));
            }
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t           cut;
    llm_error_t      err;
    llm_arena_t     *arena;
    const llm_op_t  *op;

    if (size < 2) {
        return 0;
    }

    op = &llm_ops[data[0] % LLM_OP_N];
    cut = data[1];

    data += 2;
    size -= 2;

    arena = llm_arena_create((size_t) 64 << 20);

    must(arena != NULL);

    fuzz_body(arena, op, data, size, cut);
    fuzz_path(arena, data, size);

    memset(&err, 0, sizeof(err));
    err.code = LLM_ERROR_BAD_REQUEST;
    err.message.data = (unsigned char *) data;
    err.message.len = size;
    err.param = err.message;

    fuzz_error(arena, op, &err);

    llm_arena_free(arena);

    return 0;
}
