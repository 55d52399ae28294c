
/* tools and JSON schemas, as Claude takes them */


#include "llm_claude.h"


#define LLM_CLAUDE_MAX_NAME  64


static unsigned llm_claude_plain_name(const llm_str_t *name);


int
llm_claude_forced(const llm_translate_t *x, llm_str_t *name)
{
    static llm_str_t  names[] = {
        llm_string("structured_output"),
        llm_string("structured_output_of_answer")
    };

    if (x->form->output != LLM_OUTPUT_SCHEMA
        || llm_quirk(x->to, NATIVE_SCHEMA)
        || llm_claude_counts(x->form))
    {
        return LLM_DECLINED;
    }

    *name = x->form->schema_name;

    if (!llm_claude_plain_name(name)
        || llm_form_find_tool(x->form, name) != NULL)
    {
        *name = names[llm_form_find_tool(x->form, &names[0]) != NULL];
    }

    return LLM_OK;
}


static unsigned
llm_claude_plain_name(const llm_str_t *name)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '_' || c == '-'))
        {
            return 0;
        }
    }

    return i > 0 && i <= LLM_CLAUDE_MAX_NAME;
}


/* beside other tools the model decides when it has the answer */

llm_choice_e
llm_claude_choice(const llm_translate_t *x, unsigned forced, llm_str_t *name)
{
    const llm_form_t  *form;

    form = x->form;

    if (!forced || form->choice == LLM_CHOICE_TOOL) {
        *name = form->choice_name;
        return form->choice;
    }

    return (form->tools && form->choice != LLM_CHOICE_NONE)
           ? LLM_CHOICE_REQUIRED : LLM_CHOICE_TOOL;
}


int
llm_claude_schema(const llm_translate_t *x, const llm_tool_t *tool,
    llm_buf_t *out)
{
    llm_schema_e  kind;

    if (tool->custom) {
        llm_buf_puts(out, "{\"type\":\"object\",\"properties\":{\"input\":"
                          "{\"type\":\"string\"}},\"required\":"
                          "[\"input\"]}");
        return LLM_OK;
    }

    kind = tool->openapi ? LLM_SCHEMA_FROM_OPENAPI
           : llm_claude_strict(x, tool) ? LLM_SCHEMA_STRICT_ANTHROPIC
                                        : LLM_SCHEMA_PLAIN;

    return llm_schema_print(x->arena, kind, &tool->schema, out);
}


int
llm_claude_format(const llm_form_t *form, llm_arena_t *arena, llm_buf_t *out)
{
    int        rc;
    llm_buf_t  b;
    llm_str_t  schema;

    schema = form->schema;

    if (form->schema_openapi) {
        llm_buf_init(&b, arena);

        rc = llm_schema_print(arena, LLM_SCHEMA_FROM_OPENAPI, &schema, &b);

        if (rc != LLM_OK) {
            return rc;
        }

        schema.data = b.data;
        schema.len = b.len;
    }

    return llm_schema_print(arena, LLM_SCHEMA_STRICT_ANTHROPIC, &schema, out);
}


unsigned
llm_claude_strict(const llm_translate_t *x, const llm_tool_t *tool)
{
    return tool->strict == 1 && !tool->custom && !tool->openapi
           && llm_quirk(x->to, NATIVE_SCHEMA);
}


unsigned
llm_claude_allowed(const llm_form_t *form, const llm_tool_t *tool)
{
    const llm_item_t  *item;

    for (item = form->allowed; item; item = item->next) {

        if (item->name.len == tool->name.len
            && memcmp(item->name.data, tool->name.data, tool->name.len) == 0)
        {
            return 1;
        }
    }

    return form->allowed == NULL;
}
