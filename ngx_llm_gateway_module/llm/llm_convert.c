
/*
 * Operations that are no conversations: which provider serves them how, and
 * what their conversions share.
 */


#include "llm_answer.h"
#include "llm_convert_state.h"


static const llm_convert_row_t *llm_convert_row(const llm_op_t *client,
    unsigned host);
static unsigned llm_convert_host(const llm_to_t *to);


static const llm_convert_row_t  *llm_convert_tables[] = {
    llm_convert_embed_rows,
    llm_convert_count_rows,
    llm_convert_image_rows,
    llm_convert_audio_rows,
    llm_convert_video_rows
};


llm_convert_e
llm_convert_find(const llm_op_t *client, const llm_to_t *to)
{
    const llm_convert_row_t  *row;

    row = llm_convert_row(client, llm_convert_host(to));

    return row ? row->how : LLM_CONVERT_NONE;
}


static const llm_convert_row_t *
llm_convert_row(const llm_op_t *client, unsigned host)
{
    unsigned                  i;
    const llm_convert_row_t  *row;

    for (i = 0;
         i < sizeof(llm_convert_tables) / sizeof(llm_convert_tables[0]);
         i++)
    {
        for (row = llm_convert_tables[i]; row->hosts; row++) {

            if (row->client == client->op && (row->hosts & host)) {
                return row;
            }
        }
    }

    return NULL;
}


static unsigned
llm_convert_host(const llm_to_t *to)
{
    switch (to->dialect) {

    case LLM_DIALECT_CHAT:
    case LLM_DIALECT_RESPONSES:
        return llm_quirk(to, XAI_VIDEO) ? LLM_HOST_XAI : LLM_HOST_OPENAI;

    case LLM_DIALECT_MESSAGES:
        return llm_quirk(to, BEDROCK) ? LLM_HOST_BEDROCK : LLM_HOST_ANTHROPIC;

    case LLM_DIALECT_GENERATE:
        return llm_quirk(to, VERTEX) ? LLM_HOST_VERTEX : LLM_HOST_GEMINI;

    case LLM_DIALECT_CONVERSE:
        return LLM_HOST_BEDROCK;

    default:
        return 0;
    }
}


llm_convert_t *
llm_convert_create(llm_arena_t *arena, const llm_op_t *client,
    const llm_to_t *to, const llm_translate_conf_t *conf)
{
    llm_convert_t  *c;

    c = llm_calloc(arena, sizeof(llm_convert_t));
    if (c == NULL) {
        return NULL;
    }

    c->arena = arena;
    c->client = client;
    c->to = to;
    c->conf = conf;
    c->host = llm_convert_host(to);
    c->row = llm_convert_row(client, c->host);

    llm_buf_init(&c->dropped, arena);

    return c;
}


int
llm_convert_request(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err)
{
    int  rc;

    memset(call, 0, sizeof(llm_convert_call_t));

    llm_buf_init(&call->path, c->arena);
    llm_buf_init(&call->body, c->arena);

    if (c->row == NULL || c->row->request == NULL) {
        return llm_convert_refuse(err, LLM_ERROR_UNTRANSLATABLE, "model",
                                  "this endpoint cannot be served by the "
                                  "provider of this model");
    }

    if (in->boundary.len && !(c->client->flags & LLM_OP_MULTIPART)) {
        return llm_convert_refuse(err, LLM_ERROR_UNSUPPORTED_MEDIA, "",
                                  "the body must be JSON");
    }

    rc = c->row->request(c, in, call, err);

    if (call->path.failed || call->body.failed || c->dropped.failed) {
        return LLM_NOMEM;
    }

    return rc;
}


int
llm_convert_local(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_answer_t *answer, llm_error_t *err)
{
    int  rc;

    memset(answer, 0, sizeof(llm_convert_answer_t));
    llm_buf_init(&answer->body, c->arena);

    rc = c->row->local(c, in, answer, err);

    return answer->body.failed ? LLM_NOMEM : rc;
}


