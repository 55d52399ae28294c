
/*
 * OpenAI chat completions: a provider's answer, whole or in chunks.
 */


#include "llm_chat.h"
#include "llm_fault.h"


static void llm_chat_read_choice_of(llm_translate_t *x,
    const llm_str_t *choice);
static void llm_chat_read_finish(llm_translate_t *x, const llm_str_t *choice);
static int llm_chat_first_choice(const llm_str_t *answer, llm_str_t *choice);
static int llm_chat_has_error(llm_translate_t *x, const llm_str_t *answer);
static void llm_chat_read_start(llm_translate_t *x, const llm_str_t *answer);


int
llm_chat_read_answer(llm_translate_t *x, const llm_str_t *body)
{
    int        rc;
    llm_str_t  choice, message;

    if (llm_chat_has_error(x, body)) {
        return LLM_INVALID;
    }

    rc = llm_chat_first_choice(body, &choice);

    if (rc != LLM_OK || choice.len == 0) {
        return LLM_INVALID;
    }

    /* a filter may leave a finish and nothing else */

    if (llm_form_member(&choice, "message", &message) != LLM_OK
        && llm_form_member(&choice, "finish_reason", &message) != LLM_OK)
    {
        return LLM_INVALID;
    }

    llm_chat_read_start(x, body);

    if (llm_form_type(&message) == LLM_JSON_OBJECT) {
        llm_chat_read_delta(x, &message);
        llm_chat_read_flush(x);
    }

    llm_chat_read_finish(x, &choice);

    return LLM_OK;
}


int
llm_chat_read_event(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *data)
{
    llm_str_t           choice;
    llm_chat_reader_t  *r;

    r = x->reader;

    if (data->data[0] == '[' && data->len >= 6
        && memcmp(data->data, "[DONE]", 6) == 0)
    {
        llm_chat_read_flush(x);
        llm_translate_done(x);
        return LLM_OK;
    }

    if (llm_chat_has_error(x, data)) {
        return LLM_OK;
    }

    /* what has no choices tells usage, filters of the prompt, or nothing */

    if (llm_chat_first_choice(data, &choice) != LLM_OK) {
        return llm_form_type(data) == LLM_JSON_OBJECT ? LLM_OK : LLM_INVALID;
    }

    llm_chat_read_start(x, data);

    if (choice.len) {
        llm_chat_read_choice_of(x, &choice);
    }

    return r->details.failed || r->late.failed ? LLM_INVALID : LLM_OK;
}


int
llm_chat_read_end(llm_translate_t *x)
{
    llm_chat_reader_t  *r;

    r = x->reader;

    if (!r->finished) {
        return LLM_INVALID;
    }

    /* some servers leave "[DONE]" out */

    llm_chat_read_flush(x);
    llm_translate_done(x);

    return LLM_OK;
}


static void
llm_chat_read_choice_of(llm_translate_t *x, const llm_str_t *choice)
{
    llm_str_t  delta;

    /* a filter's verdict comes in a choice without a delta */

    if ((llm_form_member(choice, "delta", &delta) == LLM_OK
         || llm_form_member(choice, "message", &delta) == LLM_OK)
        && llm_form_type(&delta) == LLM_JSON_OBJECT)
    {
        llm_chat_read_delta(x, &delta);
    }

    llm_chat_read_finish(x, choice);
}


/* the first one counts: it may be repeated with the usage */

static void
llm_chat_read_finish(llm_translate_t *x, const llm_str_t *choice)
{
    llm_str_t           value, text;
    llm_stop_e          stop;
    llm_chat_reader_t  *r;

    static const llm_str_t  failed = llm_string("the provider's model "
                                                "failed");

    r = x->reader;

    if (r->finished
        || llm_form_member(choice, "finish_reason", &value) != LLM_OK
        || llm_form_type(&value) != LLM_JSON_STRING)
    {
        return;
    }

    r->finished = 1;
    text.len = 0;
    text.data = NULL;

    if (llm_form_is(&value, "error")) {
        llm_translate_error(x, LLM_FAULT_SERVER, NULL, &failed);
        return;
    }

    if (llm_form_is(&value, "length") || llm_form_is(&value, "model_length"))
    {
        stop = LLM_STOP_LENGTH;

    } else if (llm_form_is(&value, "tool_calls")
               || llm_form_is(&value, "function_call"))
    {
        stop = LLM_STOP_TOOL;

    } else if (llm_form_is(&value, "content_filter")) {
        stop = r->refused ? LLM_STOP_REFUSAL : LLM_STOP_FILTER;

    } else {
        stop = r->refused ? LLM_STOP_REFUSAL : LLM_STOP_END;

        /* vLLM tells the stop sequence that was met */

        if (llm_form_member(choice, "stop_reason", &value) == LLM_OK
            && llm_form_type(&value) == LLM_JSON_STRING)
        {
            stop = LLM_STOP_SEQUENCE;
            llm_translate_string(x, &value, &text);
        }
    }

    llm_translate_stop(x, stop, &text);
}


/* LLM_OK with the choice of index 0, or an empty one; LLM_DECLINED: none */

static int
llm_chat_first_choice(const llm_str_t *answer, llm_str_t *choice)
{
    int64_t     index;
    llm_str_t   choices, v, value;
    llm_walk_t  w;

    choice->len = 0;

    if (llm_form_member(answer, "choices", &choices) != LLM_OK
        || llm_form_type(&choices) != LLM_JSON_ARRAY)
    {
        return LLM_DECLINED;
    }

    llm_walk_open(&w, &choices);

    if (!llm_walk_element(&w, &v)) {
        return LLM_DECLINED;
    }

    do {
        if (llm_form_type(&v) == LLM_JSON_OBJECT
            && (llm_form_member(&v, "index", &value) != LLM_OK
                || llm_json_int(&value, &index) != LLM_OK
                || index == 0))
        {
            *choice = v;
            break;
        }

    } while (llm_walk_element(&w, &v));

    return LLM_OK;
}


static void
llm_chat_read_start(llm_translate_t *x, const llm_str_t *answer)
{
    llm_str_t  value, id, model;

    if (x->started) {
        return;
    }

    id.len = 0;
    model.len = 0;

    if (llm_form_member(answer, "id", &value) == LLM_OK) {
        llm_translate_string(x, &value, &id);
    }

    if (llm_form_member(answer, "model", &value) == LLM_OK) {
        llm_translate_string(x, &value, &model);
    }

    llm_translate_start(x, &id, &model);
}


static int
llm_chat_has_error(llm_translate_t *x, const llm_str_t *answer)
{
    llm_str_t  error;

    if (llm_form_type(answer) == LLM_JSON_OBJECT
        && (llm_form_member(answer, "error", &error) != LLM_OK
            || llm_form_type(&error) == LLM_JSON_NULL))
    {
        return 0;
    }

    return llm_fault_tell(x, answer) == LLM_OK;
}
