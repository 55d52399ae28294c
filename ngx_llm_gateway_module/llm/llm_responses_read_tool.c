
/*
 * OpenAI Responses API: tools of a client's request.  Clients list all that
 * they know; what only OpenAI runs is left out.
 */


#include "llm_responses.h"


/* tools of a type of their own, which the client runs */

typedef struct {
    const char      *type;
    llm_str_t        name;
    llm_str_t        description;
    llm_str_t        schema;
} llm_responses_own_t;


static int llm_responses_read_tool(llm_form_t *form, const llm_str_t *tool,
    const llm_str_t *space, unsigned n, llm_error_t *err);
static int llm_responses_read_function(llm_form_t *form,
    const llm_str_t *tool, const llm_str_t *space, unsigned custom,
    unsigned n, llm_error_t *err);
static int llm_responses_read_space(llm_form_t *form, const llm_str_t *tool,
    unsigned n, llm_error_t *err);
static int llm_responses_read_other(llm_form_t *form, const llm_str_t *tool);
static int llm_responses_read_allowed(llm_form_t *form,
    const llm_str_t *tools, llm_error_t *err);
static int llm_responses_choice_of(llm_form_t *form, const llm_str_t *value,
    llm_str_t *name);


static const llm_responses_own_t  llm_responses_own[] = {

    { "local_shell", llm_string("local_shell"),
      llm_string("Runs a command on the user's machine and returns what it "
                 "prints."),
      llm_string("{\"type\":\"object\",\"properties\":{\"command\":{\"type\":"
                 "\"array\",\"items\":{\"type\":\"string\"},\"description\":"
                 "\"The program and its arguments.\"},"
                 "\"working_directory\":{\"type\":\"string\"},"
                 "\"timeout_ms\":{\"type\":\"integer\"}},\"required\":"
                 "[\"command\"]}") },

    { "shell", llm_string("shell"),
      llm_string("Runs shell commands and returns what they print."),
      llm_string("{\"type\":\"object\",\"properties\":{\"commands\":"
                 "{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
                 "\"timeout_ms\":{\"type\":\"integer\"},"
                 "\"max_output_length\":{\"type\":\"integer\"}},"
                 "\"required\":[\"commands\"]}") },

    { "apply_patch", llm_string("apply_patch"),
      llm_string("Creates, updates or deletes a file.  diff is a V4A diff, "
                 "without it where a file is deleted."),
      llm_string("{\"type\":\"object\",\"properties\":{\"type\":{\"type\":"
                 "\"string\",\"enum\":[\"create_file\",\"update_file\","
                 "\"delete_file\"]},\"path\":{\"type\":\"string\"},"
                 "\"diff\":{\"type\":\"string\"}},\"required\":[\"type\","
                 "\"path\"]}") },

    { NULL, { 0, NULL }, { 0, NULL }, { 0, NULL } }
};


int
llm_responses_read_tools(llm_form_t *form, const llm_str_t *value,
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

        rc = llm_responses_read_tool(form, &tool, NULL, n, err);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}


static int
llm_responses_read_tool(llm_form_t *form, const llm_str_t *tool,
    const llm_str_t *space, unsigned n, llm_error_t *err)
{
    unsigned   custom;
    llm_str_t  type;

    if (llm_form_member(tool, "type", &type) != LLM_OK) {
        return llm_form_refuse(form, err, LLM_ERROR_MISSING_PARAMETER,
                               "is missing", "tools[%u].type", n);
    }

    custom = llm_form_is(&type, "custom");

    if (custom || llm_form_is(&type, "function")) {
        return llm_responses_read_function(form, tool, space, custom, n,
                                           err);
    }

    if (space == NULL && llm_form_is(&type, "namespace")) {
        return llm_responses_read_space(form, tool, n, err);
    }

    return llm_responses_read_other(form, tool);
}


static int
llm_responses_read_function(llm_form_t *form, const llm_str_t *tool,
    const llm_str_t *space, unsigned custom, unsigned n, llm_error_t *err)
{
    llm_str_t    v;
    llm_tool_t  *t;

    t = llm_form_tool(form);
    if (t == NULL) {
        return LLM_NOMEM;
    }

    if (custom) {

        if (llm_form_read_custom(form, t, tool) != LLM_OK) {
            return LLM_NOMEM;
        }

    } else {

        if (llm_responses_text(form, tool, "name", &t->name) != LLM_OK
            || llm_responses_text(form, tool, "description", &t->description)
               != LLM_OK)
        {
            return LLM_NOMEM;
        }

        if (llm_form_member(tool, "parameters", &v) == LLM_OK
            && llm_form_type(&v) == LLM_JSON_OBJECT)
        {
            t->schema = v;
        }

        /* strict is this protocol's default, and nobody else's */

        if (llm_form_member(tool, "strict", &v) == LLM_OK
            && llm_form_type(&v) == LLM_JSON_TRUE)
        {
            t->strict = 1;
        }
    }

    if (t->name.len == 0) {
        return llm_form_refuse(form, err, LLM_ERROR_MISSING_PARAMETER,
                               "is missing or empty", "tools[%u].name", n);
    }

    if (space == NULL) {
        return LLM_OK;
    }

    t->space = *space;

    return llm_responses_join(form, space, &t->name, &t->name);
}


