
/* answers of Bedrock's Converse API */


#include "llm_protocol.h"
#include "llm_walk.h"


#define LLM_WORD    LLM_ANSWER_MAX_WORD
#define LLM_OBJECT  LLM_ANSWER_MAX_USAGE


static unsigned llm_bedrock_message(llm_answer_t *a);
static unsigned llm_bedrock_event(llm_answer_t *a);
static void llm_bedrock_usage(llm_answer_t *a, llm_usage_t *u);
static int64_t llm_bedrock_hour(const llm_str_t *details);
static const llm_reader_t *llm_bedrock_reader(const llm_op_t *op,
    llm_answer_e kind);


const llm_protocol_t  llm_protocol_bedrock = {
    LLM_PROTOCOL_BEDROCK,
    llm_bedrock_reader
};


/* a message, or a count of tokens: "usage" at the top, never in "trace" */

enum {
    MESSAGE_USAGE = LLM_PICK_OWN,
    MESSAGE_COUNT,
    MESSAGE_TIER,
    MESSAGE_TIER_TYPE,
    MESSAGE_OUTPUT,
    MESSAGE_MESSAGE,
    MESSAGE_CONTENT,
    MESSAGE_BLOCK,
    MESSAGE_REASONING,
    MESSAGE_TOOL,
    MESSAGE_TEXT,               /* LENGTH from here on */
    MESSAGE_THINKING,
    MESSAGE_INPUT,
    MESSAGE_N
};

static const llm_pick_t  llm_bedrock_message_picks[MESSAGE_N] = {
    LLM_PROTOCOL_PICKS,
    { "usage",            LLM_PICK_ROOT,     LLM_PICK_RAW, LLM_OBJECT },
    { "inputTokens",      LLM_PICK_ROOT,     LLM_PICK_RAW, 32 },
    { "serviceTier",      LLM_PICK_ROOT,     0, 0 },
    { "type",             MESSAGE_TIER,      LLM_PICK_RAW, LLM_WORD },
    { "output",           LLM_PICK_ROOT,     0, 0 },
    { "message",          MESSAGE_OUTPUT,    0, 0 },
    { "content",          MESSAGE_MESSAGE,   LLM_PICK_COUNT, 0 },
    { NULL,               MESSAGE_CONTENT,   0, 0 },
    { "reasoningContent", MESSAGE_BLOCK,     0, 0 },
    { "toolUse",          MESSAGE_BLOCK,     0, 0 },
    { "text",             MESSAGE_BLOCK,     LLM_PICK_LENGTH, 0 },
    { "reasoningText",    MESSAGE_REASONING, LLM_PICK_LENGTH, 0 },
    { "input",            MESSAGE_TOOL,      LLM_PICK_LENGTH, 0 }
};

static llm_picks_t  llm_bedrock_message_set
    = llm_picks(llm_bedrock_message_picks);


/* what an event is stands in its frame */

enum {
    EVENT_USAGE = LLM_PICK_OWN,
    EVENT_TIER,
    EVENT_TIER_TYPE,
    EVENT_DELTA,
    EVENT_REASONING,
    EVENT_TOOL,
    EVENT_TEXT,                 /* LENGTH from here on */
    EVENT_THINKING,
    EVENT_INPUT,
    EVENT_N
};

static const llm_pick_t  llm_bedrock_event_picks[EVENT_N] = {
    LLM_PROTOCOL_PICKS,
    { "usage",            LLM_PICK_ROOT,   LLM_PICK_RAW, LLM_OBJECT },
    { "serviceTier",      LLM_PICK_ROOT,   0, 0 },
    { "type",             EVENT_TIER,      LLM_PICK_RAW, LLM_WORD },
    { "delta",            LLM_PICK_ROOT,   0, 0 },
    { "reasoningContent", EVENT_DELTA,     0, 0 },
    { "toolUse",          EVENT_DELTA,     0, 0 },
    { "text",             EVENT_DELTA,     LLM_PICK_LENGTH, 0 },
    { "text",             EVENT_REASONING, LLM_PICK_LENGTH, 0 },
    { "input",            EVENT_TOOL,      LLM_PICK_LENGTH, 0 }
};

static llm_picks_t  llm_bedrock_event_set = llm_picks(llm_bedrock_event_picks);


enum {
    USAGE_INPUT = 0,
    USAGE_OUTPUT,
    USAGE_CACHE_READ,
    USAGE_CACHE_WRITE,
    USAGE_DETAILS,
    USAGE_N
};

static const llm_pick_t  llm_bedrock_usage_picks[USAGE_N] = {
    { "inputTokens",           LLM_PICK_ROOT, LLM_PICK_RAW, 32 },
    { "outputTokens",          LLM_PICK_ROOT, LLM_PICK_RAW, 32 },
    { "cacheReadInputTokens",  LLM_PICK_ROOT, LLM_PICK_RAW, 32 },
    { "cacheWriteInputTokens", LLM_PICK_ROOT, LLM_PICK_RAW, 32 },
    { "cacheDetails",          LLM_PICK_ROOT, LLM_PICK_RAW, 4096 }
};

static llm_picks_t  llm_bedrock_usage_set = llm_picks(llm_bedrock_usage_picks);


