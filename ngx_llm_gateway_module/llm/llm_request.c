
/* what readers of JSON and of multipart bodies share: checks and errors */


#include "llm_request.h"
#include "llm_request_state.h"


void
llm_request_init(llm_request_ctx_t *ctx, const llm_op_t *op,
    llm_arena_t *arena, llm_request_t *req, llm_error_t *err)
{
    memset(req, 0, sizeof(llm_request_t));

    req->max_tokens = -1;
    req->n = 1;
    req->characters = -1;
    req->seconds = -1;

    ctx->op = op;
    ctx->table = &llm_request_tables[op->op];
    ctx->arena = arena;
    ctx->req = req;
    ctx->err = err;
    ctx->samples = 1;
}


int
llm_request_done(llm_request_ctx_t *ctx)
{
    llm_request_t  *req;

    req = ctx->req;

    /* both are small, see their limits */

    if (req->seconds > 0) {
        req->seconds *= ctx->samples;
    }

    if (req->model.len == 0
        && (ctx->op->flags & LLM_OP_MODEL_BODY)
        && !(ctx->op->flags & LLM_OP_MODEL_OPTIONAL))
    {
        /* the model stands first in the tables of these operations */

        return llm_request_fail(ctx, 0, LLM_ERROR_MISSING_PARAMETER,
                                "is missing or empty");
    }

    return LLM_OK;
}


int
llm_request_set_text(llm_request_ctx_t *ctx, unsigned i,
    const llm_str_t *text)
{
    size_t          j, max;
    llm_str_t      *to;
    llm_request_t  *req;

    req = ctx->req;

    switch (ctx->table->reads[i]) {

    case LLM_READ_MODEL:
        to = &req->model;
        max = LLM_REQUEST_MAX_MODEL;
        break;

    case LLM_READ_PREVIOUS:
        to = &req->previous;
        max = LLM_REQUEST_MAX_PREVIOUS;
        break;

    case LLM_READ_SIZE:
        to = &req->size;
        max = LLM_REQUEST_MAX_WORD;
        break;

    case LLM_READ_QUALITY:
        to = &req->quality;
        max = LLM_REQUEST_MAX_WORD;
        break;

    case LLM_READ_USER:

        if (text->len <= LLM_REQUEST_MAX_USER) {
            req->user = *text;
        }

        return LLM_OK;

    case LLM_READ_STREAM_FORMAT:

        if (llm_str_is(text, "sse")) {
            req->stream = 1;
        }

        return LLM_OK;

    default: /* LLM_READ_FORMAT */

        if (llm_str_is(text, "json_object") || llm_str_is(text, "json_schema")
            || llm_str_is(text, "application/json"))
        {
            req->json = 1;
        }

        return LLM_OK;
    }

    if (text->len > max) {
        return llm_request_refuse(ctx, i, "is too long");
    }

    for (j = 0; j < text->len; j++) {

        if (text->data[j] < 0x20 || text->data[j] == 0x7f) {
            return llm_request_refuse(ctx, i,
                                      "must not hold control characters");
        }
    }

    *to = *text;

    return LLM_OK;
}


int
llm_request_set_number(llm_request_ctx_t *ctx, unsigned i, int64_t n)
{
    llm_request_t  *req;

    req = ctx->req;

    switch (ctx->table->reads[i]) {

    case LLM_READ_N:
    case LLM_READ_SAMPLES:

        if (n < 1 || n > LLM_REQUEST_MAX_N) {
            return llm_request_refuse(ctx, i,
                                      "must be an integer from 1 to 128");
        }

        if (ctx->table->reads[i] == LLM_READ_SAMPLES) {
            ctx->samples = n;

        } else if (n > req->n) {
            req->n = n;
        }

        return LLM_OK;

    case LLM_READ_SECONDS:

        if (n < 1 || n > LLM_REQUEST_MAX_SECONDS) {
            return llm_request_refuse(ctx, i,
                                      "must be an integer from 1 to 86400");
        }

        req->seconds = n;

        return LLM_OK;

    case LLM_READ_MAX_ZERO:

        if (n < 0) {
            return llm_request_refuse(ctx, i, "must be an integer, 0 or more");
        }

        break;

    default: /* LLM_READ_MAX */

        if (n < 1) {
            return llm_request_refuse(ctx, i, "must be a positive integer");
        }
    }

    /* where a request has two spellings, the larger one is the safe one */

    if (n > req->max_tokens) {
        req->max_tokens = n;
    }

    return LLM_OK;
}


int
llm_request_refuse(llm_request_ctx_t *ctx, unsigned i, const char *text)
{
    return llm_request_fail(ctx, i, LLM_ERROR_UNSUPPORTED_PARAMETER, text);
}


int
llm_request_fail(llm_request_ctx_t *ctx, unsigned i, llm_error_e code,
    const char *text)
{
    unsigned           n, names[4];
    llm_buf_t          b;
    llm_error_t       *err;
    const llm_pick_t  *picks;

    err = ctx->err;
    picks = ctx->table->picks;

    err->code = code;
    err->status = 0;
    err->param.len = 0;
    err->param.data = NULL;

    llm_buf_init(&b, ctx->arena);

    if (i < ctx->table->n) {

        n = 0;
        names[n++] = i;

        while (picks[i].parent != LLM_PICK_ROOT && n < 4) {
            i = picks[i].parent;
            names[n++] = i;
        }

        llm_buf_puts(&b, "\"");

        while (n--) {
            llm_buf_puts(&b, picks[names[n]].name);

            if (n) {
                llm_buf_puts(&b, ".");
            }
        }

        err->param.len = b.len - 1;

        llm_buf_puts(&b, "\" ");
    }

    llm_buf_puts(&b, text);

    if (b.failed) {
        return LLM_NOMEM;
    }

    if (err->param.len) {
        err->param.data = b.data + 1;
    }

    err->message.data = b.data;
    err->message.len = b.len;

    return LLM_INVALID;
}


int
llm_request_decimal(const llm_str_t *text, int64_t *n)
{
    size_t  i;

    if (text->len == 0 || text->len > 15) {
        return LLM_INVALID;
    }

    *n = 0;

    for (i = 0; i < text->len; i++) {

        if (text->data[i] < '0' || text->data[i] > '9') {
            return LLM_INVALID;
        }

        *n = *n * 10 + (text->data[i] - '0');
    }

    return LLM_OK;
}
