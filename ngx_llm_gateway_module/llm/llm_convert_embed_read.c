
/* embeddings: what clients of OpenAI and of Gemini ask for */


#include "llm_convert_embed.h"


static int llm_embed_read_openai(llm_convert_t *c, const llm_str_t *body,
    llm_embed_t *e, llm_error_t *err);
static int llm_embed_read_input(llm_convert_t *c, const llm_str_t *raw,
    llm_embed_t *e, llm_error_t *err);
static int llm_embed_read_gemini(llm_convert_t *c, const llm_str_t *body,
    llm_embed_t *e, llm_error_t *err);
static int llm_embed_read_content(llm_convert_t *c, const llm_str_t *raw,
    llm_embed_t *e, llm_error_t *err);
static int llm_embed_add(llm_convert_t *c, llm_embed_t *e,
    const llm_str_t *text, const llm_str_t *title, llm_error_t *err);
static void llm_embed_task(llm_embed_t *e, const llm_str_t *raw);


int
llm_embed_read(llm_convert_t *c, const llm_str_t *body, llm_embed_t *e,
    llm_error_t *err)
{
    int  rc;

    memset(e, 0, sizeof(llm_embed_t));
    e->last = &e->inputs;

    rc = (c->client->protocol == LLM_PROTOCOL_GEMINI)
         ? llm_embed_read_gemini(c, body, e, err)
         : llm_embed_read_openai(c, body, e, err);

    if (rc != LLM_OK) {
        return rc;
    }

    c->n = e->n;

    return LLM_OK;
}


static int
llm_embed_read_openai(llm_convert_t *c, const llm_str_t *body,
    llm_embed_t *e, llm_error_t *err)
{
    llm_str_t  values[5];

    static const char *const  names[] = {
        "input", "encoding_format", "dimensions", "input_type", "user"
    };

    llm_member_pick(body, names, 5, values);

    if (values[1].len) {

        if (llm_form_is(&values[1], "base64")) {
            c->base64 = 1;

        } else if (!llm_form_is(&values[1], "float")) {
            return llm_convert_refuse(err, LLM_ERROR_BAD_REQUEST,
                                      "encoding_format", "it must be "
                                      "\"float\" or \"base64\"");
        }
    }

    if (values[2].len) {

        if (llm_member_count(&values[2]) < 1) {
            return llm_convert_refuse(err, LLM_ERROR_BAD_REQUEST,
                                      "dimensions",
                                      "it must be a positive integer");
        }

        e->dimensions = values[2];
    }

    llm_embed_task(e, &values[3]);

    if (values[4].len) {
        llm_convert_drop(c, "user");
    }

    return llm_embed_read_input(c, &values[0], e, err);
}


static int
llm_embed_read_input(llm_convert_t *c, const llm_str_t *raw, llm_embed_t *e,
    llm_error_t *err)
{
    int         rc;
    llm_str_t   value, text, none;
    llm_walk_t  w;

    none.len = 0;
    none.data = NULL;

    switch (llm_form_type(raw)) {

    case LLM_JSON_STRING:
    case LLM_JSON_ARRAY:
        break;

    case LLM_JSON_NONE:
        return llm_convert_refuse(err, LLM_ERROR_MISSING_PARAMETER, "input",
                                  "\"input\" is missing");

    default:
        return llm_convert_refuse(err, LLM_ERROR_BAD_REQUEST, "input",
                                  "\"input\" must be text or a list of "
                                  "texts");
    }

    llm_member_list(&w, raw);

    while (llm_walk_element(&w, &value)) {

        rc = llm_form_string(c->arena, &value, &text);

        if (rc == LLM_INVALID) {
            return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                      "input", "the provider of this model "
                                      "takes texts, no tokens");
        }

        if (rc == LLM_OK) {
            rc = llm_embed_add(c, e, &text, &none, err);
        }

        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (e->n == 0) {
        return llm_convert_refuse(err, LLM_ERROR_BAD_REQUEST, "input",
                                  "\"input\" must not be empty");
    }

    return LLM_OK;
}


