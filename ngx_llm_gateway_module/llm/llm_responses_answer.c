
/*
 * OpenAI Responses API: a provider's whole answer, and items that come whole.
 */


#include "llm_fault.h"
#include "llm_responses.h"


static void llm_responses_read_said(llm_translate_t *x,
    const llm_str_t *item);
static void llm_responses_read_thoughts(llm_translate_t *x,
    const llm_str_t *item);
static unsigned llm_responses_read_list(llm_translate_t *x,
    const llm_str_t *item, const char *name);
static void llm_responses_read_called(llm_translate_t *x,
    const llm_str_t *item);
static void llm_responses_read_image_of(llm_translate_t *x,
    const llm_str_t *item);


int
llm_responses_read_answer(llm_translate_t *x, const llm_str_t *body)
{
    llm_str_t  value, id, model;

    if (llm_form_type(body) != LLM_JSON_OBJECT) {
        llm_fault_tell(x, body);
        return LLM_INVALID;
    }

    if (llm_form_member(body, "error", &value) == LLM_OK
        && llm_form_type(&value) != LLM_JSON_NULL)
    {
        llm_fault_tell(x, body);
        return LLM_INVALID;
    }

    llm_translate_member(x, body, "id", &id);
    llm_translate_member(x, body, "model", &model);
    llm_translate_start(x, &id, &model);

    if (llm_responses_read_output(x, body) != LLM_OK) {
        return LLM_INVALID;
    }

    llm_responses_read_status(x, body);

    return LLM_OK;
}


int
llm_responses_read_output(llm_translate_t *x, const llm_str_t *response)
{
    llm_str_t   output, item;
    llm_walk_t  w;

    if (llm_form_member(response, "output", &output) != LLM_OK
        || llm_form_type(&output) != LLM_JSON_ARRAY)
    {
        return LLM_INVALID;
    }

    llm_walk_open(&w, &output);

    while (llm_walk_element(&w, &item)) {
        llm_responses_read_whole(x, &item);
    }

    return LLM_OK;
}


void
llm_responses_read_status(llm_translate_t *x, const llm_str_t *response)
{
    llm_str_t                details, reason, status;
    llm_stop_e               stop;
    llm_responses_reader_t  *r;

    r = x->reader;
    stop = r->refused ? LLM_STOP_REFUSAL : LLM_STOP_END;

    llm_form_member(response, "status", &status);

    if (llm_form_is(&status, "incomplete")
        && llm_form_member(response, "incomplete_details", &details)
           == LLM_OK
        && llm_form_member(&details, "reason", &reason) == LLM_OK)
    {
        if (llm_form_is(&reason, "max_output_tokens")) {
            stop = LLM_STOP_LENGTH;

        } else if (llm_form_is(&reason, "content_filter")) {
            stop = r->refused ? LLM_STOP_REFUSAL : LLM_STOP_FILTER;
        }
    }

    llm_translate_stop(x, stop, NULL);
}


/* items of tools that the provider runs itself are not told */

void
llm_responses_read_whole(llm_translate_t *x, const llm_str_t *item)
{
    llm_str_t  type;

    llm_form_member(item, "type", &type);

    if (llm_form_is(&type, "message")) {
        llm_responses_read_said(x, item);

    } else if (llm_form_is(&type, "reasoning")) {
        llm_responses_read_thoughts(x, item);

    } else if (llm_form_is(&type, "function_call")) {
        llm_responses_read_called(x, item);

    } else if (llm_form_is(&type, "image_generation_call")) {
        llm_responses_read_image_of(x, item);
    }
}


