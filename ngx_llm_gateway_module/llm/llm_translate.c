
/*
 * Translation between protocols: what no dialect has to know of another.
 */


#include "llm_dialect.h"
#include "llm_quirk.h"


static llm_dialect_e llm_translate_client(const llm_op_t *op);
static const llm_dialect_t *llm_translate_row(llm_dialect_e dialect);
static llm_str_t llm_translate_trim(const llm_str_t *text);
static int llm_translate_result(llm_translate_t *x, int rc);
static int llm_translate_is_done(const llm_str_t *data);
static int llm_translate_contract(const llm_translate_t *x,
    llm_error_t *err);


/* a row for each, NULL is the last one */

static const llm_dialect_t  *llm_dialects[] = {
    &llm_dialect_chat,
    &llm_dialect_messages,
    &llm_dialect_converse,
    &llm_dialect_responses,
    &llm_dialect_generate,
    NULL
};


const llm_op_t *
llm_translate_op(const llm_op_t *client, llm_dialect_e to, unsigned stream)
{
    switch (client->op) {

    case LLM_OP_CHAT:
    case LLM_OP_RESPONSES:
    case LLM_OP_MESSAGES:
    case LLM_OP_GENERATE:
    case LLM_OP_GENERATE_STREAM:
        break;

    default:
        return NULL;
    }

    switch (to) {

    case LLM_DIALECT_CHAT:
        return &llm_ops[LLM_OP_CHAT];

    case LLM_DIALECT_RESPONSES:
        return &llm_ops[LLM_OP_RESPONSES];

    case LLM_DIALECT_MESSAGES:
        return &llm_ops[LLM_OP_MESSAGES];

    case LLM_DIALECT_GENERATE:
        return &llm_ops[stream ? LLM_OP_GENERATE_STREAM : LLM_OP_GENERATE];

    case LLM_DIALECT_CONVERSE:
        return &llm_ops[stream ? LLM_OP_CONVERSE_STREAM : LLM_OP_CONVERSE];

    default:
        return NULL;
    }
}


const llm_op_t *
llm_translate_host(const llm_op_t *op, const llm_to_t *to, unsigned stream)
{
    if (to->dialect != LLM_DIALECT_MESSAGES) {
        return op;
    }

    switch (op->op) {

    case LLM_OP_MESSAGES:

        if (llm_quirk(to, VERTEX)) {
            return &llm_ops[stream ? LLM_OP_RAW_PREDICT_STREAM
                                   : LLM_OP_RAW_PREDICT];
        }

        if (llm_quirk(to, BEDROCK)) {
            return &llm_ops[stream ? LLM_OP_INVOKE_STREAM : LLM_OP_INVOKE];
        }

        return op;

    case LLM_OP_COUNT_TOKENS:

        if (llm_quirk(to, VERTEX)) {
            return &llm_ops[LLM_OP_RAW_COUNT];
        }

        if (llm_quirk(to, BEDROCK)) {
            return &llm_ops[LLM_OP_BEDROCK_COUNT];
        }

        return op;

    default:
        return op;
    }
}


int
llm_translate_read(llm_arena_t *arena, const llm_op_t *op,
    const llm_str_t *body, llm_form_t **form, llm_error_t *err)
{
    int                   rc;
    llm_str_t             text;
    llm_form_t           *f;
    const llm_dialect_t  *d;

    d = llm_translate_row(llm_translate_client(op));

    if (d == NULL || d->read_request == NULL) {
        return llm_translate_refuse(err, LLM_ERROR_UNTRANSLATABLE, "",
                     "this endpoint cannot be served by another protocol");
    }

    text = llm_translate_trim(body);

    if (llm_form_type(&text) != LLM_JSON_OBJECT) {
        return llm_translate_refuse(err, LLM_ERROR_INVALID_JSON, "",
                                    "the body is no JSON object");
    }

    f = llm_calloc(arena, sizeof(llm_form_t));
    if (f == NULL) {
        return LLM_NOMEM;
    }

    f->arena = arena;
    f->op = op;
    f->body = text;

    f->last_turn = &f->turns;
    f->last_tool = &f->tools;
    f->last_extra = &f->extra;

    f->parallel = -1;
    f->max_tokens = -1;
    f->n = 1;
    f->logprobs = -1;
    f->budget = -1;
    f->thoughts = -1;
    f->schema_strict = -1;

    f->stream = (op->flags & LLM_OP_STREAMS) != 0;

    rc = d->read_request(f, &f->body, err);

    *form = f;

    return rc;
}


/* token counts are asked for in the same words as answers */

static llm_dialect_e
llm_translate_client(const llm_op_t *op)
{
    switch (op->op) {

    case LLM_OP_CHAT:
        return LLM_DIALECT_CHAT;

    case LLM_OP_RESPONSES:
        return LLM_DIALECT_RESPONSES;

    case LLM_OP_MESSAGES:
    case LLM_OP_COUNT_TOKENS:
        return LLM_DIALECT_MESSAGES;

    case LLM_OP_GENERATE:
    case LLM_OP_GENERATE_STREAM:
    case LLM_OP_GEMINI_COUNT:
        return LLM_DIALECT_GENERATE;

    default:
        return LLM_DIALECT_NONE;
    }
}


