
/* embeddings: requests to providers, and their answers */


#include "llm_convert_embed.h"


static int llm_embed_request(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err);
static int llm_embed_write_bedrock(llm_convert_t *c, const llm_embed_t *e,
    llm_convert_call_t *call, llm_error_t *err);
static void llm_embed_write_openai(llm_convert_t *c, const llm_embed_t *e,
    llm_buf_t *out);
static void llm_embed_write_gemini(llm_convert_t *c, const llm_embed_t *e,
    llm_buf_t *out);
static void llm_embed_write_vertex(const llm_embed_t *e, llm_buf_t *out);
static void llm_embed_write_texts(const llm_embed_t *e, llm_buf_t *out);
static void llm_embed_member(const char *name, const llm_str_t *text,
    llm_buf_t *out);
static int llm_embed_answer(llm_convert_t *c, const llm_str_t *body,
    llm_convert_answer_t *answer);
static void llm_embed_read_data(llm_convert_t *c, llm_embed_answer_t *a,
    const llm_str_t *raw, const char *const *path, unsigned depth);
static void llm_embed_value(llm_convert_t *c, llm_embed_answer_t *a,
    const llm_str_t *raw);
static int64_t llm_embed_number(const llm_str_t *object,
    const char *const *path, unsigned depth);
static llm_str_t llm_embed_at(const llm_str_t *object,
    const char *const *path, unsigned depth);
static int64_t llm_embed_tokens(const llm_str_t *predictions);


const llm_convert_row_t  llm_convert_embed_rows[] = {

    { LLM_OP_EMBEDDINGS, LLM_HOST_GOOGLE|LLM_HOST_BEDROCK, LLM_CONVERT_CALL,
      llm_embed_request, llm_embed_answer, NULL },

    { LLM_OP_GEMINI_EMBED,
      LLM_HOST_OPENAI|LLM_HOST_XAI|LLM_HOST_VERTEX|LLM_HOST_BEDROCK,
      LLM_CONVERT_CALL, llm_embed_request, llm_embed_answer, NULL },

    { LLM_OP_GEMINI_BATCH_EMBED,
      LLM_HOST_OPENAI|LLM_HOST_XAI|LLM_HOST_VERTEX|LLM_HOST_BEDROCK,
      LLM_CONVERT_CALL, llm_embed_request, llm_embed_answer, NULL },

    { LLM_OP_NONE, 0, LLM_CONVERT_NONE, NULL, NULL, NULL }
};


static int
llm_embed_request(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err)
{
    int          rc;
    llm_op_e     op;
    llm_embed_t  e;

    rc = llm_embed_read(c, &in->body, &e, err);

    if (rc != LLM_OK) {
        return rc;
    }

    switch (c->host) {

    case LLM_HOST_GEMINI:
        op = LLM_OP_GEMINI_BATCH_EMBED;
        llm_embed_write_gemini(c, &e, &call->body);
        break;

    case LLM_HOST_VERTEX:
        op = LLM_OP_PREDICT;
        llm_embed_write_vertex(&e, &call->body);
        break;

    case LLM_HOST_BEDROCK:
        op = LLM_OP_INVOKE;
        rc = llm_embed_write_bedrock(c, &e, call, err);
        break;

    default:
        op = LLM_OP_EMBEDDINGS;
        llm_embed_write_openai(c, &e, &call->body);
    }

    return rc == LLM_OK ? llm_convert_post(c, op, call, err) : rc;
}


/* no batch of Titan's: one call would have to become many */

static int
llm_embed_write_bedrock(llm_convert_t *c, const llm_embed_t *e,
    llm_convert_call_t *call, llm_error_t *err)
{
    if (llm_convert_model_has(c, "cohere.")) {
        llm_buf_puts(&call->body, "{\"texts\":");
        llm_embed_write_texts(e, &call->body);
        llm_buf_puts(&call->body, ",\"input_type\":\"");
        llm_buf_puts(&call->body, llm_str_is(&e->task, "RETRIEVAL_QUERY")
                                  ? "search_query" : "search_document");
        llm_buf_puts(&call->body, "\",\"embedding_types\":[\"float\"]");

        if (e->dimensions.len) {
            llm_buf_puts(&call->body, ",\"output_dimension\":");
            llm_form_print_raw(&call->body, &e->dimensions);
        }

        llm_buf_puts(&call->body, "}");

        return LLM_OK;
    }

    if (!llm_convert_model_has(c, "titan-embed")) {
        return llm_convert_refuse(err, LLM_ERROR_UNTRANSLATABLE, "model",
                                  "of Bedrock's models only Titan's and "
                                  "Cohere's embeddings can be translated");
    }

    if (e->n > 1) {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                  c->client->protocol == LLM_PROTOCOL_GEMINI
                                  ? "requests" : "input",
                                  "Titan embeds one text a request: send "
                                  "them one by one");
    }

    llm_buf_puts(&call->body, "{\"inputText\":");
    llm_buf_json(&call->body, e->inputs->value.data, e->inputs->value.len);

    if (e->dimensions.len) {
        llm_buf_puts(&call->body, ",\"dimensions\":");
        llm_form_print_raw(&call->body, &e->dimensions);
    }

    llm_buf_puts(&call->body, "}");

    return LLM_OK;
}


