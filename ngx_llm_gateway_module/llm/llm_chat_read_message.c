
/*
 * OpenAI chat completions: messages of a client's request.
 */


#include "llm_chat.h"


static int llm_chat_read_message(llm_chat_read_t *r, const llm_str_t *message);
static int llm_chat_read_plain(llm_chat_read_t *r, llm_role_e role,
    const llm_str_t *message);
static int llm_chat_read_assistant(llm_chat_read_t *r,
    const llm_str_t *message);
static int llm_chat_read_thoughts(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *message);
static int llm_chat_read_thought(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *thought);
static int llm_chat_read_state(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *extra);
static int llm_chat_read_call(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *call, unsigned n);
static int llm_chat_read_old_call(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *call);
static int llm_chat_read_result(llm_chat_read_t *r, const llm_str_t *message,
    unsigned old);
static const llm_block_t *llm_chat_last_call(const llm_form_t *form,
    const llm_str_t *name);


int
llm_chat_read_messages(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    int              rc;
    llm_str_t        message;
    llm_walk_t       w;
    llm_chat_read_t  r;

    if (llm_form_type(value) != LLM_JSON_ARRAY) {
        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is not an array", "messages");
    }

    memset(&r, 0, sizeof(llm_chat_read_t));

    r.form = form;
    r.err = err;

    llm_walk_open(&w, value);

    while (llm_walk_element(&w, &message)) {

        rc = llm_chat_read_message(&r, &message);
        if (rc != LLM_OK) {
            return rc;
        }

        r.message++;
    }

    return LLM_OK;
}


static int
llm_chat_read_message(llm_chat_read_t *r, const llm_str_t *message)
{
    llm_str_t  role;

    if (llm_form_member(message, "role", &role) != LLM_OK) {
        return llm_form_refuse(r->form, r->err, LLM_ERROR_MISSING_PARAMETER,
                               "is missing", "messages[%u].role",
                               r->message);
    }

    if (llm_form_is(&role, "user")) {
        return llm_chat_read_plain(r, LLM_ROLE_USER, message);
    }

    if (llm_form_is(&role, "assistant")) {
        return llm_chat_read_assistant(r, message);
    }

    if (llm_form_is(&role, "tool")) {
        return llm_chat_read_result(r, message, 0);
    }

    if (llm_form_is(&role, "system") || llm_form_is(&role, "developer")) {
        return llm_chat_read_plain(r, LLM_ROLE_SYSTEM, message);
    }

    if (llm_form_is(&role, "function")) {
        return llm_chat_read_result(r, message, 1);
    }

    return llm_form_refuse(r->form, r->err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                           "is not one of system, developer, user, "
                           "assistant, tool, function",
                           "messages[%u].role", r->message);
}


static int
llm_chat_read_plain(llm_chat_read_t *r, llm_role_e role,
    const llm_str_t *message)
{
    llm_str_t    content;
    llm_turn_t  *turn;

    turn = llm_form_turn(r->form, role);
    if (turn == NULL) {
        return LLM_NOMEM;
    }

    if (llm_form_member(message, "content", &content) != LLM_OK) {
        return LLM_OK;
    }

    return llm_chat_read_content(r, turn, &content);
}


