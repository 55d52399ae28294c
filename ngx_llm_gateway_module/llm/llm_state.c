
/*
 * Opaque reasoning state, carried through clients that have no place of its
 * own for it: "gw1:<kind>:<base64 of id, line feed, data>".
 */


#include "llm_base64.h"
#include "llm_dialect.h"


#define LLM_STATE_PREFIX  "gw1:"


static const llm_str_t  llm_state_names[LLM_STATE_N] = {
    { 0, NULL },
#define LLM_STATE_NAME(s, name)  llm_string(#name),
    LLM_STATE_MAP(LLM_STATE_NAME)
#undef LLM_STATE_NAME
};


int
llm_state_print(llm_arena_t *arena, const llm_state_t *state, llm_str_t *out)
{
    llm_buf_t  b, raw;

    llm_buf_init(&b, arena);
    llm_buf_init(&raw, arena);

    llm_buf_add(&raw, state->id.data, state->id.len);
    llm_buf_puts(&raw, "\n");
    llm_buf_add(&raw, state->data.data, state->data.len);

    llm_buf_puts(&b, LLM_STATE_PREFIX);
    llm_buf_add(&b, llm_state_names[state->kind].data,
                llm_state_names[state->kind].len);
    llm_buf_puts(&b, ":");
    llm_base64_encode(&b, raw.data, raw.len);

    out->data = b.data;
    out->len = b.len;

    return (b.failed || raw.failed) ? LLM_NOMEM : LLM_OK;
}


int
llm_state_read(llm_arena_t *arena, const llm_str_t *text, llm_state_t *state)
{
    int             rc;
    size_t          len;
    unsigned        i;
    llm_str_t       rest;
    llm_buf_t       b;
    unsigned char  *colon, *lf;

    memset(state, 0, sizeof(llm_state_t));

    len = sizeof(LLM_STATE_PREFIX) - 1;

    if (text->len < len || memcmp(text->data, LLM_STATE_PREFIX, len) != 0) {
        return LLM_DECLINED;
    }

    rest.data = text->data + len;
    rest.len = text->len - len;

    colon = memchr(rest.data, ':', rest.len);
    if (colon == NULL) {
        return LLM_DECLINED;
    }

    len = (size_t) (colon - rest.data);

    for (i = 1; i < LLM_STATE_N; i++) {

        if (llm_state_names[i].len == len
            && memcmp(llm_state_names[i].data, rest.data, len) == 0)
        {
            break;
        }
    }

    if (i == LLM_STATE_N) {
        return LLM_DECLINED;
    }

    rest.data += len + 1;
    rest.len -= len + 1;

    llm_buf_init(&b, arena);

    rc = llm_base64_decode(&b, &rest);

    if (rc != LLM_OK) {
        return rc == LLM_NOMEM ? LLM_NOMEM : LLM_DECLINED;
    }

    lf = b.len ? memchr(b.data, '\n', b.len) : NULL;
    if (lf == NULL) {
        return LLM_DECLINED;
    }

    if (i == LLM_STATE_TEXT) {
        return LLM_OK;
    }

    state->kind = (llm_state_e) i;
    state->id.data = b.data;
    state->id.len = (size_t) (lf - b.data);
    state->data.data = lf + 1;
    state->data.len = b.len - state->id.len - 1;

    return LLM_OK;
}