enum {
    DETAIL_TTL = 0,
    DETAIL_TOKENS,
    DETAIL_N
};

static const llm_pick_t  llm_bedrock_detail_picks[DETAIL_N] = {
    { "ttl",         LLM_PICK_ROOT, LLM_PICK_RAW, 32 },
    { "inputTokens", LLM_PICK_ROOT, LLM_PICK_RAW, 32 }
};

static llm_picks_t  llm_bedrock_detail_set
    = llm_picks(llm_bedrock_detail_picks);


static const llm_reader_t  llm_bedrock_message_reader = {
    &llm_bedrock_message_set, 0, { 0 },
    llm_bedrock_message, llm_bedrock_usage
};

static const llm_reader_t  llm_bedrock_event_reader = {
    &llm_bedrock_event_set, 0, { 0 },
    llm_bedrock_event, llm_bedrock_usage
};


static const llm_reader_t *
llm_bedrock_reader(const llm_op_t *op, llm_answer_e kind)
{
    return (kind == LLM_ANSWER_JSON) ? &llm_bedrock_message_reader
                                     : &llm_bedrock_event_reader;
}


static unsigned
llm_bedrock_message(llm_answer_t *a)
{
    unsigned            i;
    const llm_found_t  *f;

    f = llm_answer_found(a, MESSAGE_USAGE);

    llm_word_set(&a->tier, llm_answer_found(a, MESSAGE_TIER_TYPE));

    (void) llm_answer_keep_usage(a, f);

    for (i = MESSAGE_TEXT; i < MESSAGE_N; i++) {
        a->text += llm_answer_found(a, i)->count;
    }

    if (llm_answer_found(a, MESSAGE_CONTENT)->type == LLM_JSON_ARRAY
        || llm_answer_found(a, MESSAGE_COUNT)->type == LLM_JSON_NUMBER)
    {
        return LLM_EVENT_CONTENT;
    }

    return llm_answer_has_error(a) ? LLM_EVENT_ERROR : LLM_EVENT_CONTENT;
}


/* usage comes behind the stop, in an event that may be missing */

static unsigned
llm_bedrock_event(llm_answer_t *a)
{
    unsigned  i;

    for (i = EVENT_TEXT; i < EVENT_N; i++) {
        a->text += llm_answer_found(a, i)->count;
    }

    if (llm_str_is(&a->name, "metadata")) {
        llm_word_set(&a->tier, llm_answer_found(a, EVENT_TIER_TYPE));
        (void) llm_answer_keep_usage(a, llm_answer_found(a, EVENT_USAGE));

        return a->finished ? LLM_EVENT_DONE : 0;
    }

    if (llm_str_is(&a->name, "messageStop")) {
        a->finished = 1;
        return LLM_EVENT_CONTENT;
    }

    if (llm_str_is(&a->name, "contentBlockStart")
        || llm_str_is(&a->name, "contentBlockDelta")
        || llm_str_is(&a->name, "contentBlockStop"))
    {
        return LLM_EVENT_CONTENT;
    }

    return 0;
}


/* cached tokens stand beside the input, reasoning is a part of the output */

static void
llm_bedrock_usage(llm_answer_t *a, llm_usage_t *u)
{
    int64_t    n, written, hour;
    llm_str_t  raw, v[USAGE_N];

    raw.data = a->usage.data;
    raw.len = a->usage.len;

    if (llm_scan_kept(&llm_bedrock_usage_set, &raw, v) != LLM_OK) {
        return;
    }

    n = llm_raw_int(&v[USAGE_INPUT]);

    if (n >= 0) {
        llm_usage_set(u, LLM_USAGE_INPUT, n);
    }

    n = llm_raw_int(&v[USAGE_CACHE_READ]);

    if (n > 0) {
        llm_usage_set(u, LLM_USAGE_CACHE_READ, n);
    }

    written = llm_raw_int(&v[USAGE_CACHE_WRITE]);

    if (written > 0) {
        hour = llm_bedrock_hour(&v[USAGE_DETAILS]);

        llm_usage_take(u, LLM_USAGE_CACHE_WRITE_1H, hour, &written);
        llm_usage_take(u, LLM_USAGE_CACHE_WRITE_5M, written, &written);
    }

    n = llm_raw_int(&v[USAGE_OUTPUT]);

    if (n >= 0) {
        llm_usage_set(u, LLM_USAGE_OUTPUT, n);
    }
}


/* tokens that were cached for an hour */

static int64_t
llm_bedrock_hour(const llm_str_t *details)
{
    int64_t     n, sum;
    llm_str_t   element, v[DETAIL_N];
    llm_walk_t  w;

    sum = 0;

    if (details->len == 0 || details->data[0] != '[') {
        return 0;
    }

    llm_walk_open(&w, details);

    while (llm_walk_element(&w, &element)) {

        if (llm_scan_kept(&llm_bedrock_detail_set, &element, v) != LLM_OK
            || !llm_str_is(&v[DETAIL_TTL], "\"1h\""))
        {
            continue;
        }

        n = llm_raw_int(&v[DETAIL_TOKENS]);

        if (n > 0 && n < LLM_USAGE_MAX && sum < LLM_USAGE_MAX) {
            sum += n;
        }
    }

    return sum;
}
