
/*
 * The internal form: how readers build it.
 */


#include "llm_dialect.h"

#include <stdarg.h>
#include <stdio.h>


/* turns and blocks that are looked at for one call: it is a recent one */

#define LLM_FORM_MAX_LOOK   2048

#define LLM_FORM_MAX_PARAM  256


static const llm_block_t *llm_form_find_in(const llm_block_t *block,
    const llm_str_t *id, unsigned *left);


llm_turn_t *
llm_form_turn(llm_form_t *form, llm_role_e role)
{
    llm_turn_t  *turn;

    turn = llm_calloc(form->arena, sizeof(llm_turn_t));
    if (turn == NULL) {
        return NULL;
    }

    turn->role = role;
    turn->last = &turn->blocks;

    turn->prev = form->end;
    form->end = turn;

    *form->last_turn = turn;
    form->last_turn = &turn->next;

    return turn;
}


llm_turn_t *
llm_form_same_turn(llm_form_t *form, llm_role_e role)
{
    if (form->end && form->end->role == role) {
        return form->end;
    }

    return llm_form_turn(form, role);
}


llm_block_t *
llm_form_block(llm_form_t *form, llm_turn_t *turn, llm_block_e kind)
{
    llm_block_t  *block;

    block = llm_calloc(form->arena, sizeof(llm_block_t));
    if (block == NULL) {
        return NULL;
    }

    block->kind = kind;

    *turn->last = block;
    turn->last = &block->next;

    return block;
}


llm_block_t *
llm_form_append(llm_form_t *form, llm_block_t **list, llm_block_e kind)
{
    llm_block_t  *block, **end;

    block = llm_calloc(form->arena, sizeof(llm_block_t));
    if (block == NULL) {
        return NULL;
    }

    block->kind = kind;

    end = (*list && form->list == list) ? form->tail : list;

    while (*end) {
        end = &(*end)->next;
    }

    *end = block;

    form->list = list;
    form->tail = &block->next;

    return block;
}


int
llm_form_add_text(llm_form_t *form, llm_turn_t *turn, const llm_str_t *text)
{
    llm_block_t  *block;

    if (text->len == 0) {
        return LLM_OK;
    }

    block = llm_form_block(form, turn, LLM_BLOCK_TEXT);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    block->text = *text;

    return LLM_OK;
}


llm_tool_t *
llm_form_tool(llm_form_t *form)
{
    llm_tool_t  *tool;

    tool = llm_calloc(form->arena, sizeof(llm_tool_t));
    if (tool == NULL) {
        return NULL;
    }

    tool->strict = -1;

    *form->last_tool = tool;
    form->last_tool = &tool->next;

    return tool;
}


int
llm_form_extra(llm_form_t *form, const llm_str_t *name, const llm_str_t *raw)
{
    llm_item_t  *item;

    item = llm_calloc(form->arena, sizeof(llm_item_t));
    if (item == NULL) {
        return LLM_NOMEM;
    }

    item->name = *name;
    item->value = *raw;

    *form->last_extra = item;
    form->last_extra = &item->next;

    return LLM_OK;
}


int
llm_form_drop(llm_form_t *form, const char *name)
{
    llm_str_t    s;
    llm_item_t  *item;

    s.len = strlen(name);
    s.data = (unsigned char *) name;

    for (item = form->dropped; item; item = item->next) {

        if (item->name.len == s.len
            && memcmp(item->name.data, s.data, s.len) == 0)
        {
            return LLM_OK;
        }
    }

    return llm_form_item(form, &form->dropped, &s, NULL);
}


int
llm_form_item(llm_form_t *form, llm_item_t **list, const llm_str_t *name,
    const llm_str_t *value)
{
    llm_item_t  *item, **end;

    item = llm_calloc(form->arena, sizeof(llm_item_t));
    if (item == NULL) {
        return LLM_NOMEM;
    }

    if (name) {
        item->name = *name;
    }

    if (value) {
        item->value = *value;
    }

    /* most go behind the one that came last */

    end = (*list && form->list == list) ? form->tail : list;

    while (*end) {
        end = &(*end)->next;
    }

    *end = item;

    form->list = list;
    form->tail = &item->next;

    return LLM_OK;
}


const char *
llm_form_param(const llm_form_t *form)
{
    switch (form->op->endpoint) {

    case LLM_ENDPOINT_RESPONSES:
        return "input";

    case LLM_ENDPOINT_GEMINI:
        return "contents";

    default:
        return "messages";
    }
}


unsigned
llm_form_billing(const llm_block_t *block)
{
    size_t  len;

    static const char  name[] = "x-anthropic-billing-header:";

    len = sizeof(name) - 1;

    return block->text.len >= len && memcmp(block->text.data, name, len) == 0;
}