static const llm_dialect_t *
llm_translate_row(llm_dialect_e dialect)
{
    size_t  i;

    for (i = 0; llm_dialects[i]; i++) {

        if (llm_dialects[i]->dialect == dialect) {
            return llm_dialects[i];
        }
    }

    return NULL;
}


llm_translate_t *
llm_translate_create(llm_arena_t *arena, const llm_form_t *form,
    const llm_to_t *to, const llm_translate_conf_t *conf)
{
    llm_item_t       *item;
    llm_translate_t  *x;

    x = llm_calloc(arena, sizeof(llm_translate_t));
    if (x == NULL) {
        return NULL;
    }

    x->arena = arena;
    x->form = form;
    x->to = to;
    x->conf = conf;

    x->client = llm_translate_row(llm_translate_client(form->op));
    x->upstream = llm_translate_row(to->dialect);

    if (x->client == NULL || x->upstream == NULL) {
        return NULL;
    }

    x->writer = llm_calloc(arena, x->client->writer_size);
    if (x->writer == NULL) {
        return NULL;
    }

    x->reader = llm_calloc(arena, x->upstream->reader_size);
    if (x->reader == NULL) {
        return NULL;
    }

    llm_buf_init(&x->dropped, arena);
    llm_buf_init(&x->headers, arena);
    llm_buf_init(&x->scratch, arena);
    llm_buf_init(&x->text, arena);

    for (item = form->dropped; item; item = item->next) {
        llm_translate_drop_name(x, &item->name);
    }

    return x;
}


int
llm_translate_request(llm_translate_t *x, llm_buf_t *out, llm_error_t *err)
{
    int  rc;

    if (x->upstream->write_request == NULL) {
        return llm_translate_refuse(err, LLM_ERROR_UNTRANSLATABLE, "",
                     "this endpoint cannot be served by another protocol");
    }

    rc = llm_translate_contract(x, err);

    if (rc == LLM_OK) {
        rc = x->upstream->write_request(x, out, err);
    }

    if (out->failed || x->dropped.failed || x->headers.failed) {
        return LLM_NOMEM;
    }

    return rc;
}


/* what no pair of protocols can give: one answer, without its logarithms */

static int
llm_translate_contract(const llm_translate_t *x, llm_error_t *err)
{
    unsigned  gemini;

    gemini = (x->client->dialect == LLM_DIALECT_GENERATE);

    if (x->form->n > 1) {
        return llm_translate_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                     gemini ? "generationConfig.candidateCount" : "n",
                     "this model's provider gives one answer at a time");
    }

    if (x->form->logprobs == 1) {
        return llm_translate_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                     gemini ? "generationConfig.responseLogprobs"
                     : x->client->dialect == LLM_DIALECT_RESPONSES
                     ? "top_logprobs" : "logprobs",
                     "log probabilities are not available of this model's "
                     "provider");
    }

    return LLM_OK;
}


llm_str_t
llm_translate_headers(llm_translate_t *x)
{
    llm_str_t  s;

    s.data = x->headers.data;
    s.len = x->headers.len;

    return s;
}


llm_str_t
llm_translate_type(const llm_translate_t *x, unsigned stream)
{
    static const llm_str_t  json = llm_string("application/json");
    static const llm_str_t  sse = llm_string(
                                        "text/event-stream; charset=utf-8");

    return (stream && !x->conf->array) ? sse : json;
}


int
llm_translate_refuse(llm_error_t *err, llm_error_e code, const char *param,
    const char *message)
{
    err->code = code;
    err->param.data = (unsigned char *) param;
    err->param.len = strlen(param);
    err->message.data = (unsigned char *) message;
    err->message.len = strlen(message);

    return LLM_INVALID;
}


void
llm_translate_usage(llm_translate_t *x, const llm_usage_t *usage)
{
    x->usage = *usage;
    x->has_usage = 1;
}


int
llm_translate_answer(llm_translate_t *x, const llm_str_t *body,
    llm_buf_t *out)
{
    int             rc;
    llm_str_t       text;
    llm_json_e      type;
    llm_message_t  *m;

    rc = llm_form_check(x->arena, body, &type);
    if (rc != LLM_OK) {
        return rc;
    }

    m = llm_calloc(x->arena, sizeof(llm_message_t));
    if (m == NULL) {
        return LLM_NOMEM;
    }

    m->last = &m->blocks;
    m->last_note = &m->notes;

    x->message = m;
    x->scratch.len = 0;

    text = llm_translate_trim(body);

    rc = x->upstream->read_answer(x, &text);

    if (x->nomem || x->scratch.failed || x->text.failed) {
        return LLM_NOMEM;
    }

    if (rc != LLM_OK || x->failed) {
        return LLM_INVALID;
    }

    llm_translate_done(x);

    if (x->nomem) {
        return LLM_NOMEM;
    }

    x->client->write_answer(x, m, out);

    return (out->failed || x->nomem) ? LLM_NOMEM : LLM_OK;
}


