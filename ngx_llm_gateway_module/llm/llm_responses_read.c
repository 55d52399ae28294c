
/*
 * OpenAI Responses API: a client's request.
 */


#include "llm_responses.h"


typedef struct {
    const char      *name;
    int            (*read)(llm_form_t *form, const llm_str_t *value,
                           llm_error_t *err);
} llm_responses_member_t;


static int llm_responses_read_member(llm_form_t *form, const llm_str_t *name,
    const llm_str_t *value, llm_error_t *err);
static int llm_responses_read_instructions(llm_form_t *form,
    const llm_str_t *value, llm_error_t *err);
static int llm_responses_read_stream(llm_form_t *form,
    const llm_str_t *value, llm_error_t *err);
static int llm_responses_read_store(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_responses_read_background(llm_form_t *form,
    const llm_str_t *value, llm_error_t *err);
static int llm_responses_read_include(llm_form_t *form,
    const llm_str_t *value, llm_error_t *err);
static int llm_responses_read_logprobs(llm_form_t *form,
    const llm_str_t *value, llm_error_t *err);
static int llm_responses_read_text(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
static int llm_responses_read_reasoning(llm_form_t *form,
    const llm_str_t *value, llm_error_t *err);
static int llm_responses_no_previous(llm_form_t *form,
    const llm_str_t *value, llm_error_t *err);
static int llm_responses_no_conversation(llm_form_t *form,
    const llm_str_t *value, llm_error_t *err);
static int llm_responses_no_prompt(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);


#define llm_responses_at(member)  offsetof(llm_form_t, member)

static const llm_form_member_t  llm_responses_scalars[] = {
    { "temperature", LLM_MEMBER_NUMBER, llm_responses_at(temperature) },
    { "top_p", LLM_MEMBER_NUMBER, llm_responses_at(top_p) },
    { "max_output_tokens", LLM_MEMBER_COUNT, llm_responses_at(max_tokens) },
    { "user", LLM_MEMBER_STRING, llm_responses_at(user) },
    { "service_tier", LLM_MEMBER_STRING, llm_responses_at(service_tier) },
    { "prompt_cache_key", LLM_MEMBER_STRING, llm_responses_at(cache_key) },
    { "metadata", LLM_MEMBER_OBJECT, llm_responses_at(metadata) },
    { "parallel_tool_calls", LLM_MEMBER_FLAG, llm_responses_at(parallel) },
    { "model", LLM_MEMBER_IGNORED, 0 },
    { "input", LLM_MEMBER_IGNORED, 0 },
    { "instructions", LLM_MEMBER_IGNORED, 0 },
    { "safety_identifier", LLM_MEMBER_IGNORED, 0 },
    { "truncation", LLM_MEMBER_IGNORED, 0 },
    { "max_tool_calls", LLM_MEMBER_IGNORED, 0 },
    { "context_management", LLM_MEMBER_IGNORED, 0 },
    { "stream_options", LLM_MEMBER_IGNORED, 0 },
    { "prompt_cache_options", LLM_MEMBER_IGNORED, 0 },
    { "prompt_cache_retention", LLM_MEMBER_IGNORED, 0 },
    { "client_metadata", LLM_MEMBER_IGNORED, 0 },
    { NULL, 0, 0 }
};


static const llm_responses_member_t  llm_responses_members[] = {
    { "tools", llm_responses_read_tools },
    { "tool_choice", llm_responses_read_choice },
    { "stream", llm_responses_read_stream },
    { "store", llm_responses_read_store },
    { "background", llm_responses_read_background },
    { "include", llm_responses_read_include },
    { "top_logprobs", llm_responses_read_logprobs },
    { "text", llm_responses_read_text },
    { "reasoning", llm_responses_read_reasoning },
    { "previous_response_id", llm_responses_no_previous },
    { "conversation", llm_responses_no_conversation },
    { "prompt", llm_responses_no_prompt },
    { NULL, NULL }
};


int
llm_responses_read_request(llm_form_t *form, const llm_str_t *body,
    llm_error_t *err)
{
    int         rc;
    llm_str_t   name, value, decoded;
    llm_walk_t  w;

    /* what comes first to the model, wherever it stands */

    if (llm_form_member(body, "instructions", &value) == LLM_OK) {

        rc = llm_responses_read_instructions(form, &value, err);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    llm_walk_open(&w, body);

    while (llm_walk_member(&w, &name, &value)) {

        rc = llm_responses_read_member(form, &name, &value, err);

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

    rc = llm_responses_text(form, body, "safety_identifier", &decoded);
    if (rc != LLM_OK) {
        return rc;
    }

    if (decoded.len) {
        form->user = decoded;
    }

    if (llm_form_member(body, "input", &value) != LLM_OK) {
        return llm_form_refuse(form, err, LLM_ERROR_MISSING_PARAMETER,
                               "is missing", "input");
    }

    return llm_responses_read_input(form, &value, err);
}


static int
llm_responses_read_member(llm_form_t *form, const llm_str_t *name,
    const llm_str_t *value, llm_error_t *err)
{
    int                            rc;
    const llm_responses_member_t  *m;

    rc = llm_form_read_member(form, llm_responses_scalars, name, value, err);

    if (rc != LLM_DECLINED) {
        return rc;
    }

    for (m = llm_responses_members; m->name; m++) {

        if (llm_form_is(name, m->name)) {
            return (llm_form_type(value) == LLM_JSON_NULL)
                   ? LLM_OK : m->read(form, value, err);
        }
    }

    return LLM_DECLINED;
}


static int
llm_responses_read_instructions(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    llm_turn_t            *turn;
    llm_responses_read_t   r;

    if (llm_form_type(value) == LLM_JSON_NULL) {
        return LLM_OK;
    }

    if (llm_form_type(value) != LLM_JSON_STRING) {
        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is not a string", "instructions");
    }

    turn = llm_form_turn(form, LLM_ROLE_SYSTEM);
    if (turn == NULL) {
        return LLM_NOMEM;
    }

    memset(&r, 0, sizeof(llm_responses_read_t));

    r.form = form;
    r.err = err;

    return llm_responses_read_content(&r, turn, value);
}


static int
llm_responses_read_stream(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    form->stream = (llm_form_type(value) == LLM_JSON_TRUE);

    return LLM_OK;
}


static int
llm_responses_read_store(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    form->store = (llm_form_type(value) == LLM_JSON_TRUE);

    return LLM_OK;
}


/* what needs a store of answers, which translation does not have */

static int
llm_responses_read_background(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    if (llm_form_type(value) != LLM_JSON_TRUE) {
        return LLM_OK;
    }

    return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                           "is not available of this model's provider",
                           "background");
}


static int
llm_responses_no_previous(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                           "is not available of this model's provider: send "
                           "the whole conversation as input",
                           "previous_response_id");
}


static int
llm_responses_no_conversation(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                           "is not available of this model's provider: send "
                           "the whole conversation as input",
                           "conversation");
}


static int
llm_responses_no_prompt(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                           "is not available of this model's provider",
                           "prompt");
}