static void
llm_responses_read_said(llm_translate_t *x, const llm_str_t *item)
{
    llm_str_t                content, part, type, text, notes, note;
    llm_walk_t               w, inner;
    llm_responses_reader_t  *r;

    r = x->reader;

    if (llm_form_member(item, "content", &content) != LLM_OK
        || llm_form_type(&content) != LLM_JSON_ARRAY)
    {
        return;
    }

    llm_walk_open(&w, &content);

    while (llm_walk_element(&w, &part)) {
        llm_form_member(&part, "type", &type);

        if (llm_form_is(&type, "refusal")) {
            llm_translate_member(x, &part, "refusal", &text);

            if (text.len) {
                r->refused = 1;
                llm_translate_open(x, LLM_BLOCK_REFUSAL, NULL, NULL);
                llm_translate_delta(x, &text);
            }

            continue;
        }

        llm_translate_member(x, &part, "text", &text);

        if (!llm_form_is(&type, "output_text") || text.len == 0) {
            continue;
        }

        llm_translate_open(x, LLM_BLOCK_TEXT, NULL, NULL);
        llm_translate_delta(x, &text);

        if (llm_form_member(&part, "annotations", &notes) == LLM_OK
            && llm_form_type(&notes) == LLM_JSON_ARRAY)
        {
            llm_walk_open(&inner, &notes);

            while (llm_walk_element(&inner, &note)) {
                llm_responses_read_note(x, &note);
            }
        }
    }

    llm_translate_close(x);
}


void
llm_responses_read_note(llm_translate_t *x, const llm_str_t *note)
{
    llm_str_t   type;
    llm_part_t  part;

    llm_form_member(note, "type", &type);

    if (!llm_form_is(&type, "url_citation")) {
        return;
    }

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_NOTE;

    llm_translate_member(x, note, "url", &part.id);
    llm_translate_member(x, note, "title", &part.name);

    if (part.id.len) {
        llm_translate_part(x, &part);
    }
}


static void
llm_responses_read_thoughts(llm_translate_t *x, const llm_str_t *item)
{
    if (!llm_responses_read_list(x, item, "content")) {
        llm_responses_read_list(x, item, "summary");
    }

    llm_responses_read_state(x, item);
    llm_translate_close(x);
}


/* texts of a list, a blank line between them; whether there were any */

static unsigned
llm_responses_read_list(llm_translate_t *x, const llm_str_t *item,
    const char *name)
{
    unsigned    n;
    llm_str_t   list, part, text;
    llm_walk_t  w;

    static const llm_str_t  blank = llm_string("\n\n");

    if (llm_form_member(item, name, &list) != LLM_OK
        || llm_form_type(&list) != LLM_JSON_ARRAY)
    {
        return 0;
    }

    n = 0;
    llm_walk_open(&w, &list);

    while (llm_walk_element(&w, &part)) {
        llm_translate_member(x, &part, "text", &text);

        if (text.len == 0) {
            continue;
        }

        if (n++) {
            llm_translate_delta(x, &blank);

        } else {
            llm_translate_open(x, LLM_BLOCK_THINKING, NULL, NULL);
        }

        llm_translate_delta(x, &text);
    }

    return n != 0;
}


void
llm_responses_read_state(llm_translate_t *x, const llm_str_t *item)
{
    llm_part_t  part;

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_STATE;
    part.state.kind = LLM_STATE_OPENAI;

    llm_translate_member(x, item, "id", &part.state.id);
    llm_translate_member(x, item, "encrypted_content", &part.state.data);

    if (part.state.data.len == 0) {
        return;
    }

    if (!x->open || x->block != LLM_BLOCK_THINKING) {
        llm_translate_open(x, LLM_BLOCK_REDACTED, NULL, NULL);
    }

    llm_translate_part(x, &part);
}


static void
llm_responses_read_called(llm_translate_t *x, const llm_str_t *item)
{
    llm_str_t  id, name, text;

    llm_translate_member(x, item, "call_id", &id);
    llm_translate_member(x, item, "name", &name);
    llm_translate_member(x, item, "arguments", &text);

    if (name.len) {
        llm_translate_open(x, LLM_BLOCK_TOOL_CALL, &id, &name);
        llm_translate_delta(x, &text);
        llm_translate_close(x);
    }
}


static void
llm_responses_read_image_of(llm_translate_t *x, const llm_str_t *item)
{
    llm_str_t   data;
    llm_part_t  part;

    static const llm_str_t  png = llm_string("image/png");

    llm_translate_member(x, item, "result", &data);

    if (data.len == 0) {
        return;
    }

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_OPEN;
    part.block = LLM_BLOCK_IMAGE;
    part.mime = png;

    llm_translate_part(x, &part);
    llm_translate_delta(x, &data);
    llm_translate_close(x);
}