int
llm_translate_event(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *data, llm_buf_t *out)
{
    llm_str_t  text;

    text = llm_translate_trim(data);

    if (x->ended || x->failed || text.len == 0) {
        return LLM_OK;
    }

    x->out = out;
    x->scratch.len = 0;

    if (llm_translate_is_done(&text)) {

        if (x->upstream->dialect != LLM_DIALECT_CHAT) {
            return LLM_OK;
        }

        return llm_translate_result(x, x->upstream->read_event(x, name,
                                                               &text));
    }

    if (x->scan == NULL) {
        x->scan = llm_scan_create(x->arena, NULL, 0, 0);

        if (x->scan == NULL) {
            return LLM_NOMEM;
        }

    } else {
        llm_scan_reset(x->scan);
    }

    if (llm_scan_feed(x->scan, text.data, text.len) != LLM_OK
        || llm_scan_end(x->scan) != LLM_OK)
    {
        return LLM_INVALID;
    }

    return llm_translate_result(x, x->upstream->read_event(x, name, &text));
}


static int
llm_translate_is_done(const llm_str_t *data)
{
    return data->len >= 6 && memcmp(data->data, "[DONE]", 6) == 0;
}


/* white space around a value: some send it while they wait */

static llm_str_t
llm_translate_trim(const llm_str_t *text)
{
    llm_str_t  s;

    s = *text;

    while (s.len && (s.data[0] == ' ' || s.data[0] == '\n'
                     || s.data[0] == '\r' || s.data[0] == '\t'))
    {
        s.data++;
        s.len--;
    }

    while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\n'
                     || s.data[s.len - 1] == '\r'
                     || s.data[s.len - 1] == '\t'))
    {
        s.len--;
    }

    return s;
}


static int
llm_translate_result(llm_translate_t *x, int rc)
{
    if (x->nomem || x->out->failed || x->scratch.failed) {
        return LLM_NOMEM;
    }

    if (x->failed) {
        return LLM_DECLINED;
    }

    return rc == LLM_OK ? LLM_OK : LLM_INVALID;
}


int
llm_translate_end(llm_translate_t *x, llm_buf_t *out)
{
    int  rc;

    if (x->ended) {
        return LLM_OK;
    }

    x->out = out;
    x->scratch.len = 0;

    rc = LLM_OK;

    if (!x->failed) {
        rc = x->upstream->read_end(x);
    }

    rc = llm_translate_result(x, rc);

    return (rc == LLM_OK && !x->ended) ? LLM_INVALID : rc;
}


void
llm_translate_break(llm_translate_t *x, const llm_error_t *err,
    llm_buf_t *out)
{
    llm_part_t  part;

    if (x->ended) {
        return;
    }

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_ERROR;

    if (err) {
        part.fault = LLM_FAULT_SERVER;
        part.name = llm_error_names[err->code ? err->code
                                              : LLM_ERROR_INTERNAL_ERROR];
        part.text = err->message;

    } else {
        part.fault = x->fault.fault;
        part.name = x->fault.code;
        part.text = x->fault.message;
    }

    x->error = err;
    x->ended = 1;
    x->begun = 1;

    x->client->write_part(x, &part, out);
}


void
llm_translate_length(llm_translate_t *x, llm_buf_t *out)
{
    if (x->ended) {
        return;
    }

    x->out = out;
    x->tools = 0;

    llm_translate_close(x);
    llm_translate_stop(x, LLM_STOP_LENGTH, NULL);
    llm_translate_done(x);
}


void
llm_translate_print_error(llm_translate_t *x, llm_buf_t *out)
{
    unsigned         array;
    const llm_op_t  *op;

    op = x->form->op;

    array = x->conf->array ? (x->begun ? LLM_ERROR_ARRAY_NEXT
                                       : LLM_ERROR_ARRAY_FIRST)
                           : 0;

    if (x->error) {
        llm_error_print_event(op, array, -1, x->error, out);
        return;
    }

    switch (op->protocol) {

    case LLM_PROTOCOL_ANTHROPIC:
        llm_buf_puts(out, "event: error\ndata: ");
        llm_fault_print(op, &x->fault, &x->conf->id, out);
        llm_buf_puts(out, "\n\n");
        break;

    case LLM_PROTOCOL_GEMINI:

        if (array) {
            llm_buf_puts(out, array == LLM_ERROR_ARRAY_FIRST ? "[" : ",\r\n");
            llm_fault_print(op, &x->fault, &x->conf->id, out);
            llm_buf_puts(out, "]");
            break;
        }

        llm_buf_puts(out, "data: ");
        llm_fault_print(op, &x->fault, &x->conf->id, out);
        llm_buf_puts(out, "\r\n\r\n");
        break;

    default:
        llm_buf_puts(out, "data: ");
        llm_fault_print(op, &x->fault, &x->conf->id, out);
        llm_buf_puts(out, "\n\n");
    }
}


unsigned
llm_translate_begun(const llm_translate_t *x)
{
    return x->begun;
}


unsigned
llm_translate_ended(const llm_translate_t *x)
{
    return x->ended;
}


const llm_fault_t *
llm_translate_fault(const llm_translate_t *x)
{
    return x->failed ? &x->fault : NULL;
}