static void
llm_embed_write_openai(llm_convert_t *c, const llm_embed_t *e, llm_buf_t *out)
{
    if (e->task.len) {
        llm_convert_drop(c, "taskType");
    }

    llm_buf_puts(out, "{\"model\":");
    llm_buf_json(out, c->to->model.data, c->to->model.len);
    llm_buf_puts(out, ",\"input\":");
    llm_embed_write_texts(e, out);
    llm_buf_puts(out, ",\"encoding_format\":\"float\"");

    if (e->dimensions.len) {
        llm_buf_puts(out, ",\"dimensions\":");
        llm_form_print_raw(out, &e->dimensions);
    }

    llm_buf_puts(out, "}");
}


static void
llm_embed_write_gemini(llm_convert_t *c, const llm_embed_t *e, llm_buf_t *out)
{
    const char        *prefix;
    const llm_item_t  *item;

    prefix = (c->to->model.len > 7
              && memcmp(c->to->model.data, "models/", 7) == 0)
             ? "" : "models/";

    llm_buf_puts(out, "{\"requests\":[");

    for (item = e->inputs; item; item = item->next) {
        llm_buf_puts(out, "{\"model\":\"");
        llm_buf_puts(out, prefix);
        llm_buf_add(out, c->to->model.data, c->to->model.len);
        llm_buf_puts(out, "\",\"content\":{\"parts\":[{\"text\":");
        llm_buf_json(out, item->value.data, item->value.len);
        llm_buf_puts(out, "}]}");

        llm_embed_member(",\"taskType\":", &e->task, out);
        llm_embed_member(",\"title\":", &item->name, out);

        if (e->dimensions.len) {
            llm_buf_puts(out, ",\"outputDimensionality\":");
            llm_form_print_raw(out, &e->dimensions);
        }

        llm_buf_puts(out, item->next ? "}," : "}");
    }

    llm_buf_puts(out, "]}");
}


static void
llm_embed_write_vertex(const llm_embed_t *e, llm_buf_t *out)
{
    const llm_item_t  *item;

    llm_buf_puts(out, "{\"instances\":[");

    for (item = e->inputs; item; item = item->next) {
        llm_buf_puts(out, "{\"content\":");
        llm_buf_json(out, item->value.data, item->value.len);

        llm_embed_member(",\"task_type\":", &e->task, out);
        llm_embed_member(",\"title\":", &item->name, out);

        llm_buf_puts(out, item->next ? "}," : "}");
    }

    llm_buf_puts(out, "]");

    if (e->dimensions.len) {
        llm_buf_puts(out, ",\"parameters\":{\"outputDimensionality\":");
        llm_form_print_raw(out, &e->dimensions);
        llm_buf_puts(out, "}");
    }

    llm_buf_puts(out, "}");
}


static void
llm_embed_write_texts(const llm_embed_t *e, llm_buf_t *out)
{
    const llm_item_t  *item;

    llm_buf_puts(out, "[");

    for (item = e->inputs; item; item = item->next) {
        llm_buf_json(out, item->value.data, item->value.len);

        if (item->next) {
            llm_buf_puts(out, ",");
        }
    }

    llm_buf_puts(out, "]");
}


static void
llm_embed_member(const char *name, const llm_str_t *text, llm_buf_t *out)
{
    if (text->len) {
        llm_buf_puts(out, name);
        llm_buf_json(out, text->data, text->len);
    }
}


