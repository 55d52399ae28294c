
/*
 * OpenAI chat completions: a client's request.
 */


#include "llm_chat.h"


typedef struct {
    const char      *name;
    int            (*read)(llm_form_t *form, const llm_str_t *value,
                           llm_error_t *err);
} llm_chat_member_t;


static int llm_chat_read_stop(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_chat_read_n(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_chat_read_stream(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_chat_read_options(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_chat_read_format(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_chat_read_effort(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_chat_read_reasoning(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_chat_read_thinking(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_chat_read_modalities(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_chat_read_search(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_chat_read_max(llm_form_t *form, const llm_str_t *body,
    llm_error_t *err);
static int llm_chat_read_known(llm_form_t *form, const llm_str_t *name,
    const llm_str_t *value, llm_error_t *err);


#define llm_chat_at(member)  offsetof(llm_form_t, member)

static const llm_form_member_t  llm_chat_scalars[] = {
    { "temperature", LLM_MEMBER_NUMBER, llm_chat_at(temperature) },
    { "top_p", LLM_MEMBER_NUMBER, llm_chat_at(top_p) },
    { "top_k", LLM_MEMBER_NUMBER, llm_chat_at(top_k) },
    { "seed", LLM_MEMBER_NUMBER, llm_chat_at(seed) },
    { "presence_penalty", LLM_MEMBER_NUMBER, llm_chat_at(presence_penalty) },
    { "frequency_penalty", LLM_MEMBER_NUMBER,
      llm_chat_at(frequency_penalty) },
    { "logit_bias", LLM_MEMBER_OBJECT, llm_chat_at(logit_bias) },
    { "logprobs", LLM_MEMBER_FLAG, llm_chat_at(logprobs) },
    { "top_logprobs", LLM_MEMBER_NUMBER, llm_chat_at(top_logprobs) },
    { "user", LLM_MEMBER_STRING, llm_chat_at(user) },
    { "service_tier", LLM_MEMBER_STRING, llm_chat_at(service_tier) },
    { "verbosity", LLM_MEMBER_STRING, llm_chat_at(verbosity) },
    { "prompt_cache_key", LLM_MEMBER_STRING, llm_chat_at(cache_key) },
    { "metadata", LLM_MEMBER_OBJECT, llm_chat_at(metadata) },
    { "audio", LLM_MEMBER_OBJECT, llm_chat_at(audio) },
    { "parallel_tool_calls", LLM_MEMBER_FLAG, llm_chat_at(parallel) },
    { "model", LLM_MEMBER_IGNORED, 0 },
    { "max_tokens", LLM_MEMBER_IGNORED, 0 },
    { "max_completion_tokens", LLM_MEMBER_IGNORED, 0 },
    { "safety_identifier", LLM_MEMBER_IGNORED, 0 },
    { "functions", LLM_MEMBER_IGNORED, 0 },
    { "function_call", LLM_MEMBER_IGNORED, 0 },
    { "store", LLM_MEMBER_IGNORED, 0 },
    { NULL, 0, 0 }
};


/* the rest, tools before what is chosen of them whatever order they have */

static const llm_chat_member_t  llm_chat_members[] = {
    { "messages", llm_chat_read_messages },
    { "tools", llm_chat_read_tools },
    { "tool_choice", llm_chat_read_choice },
    { "stop", llm_chat_read_stop },
    { "n", llm_chat_read_n },
    { "stream", llm_chat_read_stream },
    { "stream_options", llm_chat_read_options },
    { "response_format", llm_chat_read_format },
    { "reasoning_effort", llm_chat_read_effort },
    { "reasoning", llm_chat_read_reasoning },
    { "thinking", llm_chat_read_thinking },
    { "modalities", llm_chat_read_modalities },
    { "web_search_options", llm_chat_read_search },
    { NULL, NULL }
};


int
llm_chat_read_request(llm_form_t *form, const llm_str_t *body,
    llm_error_t *err)
{
    int         rc;
    llm_str_t   name, value, decoded;
    llm_walk_t  w;

    llm_walk_open(&w, body);

    while (llm_walk_member(&w, &name, &value)) {

        rc = llm_chat_read_known(form, &name, &value, err);

        if (rc == LLM_DECLINED) {
            rc = llm_form_string(form->arena, &name, &decoded);

            if (rc == LLM_OK && llm_form_type(&value) != LLM_JSON_NULL) {
                rc = llm_form_extra(form, &decoded, &value);
            }
        }

        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (form->turns == NULL) {
        return llm_form_refuse(form, err, LLM_ERROR_MISSING_PARAMETER,
                               "is missing or empty", "messages");
    }

    rc = llm_chat_read_max(form, body, err);
    if (rc != LLM_OK) {
        return rc;
    }

    /* the older names of tools and of a choice */

    if (llm_form_member(body, "functions", &value) == LLM_OK
        && llm_form_type(&value) != LLM_JSON_NULL)
    {
        rc = llm_chat_read_functions(form, &value, err);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (form->legacy
        && llm_form_member(body, "function_call", &value) == LLM_OK
        && llm_form_type(&value) != LLM_JSON_NULL)
    {
        return llm_chat_read_choice(form, &value, err);
    }

    return LLM_OK;
}


static int
llm_chat_read_known(llm_form_t *form, const llm_str_t *name,
    const llm_str_t *value, llm_error_t *err)
{
    int                       rc;
    const llm_chat_member_t  *m;

    rc = llm_form_read_member(form, llm_chat_scalars, name, value, err);

    if (rc != LLM_DECLINED) {
        return rc;
    }

    for (m = llm_chat_members; m->name; m++) {

        if (llm_form_is(name, m->name)) {
            return (llm_form_type(value) == LLM_JSON_NULL)
                   ? LLM_OK : m->read(form, value, err);
        }
    }

    return LLM_DECLINED;
}


/* the newer names count */

static int
llm_chat_read_max(llm_form_t *form, const llm_str_t *body, llm_error_t *err)
{
    int                       rc;
    size_t                    i;
    llm_str_t                 value, name;

    static const llm_form_member_t  members[] = {
        { "max_tokens", LLM_MEMBER_COUNT, llm_chat_at(max_tokens) },
        { "max_completion_tokens", LLM_MEMBER_COUNT,
          llm_chat_at(max_tokens) },
        { "safety_identifier", LLM_MEMBER_STRING, llm_chat_at(user) },
        { NULL, 0, 0 }
    };

    static const llm_str_t  names[] = {
        llm_string("\"max_tokens\""),
        llm_string("\"max_completion_tokens\""),
        llm_string("\"safety_identifier\"")
    };

    for (i = 0; members[i].name; i++) {

        if (llm_form_member(body, members[i].name, &value) == LLM_OK) {
            name = names[i];

            rc = llm_form_read_member(form, members, &name, &value, err);
            if (rc != LLM_OK) {
                return rc;
            }
        }
    }

    return LLM_OK;
}


static int
llm_chat_read_stop(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    int         rc;
    llm_str_t   v, s;
    llm_walk_t  w;

    if (llm_form_type(value) == LLM_JSON_ARRAY) {
        llm_walk_open(&w, value);

    } else {
        llm_walk_text(&w, value->data, value->len);
    }

    while (llm_walk_element(&w, &v)) {

        rc = llm_form_string(form->arena, &v, &s);

        if (rc == LLM_INVALID) {
            return llm_form_refuse(form, err,
                                   LLM_ERROR_UNSUPPORTED_PARAMETER,
                                   "is neither a string nor an array of them",
                                   "stop");
        }

        if (rc != LLM_OK
            || llm_form_item(form, &form->stop, NULL, &s) != LLM_OK)
        {
            return LLM_NOMEM;
        }
    }

    return LLM_OK;
}


static int
llm_chat_read_n(llm_form_t *form, const llm_str_t *value, llm_error_t *err)
{
    if (llm_json_int(value, &form->n) != LLM_OK || form->n < 1) {
        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is not a whole number of 1 or more", "n");
    }

    return LLM_OK;
}


static int
llm_chat_read_stream(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    form->stream = (llm_form_type(value) == LLM_JSON_TRUE);

    return LLM_OK;
}


static int
llm_chat_read_options(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    llm_str_t  v;

    form->include_usage = llm_form_member(value, "include_usage", &v)
                          == LLM_OK
                          && llm_form_type(&v) == LLM_JSON_TRUE;

    return LLM_OK;
}


static int
llm_chat_read_format(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    llm_str_t  type, schema, v;

    if (llm_form_member(value, "type", &type) != LLM_OK
        || llm_form_is(&type, "text"))
    {
        return LLM_OK;
    }

    if (llm_form_is(&type, "json_object")) {
        form->output = LLM_OUTPUT_JSON;
        return LLM_OK;
    }

    if (!llm_form_is(&type, "json_schema")) {
        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is not one of text, json_object, json_schema",
                               "response_format.type");
    }

    if (llm_form_member(value, "json_schema", &schema) != LLM_OK
        || llm_form_member(&schema, "schema", &form->schema) != LLM_OK
        || llm_form_type(&form->schema) != LLM_JSON_OBJECT)
    {
        return llm_form_refuse(form, err, LLM_ERROR_MISSING_PARAMETER,
                               "is missing or no object",
                               "response_format.json_schema.schema");
    }

    form->output = LLM_OUTPUT_SCHEMA;

    if (llm_form_member(&schema, "strict", &v) == LLM_OK
        && llm_form_type(&v) != LLM_JSON_NULL)
    {
        form->schema_strict = (llm_form_type(&v) == LLM_JSON_TRUE);
    }

    if (llm_form_member(&schema, "name", &v) == LLM_OK
        && llm_form_string(form->arena, &v, &form->schema_name)
           == LLM_NOMEM)
    {
        return LLM_NOMEM;
    }

    if (llm_form_member(&schema, "description", &v) == LLM_OK
        && llm_form_string(form->arena, &v, &form->schema_description)
           == LLM_NOMEM)
    {
        return LLM_NOMEM;
    }

    return LLM_OK;
}


static int
llm_chat_read_effort(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    llm_str_t  s;

    if (llm_form_string(form->arena, value, &s) == LLM_NOMEM) {
        return LLM_NOMEM;
    }

    form->effort = llm_effort_by_name(&s);

    if (form->effort == LLM_EFFORT_NOT_TOLD) {
        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is not one of none, minimal, low, medium, "
                               "high, xhigh, max", "reasoning_effort");
    }

    return LLM_OK;
}


/* what OpenRouter's clients write instead */

static int
llm_chat_read_reasoning(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    llm_str_t  v, s;

    if (llm_form_member(value, "effort", &v) == LLM_OK
        && llm_form_string(form->arena, &v, &s) == LLM_OK)
    {
        form->effort = llm_effort_by_name(&s);
    }

    if (llm_form_member(value, "max_tokens", &v) == LLM_OK
        && (llm_json_int(&v, &form->budget) != LLM_OK || form->budget < 0))
    {
        form->budget = -1;
    }

    if (llm_form_member(value, "enabled", &v) == LLM_OK
        && llm_form_type(&v) == LLM_JSON_FALSE)
    {
        form->effort = LLM_EFFORT_NONE;
    }

    if (llm_form_member(value, "exclude", &v) == LLM_OK
        && llm_form_type(&v) == LLM_JSON_TRUE)
    {
        form->thoughts = 0;
    }

    return LLM_OK;
}


/* and what clients of Claude and of DeepSeek do */

static int
llm_chat_read_thinking(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    llm_str_t  type, v;

    if (llm_form_member(value, "type", &type) != LLM_OK) {
        return LLM_OK;
    }

    if (llm_form_is(&type, "disabled")) {
        form->budget = 0;
        return LLM_OK;
    }

    if (llm_form_is(&type, "adaptive")) {
        form->adaptive = 1;
        return LLM_OK;
    }

    if (llm_form_member(value, "budget_tokens", &v) == LLM_OK) {

        if (llm_json_int(&v, &form->budget) != LLM_OK || form->budget < 1) {
            return llm_form_refuse(form, err,
                                   LLM_ERROR_UNSUPPORTED_PARAMETER,
                                   "is not a whole number of 1 or more",
                                   "thinking.budget_tokens");
        }

        return LLM_OK;
    }

    if (form->effort == LLM_EFFORT_NOT_TOLD) {
        form->effort = LLM_EFFORT_MEDIUM;
    }

    return LLM_OK;
}


static int
llm_chat_read_modalities(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    llm_str_t   v, s;
    llm_walk_t  w;

    if (llm_form_type(value) != LLM_JSON_ARRAY) {
        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is not an array", "modalities");
    }

    llm_walk_open(&w, value);

    while (llm_walk_element(&w, &v)) {

        if (llm_form_string(form->arena, &v, &s) == LLM_NOMEM
            || llm_form_item(form, &form->modalities, NULL, &s) != LLM_OK)
        {
            return LLM_NOMEM;
        }
    }

    return LLM_OK;
}


static int
llm_chat_read_search(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    llm_tool_t  *tool;

    static const llm_str_t  name = llm_string("web_search_options");

    tool = llm_form_tool(form);
    if (tool == NULL) {
        return LLM_NOMEM;
    }

    tool->name = name;
    tool->schema = *value;
    tool->search = 1;

    return LLM_OK;
}
