
/* Gemini's dialect: the tools of a request */


#include "llm_generate.h"
#include "llm_quirk.h"


static int llm_generate_write_functions(llm_translate_t *x, llm_buf_t *out,
    unsigned *n);
static int llm_generate_write_function(llm_translate_t *x,
    const llm_tool_t *tool, llm_buf_t *out);
static int llm_generate_write_schema(llm_translate_t *x,
    const llm_tool_t *tool, llm_buf_t *out);
static unsigned llm_generate_has_properties(const llm_str_t *schema);
static unsigned llm_generate_allowed(const llm_form_t *form,
    const llm_str_t *name);
static int llm_generate_write_choice(llm_translate_t *x, llm_buf_t *out);
static int llm_generate_write_allowed(llm_translate_t *x, llm_buf_t *out);


int
llm_generate_write_tools(llm_translate_t *x, llm_buf_t *out, llm_error_t *err)
{
    int                rc;
    size_t             start;
    unsigned           n, search;
    const llm_tool_t  *tool;

    start = out->len;
    n = 0;

    llm_buf_puts(out, ",\"tools\":[");

    rc = llm_generate_write_functions(x, out, &n);

    if (rc != LLM_OK) {
        return rc;
    }

    search = llm_generate_searches(x->form);

    if (search && n && !llm_quirk(x->to, LEVEL)) {

        /* not together before its third generation */

        for (tool = x->form->tools; tool; tool = tool->next) {

            if (tool->search) {
                llm_translate_drop_name(x, &tool->name);
            }
        }

        search = 0;
    }

    if (search) {
        llm_buf_puts(out, n ? ",{\"googleSearch\":{}}"
                            : "{\"googleSearch\":{}}");
    }

    if (n == 0 && !search) {
        out->len = start;
        return LLM_OK;
    }

    llm_buf_puts(out, "]");

    return n ? llm_generate_write_choice(x, out) : LLM_OK;
}


/* all in one entry */

static int
llm_generate_write_functions(llm_translate_t *x, llm_buf_t *out, unsigned *n)
{
    int                rc;
    const llm_tool_t  *tool;

    for (tool = x->form->tools; tool; tool = tool->next) {

        if (tool->search || !llm_generate_allowed(x->form, &tool->name)) {
            continue;
        }

        llm_buf_puts(out, (*n)++ ? "," : "{\"functionDeclarations\":[");

        rc = llm_generate_write_function(x, tool, out);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (*n) {
        llm_buf_puts(out, "]}");
    }

    return LLM_OK;
}


static int
llm_generate_write_function(llm_translate_t *x, const llm_tool_t *tool,
    llm_buf_t *out)
{
    int               rc;
    llm_str_t         name;
    const llm_str_t  *description;

    rc = llm_name_map(x, &llm_generate_names, &tool->name, &name);

    if (rc != LLM_OK) {
        return rc;
    }

    /* some models want one */

    description = tool->description.len ? &tool->description : &name;

    llm_buf_puts(out, "{\"name\":");
    llm_buf_json(out, name.data, name.len);
    llm_buf_puts(out, ",\"description\":");
    llm_buf_json(out, description->data, description->len);

    rc = llm_generate_write_schema(x, tool, out);

    llm_buf_puts(out, "}");

    return rc;
}


static int
llm_generate_write_schema(llm_translate_t *x, const llm_tool_t *tool,
    llm_buf_t *out)
{
    llm_str_t  schema;

    static const llm_str_t  input
        = llm_string("{\"type\":\"object\",\"properties\":{\"input\":"
                     "{\"type\":\"string\"}},\"required\":[\"input\"]}");

    schema = (tool->custom && tool->schema.len == 0) ? input : tool->schema;

    /* a schema of nothing is refused by some */

    if (!llm_generate_has_properties(&schema)) {
        return LLM_OK;
    }

    if (tool->openapi) {
        llm_buf_puts(out, ",\"parameters\":");
        llm_form_print_raw(out, &schema);

        return LLM_OK;
    }

    if (llm_quirk(x->to, OPENAPI_SCHEMA)) {
        llm_buf_puts(out, ",\"parameters\":");

        return llm_schema_print(x->arena, LLM_SCHEMA_OPENAPI, &schema, out);
    }

    llm_buf_puts(out, ",\"parametersJsonSchema\":");

    return llm_schema_print(x->arena, LLM_SCHEMA_PLAIN, &schema, out);
}


/* what is no plain object may well say something */

static unsigned
llm_generate_has_properties(const llm_str_t *schema)
{
    unsigned    i;
    llm_str_t   name, value, values[5];
    llm_walk_t  w;

    static const char *const  names[] = {
        "properties", "anyOf", "oneOf", "allOf", "$ref"
    };

    llm_member_pick(schema, names, 5, values);

    if (llm_form_type(&values[0]) == LLM_JSON_OBJECT) {
        llm_walk_open(&w, &values[0]);

        if (llm_walk_member(&w, &name, &value)) {
            return 1;
        }
    }

    for (i = 1; i < 5; i++) {
        if (values[i].len) {
            return 1;
        }
    }

    return 0;
}


/* names to choose from, where the model need not choose any */

static unsigned
llm_generate_allowed(const llm_form_t *form, const llm_str_t *name)
{
    const llm_str_t   *allowed;
    const llm_item_t  *item;

    if (form->allowed == NULL || form->choice == LLM_CHOICE_REQUIRED) {
        return 1;
    }

    for (item = form->allowed; item; item = item->next) {
        allowed = item->name.len ? &item->name : &item->value;

        if (allowed->len == name->len
            && memcmp(allowed->data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
llm_generate_write_choice(llm_translate_t *x, llm_buf_t *out)
{
    const char  *mode;

    switch (x->form->choice) {

    case LLM_CHOICE_NONE_TOLD:
        return LLM_OK;

    case LLM_CHOICE_NONE:
        mode = "NONE";
        break;

    case LLM_CHOICE_REQUIRED:
    case LLM_CHOICE_TOOL:
        mode = "ANY";
        break;

    default:
        mode = "AUTO";
    }

    llm_buf_puts(out, ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":"
                      "\"");
    llm_buf_puts(out, mode);
    llm_buf_puts(out, "\"");

    if (llm_generate_write_allowed(x, out) != LLM_OK) {
        return LLM_NOMEM;
    }

    llm_buf_puts(out, "}}");

    return LLM_OK;
}


static int
llm_generate_write_allowed(llm_translate_t *x, llm_buf_t *out)
{
    llm_str_t          name;
    const llm_item_t  *item;

    if (x->form->choice == LLM_CHOICE_TOOL) {

        if (llm_name_map(x, &llm_generate_names, &x->form->choice_name, &name)
            != LLM_OK)
        {
            return LLM_NOMEM;
        }

        llm_buf_puts(out, ",\"allowedFunctionNames\":[");
        llm_buf_json(out, name.data, name.len);
        llm_buf_puts(out, "]");

        return LLM_OK;
    }

    if (x->form->choice != LLM_CHOICE_REQUIRED || x->form->allowed == NULL) {
        return LLM_OK;
    }

    llm_buf_puts(out, ",\"allowedFunctionNames\":[");

    for (item = x->form->allowed; item; item = item->next) {

        if (llm_name_map(x, &llm_generate_names,
                         item->name.len ? &item->name : &item->value, &name)
            != LLM_OK)
        {
            return LLM_NOMEM;
        }

        llm_buf_json(out, name.data, name.len);

        if (item->next) {
            llm_buf_puts(out, ",");
        }
    }

    llm_buf_puts(out, "]");

    return LLM_OK;
}
