
/*
 * OpenAI Responses API: items of a client's input.
 */


#include "llm_responses.h"


typedef struct {
    const char      *type;
    int            (*read)(llm_responses_read_t *r, const llm_str_t *item);
} llm_responses_type_t;

/* items of tools that have a type of their own */

typedef struct {
    const char      *call;
    const char      *result;
    const char      *name;        /* of the tool */
    const char      *arguments;   /* member that holds them */
} llm_responses_builtin_t;


static int llm_responses_read_item(llm_responses_read_t *r,
    const llm_str_t *item);
static int llm_responses_read_message(llm_responses_read_t *r,
    const llm_str_t *item);
static int llm_responses_read_call(llm_responses_read_t *r,
    const llm_str_t *item);
static int llm_responses_read_custom_call(llm_responses_read_t *r,
    const llm_str_t *item);
static int llm_responses_read_result(llm_responses_read_t *r,
    const llm_str_t *item);
static int llm_responses_read_thought(llm_responses_read_t *r,
    const llm_str_t *item);
static int llm_responses_read_reference(llm_responses_read_t *r,
    const llm_str_t *item);
static int llm_responses_read_builtin(llm_responses_read_t *r,
    const llm_str_t *item, const llm_str_t *type);
static llm_block_t *llm_responses_new_call(llm_responses_read_t *r,
    const llm_str_t *item, unsigned builtin, int *rc);
static int llm_responses_read_output_of(llm_responses_read_t *r,
    llm_block_t *block, const llm_str_t *item);
static int llm_responses_orphan(llm_responses_read_t *r,
    llm_block_t *block);
static llm_turn_t *llm_responses_result_turn(llm_form_t *form);
static int llm_responses_texts(llm_form_t *form, const llm_str_t *list,
    llm_str_t *text);


static const llm_responses_type_t  llm_responses_types[] = {
    { "message", llm_responses_read_message },
    { "function_call", llm_responses_read_call },
    { "function_call_output", llm_responses_read_result },
    { "custom_tool_call", llm_responses_read_custom_call },
    { "custom_tool_call_output", llm_responses_read_result },
    { "reasoning", llm_responses_read_thought },
    { "item_reference", llm_responses_read_reference },
    { NULL, NULL }
};


static const llm_responses_builtin_t  llm_responses_builtins[] = {
    { "local_shell_call", "local_shell_call_output", "local_shell",
      "action" },
    { "shell_call", "shell_call_output", "shell", "action" },
    { "apply_patch_call", "apply_patch_call_output", "apply_patch",
      "operation" },
    { NULL, NULL, NULL, NULL }
};


int
llm_responses_read_input(llm_form_t *form, const llm_str_t *input,
    llm_error_t *err)
{
    int                    rc;
    llm_str_t              item;
    llm_turn_t            *turn;
    llm_walk_t             w;
    llm_responses_read_t   r;

    memset(&r, 0, sizeof(llm_responses_read_t));

    r.form = form;
    r.err = err;

    if (llm_form_type(input) == LLM_JSON_STRING) {

        turn = llm_form_turn(form, LLM_ROLE_USER);
        if (turn == NULL) {
            return LLM_NOMEM;
        }

        return llm_responses_read_content(&r, turn, input);
    }

    if (llm_form_type(input) != LLM_JSON_ARRAY) {
        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is neither a string nor an array", "input");
    }

    llm_walk_open(&w, input);

    while (llm_walk_element(&w, &item)) {

        rc = llm_responses_read_item(&r, &item);
        if (rc != LLM_OK) {
            return rc;
        }

        r.item++;
    }

    if (form->turns == NULL) {
        return llm_form_refuse(form, err, LLM_ERROR_MISSING_PARAMETER,
                               "is empty", "input");
    }

    return LLM_OK;
}