static int
llm_embed_answer(llm_convert_t *c, const llm_str_t *body,
    llm_convert_answer_t *answer)
{
    int                 rc;
    llm_str_t           list;
    llm_embed_answer_t  a;

    static const char *const  openai[] = { "data", "embedding" };
    static const char *const  used[] = { "usage", "prompt_tokens" };
    static const char *const  gemini[] = { "embeddings", "values" };
    static const char *const  meta[] = { "usageMetadata", "promptTokenCount" };
    static const char *const  vertex[] = { "predictions", "embeddings",
                                           "values" };
    static const char *const  titan[] = { "embedding" };
    static const char *const  count[] = { "inputTextTokenCount" };
    static const char *const  cohere[] = { "embeddings", "float" };

    memset(&a, 0, sizeof(llm_embed_answer_t));

    a.tokens = -1;

    a.values = llm_calloc(c->arena, (c->n + 1) * sizeof(llm_str_t));
    if (a.values == NULL) {
        return LLM_NOMEM;
    }

    switch (c->host) {

    case LLM_HOST_GEMINI:
        llm_embed_read_data(c, &a, body, gemini, 2);
        a.tokens = llm_embed_number(body, meta, 2);
        break;

    case LLM_HOST_VERTEX:
        llm_embed_read_data(c, &a, body, vertex, 3);
        list = llm_embed_at(body, vertex, 1);
        a.tokens = llm_embed_tokens(&list);
        break;

    case LLM_HOST_BEDROCK:

        if (llm_convert_model_has(c, "cohere.")) {
            llm_embed_read_data(c, &a, body, cohere, 2);
            break;
        }

        list = llm_embed_at(body, titan, 1);
        llm_embed_value(c, &a, &list);
        a.tokens = llm_embed_number(body, count, 1);
        break;

    default:
        llm_embed_read_data(c, &a, body, openai, 2);
        a.tokens = llm_embed_number(body, used, 2);
    }

    /* as many as were asked for, or none is known to be which */

    if (a.n != c->n) {
        return LLM_INVALID;
    }

    if (a.tokens < 0) {
        a.tokens = llm_usage_estimate(c->bytes);
        c->usage.estimated = 1;
    }

    llm_usage_set(&c->usage, LLM_USAGE_INPUT, a.tokens);
    c->has_usage = 1;

    rc = llm_embed_print(c, &a, &answer->body);

    llm_convert_json(answer);

    return rc;
}


/* arrays at the end of a path, on which any array may lie */

static void
llm_embed_read_data(llm_convert_t *c, llm_embed_answer_t *a,
    const llm_str_t *raw, const char *const *path, unsigned depth)
{
    llm_str_t   value;
    llm_walk_t  w;

    if (llm_form_type(raw) == LLM_JSON_ARRAY) {

        if (depth == 0) {
            llm_walk_open(&w, raw);

            if (!llm_walk_element(&w, &value)
                || llm_form_type(&value) == LLM_JSON_NUMBER)
            {
                llm_embed_value(c, a, raw);
                return;
            }
        }

        llm_walk_open(&w, raw);

        while (a->n <= c->n && llm_walk_element(&w, &value)) {

            if (depth == 0) {
                llm_embed_value(c, a, &value);

            } else {
                llm_embed_read_data(c, a, &value, path, depth);
            }
        }

        return;
    }

    if (depth && llm_form_type(raw) == LLM_JSON_OBJECT) {
        value = llm_embed_at(raw, path, 1);
        llm_embed_read_data(c, a, &value, path + 1, depth - 1);
    }
}


static void
llm_embed_value(llm_convert_t *c, llm_embed_answer_t *a, const llm_str_t *raw)
{
    if (a->n <= c->n && llm_form_type(raw) == LLM_JSON_ARRAY) {
        a->values[a->n++] = *raw;
    }
}


static int64_t
llm_embed_number(const llm_str_t *object, const char *const *path,
    unsigned depth)
{
    llm_str_t  value;

    value = llm_embed_at(object, path, depth);

    return llm_member_count(&value);
}


static llm_str_t
llm_embed_at(const llm_str_t *object, const char *const *path, unsigned depth)
{
    llm_str_t  value, member;

    value = *object;

    for ( /* void */ ; depth; depth--, path++) {
        llm_member_pick(&value, path, 1, &member);
        value = member;
    }

    return value;
}


/* Vertex tells them of each text */

static int64_t
llm_embed_tokens(const llm_str_t *predictions)
{
    int64_t     n, sum;
    llm_str_t   value;
    llm_walk_t  w;

    static const char *const  path[] = {
        "embeddings", "statistics", "token_count"
    };

    if (llm_form_type(predictions) != LLM_JSON_ARRAY) {
        return -1;
    }

    sum = 0;

    llm_walk_open(&w, predictions);

    while (llm_walk_element(&w, &value)) {
        n = llm_embed_number(&value, path, 3);

        if (n < 0 || sum > LLM_USAGE_MAX) {
            return -1;
        }

        sum += n;
    }

    return sum;
}
