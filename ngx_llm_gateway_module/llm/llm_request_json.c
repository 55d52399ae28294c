
#include "llm_request.h"
#include "llm_request_state.h"


static int llm_request_read_member(llm_request_ctx_t *ctx, unsigned i,
    const llm_found_t *found);
static int llm_request_read_flag(llm_request_ctx_t *ctx, unsigned i,
    const llm_found_t *found);
static int llm_request_read_options(llm_request_ctx_t *ctx, unsigned i,
    const llm_found_t *found);
static int llm_request_read_text(llm_request_ctx_t *ctx, unsigned i,
    const llm_found_t *found);
static int llm_request_read_number(llm_request_ctx_t *ctx, unsigned i,
    const llm_found_t *found);
static void llm_request_read_input(llm_request_t *req,
    const llm_found_t *found);


int
llm_request_read_json(const llm_op_t *op, const llm_scan_t *scan,
    llm_arena_t *arena, llm_request_t *req, llm_error_t *err)
{
    int                 rc;
    unsigned            i;
    llm_request_ctx_t   ctx;
    const llm_found_t  *found;

    llm_request_init(&ctx, op, arena, req, err);

    if (llm_scan_type(scan) != LLM_JSON_OBJECT) {
        return llm_request_fail(&ctx, ctx.table->n, LLM_ERROR_INVALID_JSON,
                                "the body must be a JSON object");
    }

    for (i = 0; i < ctx.table->n; i++) {
        found = llm_scan_found(scan, i);

        if (found->times == 0 || ctx.table->reads[i] == LLM_READ_NONE) {
            continue;
        }

        if (ctx.table->reads[i] == LLM_READ_IMAGE) {
            req->vision = 1;
            continue;
        }

        /* of two, nobody knows which one the provider would take */

        if (found->times > 1) {
            return llm_request_refuse(&ctx, i, "is there more than once");
        }

        if (found->type == LLM_JSON_NULL) {
            continue;
        }

        rc = llm_request_read_member(&ctx, i, found);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    return llm_request_done(&ctx);
}


static int
llm_request_read_member(llm_request_ctx_t *ctx, unsigned i,
    const llm_found_t *found)
{
    switch (ctx->table->reads[i]) {

    case LLM_READ_STREAM:
    case LLM_READ_BACKGROUND:
    case LLM_READ_INCLUDE_USAGE:

        return llm_request_read_flag(ctx, i, found);

    case LLM_READ_OPTIONS:

        return llm_request_read_options(ctx, i, found);

    case LLM_READ_TOOLS:

        if (found->type == LLM_JSON_ARRAY && found->count) {
            ctx->req->tools = 1;
        }

        return LLM_OK;

    case LLM_READ_INPUT:

        if (found->type != LLM_JSON_STRING) {
            return llm_request_refuse(ctx, i, "must be a string");
        }

        llm_request_read_input(ctx->req, found);

        return LLM_OK;

    case LLM_READ_MAX:
    case LLM_READ_MAX_ZERO:
    case LLM_READ_N:
    case LLM_READ_SECONDS:
    case LLM_READ_SAMPLES:

        return llm_request_read_number(ctx, i, found);

    default:

        return llm_request_read_text(ctx, i, found);
    }
}


static int
llm_request_read_flag(llm_request_ctx_t *ctx, unsigned i,
    const llm_found_t *found)
{
    unsigned  on;

    if (found->type != LLM_JSON_TRUE && found->type != LLM_JSON_FALSE) {
        return llm_request_refuse(ctx, i, "must be true or false");
    }

    on = (found->type == LLM_JSON_TRUE);

    switch (ctx->table->reads[i]) {

    case LLM_READ_STREAM:

        /* "stream_format" may have said so, too */

        ctx->req->stream |= on;
        break;

    case LLM_READ_BACKGROUND:
        ctx->req->background = on;
        break;

    default: /* LLM_READ_INCLUDE_USAGE */
        ctx->req->include_usage = on;
    }

    return LLM_OK;
}


static int
llm_request_read_options(llm_request_ctx_t *ctx, unsigned i,
    const llm_found_t *found)
{
    if (found->type != LLM_JSON_OBJECT) {
        return llm_request_refuse(ctx, i, "must be an object");
    }

    if (found->truncated) {
        return llm_request_refuse(ctx, i, "is too long");
    }

    ctx->req->stream_options = 1;
    ctx->req->options = found->raw;

    return LLM_OK;
}


static int
llm_request_read_text(llm_request_ctx_t *ctx, unsigned i,
    const llm_found_t *found)
{
    int          rc;
    llm_str_t    text;
    const char  *wrong;

    wrong = NULL;

    if (found->type != LLM_JSON_STRING) {
        wrong = "must be a string";

    } else if (found->truncated) {
        wrong = "is too long";

    } else {
        rc = llm_json_string(ctx->arena, &found->raw, &text);

        if (rc == LLM_NOMEM) {
            return LLM_NOMEM;
        }

        if (rc == LLM_OK) {
            return llm_request_set_text(ctx, i, &text);
        }

        wrong = "is not a valid text";
    }

    switch (ctx->table->reads[i]) {

    case LLM_READ_USER:
    case LLM_READ_FORMAT:
    case LLM_READ_STREAM_FORMAT:

        /* the bytes go on as they are: it is the provider who judges them */

        return LLM_OK;

    default:
        return llm_request_refuse(ctx, i, wrong);
    }
}


static int
llm_request_read_number(llm_request_ctx_t *ctx, unsigned i,
    const llm_found_t *found)
{
    int        rc;
    int64_t    n;
    llm_str_t  text;

    rc = LLM_INVALID;

    if (found->type == LLM_JSON_NUMBER && !found->truncated) {
        rc = llm_json_int(&found->raw, &n);

    } else if (found->type == LLM_JSON_STRING && !found->truncated
               && (ctx->table->reads[i] == LLM_READ_SECONDS
                   || ctx->op->protocol == LLM_PROTOCOL_GEMINI))
    {
        /* JSON forms of protocol buffers take integers as strings, too */

        text.data = found->raw.data + 1;
        text.len = found->raw.len - 2;

        rc = llm_request_decimal(&text, &n);
    }

    if (rc != LLM_OK) {
        n = -1;
    }

    return llm_request_set_number(ctx, i, n);
}


static void
llm_request_read_input(llm_request_t *req, const llm_found_t *found)
{
    int64_t         n;
    unsigned char  *p, *last;

    if (found->truncated) {
        req->characters = (int64_t) found->count;
        return;
    }

    /* the text is well-formed: code points are counted without decoding it */

    n = 0;
    p = found->raw.data + 1;
    last = found->raw.data + found->raw.len - 1;

    while (p < last) {

        if (*p != '\\') {
            n += ((*p & 0xc0) != 0x80);
            p++;
            continue;
        }

        if (p[1] != 'u') {
            n++;
            p += 2;
            continue;
        }

        /* \uDC00 to \uDFFF is the second half of one that was counted */

        if (!((p[2] == 'd' || p[2] == 'D') && (p[3] | 0x20) >= 'c'
              && (p[3] | 0x20) <= 'f'))
        {
            n++;
        }

        p += 6;
    }

    req->characters = n;
}
