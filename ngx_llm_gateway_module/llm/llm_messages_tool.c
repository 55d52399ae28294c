
/* the tools of a client's Messages request */


#include "llm_messages.h"

#include <stdio.h>


#define ANY  UINT32_MAX


enum {
    TYPE = 0,
    NAME,
    DESCRIPTION,
    SCHEMA,
    STRICT,
    CACHE,
    PARALLEL,
    TOOL_N
};

static const llm_pick_t  llm_messages_tool_picks[TOOL_N] = {
    { "type",                      LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "name",                      LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "description",               LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "input_schema",              LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "strict",                    LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "cache_control",             LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "disable_parallel_tool_use", LLM_PICK_ROOT, LLM_PICK_RAW, ANY }
};

static llm_picks_t  llm_messages_tool_set = llm_picks(llm_messages_tool_picks);


/*
 * Tools that Anthropic's models know without being told; the client runs
 * them.  What they take, as the API's documentation has it.
 */

typedef struct {
    llm_str_t    prefix;          /* of the type: "bash_20250124" */
    llm_str_t    description;
    llm_str_t    schema;
} llm_messages_known_t;

static const llm_messages_known_t  llm_messages_known[] = {

    { llm_string("bash_"),
      llm_string("Runs a command in a bash shell that stays open."),
      llm_string("{\"type\":\"object\",\"properties\":{"
                 "\"command\":{\"type\":\"string\","
                 "\"description\":\"The command to run.\"},"
                 "\"restart\":{\"type\":\"boolean\","
                 "\"description\":\"Restarts the shell.\"}}}") },

    { llm_string("text_editor_"),
      llm_string("Views, creates and edits text files."),
      llm_string("{\"type\":\"object\",\"properties\":{"
                 "\"command\":{\"type\":\"string\","
                 "\"enum\":[\"view\",\"create\",\"str_replace\","
                 "\"insert\"]},"
                 "\"path\":{\"type\":\"string\"},"
                 "\"view_range\":{\"type\":\"array\","
                 "\"items\":{\"type\":\"integer\"}},"
                 "\"file_text\":{\"type\":\"string\"},"
                 "\"old_str\":{\"type\":\"string\"},"
                 "\"new_str\":{\"type\":\"string\"},"
                 "\"insert_line\":{\"type\":\"integer\"},"
                 "\"insert_text\":{\"type\":\"string\"}},"
                 "\"required\":[\"command\",\"path\"]}") },

    { llm_string("memory_"),
      llm_string("Reads and writes files in the directory /memories."),
      llm_string("{\"type\":\"object\",\"properties\":{"
                 "\"command\":{\"type\":\"string\","
                 "\"enum\":[\"view\",\"create\",\"str_replace\","
                 "\"insert\",\"delete\",\"rename\"]},"
                 "\"path\":{\"type\":\"string\"},"
                 "\"view_range\":{\"type\":\"array\","
                 "\"items\":{\"type\":\"integer\"}},"
                 "\"file_text\":{\"type\":\"string\"},"
                 "\"old_str\":{\"type\":\"string\"},"
                 "\"new_str\":{\"type\":\"string\"},"
                 "\"insert_line\":{\"type\":\"integer\"},"
                 "\"insert_text\":{\"type\":\"string\"},"
                 "\"old_path\":{\"type\":\"string\"},"
                 "\"new_path\":{\"type\":\"string\"}},"
                 "\"required\":[\"command\"]}") },

    { { 0, NULL }, { 0, NULL }, { 0, NULL } }
};


static int llm_messages_read_tool(llm_form_t *form, const llm_str_t *v,
    unsigned n, llm_error_t *err);
static int llm_messages_read_typed(llm_form_t *form, const llm_str_t *v,
    unsigned n, llm_error_t *err);
static unsigned llm_messages_starts(const llm_str_t *raw,
    const llm_str_t *prefix);


