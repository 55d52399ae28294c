
/* ends of streams by length: chat, legacy completions, Messages, Gemini */


#include "llm_chat.h"
#include "llm_ending_state.h"
#include "llm_generate.h"
#include "llm_messages.h"
#include "llm_protocol.h"


static uint64_t llm_ending_open(llm_ending_t *e, const llm_str_t *data,
    const char *list, const char *reason);
static int llm_ending_chat(llm_ending_t *e, const llm_str_t *data,
    const llm_usage_t *usage, llm_buf_t *out);
static void llm_ending_chat_head(const llm_str_t *data, llm_buf_t *out);
static int llm_ending_messages(const llm_str_t *data,
    const llm_usage_t *usage, llm_buf_t *out);
static int llm_ending_generate(llm_ending_t *e, const llm_str_t *data,
    const llm_usage_t *usage, llm_buf_t *out);
static unsigned llm_ending_copy(const llm_str_t *data, const char *name,
    llm_buf_t *out);


llm_ending_t *
llm_ending_create(llm_arena_t *arena, const llm_ending_conf_t *conf)
{
    llm_ending_t  *e;

    switch (conf->op->op) {

    case LLM_OP_CHAT:
    case LLM_OP_COMPLETIONS:
    case LLM_OP_MESSAGES:
    case LLM_OP_RESPONSES:
    case LLM_OP_GENERATE_STREAM:
        break;

    default:
        return NULL;
    }

    e = llm_calloc(arena, sizeof(llm_ending_t));
    if (e == NULL) {
        return NULL;
    }

    e->arena = arena;
    e->conf = *conf;

    if (conf->op->op == LLM_OP_RESPONSES) {
        e->responses = llm_ending_responses_create(arena);

        if (e->responses == NULL) {
            return NULL;
        }
    }

    return e;
}


unsigned
llm_ending_follows(const llm_ending_t *e)
{
    return e->responses != NULL || e->conf.answers > 1;
}


void
llm_ending_event(llm_ending_t *e, const llm_str_t *data)
{
    switch (e->conf.op->op) {

    case LLM_OP_RESPONSES:
        llm_ending_responses_event(e, data);
        break;

    case LLM_OP_GENERATE_STREAM:
        (void) llm_ending_open(e, data, "candidates", "finishReason");
        break;

    case LLM_OP_CHAT:
    case LLM_OP_COMPLETIONS:
        (void) llm_ending_open(e, data, "choices", "finish_reason");
        break;

    default: /* LLM_OP_MESSAGES */
        break;
    }
}


int
llm_ending_print(llm_ending_t *e, const llm_str_t *data,
    const llm_usage_t *usage, llm_buf_t *out)
{
    switch (e->conf.op->op) {

    case LLM_OP_RESPONSES:
        return llm_ending_responses_print(e, data, usage, out);

    case LLM_OP_MESSAGES:
        return llm_ending_messages(data, usage, out);

    case LLM_OP_GENERATE_STREAM:
        return llm_ending_generate(e, data, usage, out);

    default: /* LLM_OP_CHAT, LLM_OP_COMPLETIONS */
        return llm_ending_chat(e, data, usage, out);
    }
}


/*
 * The answers that go on behind this event, by bit; those that it ends are
 * noted.  0: there are none, or it is not of answers at all.
 */

static uint64_t
llm_ending_open(llm_ending_t *e, const llm_str_t *data, const char *list,
    const char *reason)
{
    int64_t     n;
    uint64_t    open;
    llm_str_t   all, one, value;
    llm_walk_t  w;

    if (llm_form_member(data, list, &all) != LLM_OK
        || llm_form_type(&all) != LLM_JSON_ARRAY)
    {
        return 0;
    }

    open = 0;
    llm_walk_open(&w, &all);

    while (llm_walk_element(&w, &one)) {

        n = 0;

        if (llm_form_member(&one, "index", &value) == LLM_OK) {
            n = llm_raw_int(&value);
        }

        if (n < 0 || n >= LLM_ENDING_ANSWERS) {
            continue;
        }

        open |= (uint64_t) 1 << n;

        if (llm_form_member(&one, reason, &value) == LLM_OK
            && llm_form_type(&value) == LLM_JSON_STRING)
        {
            e->closed |= (uint64_t) 1 << n;
        }
    }

    if (open == 0) {
        return 0;
    }

    for (n = 0; n < e->conf.answers && n < LLM_ENDING_ANSWERS; n++) {
        open |= (uint64_t) 1 << n;
    }

    return open & ~e->closed;
}