int
llm_convert_answer(llm_convert_t *c, const llm_str_t *body,
    llm_convert_answer_t *answer)
{
    int         rc;
    llm_str_t   text;
    llm_json_e  type;

    memset(answer, 0, sizeof(llm_convert_answer_t));
    llm_buf_init(&answer->body, c->arena);

    rc = llm_form_check(c->arena, body, &type);

    if (rc != LLM_OK || type != LLM_JSON_OBJECT) {
        return rc == LLM_NOMEM ? rc : LLM_INVALID;
    }

    /* some send white space while they work */

    text = *body;

    while (text.len && text.data[0] != '{') {
        text.data++;
        text.len--;
    }

    rc = c->row->answer(c, &text, answer);

    return answer->body.failed ? LLM_NOMEM : rc;
}


int
llm_convert_again(llm_convert_t *c, llm_convert_call_t *call)
{
    static const llm_str_t  get = llm_string("GET");

    memset(call, 0, sizeof(llm_convert_call_t));

    llm_buf_init(&call->path, c->arena);
    llm_buf_init(&call->body, c->arena);

    call->method = get;
    call->raw = 1;

    llm_buf_add(&call->path, c->file.data, c->file.len);

    return call->path.failed ? LLM_NOMEM : LLM_OK;
}


const llm_fault_t *
llm_convert_fault(const llm_convert_t *c)
{
    return c->failed ? &c->fault : NULL;
}


int
llm_convert_usage(llm_convert_t *c, llm_usage_t *usage, llm_str_t *raw)
{
    *raw = c->raw;

    if (!c->has_usage) {
        return LLM_DECLINED;
    }

    *usage = c->usage;

    return LLM_OK;
}


llm_str_t
llm_convert_dropped(llm_convert_t *c)
{
    llm_str_t  s;

    s.data = c->dropped.data;
    s.len = c->dropped.len;

    return s;
}


int
llm_convert_refuse(llm_error_t *err, llm_error_e code, const char *param,
    const char *message)
{
    return llm_translate_refuse(err, code, param, message);
}


/* names are of a fixed list: none comes twice, none breaks a header */

void
llm_convert_drop(llm_convert_t *c, const char *name)
{
    if (c->dropped.len) {
        llm_buf_puts(&c->dropped, ",");
    }

    llm_buf_puts(&c->dropped, name);
}


int
llm_convert_post(llm_convert_t *c, llm_op_e op, llm_convert_call_t *call,
    llm_error_t *err)
{
    static const llm_str_t  post = llm_string("POST");

    call->method = post;

    if (llm_endpoint_path(&llm_ops[op], &c->to->model, NULL, &call->path)
        != LLM_OK)
    {
        return llm_convert_refuse(err, LLM_ERROR_UNTRANSLATABLE, "model",
                                  "the model's name at its provider cannot "
                                  "be in a path");
    }

    return LLM_OK;
}


unsigned
llm_convert_model_has(const llm_convert_t *c, const char *word)
{
    size_t  i, len;

    len = strlen(word);

    for (i = 0; i + len <= c->to->model.len; i++) {
        if (memcmp(c->to->model.data + i, word, len) == 0) {
            return 1;
        }
    }

    return 0;
}


void
llm_convert_json(llm_convert_answer_t *answer)
{
    static const llm_str_t  json = llm_string("application/json");

    answer->status = 200;
    answer->type = json;
}


int
llm_convert_fail(llm_convert_t *c, llm_fault_e fault, int status,
    const char *code, const llm_str_t *message)
{
    c->failed = 1;

    c->fault.fault = fault;
    c->fault.status = status;
    c->fault.message = *message;
    c->fault.code.data = (unsigned char *) code;
    c->fault.code.len = strlen(code);
    c->fault.retry_after = -1;

    return LLM_DECLINED;
}


void
llm_convert_read_usage(llm_convert_t *c, llm_op_e op, const llm_str_t *body)
{
    size_t         used;
    llm_str_t      raw;
    llm_answer_t  *a;

    a = llm_answer_create(c->arena, &llm_ops[op], LLM_ANSWER_JSON);
    if (a == NULL) {
        return;
    }

    (void) llm_answer_feed(a, body->data, body->len, &used);
    (void) llm_answer_end(a);

    if (llm_answer_usage(a, &c->usage, &raw) == LLM_OK
        && llm_str_dup(c->arena, &c->raw, raw.data, raw.len) == LLM_OK)
    {
        c->has_usage = 1;
    }
}
