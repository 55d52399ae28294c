
/*
 * Counts of tokens: a request is translated as if it were to be answered, and
 * of that what counts is sent to the provider's own counter.  OpenAI has none.
 */


#include "llm_convert_state.h"


#define LLM_COUNT_MEDIA  1024        /* tokens of an image or a document */


static int llm_count_request(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err);
static int llm_count_translate(llm_convert_t *c, const llm_convert_in_t *in,
    llm_buf_t *body, llm_error_t *err);
static void llm_count_write_gemini(llm_convert_t *c, const llm_str_t *body,
    llm_buf_t *out);
static void llm_count_write_members(const llm_str_t *body,
    const char *const *names, llm_buf_t *out);
static int llm_count_answer(llm_convert_t *c, const llm_str_t *body,
    llm_convert_answer_t *answer);
static int llm_count_local(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_answer_t *answer, llm_error_t *err);
static uint64_t llm_count_blocks(const llm_block_t *block, int64_t *media);
static void llm_count_print(llm_convert_t *c, int64_t tokens,
    llm_convert_answer_t *answer);


const llm_convert_row_t  llm_convert_count_rows[] = {

    { LLM_OP_COUNT_TOKENS, LLM_HOST_GOOGLE|LLM_HOST_BEDROCK, LLM_CONVERT_CALL,
      llm_count_request, llm_count_answer, NULL },

    { LLM_OP_COUNT_TOKENS, LLM_HOST_OPENAI|LLM_HOST_XAI, LLM_CONVERT_LOCAL,
      NULL, NULL, llm_count_local },

    { LLM_OP_GEMINI_COUNT, LLM_HOST_ANTHROPIC|LLM_HOST_BEDROCK,
      LLM_CONVERT_CALL, llm_count_request, llm_count_answer, NULL },

    { LLM_OP_GEMINI_COUNT, LLM_HOST_OPENAI|LLM_HOST_XAI, LLM_CONVERT_LOCAL,
      NULL, NULL, llm_count_local },

    { LLM_OP_NONE, 0, LLM_CONVERT_NONE, NULL, NULL, NULL }
};


static int
llm_count_request(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_call_t *call, llm_error_t *err)
{
    int              rc;
    llm_buf_t        whole;
    llm_str_t        body;
    const llm_op_t  *op;

    static const char *const  vertex[] = {
        "contents", "systemInstruction", "tools", NULL
    };

    rc = llm_count_translate(c, in, &whole, err);

    if (rc != LLM_OK) {
        return rc;
    }

    if (c->to->dialect == LLM_DIALECT_GENERATE) {
        body.data = whole.data;
        body.len = whole.len;

        if (c->host == LLM_HOST_GEMINI) {
            llm_count_write_gemini(c, &body, &call->body);

        } else {
            llm_count_write_members(&body, vertex, &call->body);
        }

        return llm_convert_post(c, LLM_OP_GEMINI_COUNT, call, err);
    }

    /* Claude's dialects know what their counters take */

    call->body = whole;

    op = (c->to->dialect == LLM_DIALECT_CONVERSE)
         ? &llm_ops[LLM_OP_BEDROCK_COUNT]
         : llm_translate_host(&llm_ops[LLM_OP_COUNT_TOKENS], c->to, 0);

    return llm_convert_post(c, op->op, call, err);
}


static int
llm_count_translate(llm_convert_t *c, const llm_convert_in_t *in,
    llm_buf_t *body, llm_error_t *err)
{
    int               rc;
    llm_form_t       *form;
    llm_translate_t  *x;

    rc = llm_translate_read(c->arena, c->client, &in->body, &form, err);

    if (rc != LLM_OK) {
        return rc;
    }

    x = llm_translate_create(c->arena, form, c->to, c->conf);
    if (x == NULL) {
        return LLM_NOMEM;
    }

    llm_buf_init(body, c->arena);

    return llm_translate_request(x, body, err);
}


/* system and tools count only inside of a whole request */

