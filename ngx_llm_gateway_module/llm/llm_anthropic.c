
/* answers in Anthropic's protocol */


#include "llm_protocol.h"


#define LLM_WORD    LLM_ANSWER_MAX_WORD
#define LLM_OBJECT  LLM_ANSWER_MAX_USAGE


static unsigned llm_anthropic_message(llm_answer_t *a);
static unsigned llm_anthropic_event(llm_answer_t *a);
static void llm_anthropic_merge(llm_answer_t *a, const llm_found_t *f);
static void llm_anthropic_print(llm_answer_t *a, const llm_str_t *later);
static void llm_anthropic_usage(llm_answer_t *a, llm_usage_t *u);
static const llm_reader_t *llm_anthropic_reader(const llm_op_t *op,
    llm_answer_e kind);


const llm_protocol_t  llm_protocol_anthropic = {
    LLM_PROTOCOL_ANTHROPIC,
    llm_anthropic_reader
};


/* a message, or a count of tokens */

enum {
    MESSAGE_TYPE = LLM_PICK_OWN,
    MESSAGE_MODEL,
    MESSAGE_USAGE,
    MESSAGE_TIER,
    MESSAGE_CONTENT,
    MESSAGE_BLOCK,
    MESSAGE_TEXT,               /* LENGTH from here on */
    MESSAGE_THINKING,
    MESSAGE_INPUT,
    MESSAGE_N
};

static const llm_pick_t  llm_anthropic_message_picks[MESSAGE_N] = {
    LLM_PROTOCOL_PICKS,
    { "type",         LLM_PICK_ROOT,   LLM_PICK_RAW, LLM_WORD },
    { "model",        LLM_PICK_ROOT,   LLM_PICK_RAW, LLM_WORD },
    { "usage",        LLM_PICK_ROOT,   LLM_PICK_RAW, LLM_OBJECT },
    { "service_tier", MESSAGE_USAGE,   LLM_PICK_RAW, LLM_WORD },
    { "content",      LLM_PICK_ROOT,   LLM_PICK_COUNT, 0 },
    { NULL,           MESSAGE_CONTENT, 0, 0 },
    { "text",         MESSAGE_BLOCK,   LLM_PICK_LENGTH, 0 },
    { "thinking",     MESSAGE_BLOCK,   LLM_PICK_LENGTH, 0 },
    { "input",        MESSAGE_BLOCK,   LLM_PICK_LENGTH, 0 }
};

static llm_picks_t  llm_anthropic_message_set
    = llm_picks(llm_anthropic_message_picks);


enum {
    EVENT_TYPE = LLM_PICK_OWN,
    EVENT_MESSAGE,
    EVENT_MODEL,
    EVENT_START_USAGE,
    EVENT_START_TIER,
    EVENT_USAGE,
    EVENT_TIER,
    EVENT_DELTA,
    EVENT_BLOCK,
    EVENT_DELTA_TEXT,           /* LENGTH from here on */
    EVENT_DELTA_THINKING,
    EVENT_DELTA_JSON,
    EVENT_BLOCK_TEXT,
    EVENT_BLOCK_THINKING,
    EVENT_N
};

static const llm_pick_t  llm_anthropic_event_picks[EVENT_N] = {
    LLM_PROTOCOL_PICKS,
    { "type",          LLM_PICK_ROOT,     LLM_PICK_RAW, LLM_WORD },
    { "message",       LLM_PICK_ROOT,     0, 0 },
    { "model",         EVENT_MESSAGE,     LLM_PICK_RAW, LLM_WORD },
    { "usage",         EVENT_MESSAGE,     LLM_PICK_RAW, LLM_OBJECT },
    { "service_tier",  EVENT_START_USAGE, LLM_PICK_RAW, LLM_WORD },
    { "usage",         LLM_PICK_ROOT,     LLM_PICK_RAW, LLM_OBJECT },
    { "service_tier",  EVENT_USAGE,       LLM_PICK_RAW, LLM_WORD },
    { "delta",         LLM_PICK_ROOT,     0, 0 },
    { "content_block", LLM_PICK_ROOT,     0, 0 },
    { "text",          EVENT_DELTA,       LLM_PICK_LENGTH, 0 },
    { "thinking",      EVENT_DELTA,       LLM_PICK_LENGTH, 0 },
    { "partial_json",  EVENT_DELTA,       LLM_PICK_LENGTH, 0 },
    { "text",          EVENT_BLOCK,       LLM_PICK_LENGTH, 0 },
    { "thinking",      EVENT_BLOCK,       LLM_PICK_LENGTH, 0 }
};

static llm_picks_t  llm_anthropic_event_set
    = llm_picks(llm_anthropic_event_picks);


/* of the usage object */

