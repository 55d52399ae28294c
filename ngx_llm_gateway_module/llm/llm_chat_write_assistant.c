
/*
 * OpenAI chat completions: what a model said before, in the request to a
 * provider.
 */


#include "llm_chat.h"


static void llm_chat_write_thoughts(llm_chat_write_t *w,
    const llm_turn_t *turn);
static void llm_chat_write_details(llm_chat_write_t *w,
    const llm_turn_t *turn);
static int llm_chat_write_calls(llm_chat_write_t *w, const llm_turn_t *turn);


int
llm_chat_write_assistant(llm_chat_write_t *w, const llm_turn_t *turn)
{
    int                 rc;
    llm_buf_t          *out;
    llm_str_t           text;
    unsigned            calls, refusal;
    const llm_block_t  *block;

    out = w->out;

    rc = llm_form_text(w->x->arena, turn->blocks, "", &text);
    if (rc != LLM_OK) {
        return rc;
    }

    calls = 0;
    refusal = 0;

    for (block = turn->blocks; block; block = block->next) {
        calls |= (block->kind == LLM_BLOCK_TOOL_CALL);

        if (block->kind == LLM_BLOCK_REFUSAL && text.len == 0) {
            text = block->text;
            refusal = 1;
        }
    }

    if (text.len == 0 && !calls) {
        return LLM_OK;
    }

    llm_chat_write_role(w, "assistant");

    if (refusal) {
        llm_buf_puts(out, "null,\"refusal\":");
        llm_buf_json(out, text.data, text.len);

    } else if (text.len || llm_quirk(w->x->to, STRING_CONTENT)) {
        llm_buf_json(out, text.data, text.len);

    } else {
        llm_buf_puts(out, "null");
    }

    llm_chat_write_thoughts(w, turn);
    llm_chat_write_details(w, turn);

    if (calls) {
        rc = llm_chat_write_calls(w, turn);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    llm_buf_puts(out, "}");

    return LLM_OK;
}


/* what the model thought since it was last asked, for those that want it */

static void
llm_chat_write_thoughts(llm_chat_write_t *w, const llm_turn_t *turn)
{
    llm_buf_t           b;
    const llm_turn_t   *t;
    const llm_block_t  *block;

    if (!llm_quirk(w->x->to, REPLAY_REASONING)) {
        return;
    }

    for (t = turn; t; t = t->next) {

        if (t == w->asked) {
            return;
        }
    }

    llm_buf_init(&b, w->x->arena);

    for (block = turn->blocks; block; block = block->next) {

        if (block->kind == LLM_BLOCK_THINKING) {
            llm_buf_add(&b, block->text.data, block->text.len);
        }
    }

    if (b.failed) {
        w->out->failed = 1;
    }

    if (b.len) {
        llm_buf_puts(w->out, ",\"reasoning_content\":");
        llm_buf_json(w->out, b.data, b.len);
    }
}


/* OpenRouter's own state, arrays in one */

static void
llm_chat_write_details(llm_chat_write_t *w, const llm_turn_t *turn)
{
    unsigned            n;
    llm_str_t           v;
    llm_json_e          type;
    llm_walk_t          walk;
    const llm_block_t  *block;

    if (!llm_quirk(w->x->to, OPENROUTER)) {
        return;
    }

    n = 0;

    for (block = turn->blocks; block; block = block->next) {

        if (block->state.kind != LLM_STATE_OPENROUTER
            || llm_form_type(&block->state.data) != LLM_JSON_ARRAY
            || llm_form_check(w->x->arena, &block->state.data, &type)
               != LLM_OK)
        {
            continue;
        }

        llm_walk_open(&walk, &block->state.data);

        while (llm_walk_element(&walk, &v)) {
            llm_buf_puts(w->out, n++ ? "," : ",\"reasoning_details\":[");
            llm_buf_add(w->out, v.data, v.len);
        }
    }

    if (n) {
        llm_buf_puts(w->out, "]");
    }
}


static int
llm_chat_write_calls(llm_chat_write_t *w, const llm_turn_t *turn)
{
    int                 rc;
    unsigned            n;
    llm_buf_t          *out;
    llm_str_t           name;
    const llm_block_t  *block;
    const llm_state_t  *state;

    n = 0;
    out = w->out;
    state = NULL;

    for (block = turn->blocks; block; block = block->next) {

        /* a signature that came with thinking belongs to the next call */

        if (block->state.kind == LLM_STATE_GEMINI) {
            state = &block->state;
        }

        if (block->kind != LLM_BLOCK_TOOL_CALL) {
            continue;
        }

        llm_buf_puts(out, n++ ? ",{\"id\":" : ",\"tool_calls\":[{\"id\":");

        rc = llm_chat_write_id(w, &block->id);
        if (rc != LLM_OK) {
            return rc;
        }

        rc = llm_chat_name(w->x, &block->name, &name);
        if (rc != LLM_OK) {
            return rc;
        }

        llm_buf_puts(out, ",\"type\":\"function\",\"function\":{\"name\":");
        llm_buf_json(out, name.data, name.len);
        llm_buf_puts(out, ",\"arguments\":");
        llm_buf_json(out, block->json.data, block->json.len);
        llm_buf_puts(out, "}");

        if (state && llm_quirk(w->x->to, GOOGLE)) {
            llm_buf_puts(out, ",\"extra_content\":");
            llm_chat_print_signature(&state->data, out);
        }

        llm_buf_puts(out, "}");

        state = NULL;
    }

    llm_buf_puts(out, "]");

    return LLM_OK;
}
