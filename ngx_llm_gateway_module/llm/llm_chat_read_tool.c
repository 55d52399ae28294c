
/*
 * OpenAI chat completions: tools of a client's request, and which is to be
 * called.
 */


#include "llm_chat.h"


static int llm_chat_read_tool(llm_form_t *form, const llm_str_t *tool,
    unsigned n, llm_error_t *err);
static int llm_chat_read_function(llm_form_t *form, llm_tool_t *tool,
    const llm_str_t *function, unsigned n, llm_error_t *err);
static int llm_chat_read_allowed(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_chat_choice_name(llm_form_t *form, const llm_str_t *value,
    llm_str_t *name);


int
llm_chat_read_tools(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    int         rc;
    unsigned    n;
    llm_str_t   tool;
    llm_walk_t  w;

    if (llm_form_type(value) != LLM_JSON_ARRAY) {
        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is not an array", "tools");
    }

    llm_walk_open(&w, value);

    for (n = 0; llm_walk_element(&w, &tool); n++) {

        rc = llm_chat_read_tool(form, &tool, n, err);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}


static int
llm_chat_read_tool(llm_form_t *form, const llm_str_t *tool, unsigned n,
    llm_error_t *err)
{
    llm_str_t    type, inner;
    llm_tool_t  *t;

    llm_form_member(tool, "type", &type);

    if (llm_form_is(&type, "custom")
        && llm_form_member(tool, "custom", &inner) == LLM_OK)
    {
        t = llm_form_tool(form);
        if (t == NULL) {
            return LLM_NOMEM;
        }

        return llm_form_read_custom(form, t, &inner);
    }

    if ((type.len && !llm_form_is(&type, "function"))
        || llm_form_member(tool, "function", &inner) != LLM_OK)
    {
        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is neither a function nor a custom tool",
                               "tools[%u].type", n);
    }

    t = llm_form_tool(form);
    if (t == NULL) {
        return LLM_NOMEM;
    }

    t->cache = llm_chat_cache(tool);

    return llm_chat_read_function(form, t, &inner, n, err);
}


int
llm_chat_read_functions(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    int          rc;
    unsigned     n;
    llm_str_t    function;
    llm_tool_t  *t;
    llm_walk_t   w;

    if (llm_form_type(value) != LLM_JSON_ARRAY) {
        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is not an array", "functions");
    }

    form->legacy = (form->tools == NULL);

    llm_walk_open(&w, value);

    for (n = 0; llm_walk_element(&w, &function); n++) {

        t = llm_form_tool(form);
        if (t == NULL) {
            return LLM_NOMEM;
        }

        rc = llm_chat_read_function(form, t, &function, n, err);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}


static int
llm_chat_read_function(llm_form_t *form, llm_tool_t *tool,
    const llm_str_t *function, unsigned n, llm_error_t *err)
{
    llm_str_t  v;

    if (llm_form_member(function, "name", &v) != LLM_OK
        || llm_form_type(&v) != LLM_JSON_STRING || v.len < 3)
    {
        return llm_form_refuse(form, err, LLM_ERROR_MISSING_PARAMETER,
                               "is missing or empty",
                               form->legacy ? "functions[%u].name"
                                            : "tools[%u].function.name", n);
    }

    if (llm_form_string(form->arena, &v, &tool->name) != LLM_OK) {
        return LLM_NOMEM;
    }

    if (llm_form_member(function, "description", &v) == LLM_OK
        && llm_form_string(form->arena, &v, &tool->description) == LLM_NOMEM)
    {
        return LLM_NOMEM;
    }

    if (llm_form_member(function, "parameters", &v) == LLM_OK
        && llm_form_type(&v) == LLM_JSON_OBJECT)
    {
        tool->schema = v;
    }

    if (llm_form_member(function, "strict", &v) == LLM_OK
        && llm_form_type(&v) != LLM_JSON_NULL)
    {
        tool->strict = (llm_form_type(&v) == LLM_JSON_TRUE);
    }

    return LLM_OK;
}


int
llm_chat_read_choice(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    if (llm_form_is(value, "auto")) {
        form->choice = LLM_CHOICE_AUTO;
        return LLM_OK;
    }

    if (llm_form_is(value, "none")) {
        form->choice = LLM_CHOICE_NONE;
        return LLM_OK;
    }

    if (llm_form_is(value, "required") || llm_form_is(value, "any")) {
        form->choice = LLM_CHOICE_REQUIRED;
        return LLM_OK;
    }

    if (llm_form_type(value) == LLM_JSON_OBJECT) {
        return llm_chat_read_allowed(form, value, err);
    }

    return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                           "is not one of auto, none, required, or an object",
                           form->legacy ? "function_call" : "tool_choice");
}


/* one tool, or some of them */

static int
llm_chat_read_allowed(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    int         rc;
    llm_str_t   allowed, tools, tool, mode, name;
    llm_walk_t  w;

    if (llm_form_member(value, "allowed_tools", &allowed) != LLM_OK) {

        rc = llm_chat_choice_name(form, value, &form->choice_name);

        if (rc == LLM_DECLINED) {
            return llm_form_refuse(form, err, LLM_ERROR_MISSING_PARAMETER,
                                   "is missing", "%s",
                                   form->legacy
                                   ? "function_call.name"
                                   : "tool_choice.function.name");
        }

        form->choice = LLM_CHOICE_TOOL;

        return rc;
    }

    form->choice = llm_form_member(&allowed, "mode", &mode) == LLM_OK
                   && llm_form_is(&mode, "required")
                   ? LLM_CHOICE_REQUIRED : LLM_CHOICE_AUTO;

    if (llm_form_member(&allowed, "tools", &tools) != LLM_OK
        || llm_form_type(&tools) != LLM_JSON_ARRAY)
    {
        return llm_form_refuse(form, err, LLM_ERROR_MISSING_PARAMETER,
                               "is missing or not an array",
                               "tool_choice.allowed_tools.tools");
    }

    llm_walk_open(&w, &tools);

    while (llm_walk_element(&w, &tool)) {

        rc = llm_chat_choice_name(form, &tool, &name);

        if (rc == LLM_NOMEM
            || (rc == LLM_OK
                && llm_form_item(form, &form->allowed, &name, NULL)
                   != LLM_OK))
        {
            return LLM_NOMEM;
        }
    }

    return LLM_OK;
}


static int
llm_chat_choice_name(llm_form_t *form, const llm_str_t *value,
    llm_str_t *name)
{
    llm_str_t  inner, v;

    if (llm_form_member(value, "function", &inner) != LLM_OK
        && llm_form_member(value, "custom", &inner) != LLM_OK)
    {
        inner = *value;
    }

    if (llm_form_member(&inner, "name", &v) != LLM_OK
        || llm_form_type(&v) != LLM_JSON_STRING)
    {
        return LLM_DECLINED;
    }

    return llm_form_string(form->arena, &v, name);
}
