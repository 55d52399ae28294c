
/*
 * Gemini's dialect against itself and the others: nothing that a client or a
 * provider sends does harm, what is written is JSON, and how events are told
 * does not depend on what comes before.  The first byte chooses the other
 * side, the second the quirks; up to the first zero byte stands a request,
 * events are behind it, one a line.
 */


#include "llm_dialect.h"
#include "llm_quirk.h"

#include <stdio.h>
#include <stdlib.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const struct {
    llm_op_e         op;
    llm_dialect_e    dialect;
    unsigned         array;
} sides[] = {
    { LLM_OP_GENERATE, LLM_DIALECT_GENERATE, 0 },
    { LLM_OP_GENERATE_STREAM, LLM_DIALECT_GENERATE, 0 },
    { LLM_OP_GENERATE_STREAM, LLM_DIALECT_GENERATE, 1 },
    { LLM_OP_GEMINI_COUNT, LLM_DIALECT_GENERATE, 0 },
    { LLM_OP_GENERATE, LLM_DIALECT_CHAT, 0 },
    { LLM_OP_GENERATE_STREAM, LLM_DIALECT_MESSAGES, 0 },
    { LLM_OP_CHAT, LLM_DIALECT_GENERATE, 0 },
    { LLM_OP_MESSAGES, LLM_DIALECT_GENERATE, 0 }
};


static void
check_json(llm_arena_t *arena, const llm_buf_t *b)
{
    llm_str_t   s;
    llm_json_e  type;

    s.data = b->data;
    s.len = b->len;

    if (s.len && llm_form_check(arena, &s, &type) == LLM_INVALID) {
        fprintf(stderr, "no JSON: %.*s\n", (int) s.len, (char *) s.data);
        abort();
    }
}


static void
answer_all(llm_arena_t *arena, llm_translate_t *x, unsigned stream,
    unsigned array, const uint8_t *data, size_t size)
{
    int          rc;
    size_t       len;
    llm_buf_t    out;
    llm_str_t    none, event;
    llm_error_t  err;

    llm_buf_init(&out, arena);

    if (!stream) {
        event.data = (unsigned char *) data;
        event.len = size;

        if (llm_translate_answer(x, &event, &out) == LLM_OK) {
            check_json(arena, &out);
        }

        return;
    }

    none.len = 0;
    none.data = NULL;

    rc = LLM_OK;

    while (size && rc == LLM_OK) {

        for (len = 0; len < size && data[len] != '\n'; len++) {
            /* void */
        }

        event.data = (unsigned char *) data;
        event.len = len;

        rc = llm_translate_event(x, &none, &event, &out);

        len += (len < size);
        data += len;
        size -= len;
    }

    if (rc == LLM_OK) {
        rc = llm_translate_end(x, &out);
    }

    if (rc != LLM_OK) {
        memset(&err, 0, sizeof(err));
        err.code = LLM_ERROR_UPSTREAM_ERROR;

        llm_translate_break(x, llm_translate_fault(x) ? NULL : &err, &out);
    }

    if (array) {
        check_json(arena, &out);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                 len;
    unsigned               side;
    llm_to_t               to;
    llm_buf_t              out;
    llm_str_t              body;
    llm_json_e             type;
    llm_form_t            *form;
    llm_error_t            err;
    llm_arena_t           *arena;
    llm_translate_t       *x;
    llm_translate_conf_t   conf;

    if (size < 2) {
        return 0;
    }

    side = data[0] % (sizeof(sides) / sizeof(sides[0]));

    memset(&to, 0, sizeof(to));
    memset(&conf, 0, sizeof(conf));
    memset(&err, 0, sizeof(err));

    to.dialect = sides[side].dialect;
    to.max_output = -1;

    to.quirks = (data[1] & 1 ? LLM_QUIRK(LEVEL) : 0)
                | (data[1] & 2 ? LLM_QUIRK(OPENAPI_SCHEMA) : 0)
                | (data[1] & 4 ? LLM_QUIRK(VERTEX) : 0)
                | (data[1] & 8 ? LLM_QUIRK(NO_PENALTY) : 0);

    conf.array = sides[side].array;

    data += 2;
    size -= 2;

    for (len = 0; len < size && data[len]; len++) {
        /* void */
    }

    arena = llm_arena_create(64 * 1024 * 1024);

    body.data = (unsigned char *) data;
    body.len = len;

    if (llm_form_check(arena, &body, &type) == LLM_OK
        && llm_translate_read(arena, &llm_ops[sides[side].op], &body, &form,
                              &err)
           == LLM_OK
        && (x = llm_translate_create(arena, form, &to, &conf)) != NULL)
    {
        llm_buf_init(&out, arena);

        if (llm_translate_request(x, &out, &err) == LLM_OK) {
            check_json(arena, &out);
        }

        if (len < size) {
            len++;
            answer_all(arena, x, form->stream, conf.array, data + len,
                       size - len);
        }
    }

    llm_arena_free(arena);

    return 0;
}