static int
llm_responses_read_include(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    llm_str_t   v;
    llm_walk_t  w;

    if (llm_form_type(value) != LLM_JSON_ARRAY) {
        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is not an array", "include");
    }

    llm_walk_open(&w, value);

    while (llm_walk_element(&w, &v)) {

        if (llm_form_is(&v, "reasoning.encrypted_content")) {
            form->encrypted = 1;

        } else if (llm_form_is(&v, "message.output_text.logprobs")) {
            form->logprobs = 1;
        }
    }

    return LLM_OK;
}


static int
llm_responses_read_logprobs(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    int64_t  n;

    if (llm_json_int(value, &n) != LLM_OK || n < 0) {
        return llm_form_refuse(form, err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is not a whole number of 0 or more",
                               "top_logprobs");
    }

    if (n) {
        form->logprobs = 1;
        form->top_logprobs = *value;
    }

    return LLM_OK;
}


static int
llm_responses_read_text(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    llm_str_t  format, type, v;

    if (llm_responses_text(form, value, "verbosity", &form->verbosity)
        != LLM_OK)
    {
        return LLM_NOMEM;
    }

    if (llm_form_member(value, "format", &format) != LLM_OK
        || llm_form_member(&format, "type", &type) != LLM_OK
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
                               "text.format.type");
    }

    if (llm_form_member(&format, "schema", &form->schema) != LLM_OK
        || llm_form_type(&form->schema) != LLM_JSON_OBJECT)
    {
        return llm_form_refuse(form, err, LLM_ERROR_MISSING_PARAMETER,
                               "is missing or no object",
                               "text.format.schema");
    }

    form->output = LLM_OUTPUT_SCHEMA;

    if (llm_form_member(&format, "strict", &v) == LLM_OK
        && llm_form_type(&v) != LLM_JSON_NULL)
    {
        form->schema_strict = (llm_form_type(&v) == LLM_JSON_TRUE);
    }

    if (llm_responses_text(form, &format, "name", &form->schema_name)
        != LLM_OK)
    {
        return LLM_NOMEM;
    }

    return llm_responses_text(form, &format, "description",
                              &form->schema_description);
}


static int
llm_responses_read_reasoning(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err)
{
    llm_str_t  effort, v;

    if (llm_responses_text(form, value, "effort", &effort) != LLM_OK) {
        return LLM_NOMEM;
    }

    if (effort.len) {
        form->effort = llm_effort_by_name(&effort);

        if (form->effort == LLM_EFFORT_NOT_TOLD) {
            return llm_form_refuse(form, err,
                                   LLM_ERROR_UNSUPPORTED_PARAMETER,
                                   "is not one of none, minimal, low, "
                                   "medium, high, xhigh, max",
                                   "reasoning.effort");
        }
    }

    /* thoughts are asked for as summaries, or come as they are */

    if ((llm_form_member(value, "summary", &v) == LLM_OK
         || llm_form_member(value, "generate_summary", &v) == LLM_OK)
        && llm_form_type(&v) == LLM_JSON_STRING
        && !llm_form_is(&v, "none"))
    {
        form->summary = 1;
        form->thoughts = 1;
    }

    return LLM_OK;
}


int
llm_responses_text(llm_form_t *form, const llm_str_t *object,
    const char *name, llm_str_t *text)
{
    llm_str_t  value;

    text->len = 0;
    text->data = NULL;

    if (llm_form_member(object, name, &value) != LLM_OK) {
        return LLM_OK;
    }

    return llm_form_string(form->arena, &value, text) == LLM_NOMEM
           ? LLM_NOMEM : LLM_OK;
}
