
/*
 * Error bodies of providers: of each there is something to say, and what
 * clients get is JSON, never a page.  The input's first two bytes choose the
 * status and the client.
 */


#include "llm_dialect.h"

#include <stdlib.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    llm_str_t      body, none, id;
    llm_buf_t      out;
    llm_json_e     type;
    llm_fault_t    fault;
    llm_arena_t   *arena;

    static const llm_op_e  ops[] = {
        LLM_OP_CHAT, LLM_OP_RESPONSES, LLM_OP_MESSAGES, LLM_OP_GENERATE
    };

    if (size < 2) {
        return 0;
    }

    arena = llm_arena_create(16 * 1024 * 1024);
    llm_buf_init(&out, arena);

    body.data = (unsigned char *) data + 2;
    body.len = size - 2;

    none.data = NULL;
    none.len = 0;

    id.data = (unsigned char *) "0011";
    id.len = 4;

    if (llm_fault_read(arena, LLM_DIALECT_CHAT, 400 + data[0], &none, &body,
                       &fault) == LLM_OK)
    {
        if (fault.message.len && fault.message.data[0] == '<'
            && llm_form_check(arena, &body, &type) != LLM_OK)
        {
            abort();
        }

        llm_fault_print(&llm_ops[ops[data[1] % 4]], &fault, &id, &out);

        body.data = out.data;
        body.len = out.len;

        if (llm_form_check(arena, &body, &type) != LLM_OK
            || fault.status < 400 || fault.status > 529)
        {
            abort();
        }
    }

    llm_arena_free(arena);

    return 0;
}
