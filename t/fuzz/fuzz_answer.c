
/*
 * Answers of any operation and kind: nothing that a provider sends does harm,
 * and what is told does not depend on how the bytes are cut.  The input's
 * first three bytes choose the operation, the kind and the pieces.
 */


#define _GNU_SOURCE
#include "../unit/answer_story.h"

#include <stdio.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t           max;
    uint32_t         seed;
    llm_buf_t        whole, pieces;
    llm_arena_t     *arena;
    llm_answer_e     kind;
    const llm_op_t  *op;

    if (size < 3) {
        return 0;
    }

    op = &llm_ops[data[0] % LLM_OP_N];
    kind = (llm_answer_e) (data[1] % (LLM_ANSWER_OPAQUE + 1));
    max = 1 + data[2] % 64;
    seed = (uint32_t) 1 + data[2];

    data += 3;
    size -= 3;

    arena = llm_arena_create(64 * 1024 * 1024);

    llm_buf_init(&whole, arena);
    llm_buf_init(&pieces, arena);

    answer_story(arena, op, kind, data, size, size + 1, 0, 1, &whole);
    answer_story(arena, op, kind, data, size, max, seed, 1, &pieces);

    if (whole.len != pieces.len
        || (whole.len && memcmp(whole.data, pieces.data, whole.len) != 0)
        || (whole.len >= 5 && memmem(whole.data, whole.len, "WRONG", 5)
            && !memmem(data, size, "WRONG", 5)))
    {
        fprintf(stderr, "whole:  %.*s\npieces: %.*s\n", (int) whole.len,
                (char *) whole.data, (int) pieces.len, (char *) pieces.data);
        abort();
    }

    llm_arena_free(arena);

    return 0;
}
