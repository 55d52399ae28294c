
/*
 * Requests of any client for a provider of any protocol: none does harm, and
 * what is sent is JSON whatever came in.  The input's first four bytes choose
 * the client, the provider's protocol and its quirks.
 */


#include "llm_dialect.h"
#include "llm_quirk.h"

#include <stdio.h>
#include <stdlib.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const llm_op_e  ops[] = {
    LLM_OP_CHAT, LLM_OP_RESPONSES, LLM_OP_MESSAGES, LLM_OP_GENERATE,
    LLM_OP_GENERATE_STREAM
};


static void
fail(const char *what, const llm_buf_t *b)
{
    fprintf(stderr, "%s: %.*s\n", what, (int) b->len, (char *) b->data);
    abort();
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                    rc;
    size_t                 i;
    uint64_t               quirks;
    llm_str_t              body, s;
    llm_buf_t              out;
    llm_to_t               to;
    llm_form_t            *form;
    llm_json_e             type;
    llm_error_t            err;
    llm_arena_t           *arena;
    const llm_op_t        *op;
    llm_translate_t       *x;
    llm_translate_conf_t   conf;

    if (size < 4) {
        return 0;
    }

    op = &llm_ops[ops[data[0] % (sizeof(ops) / sizeof(ops[0]))]];
    quirks = ((uint64_t) data[2] * 0x9e3779b97f4a7c15ull) ^ data[3];

    memset(&to, 0, sizeof(llm_to_t));

    to.dialect = (llm_dialect_e) (1 + data[1] % (LLM_DIALECT_N - 1));
    to.quirks = data[2] ? quirks & (((uint64_t) 1 << LLM_QUIRK_BITS) - 1) : 0;
    to.max_output = data[3] ? data[3] * 100 : -1;
    to.model.data = (unsigned char *) "model";
    to.model.len = 5;

    arena = llm_arena_create(64 * 1024 * 1024);
    llm_buf_init(&out, arena);

    body.data = (unsigned char *) data + 4;
    body.len = size - 4;

    memset(&err, 0, sizeof(llm_error_t));
    memset(&conf, 0, sizeof(llm_translate_conf_t));

    conf.id.data = (unsigned char *) "0011";
    conf.id.len = 4;
    conf.model = to.model;

    if (llm_form_check(arena, &body, &type) == LLM_OK
        && llm_translate_read(arena, op, &body, &form, &err) == LLM_OK)
    {
        x = llm_translate_create(arena, form, &to, &conf);

        if (x) {
            rc = llm_translate_request(x, &out, &err);

            if (rc == LLM_OK) {
                s.data = out.data;
                s.len = out.len;

                if (llm_form_check(arena, &s, &type) != LLM_OK
                    || type != LLM_JSON_OBJECT)
                {
                    fail("no JSON", &out);
                }

            } else if (rc == LLM_INVALID && err.message.len == 0) {
                fail("refused without a word", &out);
            }

            s = llm_translate_dropped(x);

            for (i = 0; i < s.len; i++) {

                if (s.data[i] <= ' ' || s.data[i] >= 0x7f) {
                    fail("no header", &x->dropped);
                }
            }
        }
    }

    llm_arena_free(arena);

    return 0;
}