static int
llm_chat_read_assistant(llm_chat_read_t *r, const llm_str_t *message)
{
    int           rc;
    unsigned      n;
    llm_str_t     value, call;
    llm_turn_t   *turn;
    llm_walk_t    w;
    llm_block_t  *block;

    turn = llm_form_turn(r->form, LLM_ROLE_ASSISTANT);
    if (turn == NULL) {
        return LLM_NOMEM;
    }

    rc = llm_chat_read_thoughts(r, turn, message);
    if (rc != LLM_OK) {
        return rc;
    }

    if (llm_form_member(message, "content", &value) == LLM_OK) {

        rc = llm_chat_read_content(r, turn, &value);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (llm_form_member(message, "refusal", &value) == LLM_OK
        && llm_form_type(&value) == LLM_JSON_STRING && value.len > 2)
    {
        block = llm_form_block(r->form, turn, LLM_BLOCK_REFUSAL);

        if (block == NULL
            || llm_form_string(r->form->arena, &value, &block->text)
               != LLM_OK)
        {
            return LLM_NOMEM;
        }
    }

    if (llm_form_member(message, "extra_content", &value) == LLM_OK) {

        rc = llm_chat_read_state(r, turn, &value);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (llm_form_member(message, "tool_calls", &value) == LLM_OK
        && llm_form_type(&value) == LLM_JSON_ARRAY)
    {
        llm_walk_open(&w, &value);

        for (n = 0; llm_walk_element(&w, &call); n++) {

            rc = llm_chat_read_call(r, turn, &call, n);
            if (rc != LLM_OK) {
                return rc;
            }
        }
    }

    if (llm_form_member(message, "function_call", &value) == LLM_OK
        && llm_form_type(&value) == LLM_JSON_OBJECT)
    {
        return llm_chat_read_old_call(r, turn, &value);
    }

    return LLM_OK;
}


/* blocks with their state, or text alone */

static int
llm_chat_read_thoughts(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *message)
{
    int            rc;
    unsigned       i;
    llm_str_t      value, thought, text;
    llm_walk_t     w;
    llm_block_t   *block;

    static const char  *names[] = { "reasoning_content", "reasoning" };

    if (llm_form_member(message, "thinking_blocks", &value) == LLM_OK
        && llm_form_type(&value) == LLM_JSON_ARRAY)
    {
        llm_walk_open(&w, &value);

        while (llm_walk_element(&w, &thought)) {

            rc = llm_chat_read_thought(r, turn, &thought);
            if (rc != LLM_OK) {
                return rc;
            }
        }

        if (turn->blocks) {
            return LLM_OK;
        }
    }

    for (i = 0; i < 2; i++) {

        rc = llm_chat_member_text(r, message, names[i], &text);
        if (rc != LLM_OK) {
            return rc;
        }

        if (text.len) {
            break;
        }
    }

    if (llm_form_member(message, "reasoning_details", &value) != LLM_OK
        || llm_form_type(&value) != LLM_JSON_ARRAY || value.len < 3)
    {
        value.len = 0;
    }

    if (text.len == 0 && value.len == 0) {
        return LLM_OK;
    }

    block = llm_form_block(r->form, turn, text.len ? LLM_BLOCK_THINKING
                                                   : LLM_BLOCK_REDACTED);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    block->text = text;

    if (value.len) {
        block->state.kind = LLM_STATE_OPENROUTER;
        block->state.data = value;
    }

    return LLM_OK;
}


static int
llm_chat_read_thought(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *thought)
{
    int           rc;
    llm_str_t     type, text;
    unsigned      redacted;
    llm_block_t  *block;

    if (llm_form_member(thought, "type", &type) != LLM_OK) {
        return LLM_OK;
    }

    redacted = llm_form_is(&type, "redacted_thinking");

    if (!redacted && !llm_form_is(&type, "thinking")) {
        return LLM_OK;
    }

    rc = llm_chat_member_text(r, thought, redacted ? "data" : "signature",
                              &text);
    if (rc != LLM_OK) {
        return rc;
    }

    block = llm_form_block(r->form, turn, redacted ? LLM_BLOCK_REDACTED
                                                   : LLM_BLOCK_THINKING);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    if (text.len) {
        rc = llm_state_read(r->form->arena, &text, &block->state);

        if (rc == LLM_DECLINED) {
            block->state.kind = LLM_STATE_ANTHROPIC;
            block->state.data = text;

        } else if (rc != LLM_OK) {
            return rc;
        }
    }

    return redacted ? LLM_OK
                    : llm_chat_member_text(r, thought, "thinking",
                                           &block->text);
}


/* Gemini's signature of the text that stands last */

static int
llm_chat_read_state(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *extra)
{
    int           rc;
    llm_str_t     google, signature;
    llm_block_t  *block, *last;

    if (llm_form_member(extra, "google", &google) != LLM_OK) {
        return LLM_OK;
    }

    rc = llm_chat_member_text(r, &google, "thought_signature", &signature);

    if (rc != LLM_OK || signature.len == 0) {
        return rc;
    }

    last = NULL;

    for (block = turn->blocks; block; block = block->next) {

        if (block->kind == LLM_BLOCK_TEXT) {
            last = block;
        }
    }

    if (last == NULL) {
        last = llm_form_block(r->form, turn, LLM_BLOCK_TEXT);
        if (last == NULL) {
            return LLM_NOMEM;
        }
    }

    last->state.kind = LLM_STATE_GEMINI;
    last->state.data = signature;

    return LLM_OK;
}


static int
llm_chat_read_call(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *call, unsigned n)
{
    int           rc;
    llm_buf_t     b;
    llm_str_t     function, text, extra;
    unsigned      custom;
    llm_block_t  *block;

    custom = llm_form_member(call, "custom", &function) == LLM_OK;

    if (!custom && llm_form_member(call, "function", &function) != LLM_OK) {
        return llm_form_refuse(r->form, r->err, LLM_ERROR_MISSING_PARAMETER,
                               "is missing",
                               "messages[%u].tool_calls[%u].function",
                               r->message, n);
    }

    block = llm_form_block(r->form, turn, LLM_BLOCK_TOOL_CALL);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    block->custom = custom;

    rc = llm_chat_member_text(r, call, "id", &block->id);
    if (rc != LLM_OK) {
        return rc;
    }

    rc = llm_chat_member_text(r, &function, "name", &block->name);
    if (rc != LLM_OK) {
        return rc;
    }

    if (block->id.len == 0 || block->name.len == 0) {
        return llm_form_refuse(r->form, r->err, LLM_ERROR_MISSING_PARAMETER,
                               "is missing or empty",
                               "messages[%u].tool_calls[%u].%s", r->message,
                               n, block->id.len ? "function.name" : "id");
    }

    if (llm_form_member(call, "extra_content", &extra) == LLM_OK
        && llm_form_member(&extra, "google", &extra) == LLM_OK)
    {
        rc = llm_chat_member_text(r, &extra, "thought_signature", &text);
        if (rc != LLM_OK) {
            return rc;
        }

        if (text.len) {
            block->state.kind = LLM_STATE_GEMINI;
            block->state.data = text;
        }
    }

    if (custom) {
        llm_buf_init(&b, r->form->arena);
        llm_buf_puts(&b, "{\"input\":");

        if (llm_form_member(&function, "input", &text) == LLM_OK) {
            llm_buf_add(&b, text.data, text.len);

        } else {
            llm_buf_puts(&b, "\"\"");
        }

        llm_buf_puts(&b, "}");

        block->json.data = b.data;
        block->json.len = b.len;

        return b.failed ? LLM_NOMEM : LLM_OK;
    }

    rc = llm_chat_member_text(r, &function, "arguments", &text);
    if (rc != LLM_OK) {
        return rc;
    }

    return llm_form_arguments(r->form->arena, &text, &block->json);
}


/* its id is made of its place in the history, so that it stays the same */

static int
llm_chat_read_old_call(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *call)
{
    int           rc;
    llm_buf_t     b;
    llm_str_t     text;
    llm_block_t  *block;

    block = llm_form_block(r->form, turn, LLM_BLOCK_TOOL_CALL);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    rc = llm_chat_member_text(r, call, "name", &block->name);
    if (rc != LLM_OK) {
        return rc;
    }

    if (block->name.len == 0) {
        return llm_form_refuse(r->form, r->err, LLM_ERROR_MISSING_PARAMETER,
                               "is missing or empty",
                               "messages[%u].function_call.name",
                               r->message);
    }

    llm_buf_init(&b, r->form->arena);
    llm_buf_puts(&b, "call_fn");
    llm_buf_int(&b, r->ncalls++);

    if (b.failed) {
        return LLM_NOMEM;
    }

    block->id.data = b.data;
    block->id.len = b.len;

    rc = llm_chat_member_text(r, call, "arguments", &text);
    if (rc != LLM_OK) {
        return rc;
    }

    return llm_form_arguments(r->form->arena, &text, &block->json);
}


static int
llm_chat_read_result(llm_chat_read_t *r, const llm_str_t *message,
    unsigned old)
{
    int                 rc;
    llm_str_t           content;
    llm_turn_t         *turn, list;
    llm_block_t        *block;
    const llm_block_t  *call;

    turn = llm_form_turn(r->form, LLM_ROLE_USER);
    if (turn == NULL) {
        return LLM_NOMEM;
    }

    block = llm_form_block(r->form, turn, LLM_BLOCK_TOOL_RESULT);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    rc = llm_chat_member_text(r, message, "name", &block->name);
    if (rc != LLM_OK) {
        return rc;
    }

    if (old) {
        call = llm_chat_last_call(r->form, &block->name);

        if (call) {
            block->id = call->id;
        }

    } else {
        rc = llm_chat_member_text(r, message, "tool_call_id", &block->id);
        if (rc != LLM_OK) {
            return rc;
        }

        call = llm_form_find_call(r->form, &block->id);
    }

    if (block->id.len == 0) {
        return llm_form_refuse(r->form, r->err, LLM_ERROR_MISSING_PARAMETER,
                               old ? "names no function that was called"
                                   : "is missing or empty",
                               "messages[%u].%s", r->message,
                               old ? "name" : "tool_call_id");
    }

    if (call) {
        block->name = call->name;
        block->custom = call->custom;
    }

    if (llm_form_member(message, "content", &content) != LLM_OK) {
        return LLM_OK;
    }

    memset(&list, 0, sizeof(llm_turn_t));

    list.last = &list.blocks;

    rc = llm_chat_read_content(r, &list, &content);

    block->content = list.blocks;

    return rc;
}


static const llm_block_t *
llm_chat_last_call(const llm_form_t *form, const llm_str_t *name)
{
    const llm_turn_t   *turn;
    const llm_block_t  *block, *found;

    found = NULL;

    for (turn = form->end; turn && found == NULL; turn = turn->prev) {

        for (block = turn->blocks; block; block = block->next) {

            if (block->kind == LLM_BLOCK_TOOL_CALL
                && block->name.len == name->len
                && memcmp(block->name.data, name->data, name->len) == 0)
            {
                found = block;
            }
        }
    }

    return found;
}
