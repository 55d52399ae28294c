
/*
 * The internal form: tools, and what they are chosen by.
 */


#include "llm_dialect.h"
#include "llm_sha256.h"


unsigned
llm_form_allows(const llm_form_t *form, const llm_str_t *name)
{
    const llm_item_t  *item;

    if (form->allowed == NULL) {
        return 1;
    }

    for (item = form->allowed; item; item = item->next) {

        if (item->name.len == name->len
            && memcmp(item->name.data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


int
llm_form_user(const llm_form_t *form, size_t max, llm_str_t *user)
{
    unsigned char  hex[2 * LLM_SHA256_SIZE];

    *user = form->user;

    if (user->len <= max) {
        return LLM_OK;
    }

    llm_sha256_hex(&form->user, hex);

    return llm_str_dup(form->arena, user, hex,
                       max < sizeof(hex) ? max : sizeof(hex));
}


int
llm_form_read_custom(llm_form_t *form, llm_tool_t *tool,
    const llm_str_t *custom)
{
    llm_buf_t  b;
    llm_str_t  v;

    static const llm_str_t  schema = llm_string(
        "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":"
        "\"string\"}},\"required\":[\"input\"]}");

    tool->custom = 1;
    tool->schema = schema;

    if (llm_form_member(custom, "name", &v) == LLM_OK
        && llm_form_string(form->arena, &v, &tool->name) == LLM_NOMEM)
    {
        return LLM_NOMEM;
    }

    llm_buf_init(&b, form->arena);

    if (llm_form_member(custom, "description", &v) == LLM_OK) {
        llm_form_unescape(&b, &v);
    }

    if (llm_form_member(custom, "format", &v) == LLM_OK
        && (llm_form_member(&v, "grammar", &v) == LLM_OK
            || llm_form_member(&v, "definition", &v) == LLM_OK))
    {
        /* nested in chat completions, flat in the Responses API */

        if (llm_form_type(&v) == LLM_JSON_OBJECT) {
            llm_form_member(&v, "definition", &v);
        }

        llm_buf_puts(&b, b.len ? "\n\n" : "");
        llm_buf_puts(&b, "The input must follow this grammar:\n");
        llm_form_unescape(&b, &v);
    }

    tool->description.data = b.data;
    tool->description.len = b.len;

    return b.failed ? LLM_NOMEM : LLM_OK;
}


/* a model that did not keep to the schema meant all that it wrote */

int
llm_form_custom_input(llm_arena_t *arena, const llm_str_t *json,
    llm_str_t *text)
{
    llm_str_t  value;

    if (llm_form_member(json, "input", &value) == LLM_OK
        && llm_form_type(&value) == LLM_JSON_STRING)
    {
        return llm_form_string(arena, &value, text);
    }

    *text = *json;

    return LLM_OK;
}
