
/*
 * OpenAI Responses API: what a message or a result of a client's input holds.
 */


#include "llm_responses.h"


static int llm_responses_read_part(llm_responses_read_t *r,
    llm_turn_t *turn, const llm_str_t *part);
static int llm_responses_read_image(llm_responses_read_t *r,
    llm_turn_t *turn, const llm_str_t *part);
static int llm_responses_read_file(llm_responses_read_t *r, llm_turn_t *turn,
    const llm_str_t *part);
static int llm_responses_read_audio(llm_responses_read_t *r,
    llm_turn_t *turn, const llm_str_t *part);


int
llm_responses_read_content(llm_responses_read_t *r, llm_turn_t *turn,
    const llm_str_t *content)
{
    int         rc;
    llm_str_t   part, text;
    llm_walk_t  w;

    switch (llm_form_type(content)) {

    case LLM_JSON_NULL:
        return LLM_OK;

    case LLM_JSON_STRING:

        if (llm_form_string(r->form->arena, content, &text) != LLM_OK) {
            return LLM_NOMEM;
        }

        return llm_form_add_text(r->form, turn, &text);

    case LLM_JSON_ARRAY:
        break;

    default:
        return llm_form_refuse(r->form, r->err,
                               LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is neither a string nor an array",
                               "input[%u].content", r->item);
    }

    r->part = 0;
    llm_walk_open(&w, content);

    while (llm_walk_element(&w, &part)) {

        rc = llm_responses_read_part(r, turn, &part);
        if (rc != LLM_OK) {
            return rc;
        }

        r->part++;
    }

    return LLM_OK;
}


static int
llm_responses_read_part(llm_responses_read_t *r, llm_turn_t *turn,
    const llm_str_t *part)
{
    llm_str_t     type, text;
    unsigned      refusal;
    llm_block_t  *block;

    llm_form_member(part, "type", &type);

    refusal = llm_form_is(&type, "refusal");

    if (refusal || llm_form_is(&type, "input_text")
        || llm_form_is(&type, "output_text") || llm_form_is(&type, "text"))
    {
        if (llm_responses_text(r->form, part, refusal ? "refusal" : "text",
                               &text) != LLM_OK)
        {
            return LLM_NOMEM;
        }

        if (text.len == 0) {
            return LLM_OK;
        }

        block = llm_form_block(r->form, turn, refusal ? LLM_BLOCK_REFUSAL
                                                      : LLM_BLOCK_TEXT);
        if (block == NULL) {
            return LLM_NOMEM;
        }

        block->text = text;

        return LLM_OK;
    }

    if (llm_form_is(&type, "input_image")) {
        return llm_responses_read_image(r, turn, part);
    }

    if (llm_form_is(&type, "input_file")) {
        return llm_responses_read_file(r, turn, part);
    }

    if (llm_form_is(&type, "input_audio")) {
        return llm_responses_read_audio(r, turn, part);
    }

    return llm_form_refuse(r->form, r->err,
                           type.len ? LLM_ERROR_UNSUPPORTED_PARAMETER
                                    : LLM_ERROR_MISSING_PARAMETER,
                           "is not one of input_text, output_text, refusal, "
                           "input_image, input_file, input_audio",
                           "input[%u].content[%u].type", r->item, r->part);
}


static int
llm_responses_read_image(llm_responses_read_t *r, llm_turn_t *turn,
    const llm_str_t *part)
{
    int           rc;
    llm_str_t     value, url;
    llm_block_t  *block;

    block = llm_form_block(r->form, turn, LLM_BLOCK_IMAGE);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    if (llm_form_member(part, "image_url", &value) == LLM_OK
        && llm_form_type(&value) == LLM_JSON_OBJECT)
    {
        llm_form_member(&value, "url", &value);
    }

    if (llm_form_type(&value) == LLM_JSON_STRING && value.len > 2) {

        if (llm_form_string(r->form->arena, &value, &url) != LLM_OK) {
            return LLM_NOMEM;
        }

        rc = llm_form_media(r->form, block, &url);

        if (rc != LLM_INVALID) {
            return rc;
        }

        return llm_form_refuse(r->form, r->err,
                               LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is neither a URL nor a well-formed \"data:\" "
                               "URL", "input[%u].content[%u].image_url",
                               r->item, r->part);
    }

    if (llm_responses_text(r->form, part, "file_id", &block->data)
        != LLM_OK)
    {
        return LLM_NOMEM;
    }

    if (block->data.len) {
        block->source = LLM_SOURCE_FILE;
        return LLM_OK;
    }

    return llm_form_refuse(r->form, r->err, LLM_ERROR_MISSING_PARAMETER,
                           "is missing", "input[%u].content[%u].image_url",
                           r->item, r->part);
}


static int
llm_responses_read_file(llm_responses_read_t *r, llm_turn_t *turn,
    const llm_str_t *part)
{
    int           rc;
    llm_str_t     data, head, mime;
    llm_block_t  *block;

    block = llm_form_block(r->form, turn, LLM_BLOCK_DOCUMENT);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    if (llm_responses_text(r->form, part, "filename", &block->name) != LLM_OK
        || llm_responses_text(r->form, part, "file_data", &data) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    if (data.len) {
        head = data;
        head.len = head.len < 5 ? head.len : 5;

        mime.len = 0;
        mime.data = NULL;

        rc = llm_str_is(&head, "data:")
             ? llm_form_media(r->form, block, &data)
             : llm_form_base64(r->form, block, &mime, &data);

        if (rc != LLM_INVALID) {
            return rc;
        }

        return llm_form_refuse(r->form, r->err,
                               LLM_ERROR_UNSUPPORTED_PARAMETER,
                               "is neither base64 nor a \"data:\" URL",
                               "input[%u].content[%u].file_data", r->item,
                               r->part);
    }

    if (llm_responses_text(r->form, part, "file_url", &data) != LLM_OK) {
        return LLM_NOMEM;
    }

    if (data.len) {
        block->source = LLM_SOURCE_URL;
        block->data = data;
        return LLM_OK;
    }

    if (llm_responses_text(r->form, part, "file_id", &block->data)
        != LLM_OK)
    {
        return LLM_NOMEM;
    }

    if (block->data.len) {
        block->source = LLM_SOURCE_FILE;
        return LLM_OK;
    }

    return llm_form_refuse(r->form, r->err, LLM_ERROR_MISSING_PARAMETER,
                           "is missing", "input[%u].content[%u].file_data",
                           r->item, r->part);
}


static int
llm_responses_read_audio(llm_responses_read_t *r, llm_turn_t *turn,
    const llm_str_t *part)
{
    int           rc;
    llm_buf_t     b;
    llm_str_t     audio, data, format;
    llm_block_t  *block;

    block = llm_form_block(r->form, turn, LLM_BLOCK_AUDIO);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    llm_form_member(part, "input_audio", &audio);

    if (llm_responses_text(r->form, &audio, "data", &data) != LLM_OK
        || llm_responses_text(r->form, &audio, "format", &format) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    llm_buf_init(&b, r->form->arena);
    llm_buf_puts(&b, "audio/");
    llm_buf_add(&b, format.data, format.len);

    format.data = b.data;
    format.len = b.len;

    rc = b.failed ? LLM_NOMEM
                  : llm_form_base64(r->form, block, &format, &data);

    if (rc != LLM_INVALID) {
        return rc;
    }

    return llm_form_refuse(r->form, r->err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                           "is no base64",
                           "input[%u].content[%u].input_audio.data", r->item,
                           r->part);
}