static int
llm_embed_read_gemini(llm_convert_t *c, const llm_str_t *body,
    llm_embed_t *e, llm_error_t *err)
{
    int         rc;
    llm_str_t   value, values[1];
    llm_walk_t  w;

    static const char *const  names[] = { "requests" };

    if (c->client->op == LLM_OP_GEMINI_EMBED) {
        return llm_embed_read_content(c, body, e, err);
    }

    c->batch = 1;

    llm_member_pick(body, names, 1, values);

    if (llm_form_type(&values[0]) != LLM_JSON_ARRAY) {
        return llm_convert_refuse(err, LLM_ERROR_MISSING_PARAMETER,
                                  "requests", "\"requests\" must be a list");
    }

    llm_walk_open(&w, &values[0]);

    while (llm_walk_element(&w, &value)) {
        rc = llm_embed_read_content(c, &value, e, err);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (e->n == 0) {
        return llm_convert_refuse(err, LLM_ERROR_BAD_REQUEST, "requests",
                                  "\"requests\" must not be empty");
    }

    return LLM_OK;
}


static int
llm_embed_read_content(llm_convert_t *c, const llm_str_t *raw, llm_embed_t *e,
    llm_error_t *err)
{
    llm_buf_t   b;
    llm_str_t   part, text, title, content, values[4], parts[1], texts[1];
    llm_walk_t  w;

    static const char *const  names[] = {
        "content", "taskType", "title", "outputDimensionality"
    };
    static const char *const  members[] = { "parts" };
    static const char *const  kinds[] = { "text" };

    llm_member_pick(raw, names, 4, values);

    content = values[0];

    if (values[3].len) {

        if (llm_member_count(&values[3]) < 1) {
            return llm_convert_refuse(err, LLM_ERROR_BAD_REQUEST,
                                      "outputDimensionality",
                                      "it must be a positive integer");
        }

        e->dimensions = values[3];
    }

    (void) llm_form_string(c->arena, &values[1], &e->task);
    (void) llm_form_string(c->arena, &values[2], &title);

    llm_buf_init(&b, c->arena);

    llm_member_pick(&content, members, 1, parts);

    if (parts[0].len) {
        llm_member_list(&w, &parts[0]);

        while (llm_walk_element(&w, &part)) {
            llm_member_pick(&part, kinds, 1, texts);

            if (llm_form_unescape(&b, &texts[0]) == LLM_INVALID) {
                return llm_convert_refuse(err,
                                          LLM_ERROR_UNSUPPORTED_PARAMETER,
                                          "content.parts", "the provider of "
                                          "this model takes text only");
            }
        }

    } else if (llm_form_unescape(&b, &content) == LLM_INVALID) {
        return llm_convert_refuse(err, LLM_ERROR_MISSING_PARAMETER, "content",
                                  "\"content\" must have parts");
    }

    if (b.failed) {
        return LLM_NOMEM;
    }

    text.data = b.data;
    text.len = b.len;

    return llm_embed_add(c, e, &text, &title, err);
}


static int
llm_embed_add(llm_convert_t *c, llm_embed_t *e, const llm_str_t *text,
    const llm_str_t *title, llm_error_t *err)
{
    llm_item_t  *item;

    if (e->n == LLM_EMBED_MAX) {
        return llm_convert_refuse(err, LLM_ERROR_BAD_REQUEST, "input",
                                  "there are more than 2048 inputs");
    }

    item = llm_calloc(c->arena, sizeof(llm_item_t));
    if (item == NULL) {
        return LLM_NOMEM;
    }

    item->value = *text;
    item->name = *title;

    *e->last = item;
    e->last = &item->next;
    e->n++;

    c->bytes += text->len;

    return LLM_OK;
}


/* Cohere's word, which other APIs of OpenAI's kind took over */

static void
llm_embed_task(llm_embed_t *e, const llm_str_t *raw)
{
    unsigned  i;

    static const struct {
        const char  *type;
        llm_str_t    task;
    } tasks[] = {
        { "search_query", llm_string("RETRIEVAL_QUERY") },
        { "search_document", llm_string("RETRIEVAL_DOCUMENT") },
        { "classification", llm_string("CLASSIFICATION") },
        { "clustering", llm_string("CLUSTERING") }
    };

    for (i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++) {
        if (llm_form_is(raw, tasks[i].type)) {
            e->task = tasks[i].task;
        }
    }
}