static int
llm_responses_read_space(llm_form_t *form, const llm_str_t *tool, unsigned n,
    llm_error_t *err)
{
    int         rc;
    llm_str_t   name, tools, t;
    llm_walk_t  w;

    if (llm_responses_text(form, tool, "name", &name) != LLM_OK) {
        return LLM_NOMEM;
    }

    if (llm_form_member(tool, "tools", &tools) != LLM_OK
        || llm_form_type(&tools) != LLM_JSON_ARRAY)
    {
        return LLM_OK;
    }

    llm_walk_open(&w, &tools);

    while (llm_walk_element(&w, &t)) {

        rc = llm_responses_read_tool(form, &t, &name, n, err);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}


int
llm_responses_join(llm_form_t *form, const llm_str_t *space,
    const llm_str_t *name, llm_str_t *out)
{
    llm_buf_t  b;

    llm_buf_init(&b, form->arena);
    llm_buf_add(&b, space->data, space->len);
    llm_buf_puts(&b, "__");
    llm_buf_add(&b, name->data, name->len);

    out->data = b.data;
    out->len = b.len;

    return b.failed ? LLM_NOMEM : LLM_OK;
}


/* a tool that the client runs, a search, or one that is left out */

static int
llm_responses_read_other(llm_form_t *form, const llm_str_t *tool)
{
    llm_str_t                   type, word;
    llm_tool_t                 *t;
    const llm_responses_own_t  *own;

    llm_form_member(tool, "type", &type);

    for (own = llm_responses_own; own->type; own++) {

        if (llm_form_is(&type, own->type)) {

            t = llm_form_tool(form);
            if (t == NULL) {
                return LLM_NOMEM;
            }

            t->name = own->name;
            t->description = own->description;
            t->schema = own->schema;
            t->builtin = 1;

            return LLM_OK;
        }
    }

    if (llm_responses_text(form, tool, "type", &word) != LLM_OK) {
        return LLM_NOMEM;
    }

    if (word.len >= 10 && memcmp(word.data, "web_search", 10) == 0) {

        t = llm_form_tool(form);
        if (t == NULL) {
            return LLM_NOMEM;
        }

        t->name = word;
        t->search = 1;

        return LLM_OK;
    }

    /* the name is told as "tools" where it could be anything */

    return llm_form_drop(form, "tools");
}


int
llm_responses_read_choice(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    int        rc;
    llm_str_t  type, mode, tools;

    if (llm_form_is(value, "auto")) {
        form->choice = LLM_CHOICE_AUTO;
        return LLM_OK;
    }

    if (llm_form_is(value, "none")) {
        form->choice = LLM_CHOICE_NONE;
        return LLM_OK;
    }

    if (llm_form_is(value, "required")) {
        form->choice = LLM_CHOICE_REQUIRED;
        return LLM_OK;
    }

    if (llm_form_member(value, "type", &type) != LLM_OK) {
        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is not one of auto, none, required, or an "
                               "object with a type", "tool_choice");
    }

    if (llm_form_is(&type, "allowed_tools")) {
        form->choice = llm_form_member(value, "mode", &mode) == LLM_OK
                       && llm_form_is(&mode, "required")
                       ? LLM_CHOICE_REQUIRED : LLM_CHOICE_AUTO;

        llm_form_member(value, "tools", &tools);

        return llm_responses_read_allowed(form, &tools, err);
    }

    rc = llm_responses_choice_of(form, value, &form->choice_name);

    if (rc == LLM_DECLINED) {

        if (llm_form_is(&type, "function") || llm_form_is(&type, "custom")) {
            return llm_form_refuse(form, err, LLM_ERROR_MISSING_PARAMETER,
                                   "is missing", "tool_choice.name");
        }

        /* of a tool that nobody else runs */

        form->choice = LLM_CHOICE_AUTO;
        return LLM_OK;
    }

    form->choice = LLM_CHOICE_TOOL;

    return rc;
}


static int
llm_responses_read_allowed(llm_form_t *form, const llm_str_t *tools,
    llm_error_t *err)
{
    int         rc;
    llm_str_t   tool, name;
    llm_walk_t  w;

    if (llm_form_type(tools) != LLM_JSON_ARRAY) {
        return llm_form_refuse(form, err, LLM_ERROR_MISSING_PARAMETER,
                               "is missing or not an array",
                               "tool_choice.tools");
    }

    llm_walk_open(&w, tools);

    while (llm_walk_element(&w, &tool)) {

        rc = llm_responses_choice_of(form, &tool, &name);

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


/* the name that is told, or the type of a tool that has one of its own */

static int
llm_responses_choice_of(llm_form_t *form, const llm_str_t *value,
    llm_str_t *name)
{
    llm_str_t                   type, space;
    const llm_responses_own_t  *own;

    if (llm_responses_text(form, value, "name", name) != LLM_OK
        || llm_responses_text(form, value, "namespace", &space) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    if (name->len && space.len) {
        return llm_responses_join(form, &space, name, name);
    }

    if (name->len) {
        return LLM_OK;
    }

    llm_form_member(value, "type", &type);

    for (own = llm_responses_own; own->type; own++) {

        if (llm_form_is(&type, own->type)) {
            *name = own->name;
            return LLM_OK;
        }
    }

    return LLM_DECLINED;
}