static int
llm_responses_read_item(llm_responses_read_t *r, const llm_str_t *item)
{
    llm_str_t                    type;
    const llm_responses_type_t  *t;

    if (llm_form_member(item, "type", &type) != LLM_OK) {
        return llm_responses_read_message(r, item);
    }

    for (t = llm_responses_types; t->type; t++) {

        if (llm_form_is(&type, t->type)) {
            return t->read(r, item);
        }
    }

    return llm_responses_read_builtin(r, item, &type);
}


static int
llm_responses_read_message(llm_responses_read_t *r, const llm_str_t *item)
{
    llm_str_t    role, content;
    llm_turn_t  *turn;

    llm_form_member(item, "role", &role);

    if (llm_form_is(&role, "assistant")) {
        turn = llm_form_same_turn(r->form, LLM_ROLE_ASSISTANT);

    } else if (llm_form_is(&role, "user")) {
        turn = llm_form_turn(r->form, LLM_ROLE_USER);

    } else if (llm_form_is(&role, "system")
               || llm_form_is(&role, "developer"))
    {
        turn = llm_form_turn(r->form, LLM_ROLE_SYSTEM);

    } else {
        return llm_form_refuse(r->form, r->err,
                               role.len ? LLM_ERROR_UNSUPPORTED_PARAMETER
                                        : LLM_ERROR_MISSING_PARAMETER,
                               "is not one of user, assistant, system, "
                               "developer", "input[%u].role", r->item);
    }

    if (turn == NULL) {
        return LLM_NOMEM;
    }

    if (llm_form_member(item, "content", &content) != LLM_OK) {
        return LLM_OK;
    }

    return llm_responses_read_content(r, turn, &content);
}


