
/* what goes wrong in an AWS event stream: its status was 200 already */


#include "llm_claude.h"


typedef struct {
    const char      *name;
    int              status;      /* that it would have come with before */
} llm_claude_exception_t;


static const llm_claude_exception_t  llm_claude_exceptions[] = {
    { "throttlingException",         429 },
    { "serviceUnavailableException", 503 },
    { "internalServerException",     500 },
    { "modelStreamErrorException",   424 },
    { "modelTimeoutException",       408 },
    { "validationException",         400 },
    { NULL,                          500 }
};


void
llm_claude_exception(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *data)
{
    size_t                         len;
    llm_fault_t                    fault;
    const llm_claude_exception_t  *row;

    static const char  suffix[] = "Exception";

    len = sizeof(suffix) - 1;

    if (name->len < len
        || memcmp(name->data + name->len - len, suffix, len) != 0)
    {
        return;
    }

    for (row = llm_claude_exceptions; row->name; row++) {

        if (strlen(row->name) == name->len
            && memcmp(row->name, name->data, name->len) == 0)
        {
            break;
        }
    }

    if (llm_fault_read(x->arena, x->to->dialect, row->status, name, data,
                       &fault)
        != LLM_OK)
    {
        x->nomem = 1;
        return;
    }

    llm_translate_error(x, fault.fault, &fault.code, &fault.message);

    x->fault.status = fault.status;
    x->fault.retry_after = fault.retry_after;
}