static int
llm_ending_chat(llm_ending_t *e, const llm_str_t *data,
    const llm_usage_t *usage, llm_buf_t *out)
{
    int64_t   i;
    unsigned  chat;
    uint64_t  open;

    open = llm_ending_open(e, data, "choices", "finish_reason");

    if (open == 0) {
        return LLM_AGAIN;
    }

    chat = (e->conf.op->op == LLM_OP_CHAT);
    for (i = 0; i < LLM_ENDING_ANSWERS; i++) {

        if (!(open >> i & 1)) {
            continue;
        }

        llm_ending_chat_head(data, out);
        llm_buf_puts(out, ",\"choices\":[{\"index\":");
        llm_buf_int(out, i);
        llm_buf_puts(out, chat ? ",\"delta\":{}"
                               : ",\"text\":\"\",\"logprobs\":null");
        llm_buf_puts(out, ",\"finish_reason\":\"length\"}]}\n\n");
    }

    if (e->conf.usage) {
        llm_ending_chat_head(data, out);
        llm_buf_puts(out, ",\"choices\":[],\"usage\":");
        llm_chat_print_usage(usage, out);
        llm_buf_puts(out, "}\n\n");
    }

    llm_buf_puts(out, "data: [DONE]\n\n");

    return out->failed ? LLM_NOMEM : LLM_OK;
}


/* what all chunks of a stream have in common */

static void
llm_ending_chat_head(const llm_str_t *data, llm_buf_t *out)
{
    llm_buf_puts(out, "data: {\"id\":");

    if (!llm_ending_copy(data, "id", out)) {
        llm_buf_puts(out, "\"\"");
    }

    llm_buf_puts(out, ",\"object\":");

    if (!llm_ending_copy(data, "object", out)) {
        llm_buf_puts(out, "\"chat.completion.chunk\"");
    }

    llm_buf_puts(out, ",\"created\":");

    if (!llm_ending_copy(data, "created", out)) {
        llm_buf_puts(out, "0");
    }

    llm_buf_puts(out, ",\"model\":");

    if (!llm_ending_copy(data, "model", out)) {
        llm_buf_puts(out, "\"\"");
    }
}


/* blocks follow one another: the last event's is the only one open */

static int
llm_ending_messages(const llm_str_t *data, const llm_usage_t *usage,
    llm_buf_t *out)
{
    llm_str_t  type, index;

    if (llm_form_member(data, "type", &type) != LLM_OK) {
        return LLM_AGAIN;
    }

    if (llm_form_is(&type, "content_block_start")
        || llm_form_is(&type, "content_block_delta"))
    {
        if (llm_form_member(data, "index", &index) != LLM_OK) {
            return LLM_AGAIN;
        }

        llm_buf_puts(out, "event: content_block_stop\ndata: "
                          "{\"type\":\"content_block_stop\",\"index\":");
        llm_form_print_raw(out, &index);
        llm_buf_puts(out, "}\n\n");

    } else if (!llm_form_is(&type, "content_block_stop")) {
        return LLM_AGAIN;
    }

    llm_buf_puts(out, "event: message_delta\ndata: "
                      "{\"type\":\"message_delta\",\"delta\":{"
                      "\"stop_reason\":\"max_tokens\","
                      "\"stop_sequence\":null},");
    llm_messages_print_usage(usage, out);
    llm_buf_puts(out, "}\n\nevent: message_stop\ndata: "
                      "{\"type\":\"message_stop\"}\n\n");

    return out->failed ? LLM_NOMEM : LLM_OK;
}


static int
llm_ending_generate(llm_ending_t *e, const llm_str_t *data,
    const llm_usage_t *usage, llm_buf_t *out)
{
    int64_t   i;
    unsigned  any;
    uint64_t  open;

    open = llm_ending_open(e, data, "candidates", "finishReason");

    if (open == 0) {
        return LLM_AGAIN;
    }

    llm_buf_puts(out, e->conf.array ? ",\r\n" : "data: ");
    llm_buf_puts(out, "{\"candidates\":[");

    any = 0;

    for (i = 0; i < LLM_ENDING_ANSWERS; i++) {

        if (!(open >> i & 1)) {
            continue;
        }

        if (any) {
            llm_buf_puts(out, ",");
        }

        any = 1;

        llm_buf_puts(out, "{\"content\":{\"parts\":[{\"text\":\"\"}],"
                          "\"role\":\"model\"},"
                          "\"finishReason\":\"MAX_TOKENS\",\"index\":");
        llm_buf_int(out, i);
        llm_buf_puts(out, "}");
    }

    llm_buf_puts(out, "]");
    llm_generate_print_usage(usage, out);

    llm_buf_puts(out, ",\"modelVersion\":");

    if (!llm_ending_copy(data, "modelVersion", out)) {
        llm_buf_puts(out, "\"\"");
    }

    llm_buf_puts(out, ",\"responseId\":");

    if (!llm_ending_copy(data, "responseId", out)) {
        llm_buf_puts(out, "\"\"");
    }

    llm_buf_puts(out, e->conf.array ? "}]" : "}\r\n\r\n");

    return out->failed ? LLM_NOMEM : LLM_OK;
}


/* a member's value as it stands; 0: there is none */

static unsigned
llm_ending_copy(const llm_str_t *data, const char *name, llm_buf_t *out)
{
    llm_str_t  value;

    if (llm_form_member(data, name, &value) != LLM_OK) {
        return 0;
    }

    llm_form_print_raw(out, &value);

    return 1;
}