enum {
    USAGE_INPUT = 0,
    USAGE_OUTPUT,
    USAGE_CACHE_READ,
    USAGE_CACHE_WRITE,
    USAGE_CREATION,
    USAGE_WRITE_5M,
    USAGE_WRITE_1H,
    USAGE_DETAILS,
    USAGE_THINKING,
    USAGE_TOOLS,
    USAGE_SEARCHES,
    USAGE_N
};

static const llm_pick_t  llm_anthropic_usage_picks[USAGE_N] = {
    { "input_tokens",                LLM_PICK_ROOT,  LLM_PICK_RAW, 32 },
    { "output_tokens",               LLM_PICK_ROOT,  LLM_PICK_RAW, 32 },
    { "cache_read_input_tokens",     LLM_PICK_ROOT,  LLM_PICK_RAW, 32 },
    { "cache_creation_input_tokens", LLM_PICK_ROOT,  LLM_PICK_RAW, 32 },
    { "cache_creation",              LLM_PICK_ROOT,  0, 0 },
    { "ephemeral_5m_input_tokens",   USAGE_CREATION, LLM_PICK_RAW, 32 },
    { "ephemeral_1h_input_tokens",   USAGE_CREATION, LLM_PICK_RAW, 32 },
    { "output_tokens_details",       LLM_PICK_ROOT,  0, 0 },
    { "thinking_tokens",             USAGE_DETAILS,  LLM_PICK_RAW, 32 },
    { "server_tool_use",             LLM_PICK_ROOT,  0, 0 },
    { "web_search_requests",         USAGE_TOOLS,    LLM_PICK_RAW, 32 }
};

static llm_picks_t  llm_anthropic_usage_set
    = llm_picks(llm_anthropic_usage_picks);


static const llm_reader_t  llm_anthropic_message_reader = {
    &llm_anthropic_message_set, 0, { 0 },
    llm_anthropic_message, llm_anthropic_usage
};

static const llm_reader_t  llm_anthropic_event_reader = {
    &llm_anthropic_event_set, 0, { 0 },
    llm_anthropic_event, llm_anthropic_usage
};


static const llm_reader_t *
llm_anthropic_reader(const llm_op_t *op, llm_answer_e kind)
{
    return (kind == LLM_ANSWER_JSON) ? &llm_anthropic_message_reader
                                     : &llm_anthropic_event_reader;
}


static unsigned
llm_anthropic_message(llm_answer_t *a)
{
    int        error;
    unsigned   i;
    llm_str_t  type;

    error = llm_answer_has_error(a);

    llm_word_set(&a->model, llm_answer_found(a, MESSAGE_MODEL));
    llm_word_set(&a->tier, llm_answer_found(a, MESSAGE_TIER));

    (void) llm_answer_keep_usage(a, llm_answer_found(a, MESSAGE_USAGE));

    for (i = MESSAGE_TEXT; i < MESSAGE_N; i++) {
        a->text += llm_answer_found(a, i)->count;
    }

    type = llm_answer_type(a, MESSAGE_TYPE);

    if (llm_str_is(&type, "error")) {
        return LLM_EVENT_ERROR;
    }

    return (error && llm_answer_found(a, MESSAGE_CONTENT)->type
                     != LLM_JSON_ARRAY)
           ? LLM_EVENT_ERROR : LLM_EVENT_CONTENT;
}


static unsigned
llm_anthropic_event(llm_answer_t *a)
{
    unsigned   i;
    llm_str_t  type;

    type = llm_answer_type(a, EVENT_TYPE);

    for (i = EVENT_DELTA_TEXT; i < EVENT_N; i++) {
        a->text += llm_answer_found(a, i)->count;
    }

    if (llm_str_is(&type, "content_block_delta")) {
        return LLM_EVENT_CONTENT;
    }

    if (llm_answer_has_error(a) || llm_str_is(&type, "error")) {
        return LLM_EVENT_ERROR;
    }

    if (type.len == 0 || llm_str_is(&type, "ping")) {
        return 0;
    }

    if (llm_str_is(&type, "message_stop")) {
        return LLM_EVENT_DONE;
    }

    if (llm_str_is(&type, "message_start")) {
        llm_word_set(&a->model, llm_answer_found(a, EVENT_MODEL));
        llm_word_set(&a->tier, llm_answer_found(a, EVENT_START_TIER));
        llm_anthropic_merge(a, llm_answer_found(a, EVENT_START_USAGE));

        return 0;
    }

    if (llm_str_is(&type, "message_delta")) {
        llm_word_set(&a->tier, llm_answer_found(a, EVENT_TIER));
        llm_anthropic_merge(a, llm_answer_found(a, EVENT_USAGE));
    }

    return LLM_EVENT_CONTENT;
}


