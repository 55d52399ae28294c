
/* Gemini's dialect: its row, and what its files share */


#include "llm_generate.h"
#include "llm_base64.h"


const llm_dialect_t  llm_dialect_generate = {
    LLM_DIALECT_GENERATE,
    llm_generate_read,
    llm_generate_print,
    llm_generate_print_part,
    sizeof(llm_generate_writer_t),
    llm_generate_write,
    llm_generate_read_answer,
    llm_generate_read_event,
    llm_generate_read_end,
    sizeof(llm_generate_reader_t)
};


/* base64 of "gw1:" */
static const llm_str_t  llm_generate_wrap = llm_string("Z3cxO");


/*
 * A wrap is base64 of "gw1:kind:data" as other protocols carry it, or of
 * "gw1::" where there is no state, then a line feed, "t" or "r", and text.
 */

int
llm_generate_carry_read(llm_arena_t *arena, const llm_str_t *signature,
    llm_generate_carry_t *carry)
{
    int             rc;
    llm_buf_t       b;
    llm_str_t       text;
    unsigned char  *lf;

    memset(carry, 0, sizeof(llm_generate_carry_t));

    if (signature->len == 0) {
        return LLM_OK;
    }

    carry->state.kind = LLM_STATE_GEMINI;
    carry->state.data = *signature;

    if (signature->len <= llm_generate_wrap.len
        || memcmp(signature->data, llm_generate_wrap.data,
                  llm_generate_wrap.len) != 0)
    {
        return LLM_OK;
    }

    llm_buf_init(&b, arena);

    rc = llm_base64_decode(&b, signature);

    if (rc != LLM_OK) {
        return rc == LLM_NOMEM ? rc : LLM_OK;
    }

    text.data = b.data;
    text.len = b.len;

    lf = memchr(b.data, '\n', b.len);

    if (lf) {
        text.len = (size_t) (lf - b.data);
    }

    if (llm_str_is(&text, "gw1::")) {
        memset(&carry->state, 0, sizeof(llm_state_t));

    } else {
        rc = llm_state_read(arena, &text, &carry->state);

        if (rc == LLM_DECLINED) {
            carry->state.kind = LLM_STATE_GEMINI;
            carry->state.data = *signature;
            return LLM_OK;
        }
    }

    if (lf && b.len - text.len > 1) {
        carry->redacted = (lf[1] == 'r');
        carry->text.data = lf + 2;
        carry->text.len = b.len - text.len - 2;
    }

    return rc;
}


int
llm_generate_carry_print(llm_arena_t *arena, const llm_generate_carry_t *carry,
    llm_str_t *signature)
{
    int        rc;
    llm_buf_t  b, raw;
    llm_str_t  text;

    static llm_str_t  none = llm_string("gw1::");

    signature->len = 0;
    signature->data = NULL;

    if (carry->state.kind == LLM_STATE_GEMINI) {
        *signature = carry->state.data;
        return LLM_OK;
    }

    text = none;

    if (carry->state.kind != LLM_STATE_NONE) {
        rc = llm_state_print(arena, &carry->state, &text);

        if (rc != LLM_OK) {
            return rc;
        }

    } else if (carry->text.len == 0) {
        return LLM_OK;
    }

    llm_buf_init(&raw, arena);
    llm_buf_init(&b, arena);

    llm_buf_add(&raw, text.data, text.len);

    if (carry->text.len || carry->redacted) {
        llm_buf_puts(&raw, carry->redacted ? "\nr" : "\nt");
        llm_buf_add(&raw, carry->text.data, carry->text.len);
    }

    llm_base64_encode(&b, raw.data, raw.len);

    signature->data = b.data;
    signature->len = b.len;

    return (b.failed || raw.failed) ? LLM_NOMEM : LLM_OK;
}