int
llm_form_text(llm_arena_t *arena, const llm_block_t *blocks, const char *sep,
    llm_str_t *out)
{
    unsigned            n;
    llm_buf_t           b;
    const llm_block_t  *block;

    out->len = 0;
    out->data = NULL;

    n = 0;

    for (block = blocks; block; block = block->next) {

        if (block->kind == LLM_BLOCK_TEXT) {
            *out = block->text;
            n++;
        }
    }

    if (n < 2) {
        return LLM_OK;
    }

    llm_buf_init(&b, arena);

    for (block = blocks; block; block = block->next) {

        if (block->kind != LLM_BLOCK_TEXT) {
            continue;
        }

        if (b.len) {
            llm_buf_puts(&b, sep);
        }

        llm_buf_add(&b, block->text.data, block->text.len);
    }

    if (b.failed) {
        return LLM_NOMEM;
    }

    out->len = b.len;
    out->data = b.data;

    return LLM_OK;
}


/* of valid UTF-8: bytes that begin one */

uint64_t
llm_form_points(const llm_str_t *text)
{
    size_t    i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < text->len; i++) {
        n += (text->data[i] & 0xc0) != 0x80;
    }

    return n;
}


const llm_tool_t *
llm_form_find_tool(const llm_form_t *form, const llm_str_t *name)
{
    const llm_tool_t  *tool;

    for (tool = form->tools; tool; tool = tool->next) {

        if (tool->name.len == name->len
            && memcmp(tool->name.data, name->data, name->len) == 0)
        {
            return tool;
        }
    }

    return NULL;
}


const llm_block_t *
llm_form_find_call(const llm_form_t *form, const llm_str_t *id)
{
    unsigned            left;
    const llm_turn_t   *turn;
    const llm_block_t  *found;

    left = LLM_FORM_MAX_LOOK;

    /* from the end: ids that a client made may repeat in a long history */

    for (turn = form->end; turn && left; turn = turn->prev) {
        left--;

        if (turn->role != LLM_ROLE_ASSISTANT) {
            continue;
        }

        found = llm_form_find_in(turn->blocks, id, &left);

        if (found) {
            return found;
        }
    }

    return NULL;
}


static const llm_block_t *
llm_form_find_in(const llm_block_t *block, const llm_str_t *id,
    unsigned *left)
{
    const llm_block_t  *found;

    found = NULL;

    for ( /* void */ ; block && *left; block = block->next) {
        (*left)--;

        if (block->kind == LLM_BLOCK_TOOL_CALL
            && block->id.len == id->len
            && memcmp(block->id.data, id->data, id->len) == 0)
        {
            found = block;
        }
    }

    return found;
}


int
llm_form_read_member(llm_form_t *form, const llm_form_member_t *table,
    const llm_str_t *name, const llm_str_t *value, llm_error_t *err)
{
    void        *p;
    llm_json_e   type;

    for ( /* void */ ; table->name; table++) {

        if (llm_form_is(name, table->name)) {
            break;
        }
    }

    if (table->name == NULL) {
        return LLM_DECLINED;
    }

    type = llm_form_type(value);
    p = (char *) form + table->offset;

    if (type == LLM_JSON_NULL) {
        return LLM_OK;
    }

    switch (table->type) {

    case LLM_MEMBER_NUMBER:

        if (type == LLM_JSON_NUMBER) {
            *(llm_str_t *) p = *value;
            return LLM_OK;
        }

        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is not a number", "%s", table->name);

    case LLM_MEMBER_OBJECT:

        if (type == LLM_JSON_OBJECT) {
            *(llm_str_t *) p = *value;
            return LLM_OK;
        }

        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is not an object", "%s", table->name);

    case LLM_MEMBER_STRING:

        if (type == LLM_JSON_STRING) {
            return llm_form_string(form->arena, value, p);
        }

        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is not a string", "%s", table->name);

    case LLM_MEMBER_COUNT:

        if (type == LLM_JSON_NUMBER
            && llm_json_int(value, p) == LLM_OK
            && *(int64_t *) p >= 0)
        {
            return LLM_OK;
        }

        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is not a whole number of 0 or more", "%s",
                               table->name);

    case LLM_MEMBER_FLAG:

        if (type == LLM_JSON_TRUE || type == LLM_JSON_FALSE) {
            *(int *) p = (type == LLM_JSON_TRUE);
            return LLM_OK;
        }

        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is neither true nor false", "%s",
                               table->name);

    default: /* LLM_MEMBER_IGNORED */
        return LLM_OK;
    }
}


int
llm_form_refuse(llm_form_t *form, llm_error_t *err, llm_error_e code,
    const char *text, const char *format, ...)
{
    char       param[LLM_FORM_MAX_PARAM];
    va_list    args;
    llm_buf_t  b;

    va_start(args, format);
    vsnprintf(param, sizeof(param), format, args);
    va_end(args);

    llm_buf_init(&b, form->arena);

    llm_buf_puts(&b, "\"");
    llm_buf_puts(&b, param);
    llm_buf_puts(&b, "\" ");
    llm_buf_puts(&b, text);

    if (b.failed) {
        return LLM_NOMEM;
    }

    err->code = code;
    err->param.data = b.data + 1;
    err->param.len = strlen(param);
    err->message.data = b.data;
    err->message.len = b.len;

    return LLM_INVALID;
}