/* each field counts as the last message has it that tells it */

static void
llm_anthropic_merge(llm_answer_t *a, const llm_found_t *f)
{
    llm_buf_t  old;
    llm_str_t  early;

    if (a->usage.len == 0) {
        (void) llm_answer_keep_usage(a, f);
        return;
    }

    if (f->type != LLM_JSON_OBJECT || f->raw.len == 0) {
        return;
    }

    early.data = a->usage.data;
    early.len = a->usage.len;

    if (llm_answer_rescan(a, &a->member_scan, NULL, LLM_SCAN_MEMBERS,
                          &early)
            != LLM_OK
        || llm_answer_rescan(a, &a->merge_scan, NULL, LLM_SCAN_MEMBERS,
                             &f->raw)
               != LLM_OK)
    {
        /* a name told twice, too many of them: the later object alone */
        (void) llm_answer_keep_usage(a, f);
        return;
    }

    a->spare.len = 0;
    llm_anthropic_print(a, &f->raw);

    if (a->spare.failed || a->spare.len > LLM_ANSWER_MAX_USAGE) {
        a->spare.failed = 0;
        (void) llm_answer_keep_usage(a, f);
        return;
    }

    old = a->usage;
    a->usage = a->spare;
    a->spare = old;
    a->usage_told++;
}


static void
llm_anthropic_print(llm_answer_t *a, const llm_str_t *later)
{
    unsigned             i, j, n, m;
    const char          *comma;
    const llm_member_t  *old, *new;

    old = llm_scan_members(a->member_scan, &n);
    new = llm_scan_members(a->merge_scan, &m);

    comma = "{";

    for (i = 0; i < n; i++) {

        for (j = 0; j < m; j++) {
            if (new[j].type != LLM_JSON_NULL
                && new[j].name.len == old[i].name.len
                && memcmp(new[j].name.data, old[i].name.data,
                          old[i].name.len)
                   == 0)
            {
                break;
            }
        }

        if (j < m) {
            continue;
        }

        llm_buf_puts(&a->spare, comma);
        llm_buf_add(&a->spare, a->usage.data + old[i].name_start,
                    old[i].end - old[i].name_start);
        comma = ",";
    }

    for (j = 0; j < m; j++) {

        if (new[j].type == LLM_JSON_NULL) {
            continue;
        }

        llm_buf_puts(&a->spare, comma);
        llm_buf_add(&a->spare, later->data + new[j].name_start,
                    new[j].end - new[j].name_start);
        comma = ",";
    }

    llm_buf_puts(&a->spare, (*comma == '{') ? "{}" : "}");
}


/* cached tokens stand beside the input here, thinking inside the output */

static void
llm_anthropic_usage(llm_answer_t *a, llm_usage_t *u)
{
    int64_t      n, left, written, hour, brief;
    llm_str_t    raw;
    llm_scan_t  *s;

    raw.data = a->usage.data;
    raw.len = a->usage.len;

    if (llm_answer_rescan(a, &a->usage_scan, &llm_anthropic_usage_set,
                          LLM_SCAN_BORROW, &raw)
        != LLM_OK)
    {
        return;
    }

    s = a->usage_scan;

    n = llm_found_int(llm_scan_found(s, USAGE_INPUT));

    if (n >= 0) {
        llm_usage_set(u, LLM_USAGE_INPUT, n);
    }

    n = llm_found_int(llm_scan_found(s, USAGE_CACHE_READ));

    if (n > 0) {
        llm_usage_set(u, LLM_USAGE_CACHE_READ, n);
    }

    written = llm_found_int(llm_scan_found(s, USAGE_CACHE_WRITE));
    brief = llm_found_int(llm_scan_found(s, USAGE_WRITE_5M));
    hour = llm_found_int(llm_scan_found(s, USAGE_WRITE_1H));

    if (written < 0) {
        /* the split alone */
        written = (brief > 0 ? brief : 0) + (hour > 0 ? hour : 0);
    }

    llm_usage_take(u, LLM_USAGE_CACHE_WRITE_1H, hour, &written);
    llm_usage_take(u, LLM_USAGE_CACHE_WRITE_5M, written, &written);

    left = llm_found_int(llm_scan_found(s, USAGE_OUTPUT));

    if (left >= 0) {
        n = llm_found_int(llm_scan_found(s, USAGE_THINKING));

        llm_usage_take(u, LLM_USAGE_REASONING, n, &left);
        llm_usage_set(u, LLM_USAGE_OUTPUT, left);
    }

    n = llm_found_int(llm_scan_found(s, USAGE_SEARCHES));

    if (n > 0) {
        llm_usage_set(u, LLM_USAGE_SEARCHES, n);
    }
}