static int
llm_responses_read_call(llm_responses_read_t *r, const llm_str_t *item)
{
    int           rc;
    llm_str_t     text, space;
    llm_block_t  *block;

    block = llm_responses_new_call(r, item, 0, &rc);
    if (block == NULL) {
        return rc;
    }

    if (llm_responses_text(r->form, item, "namespace", &space) != LLM_OK
        || llm_responses_text(r->form, item, "arguments", &text) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    if (space.len
        && llm_responses_join(r->form, &space, &block->name, &block->name)
           != LLM_OK)
    {
        return LLM_NOMEM;
    }

    return llm_form_arguments(r->form->arena, &text, &block->json);
}


static int
llm_responses_read_custom_call(llm_responses_read_t *r,
    const llm_str_t *item)
{
    int           rc;
    llm_buf_t     b;
    llm_str_t     input;
    llm_block_t  *block;

    block = llm_responses_new_call(r, item, 0, &rc);
    if (block == NULL) {
        return rc;
    }

    block->custom = 1;

    llm_buf_init(&b, r->form->arena);
    llm_buf_puts(&b, "{\"input\":");

    if (llm_form_member(item, "input", &input) == LLM_OK) {
        llm_buf_add(&b, input.data, input.len);

    } else {
        llm_buf_puts(&b, "\"\"");
    }

    llm_buf_puts(&b, "}");

    block->json.data = b.data;
    block->json.len = b.len;

    return b.failed ? LLM_NOMEM : LLM_OK;
}


/* calls stand in one turn, with the text and the reasoning before them */

static llm_block_t *
llm_responses_new_call(llm_responses_read_t *r, const llm_str_t *item,
    unsigned builtin, int *rc)
{
    llm_turn_t   *turn;
    llm_block_t  *block;

    *rc = LLM_NOMEM;

    turn = llm_form_same_turn(r->form, LLM_ROLE_ASSISTANT);
    if (turn == NULL) {
        return NULL;
    }

    block = llm_form_block(r->form, turn, LLM_BLOCK_TOOL_CALL);
    if (block == NULL) {
        return NULL;
    }

    if (llm_responses_text(r->form, item, "call_id", &block->id) != LLM_OK
        || llm_responses_text(r->form, item, "name", &block->name) != LLM_OK)
    {
        return NULL;
    }

    if (block->id.len == 0
        && llm_responses_text(r->form, item, "id", &block->id) != LLM_OK)
    {
        return NULL;
    }

    if (block->id.len && (block->name.len || builtin)) {
        return block;
    }

    *rc = llm_form_refuse(r->form, r->err, LLM_ERROR_MISSING_PARAMETER,
                          "is missing or empty", "input[%u].%s", r->item,
                          block->id.len ? "name" : "call_id");

    return NULL;
}


static int
llm_responses_read_result(llm_responses_read_t *r, const llm_str_t *item)
{
    int                 rc;
    llm_turn_t         *turn;
    llm_block_t        *block;
    const llm_block_t  *call;

    block = llm_calloc(r->form->arena, sizeof(llm_block_t));
    if (block == NULL) {
        return LLM_NOMEM;
    }

    block->kind = LLM_BLOCK_TOOL_RESULT;

    if (llm_responses_text(r->form, item, "call_id", &block->id) != LLM_OK) {
        return LLM_NOMEM;
    }

    if (block->id.len == 0
        && llm_responses_text(r->form, item, "id", &block->id) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    if (block->id.len == 0) {
        return llm_form_refuse(r->form, r->err, LLM_ERROR_MISSING_PARAMETER,
                               "is missing or empty", "input[%u].call_id",
                               r->item);
    }

    rc = llm_responses_read_output_of(r, block, item);
    if (rc != LLM_OK) {
        return rc;
    }

    call = llm_form_find_call(r->form, &block->id);

    if (call == NULL) {
        return llm_responses_orphan(r, block);
    }

    block->name = call->name;
    block->custom = call->custom;

    turn = llm_responses_result_turn(r->form);
    if (turn == NULL) {
        return LLM_NOMEM;
    }

    *turn->last = block;
    turn->last = &block->next;

    return LLM_OK;
}


/* text, parts, or what else a tool of its own type tells, as it stands */

static int
llm_responses_read_output_of(llm_responses_read_t *r, llm_block_t *block,
    const llm_str_t *item)
{
    int          rc;
    llm_str_t    output, part, type;
    llm_turn_t   list;
    llm_walk_t   w;

    if (llm_form_member(item, "output", &output) != LLM_OK) {
        return LLM_OK;
    }

    memset(&list, 0, sizeof(llm_turn_t));

    list.last = &list.blocks;

    if (llm_form_type(&output) == LLM_JSON_ARRAY) {
        llm_walk_open(&w, &output);

        if (llm_walk_element(&w, &part)
            && llm_form_member(&part, "type", &type) != LLM_OK)
        {
            rc = llm_form_add_text(r->form, &list, &output);
            block->content = list.blocks;
            return rc;
        }

    } else if (llm_form_type(&output) == LLM_JSON_OBJECT) {
        block->json = output;
        return LLM_OK;
    }

    rc = llm_responses_read_content(r, &list, &output);

    block->content = list.blocks;

    return rc;
}


/* a result without its call is refused everywhere: its text is kept */

static int
llm_responses_orphan(llm_responses_read_t *r, llm_block_t *block)
{
    llm_turn_t  *turn;

    if (block->content == NULL) {
        return LLM_OK;
    }

    turn = llm_form_turn(r->form, LLM_ROLE_USER);
    if (turn == NULL) {
        return LLM_NOMEM;
    }

    *turn->last = block->content;

    while (*turn->last) {
        turn->last = &(*turn->last)->next;
    }

    return LLM_OK;
}


/* the last turn, if it holds results alone */

static llm_turn_t *
llm_responses_result_turn(llm_form_t *form)
{
    llm_block_t  *block;

    if (form->end && form->end->role == LLM_ROLE_USER) {

        for (block = form->end->blocks; block; block = block->next) {

            if (block->kind != LLM_BLOCK_TOOL_RESULT) {
                break;
            }
        }

        if (block == NULL && form->end->blocks) {
            return form->end;
        }
    }

    return llm_form_turn(form, LLM_ROLE_USER);
}


static int
llm_responses_read_thought(llm_responses_read_t *r, const llm_str_t *item)
{
    int           rc;
    unsigned      hidden;
    llm_str_t     list, text, encrypted, id;
    llm_turn_t   *turn;
    llm_state_t   state;
    llm_block_t  *block;

    text.len = 0;

    if (llm_form_member(item, "content", &list) == LLM_OK
        && llm_responses_texts(r->form, &list, &text) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    if (text.len == 0
        && llm_form_member(item, "summary", &list) == LLM_OK
        && llm_responses_texts(r->form, &list, &text) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    if (llm_responses_text(r->form, item, "encrypted_content", &encrypted)
        != LLM_OK
        || llm_responses_text(r->form, item, "id", &id) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    memset(&state, 0, sizeof(llm_state_t));

    if (encrypted.len) {
        rc = llm_state_read(r->form->arena, &encrypted, &state);

        if (rc == LLM_NOMEM) {
            return LLM_NOMEM;
        }

        if (rc == LLM_DECLINED) {
            state.kind = LLM_STATE_OPENAI;
            state.id = id;
            state.data = encrypted;
        }
    }

    if (text.len == 0 && state.kind == LLM_STATE_NONE) {
        return LLM_OK;
    }

    turn = llm_form_same_turn(r->form, LLM_ROLE_ASSISTANT);
    if (turn == NULL) {
        return LLM_NOMEM;
    }

    /* Claude's thinking has a signature even where its text is not shown */

    hidden = (text.len == 0
              && (state.kind != LLM_STATE_ANTHROPIC || state.id.len));

    block = llm_form_block(r->form, turn, hidden ? LLM_BLOCK_REDACTED
                                                 : LLM_BLOCK_THINKING);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    if (state.kind == LLM_STATE_ANTHROPIC) {
        state.id.len = 0;
    }

    block->text = text;
    block->state = state;

    return LLM_OK;
}


static int
llm_responses_read_reference(llm_responses_read_t *r, const llm_str_t *item)
{
    return llm_form_refuse(r->form, r->err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                           "refers to an item that this model's provider "
                           "does not have", "input[%u]", r->item);
}


/* others are of tools that only their provider runs */

static int
llm_responses_read_builtin(llm_responses_read_t *r, const llm_str_t *item,
    const llm_str_t *type)
{
    int                             rc;
    llm_str_t                       value;
    llm_block_t                    *block;
    const llm_responses_builtin_t  *b;

    for (b = llm_responses_builtins; b->call; b++) {

        if (llm_form_is(type, b->result)) {
            return llm_responses_read_result(r, item);
        }

        if (!llm_form_is(type, b->call)) {
            continue;
        }

        block = llm_responses_new_call(r, item, 1, &rc);
        if (block == NULL) {
            return rc;
        }

        block->name.data = (unsigned char *) b->name;
        block->name.len = strlen(b->name);

        if (llm_form_member(item, b->arguments, &value) != LLM_OK
            || llm_form_type(&value) != LLM_JSON_OBJECT)
        {
            value.data = (unsigned char *) "{}";
            value.len = 2;
        }

        block->json = value;

        return LLM_OK;
    }

    return LLM_OK;
}


/* texts of a list of parts, a blank line between them */

static int
llm_responses_texts(llm_form_t *form, const llm_str_t *list, llm_str_t *text)
{
    llm_buf_t   b;
    llm_str_t   part, value;
    llm_walk_t  w;

    text->len = 0;
    text->data = NULL;

    if (llm_form_type(list) != LLM_JSON_ARRAY) {
        return LLM_OK;
    }

    llm_buf_init(&b, form->arena);
    llm_walk_open(&w, list);

    while (llm_walk_element(&w, &part)) {

        if (llm_form_member(&part, "text", &value) == LLM_OK) {
            llm_buf_puts(&b, b.len ? "\n\n" : "");
            llm_form_unescape(&b, &value);
        }
    }

    text->data = b.data;
    text->len = b.len;

    return b.failed ? LLM_NOMEM : LLM_OK;
}
