
/*
 * OpenAI chat completions: what a message of a client's request holds.
 */


#include "llm_chat.h"


static int llm_chat_read_part(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *part);
static int llm_chat_read_media(llm_chat_read_t *r, llm_block_t *block,
    const llm_str_t *url, const char *where);
static int llm_chat_read_audio(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *audio);
static int llm_chat_read_file(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *file);


int
llm_chat_read_content(llm_chat_read_t *r, llm_turn_t *turn,
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
                               "messages[%u].content", r->message);
    }

    r->part = 0;
    llm_walk_open(&w, content);

    while (llm_walk_element(&w, &part)) {

        rc = llm_chat_read_part(r, turn, &part);
        if (rc != LLM_OK) {
            return rc;
        }

        r->part++;
    }

    return LLM_OK;
}


static int
llm_chat_read_part(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *part)
{
    int           rc;
    unsigned      refusal;
    llm_str_t     type, value, url;
    llm_block_t  *block;

    if (llm_form_member(part, "type", &type) != LLM_OK) {
        return llm_form_refuse(r->form, r->err, LLM_ERROR_MISSING_PARAMETER,
                               "is missing", "messages[%u].content[%u].type",
                               r->message, r->part);
    }

    refusal = llm_form_is(&type, "refusal");

    if (refusal || llm_form_is(&type, "text")) {
        rc = llm_chat_member_text(r, part, refusal ? "refusal" : "text",
                                  &value);

        if (rc != LLM_OK || value.len == 0) {
            return rc;
        }

        block = llm_form_block(r->form, turn, refusal ? LLM_BLOCK_REFUSAL
                                                      : LLM_BLOCK_TEXT);
        if (block == NULL) {
            return LLM_NOMEM;
        }

        block->text = value;
        block->cache = llm_chat_cache(part);

        return LLM_OK;
    }

    if (llm_form_is(&type, "image_url")
        && llm_form_member(part, "image_url", &value) == LLM_OK)
    {
        block = llm_form_block(r->form, turn, LLM_BLOCK_IMAGE);
        if (block == NULL) {
            return LLM_NOMEM;
        }

        if (llm_form_type(&value) == LLM_JSON_OBJECT) {
            llm_form_member(&value, "url", &url);

        } else {
            url = value;
        }

        block->cache = llm_chat_cache(part);

        return llm_chat_read_media(r, block, &url, "image_url.url");
    }

    if (llm_form_is(&type, "input_audio")
        && llm_form_member(part, "input_audio", &value) == LLM_OK)
    {
        return llm_chat_read_audio(r, turn, &value);
    }

    if (llm_form_is(&type, "file")
        && llm_form_member(part, "file", &value) == LLM_OK)
    {
        return llm_chat_read_file(r, turn, &value);
    }

    /* reasoning of an earlier answer that only its provider understands */

    if (llm_form_is(&type, "thinking") || llm_form_is(&type, "reasoning")) {
        return LLM_OK;
    }

    return llm_form_refuse(r->form, r->err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                           "is not one of text, image_url, input_audio, "
                           "file, refusal, or has no such member",
                           "messages[%u].content[%u].type", r->message,
                           r->part);
}


static int
llm_chat_read_media(llm_chat_read_t *r, llm_block_t *block,
    const llm_str_t *url, const char *where)
{
    int        rc;
    llm_str_t  text;

    rc = llm_form_string(r->form->arena, url, &text);

    if (rc == LLM_OK && text.len) {
        rc = llm_form_media(r->form, block, &text);

        if (rc != LLM_INVALID) {
            return rc;
        }
    }

    return llm_form_refuse(r->form, r->err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                           "is neither a URL nor a well-formed \"data:\" URL",
                           "messages[%u].content[%u].%s", r->message,
                           r->part, where);
}


static int
llm_chat_read_audio(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *audio)
{
    int           rc;
    llm_str_t     data, format, mime;
    llm_buf_t     b;
    llm_block_t  *block;

    rc = llm_chat_member_text(r, audio, "data", &data);
    if (rc != LLM_OK) {
        return rc;
    }

    rc = llm_chat_member_text(r, audio, "format", &format);
    if (rc != LLM_OK) {
        return rc;
    }

    block = llm_form_block(r->form, turn, LLM_BLOCK_AUDIO);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    llm_buf_init(&b, r->form->arena);
    llm_buf_puts(&b, "audio/");
    llm_buf_add(&b, format.data, format.len);

    mime.data = b.data;
    mime.len = b.len;

    rc = b.failed ? LLM_NOMEM
                  : llm_form_base64(r->form, block, &mime, &data);

    if (rc != LLM_INVALID) {
        return rc;
    }

    return llm_form_refuse(r->form, r->err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                           "is no base64",
                           "messages[%u].content[%u].input_audio.data",
                           r->message, r->part);
}


static int
llm_chat_read_file(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *file)
{
    int           rc;
    llm_str_t     data;
    llm_block_t  *block;

    block = llm_form_block(r->form, turn, LLM_BLOCK_DOCUMENT);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    rc = llm_chat_member_text(r, file, "filename", &block->name);
    if (rc != LLM_OK) {
        return rc;
    }

    if (llm_form_member(file, "file_data", &data) == LLM_OK
        && llm_form_type(&data) == LLM_JSON_STRING)
    {
        return llm_chat_read_media(r, block, &data, "file.file_data");
    }

    rc = llm_chat_member_text(r, file, "file_id", &block->data);
    if (rc != LLM_OK) {
        return rc;
    }

    if (block->data.len == 0) {
        return llm_form_refuse(r->form, r->err, LLM_ERROR_MISSING_PARAMETER,
                               "has neither file_data nor file_id",
                               "messages[%u].content[%u].file", r->message,
                               r->part);
    }

    block->source = LLM_SOURCE_FILE;

    return LLM_OK;
}


llm_cache_e
llm_chat_cache(const llm_str_t *object)
{
    llm_str_t  control, v;

    if (llm_form_member(object, "cache_control", &control) == LLM_OK
        && llm_form_type(&control) == LLM_JSON_OBJECT)
    {
        return llm_form_member(&control, "ttl", &v) == LLM_OK
               && llm_form_is(&v, "1h") ? LLM_CACHE_1H : LLM_CACHE_5M;
    }

    return llm_form_member(object, "prompt_cache_breakpoint", &control)
           == LLM_OK
           && llm_form_member(&control, "mode", &v) == LLM_OK
           && llm_form_is(&v, "explicit") ? LLM_CACHE_5M : LLM_CACHE_NONE;
}


int
llm_chat_member_text(llm_chat_read_t *r, const llm_str_t *object,
    const char *name, llm_str_t *text)
{
    llm_str_t  value;

    text->len = 0;
    text->data = NULL;

    if (llm_form_member(object, name, &value) != LLM_OK) {
        return LLM_OK;
    }

    return llm_form_string(r->form->arena, &value, text) == LLM_NOMEM
           ? LLM_NOMEM : LLM_OK;
}
