
/*
 * Answers of another host of the client's own protocol: what it says is
 * passed on as it is.
 */


#include "llm_messages.h"


static void llm_messages_frame(llm_translate_t *x, const char *type,
    const unsigned char *data, size_t len);


/* events */

typedef enum {
    LLM_MESSAGES_START = 0,
    LLM_MESSAGES_BLOCK_START,
    LLM_MESSAGES_BLOCK_DELTA,
    LLM_MESSAGES_BLOCK_STOP,
    LLM_MESSAGES_LAST_DELTA,
    LLM_MESSAGES_STOP,
    LLM_MESSAGES_PING,
    LLM_MESSAGES_ERROR,
    LLM_MESSAGES_OTHER
} llm_messages_type_e;

static const char  *llm_messages_types[] = {
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "ping",
    "error",
    NULL
};


unsigned
llm_messages_same(const llm_translate_t *x)
{
    return x->client->dialect == LLM_DIALECT_MESSAGES;
}


int
llm_messages_pass(llm_translate_t *x, const llm_str_t *type,
    const llm_str_t *index, const llm_str_t *data)
{
    unsigned                 i;
    int64_t                  n;
    llm_messages_reader_t   *r;
    llm_messages_printer_t  *p;

    r = x->reader;
    p = x->writer;

    r->start.arena = x->arena;

    for (i = 0; llm_messages_types[i]; i++) {
        if (llm_form_is(type, llm_messages_types[i])) {
            break;
        }
    }

    switch (i) {

    case LLM_MESSAGES_ERROR:
        return llm_messages_fault(x, data);

    case LLM_MESSAGES_START:

        /* it waits for content */

        if (r->start.len == 0) {
            llm_form_print_raw(&r->start, data);
        }

        x->nomem |= r->start.failed;
        return LLM_OK;

    case LLM_MESSAGES_PING:

        if (!x->begun) {
            return LLM_OK;
        }

        break;

    case LLM_MESSAGES_OTHER:
        return LLM_OK;

    default:
        break;
    }

    if (!x->begun) {

        if (r->start.len == 0) {
            return LLM_INVALID;
        }

        x->begun = 1;
        llm_messages_frame(x, llm_messages_types[LLM_MESSAGES_START],
                           r->start.data, r->start.len);
    }

    llm_messages_frame(x, llm_messages_types[i], data->data, data->len);

    if (index->len == 0 || llm_json_int(index, &n) != LLM_OK
        || n < 0 || n > INT32_MAX)
    {
        n = p->next;
    }

    switch (i) {

    case LLM_MESSAGES_BLOCK_START:
        p->next = (unsigned) n;
        p->open = 1;
        x->open = 1;
        x->fragment = 1;
        break;

    case LLM_MESSAGES_BLOCK_STOP:
        p->next = (unsigned) n + 1;
        p->open = 0;
        x->open = 0;
        break;

    case LLM_MESSAGES_STOP:
        x->ended = 1;
        break;

    default:
        break;
    }

    return LLM_OK;
}


static void
llm_messages_frame(llm_translate_t *x, const char *type,
    const unsigned char *data, size_t len)
{
    llm_str_t  raw;

    raw.data = (unsigned char *) data;
    raw.len = len;

    llm_buf_puts(x->out, "event: ");
    llm_buf_puts(x->out, type);
    llm_buf_puts(x->out, "\ndata: ");
    llm_form_print_raw(x->out, &raw);
    llm_buf_puts(x->out, "\n\n");
}