int
llm_messages_read_tools(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    int         rc;
    unsigned    n;
    llm_str_t   element, v[TOOL_N];
    llm_walk_t  w;

    if (llm_form_type(value) != LLM_JSON_ARRAY) {
        return llm_messages_refuse(form, err, "tools",
                                   "an array is expected");
    }

    llm_walk_open(&w, value);

    for (n = 0; llm_walk_element(&w, &element); n++) {

        if (llm_scan_kept(&llm_messages_tool_set, &element, v) != LLM_OK) {
            return llm_messages_refuse(form, err, "tools",
                                       "each tool is an object");
        }

        if (llm_form_type(&v[TYPE]) <= LLM_JSON_NULL
            || llm_form_is(&v[TYPE], "custom"))
        {
            rc = llm_messages_read_tool(form, v, n, err);

        } else {
            rc = llm_messages_read_typed(form, v, n, err);
        }

        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}


static int
llm_messages_read_tool(llm_form_t *form, const llm_str_t *v, unsigned n,
    llm_error_t *err)
{
    char         path[sizeof("tools[4294967295].input_schema")];
    llm_tool_t  *tool;

    if (llm_form_type(&v[NAME]) != LLM_JSON_STRING) {
        (void) snprintf(path, sizeof(path), "tools[%u].name", n);

        return llm_messages_refuse(form, err, path, "a string is expected");
    }

    if (llm_form_type(&v[SCHEMA]) > LLM_JSON_NULL
        && llm_form_type(&v[SCHEMA]) != LLM_JSON_OBJECT)
    {
        (void) snprintf(path, sizeof(path), "tools[%u].input_schema", n);

        return llm_messages_refuse(form, err, path, "an object is expected");
    }

    tool = llm_form_tool(form);

    if (tool == NULL
        || llm_form_string(form->arena, &v[NAME], &tool->name) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    if (llm_form_type(&v[DESCRIPTION]) == LLM_JSON_STRING
        && llm_form_string(form->arena, &v[DESCRIPTION], &tool->description)
           != LLM_OK)
    {
        return LLM_NOMEM;
    }

    if (llm_form_type(&v[SCHEMA]) == LLM_JSON_OBJECT) {
        tool->schema = v[SCHEMA];
    }

    if (llm_form_type(&v[STRICT]) == LLM_JSON_TRUE) {
        tool->strict = 1;
    }

    tool->cache = llm_messages_cache(&v[CACHE]);

    return LLM_OK;
}


static int
llm_messages_read_typed(llm_form_t *form, const llm_str_t *v, unsigned n,
    llm_error_t *err)
{
    char                         path[sizeof("tools[4294967295].type")];
    llm_tool_t                  *tool;
    const llm_messages_known_t  *known;

    static const llm_str_t  search = llm_string("web_search_");
    static const llm_str_t  computer = llm_string("computer_");

    if (llm_messages_starts(&v[TYPE], &computer)) {
        (void) snprintf(path, sizeof(path), "tools[%u].type", n);

        return llm_messages_refuse(form, err, path,
                                   "no other provider has the computer tool");
    }

    for (known = llm_messages_known; known->prefix.len; known++) {
        if (llm_messages_starts(&v[TYPE], &known->prefix)) {
            break;
        }
    }

    if (known->prefix.len == 0 && !llm_messages_starts(&v[TYPE], &search)) {
        /* the provider would run it */
        return llm_form_drop(form, "tools");
    }

    tool = llm_form_tool(form);
    if (tool == NULL) {
        return LLM_NOMEM;
    }

    tool->search = (known->prefix.len == 0);
    tool->description = known->description;
    tool->schema = known->schema;
    tool->cache = llm_messages_cache(&v[CACHE]);

    if (llm_form_type(&v[NAME]) == LLM_JSON_STRING) {
        return llm_form_string(form->arena, &v[NAME], &tool->name);
    }

    return llm_form_string(form->arena, &v[TYPE], &tool->name);
}


static unsigned
llm_messages_starts(const llm_str_t *raw, const llm_str_t *prefix)
{
    return llm_form_type(raw) == LLM_JSON_STRING
           && raw->len > prefix->len
           && memcmp(raw->data + 1, prefix->data, prefix->len) == 0;
}


int
llm_messages_read_choice(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    llm_str_t  v[TOOL_N];

    if (llm_scan_kept(&llm_messages_tool_set, value, v) != LLM_OK) {
        return llm_messages_refuse(form, err, "tool_choice",
                                   "an object is expected");
    }

    if (llm_form_is(&v[TYPE], "auto")) {
        form->choice = LLM_CHOICE_AUTO;

    } else if (llm_form_is(&v[TYPE], "any")) {
        form->choice = LLM_CHOICE_REQUIRED;

    } else if (llm_form_is(&v[TYPE], "none")) {
        form->choice = LLM_CHOICE_NONE;

    } else if (llm_form_is(&v[TYPE], "tool")
               && llm_form_type(&v[NAME]) == LLM_JSON_STRING)
    {
        form->choice = LLM_CHOICE_TOOL;

        if (llm_form_string(form->arena, &v[NAME], &form->choice_name)
            != LLM_OK)
        {
            return LLM_NOMEM;
        }

        /* one that was left out cannot be forced */

        if (llm_form_find_tool(form, &form->choice_name) == NULL) {
            return llm_messages_refuse(form, err, "tool_choice.name",
                                       "there is no such tool");
        }

    } else {
        return llm_messages_refuse(form, err, "tool_choice.type",
                                   "\"auto\", \"any\", \"none\", or \"tool\" "
                                   "with a name is expected");
    }

    if (form->choice == LLM_CHOICE_REQUIRED && form->tools == NULL) {
        return llm_messages_refuse(form, err, "tool_choice",
                                   "there is no tool to be called");
    }

    if (llm_form_type(&v[PARALLEL]) == LLM_JSON_TRUE) {
        form->parallel = 0;
    }

    return LLM_OK;
}
