
#include "llm_request.h"
#include "llm_request_state.h"


static int llm_request_read_field(llm_request_ctx_t *ctx, unsigned i,
    const llm_field_t *field);
static unsigned llm_request_is(const llm_str_t *text, const char *word);


int
llm_request_read_multipart(const llm_op_t *op, const llm_multipart_t *m,
    llm_arena_t *arena, llm_request_t *req, llm_error_t *err)
{
    int                 rc;
    unsigned            i;
    llm_request_ctx_t   ctx;
    const llm_field_t  *field;

    llm_request_init(&ctx, op, arena, req, err);

    for (i = 0; i < ctx.table->n; i++) {

        if (ctx.table->picks[i].parent != LLM_PICK_ROOT
            || ctx.table->reads[i] == LLM_READ_NONE)
        {
            continue;
        }

        rc = llm_multipart_find(m, ctx.table->picks[i].name, &field);

        if (rc == LLM_DECLINED) {
            continue;
        }

        if (rc == LLM_DUPLICATE) {
            return llm_request_refuse(&ctx, i, "is there more than once");
        }

        rc = llm_request_read_field(&ctx, i, field);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    return llm_request_done(&ctx);
}


static int
llm_request_read_field(llm_request_ctx_t *ctx, unsigned i,
    const llm_field_t *field)
{
    int64_t           n;
    const llm_str_t  *text;

    text = &field->value;

    if (field->file || field->truncated) {

        if (ctx->table->reads[i] == LLM_READ_USER) {
            return LLM_OK;
        }

        return llm_request_refuse(ctx, i, field->file ? "must not be a file"
                                              : "is too long");
    }

    switch (ctx->table->reads[i]) {

    case LLM_READ_STREAM:

        if (llm_request_is(text, "true") || llm_request_is(text, "1")) {
            ctx->req->stream = 1;
            return LLM_OK;
        }

        if (text->len == 0 || llm_request_is(text, "false")
            || llm_request_is(text, "0"))
        {
            return LLM_OK;
        }

        return llm_request_refuse(ctx, i, "must be true or false");

    case LLM_READ_N:
    case LLM_READ_SECONDS:

        if (llm_request_decimal(text, &n) != LLM_OK) {
            n = -1;
        }

        return llm_request_set_number(ctx, i, n);

    case LLM_READ_MODEL:
    case LLM_READ_SIZE:
    case LLM_READ_QUALITY:
    case LLM_READ_USER:

        return llm_request_set_text(ctx, i, text);

    default:

        return LLM_OK;
    }
}


/* word is in lower case; forms say "True" where a Python program made them */

static unsigned
llm_request_is(const llm_str_t *text, const char *word)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < text->len; i++) {
        c = text->data[i];

        if (c >= 'A' && c <= 'Z') {
            c |= 0x20;
        }

        if (word[i] == '\0' || c != (unsigned char) word[i]) {
            return 0;
        }
    }

    return word[i] == '\0';
}
