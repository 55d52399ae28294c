
/*
 * Conversions of what is no conversation: nothing that a client or a provider
 * sends does harm, and what comes out is JSON.  The first three bytes choose
 * the operation, the provider and whether a form comes; up to the first zero
 * byte stands the request, behind it the answer.
 */


#include "llm_convert.h"
#include "llm_dialect.h"
#include "llm_quirk.h"

#include <stdio.h>
#include <stdlib.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const llm_op_e  ops[] = {
    LLM_OP_EMBEDDINGS, LLM_OP_GEMINI_EMBED, LLM_OP_GEMINI_BATCH_EMBED,
    LLM_OP_IMAGE_GENERATIONS, LLM_OP_IMAGE_EDITS, LLM_OP_SPEECH,
    LLM_OP_TRANSCRIPTIONS, LLM_OP_VIDEO_CREATE, LLM_OP_VIDEO_GET,
    LLM_OP_VIDEO_CONTENT, LLM_OP_COUNT_TOKENS, LLM_OP_GEMINI_COUNT
};

static const struct {
    llm_dialect_e    dialect;
    uint64_t         quirks;
    const char      *model;
} targets[] = {
    { LLM_DIALECT_CHAT, 0, "m" },
    { LLM_DIALECT_CHAT, LLM_QUIRK(XAI_VIDEO), "m" },
    { LLM_DIALECT_MESSAGES, 0, "m" },
    { LLM_DIALECT_GENERATE, 0, "m" },
    { LLM_DIALECT_GENERATE, LLM_QUIRK(VERTEX), "imagen" },
    { LLM_DIALECT_MESSAGES, LLM_QUIRK(BEDROCK), "titan-embed" },
    { LLM_DIALECT_MESSAGES, LLM_QUIRK(BEDROCK), "cohere.embed" }
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
answer_one(llm_arena_t *arena, llm_convert_t *c, const uint8_t *data,
    size_t size)
{
    llm_str_t             body, raw;
    llm_usage_t           usage;
    llm_convert_call_t    call;
    llm_convert_answer_t  answer;

    body.data = (unsigned char *) data;
    body.len = size;

    switch (llm_convert_answer(c, &body, &answer)) {

    case LLM_OK:

        if (answer.type.len && llm_str_is(&answer.type, "application/json")) {
            check_json(arena, &answer.body);
        }

        if (answer.sign > answer.body.len) {
            abort();
        }

        if (answer.again) {
            (void) llm_convert_again(c, &call);
        }

        break;

    case LLM_DECLINED:

        if (llm_convert_fault(c) == NULL) {
            abort();
        }

        break;

    default:
        break;
    }

    (void) llm_convert_usage(c, &usage, &raw);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                 len;
    unsigned               op, target;
    llm_to_t               to;
    llm_json_e             type;
    llm_arena_t           *arena;
    llm_error_t            err;
    llm_convert_t         *c;
    llm_convert_in_t       in;
    llm_convert_call_t     call;
    llm_convert_answer_t   answer;
    llm_translate_conf_t   conf;

    if (size < 3) {
        return 0;
    }

    op = data[0] % (sizeof(ops) / sizeof(ops[0]));
    target = data[1] % (sizeof(targets) / sizeof(targets[0]));

    memset(&to, 0, sizeof(to));
    memset(&conf, 0, sizeof(conf));
    memset(&err, 0, sizeof(err));
    memset(&in, 0, sizeof(in));

    to.dialect = targets[target].dialect;
    to.quirks = targets[target].quirks;
    to.model.data = (unsigned char *) targets[target].model;
    to.model.len = strlen(targets[target].model);
    to.max_output = -1;

    if (data[2] & 1) {
        in.boundary.data = (unsigned char *) "b";
        in.boundary.len = 1;
    }

    data += 3;
    size -= 3;

    for (len = 0; len < size && data[len]; len++) {
        /* void */
    }

    in.body.data = (unsigned char *) data;
    in.body.len = len;
    in.id = in.body;
    in.args = in.body;

    arena = llm_arena_create(64 * 1024 * 1024);

    if (in.boundary.len
        || (llm_form_check(arena, &in.body, &type) == LLM_OK
            && type == LLM_JSON_OBJECT)
        || ops[op] == LLM_OP_VIDEO_GET || ops[op] == LLM_OP_VIDEO_CONTENT)
    {
        c = llm_convert_create(arena, &llm_ops[ops[op]], &to, &conf);

        switch (llm_convert_find(&llm_ops[ops[op]], &to)) {

        case LLM_CONVERT_CALL:

            if (llm_convert_request(c, &in, &call, &err) == LLM_OK) {
                check_json(arena, &call.body);
                answer_one(arena, c, data + len, size - len);

                if (len < size) {
                    answer_one(arena, c, data + len + 1, size - len - 1);
                }
            }

            break;

        case LLM_CONVERT_LOCAL:

            if (!in.boundary.len
                && llm_convert_local(c, &in, &answer, &err) == LLM_OK)
            {
                check_json(arena, &answer.body);
            }

            break;

        default:
            break;
        }
    }

    llm_arena_free(arena);

    return 0;
}