static void
llm_count_write_gemini(llm_convert_t *c, const llm_str_t *body,
    llm_buf_t *out)
{
    llm_buf_puts(out, "{\"generateContentRequest\":{\"model\":\"");

    if (c->to->model.len <= 7 || memcmp(c->to->model.data, "models/", 7) != 0)
    {
        llm_buf_puts(out, "models/");
    }

    llm_buf_add(out, c->to->model.data, c->to->model.len);
    llm_buf_puts(out, "\",");
    llm_buf_add(out, body->data + 1, body->len - 1);
    llm_buf_puts(out, "}");
}


/* of Vertex AI, which refuses what does not count */

static void
llm_count_write_members(const llm_str_t *body, const char *const *names,
    llm_buf_t *out)
{
    unsigned    i, n;
    llm_str_t   name, value;
    llm_walk_t  w;

    n = 0;

    llm_buf_puts(out, "{");

    llm_walk_open(&w, body);

    while (llm_walk_member(&w, &name, &value)) {

        for (i = 0; names[i]; i++) {

            if (!llm_member_is(&name, names[i])) {
                continue;
            }

            if (n++) {
                llm_buf_puts(out, ",");
            }

            llm_buf_add(out, name.data, name.len);
            llm_buf_puts(out, ":");
            llm_buf_add(out, value.data, value.len);
        }
    }

    llm_buf_puts(out, "}");
}


static int
llm_count_answer(llm_convert_t *c, const llm_str_t *body,
    llm_convert_answer_t *answer)
{
    int64_t    tokens;
    unsigned   i;
    llm_str_t  values[3];

    static const char *const  names[] = {
        "totalTokens", "input_tokens", "inputTokens"
    };

    llm_member_pick(body, names, 3, values);

    tokens = -1;

    for (i = 0; tokens < 0 && i < 3; i++) {
        tokens = llm_member_count(&values[i]);
    }

    if (tokens < 0) {
        return LLM_INVALID;
    }

    llm_count_print(c, tokens, answer);

    return LLM_OK;
}


static int
llm_count_local(llm_convert_t *c, const llm_convert_in_t *in,
    llm_convert_answer_t *answer, llm_error_t *err)
{
    int                rc;
    int64_t            media;
    uint64_t           bytes;
    llm_form_t        *form;
    const llm_turn_t  *turn;
    const llm_tool_t  *tool;

    rc = llm_translate_read(c->arena, c->client, &in->body, &form, err);

    if (rc != LLM_OK) {
        return rc;
    }

    bytes = 0;
    media = 0;

    for (turn = form->turns; turn; turn = turn->next) {

        /* a few that tell the turn */

        bytes += 12 + llm_count_blocks(turn->blocks, &media);
    }

    for (tool = form->tools; tool; tool = tool->next) {
        bytes += 12 + tool->name.len + tool->description.len
                 + tool->schema.len;
    }

    llm_count_print(c, llm_usage_estimate(bytes) + media, answer);

    return LLM_OK;
}


static uint64_t
llm_count_blocks(const llm_block_t *block, int64_t *media)
{
    uint64_t            bytes;
    const llm_block_t  *b;

    bytes = 0;

    for ( /* void */ ; block; block = block->next) {
        bytes += block->text.len + block->name.len + block->json.len;

        for (b = block->content; b; b = b->next) {
            bytes += b->text.len;
            *media += (b->source != LLM_SOURCE_NONE) ? LLM_COUNT_MEDIA : 0;
        }

        if (block->source == LLM_SOURCE_TEXT) {
            bytes += block->data.len;

        } else if (block->source != LLM_SOURCE_NONE) {
            *media += LLM_COUNT_MEDIA;
        }
    }

    return bytes;
}


static void
llm_count_print(llm_convert_t *c, int64_t tokens,
    llm_convert_answer_t *answer)
{
    llm_convert_json(answer);

    llm_buf_puts(&answer->body, c->client->protocol == LLM_PROTOCOL_GEMINI
                                ? "{\"totalTokens\":" : "{\"input_tokens\":");
    llm_buf_int(&answer->body, tokens);
    llm_buf_puts(&answer->body, "}");
}
