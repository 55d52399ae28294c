
/* answers in OpenAI's protocol and in those of the many who speak it */


#include "llm_protocol.h"
#include "llm_openai.h"


#define LLM_WORD    LLM_ANSWER_MAX_WORD
#define LLM_OBJECT  LLM_ANSWER_MAX_USAGE


static unsigned llm_openai_chat(llm_answer_t *a);
static unsigned llm_openai_response(llm_answer_t *a);
static unsigned llm_openai_response_event(llm_answer_t *a);
static unsigned llm_openai_object(llm_answer_t *a);
static unsigned llm_openai_object_event(llm_answer_t *a);
static const llm_reader_t *llm_openai_reader(const llm_op_t *op,
    llm_answer_e kind);


const llm_protocol_t  llm_protocol_openai = {
    LLM_PROTOCOL_OPENAI,
    llm_openai_reader
};


/*
 * Chat and legacy completions.  Chunks have a "delta" where a whole answer has
 * its "message"; some providers repeat all of the message in each chunk, which
 * must not be counted.
 */

enum {
    CHAT_CHOICES = LLM_PICK_OWN,
    CHAT_CHOICE,
    CHAT_FINISH,
    CHAT_MESSAGE,
    CHAT_USAGE,
    CHAT_X_GROQ,
    CHAT_X_GROQ_USAGE,
    CHAT_MODEL,
    CHAT_TIER,
    CHAT_TEXT,                  /* LENGTH from here on */
    CHAT_CONTENT,
    CHAT_REFUSAL,
    CHAT_TOOLS,
    CHAT_FUNCTION,
    CHAT_REASONING,             /* two names of one thing: the larger counts */
    CHAT_THOUGHT,
    CHAT_N
};

#define LLM_OPENAI_CHAT_PICKS(message)                                        \
    LLM_PROTOCOL_PICKS,                                                       \
    { "choices",           LLM_PICK_ROOT, LLM_PICK_COUNT, 0 },                \
    { NULL,                CHAT_CHOICES,  0, 0 },                             \
    { "finish_reason",     CHAT_CHOICE,   0, 0 },                             \
    { message,             CHAT_CHOICE,   0, 0 },                             \
    { "usage",             LLM_PICK_ROOT, LLM_PICK_RAW, LLM_OBJECT },         \
    { "x_groq",            LLM_PICK_ROOT, 0, 0 },                             \
    { "usage",             CHAT_X_GROQ,   LLM_PICK_RAW, LLM_OBJECT },         \
    { "model",             LLM_PICK_ROOT, LLM_PICK_RAW, LLM_WORD },           \
    { "service_tier",      LLM_PICK_ROOT, LLM_PICK_RAW, LLM_WORD },           \
    { "text",              CHAT_CHOICE,   LLM_PICK_LENGTH, 0 },               \
    { "content",           CHAT_MESSAGE,  LLM_PICK_LENGTH, 0 },               \
    { "refusal",           CHAT_MESSAGE,  LLM_PICK_LENGTH, 0 },               \
    { "tool_calls",        CHAT_MESSAGE,  LLM_PICK_LENGTH, 0 },               \
    { "function_call",     CHAT_MESSAGE,  LLM_PICK_LENGTH, 0 },               \
    { "reasoning",         CHAT_MESSAGE,  LLM_PICK_LENGTH, 0 },               \
    { "reasoning_content", CHAT_MESSAGE,  LLM_PICK_LENGTH, 0 }

static const llm_pick_t  llm_openai_chat_picks[CHAT_N] = {
    LLM_OPENAI_CHAT_PICKS("message")
};

static llm_picks_t  llm_openai_chat_set = llm_picks(llm_openai_chat_picks);

static const llm_pick_t  llm_openai_chunk_picks[CHAT_N] = {
    LLM_OPENAI_CHAT_PICKS("delta")
};

static llm_picks_t  llm_openai_chunk_set = llm_picks(llm_openai_chunk_picks);


/* a response object */

enum {
    RESPONSE_ID = LLM_PICK_OWN,
    RESPONSE_PREVIOUS,
    RESPONSE_MODEL,
    RESPONSE_TIER,
    RESPONSE_STATUS,
    RESPONSE_USAGE,
    RESPONSE_TOOLS,
    RESPONSE_TOOLS_WEB,
    RESPONSE_SEARCHES,
    RESPONSE_DATA,
    RESPONSE_OUTPUT,
    RESPONSE_ITEM,
    RESPONSE_CONTENT,
    RESPONSE_PART,
    RESPONSE_TEXT,              /* LENGTH from here on */
    RESPONSE_REFUSAL,
    RESPONSE_ARGUMENTS,
    RESPONSE_INPUT,
    RESPONSE_SUMMARY,
    RESPONSE_N
};

static const llm_pick_t  llm_openai_response_picks[RESPONSE_N] = {
    LLM_PROTOCOL_PICKS,
    { "id",                   LLM_PICK_ROOT,      LLM_PICK_RAW, 1024 },
    { "previous_response_id", LLM_PICK_ROOT,      LLM_PICK_RAW, 1024 },
    { "model",                LLM_PICK_ROOT,      LLM_PICK_RAW, LLM_WORD },
    { "service_tier",         LLM_PICK_ROOT,      LLM_PICK_RAW, LLM_WORD },
    { "status",               LLM_PICK_ROOT,      LLM_PICK_RAW, LLM_WORD },
    { "usage",                LLM_PICK_ROOT,      LLM_PICK_RAW, LLM_OBJECT },
    { "tool_usage",           LLM_PICK_ROOT,      0, 0 },
    { "web_search",           RESPONSE_TOOLS,     0, 0 },
    { "num_requests",         RESPONSE_TOOLS_WEB, LLM_PICK_RAW, 32 },
    { "data",                 LLM_PICK_ROOT,      LLM_PICK_COUNT, 0 },
    { "output",               LLM_PICK_ROOT,      LLM_PICK_COUNT, 0 },
    { NULL,                   RESPONSE_OUTPUT,    0, 0 },
    { "content",              RESPONSE_ITEM,      0, 0 },
    { NULL,                   RESPONSE_CONTENT,   0, 0 },
    { "text",                 RESPONSE_PART,      LLM_PICK_LENGTH, 0 },
    { "refusal",              RESPONSE_PART,      LLM_PICK_LENGTH, 0 },
    { "arguments",            RESPONSE_ITEM,      LLM_PICK_LENGTH, 0 },
    { "input",                RESPONSE_ITEM,      LLM_PICK_LENGTH, 0 },
    { "summary",              RESPONSE_ITEM,      LLM_PICK_LENGTH, 0 }
};

static llm_picks_t  llm_openai_response_set
    = llm_picks(llm_openai_response_picks);


/* an event with, at times, a response object in it */

enum {
    EVENT_TYPE = LLM_PICK_OWN,
    EVENT_SEQUENCE,
    EVENT_DELTA,
    EVENT_MESSAGE,
    EVENT_RESPONSE,
    EVENT_ID,
    EVENT_PREVIOUS,
    EVENT_MODEL,
    EVENT_TIER,
    EVENT_STATUS,
    EVENT_USAGE,
    EVENT_ERROR,
    EVENT_ERROR_MESSAGE,
    EVENT_TOOLS,
    EVENT_TOOLS_WEB,
    EVENT_SEARCHES,
    EVENT_N
};

static const llm_pick_t  llm_openai_event_picks[EVENT_N] = {
    LLM_PROTOCOL_PICKS,
    { "type",                 LLM_PICK_ROOT,   LLM_PICK_RAW, LLM_WORD },
    { "sequence_number",      LLM_PICK_ROOT,   LLM_PICK_RAW, 32 },
    { "delta",                LLM_PICK_ROOT,   LLM_PICK_LENGTH, 0 },
    { "message",              LLM_PICK_ROOT,   LLM_PICK_RAW, 4096 },
    { "response",             LLM_PICK_ROOT,   0, 0 },
    { "id",                   EVENT_RESPONSE,  LLM_PICK_RAW, 1024 },
    { "previous_response_id", EVENT_RESPONSE,  LLM_PICK_RAW, 1024 },
    { "model",                EVENT_RESPONSE,  LLM_PICK_RAW, LLM_WORD },
    { "service_tier",         EVENT_RESPONSE,  LLM_PICK_RAW, LLM_WORD },
    { "status",               EVENT_RESPONSE,  LLM_PICK_RAW, LLM_WORD },
    { "usage",                EVENT_RESPONSE,  LLM_PICK_RAW, LLM_OBJECT },
    { "error",                EVENT_RESPONSE,  LLM_PICK_RAW, 4096 },
    { "message",              EVENT_ERROR,     LLM_PICK_RAW, 4096 },
    { "tool_usage",           EVENT_RESPONSE,  0, 0 },
    { "web_search",           EVENT_TOOLS,     0, 0 },
    { "num_requests",         EVENT_TOOLS_WEB, LLM_PICK_RAW, 32 }
};

static llm_picks_t  llm_openai_event_set = llm_picks(llm_openai_event_picks);


/* everything else: lists, transcripts, jobs */

enum {
    OBJECT_ID = LLM_PICK_OWN,
    OBJECT_REMIXED,
    OBJECT_MODEL,
    OBJECT_STATUS,
    OBJECT_USAGE,
    OBJECT_DATA,
    OBJECT_RESULTS,
    OBJECT_TEXT,
    OBJECT_DURATION,
    OBJECT_SECONDS,
    OBJECT_VIDEO,
    OBJECT_VIDEO_DURATION,
    OBJECT_META,
    OBJECT_BILLED,
    OBJECT_N
};

static const llm_pick_t  llm_openai_object_picks[OBJECT_N] = {
    LLM_PROTOCOL_PICKS,
    { "id",                    LLM_PICK_ROOT, LLM_PICK_RAW, 1024 },
    { "remixed_from_video_id", LLM_PICK_ROOT, LLM_PICK_RAW, 1024 },
    { "model",                 LLM_PICK_ROOT, LLM_PICK_RAW, LLM_WORD },
    { "status",                LLM_PICK_ROOT, LLM_PICK_RAW, LLM_WORD },
    { "usage",                 LLM_PICK_ROOT, LLM_PICK_RAW, LLM_OBJECT },
    { "data",                  LLM_PICK_ROOT, LLM_PICK_COUNT, 0 },
    { "results",               LLM_PICK_ROOT, LLM_PICK_COUNT, 0 },
    { "text",                  LLM_PICK_ROOT, LLM_PICK_LENGTH, 0 },
    { "duration",              LLM_PICK_ROOT, LLM_PICK_RAW, 32 },
    { "seconds",               LLM_PICK_ROOT, LLM_PICK_RAW, 32 },
    { "video",                 LLM_PICK_ROOT, 0, 0 },
    { "duration",              OBJECT_VIDEO,  LLM_PICK_RAW, 32 },
    { "meta",                  LLM_PICK_ROOT, 0, 0 },
    { "billed_units",          OBJECT_META,   LLM_PICK_RAW, LLM_OBJECT }
};

static llm_picks_t  llm_openai_object_set = llm_picks(llm_openai_object_picks);


/* and their streams */

enum {
    STREAM_TYPE = LLM_PICK_OWN,
    STREAM_USAGE,
    STREAM_MODEL,
    STREAM_DELTA,
    STREAM_MESSAGE,
    STREAM_N
};

static const llm_pick_t  llm_openai_stream_picks[STREAM_N] = {
    LLM_PROTOCOL_PICKS,
    { "type",    LLM_PICK_ROOT, LLM_PICK_RAW, LLM_WORD },
    { "usage",   LLM_PICK_ROOT, LLM_PICK_RAW, LLM_OBJECT },
    { "model",   LLM_PICK_ROOT, LLM_PICK_RAW, LLM_WORD },
    { "delta",   LLM_PICK_ROOT, LLM_PICK_LENGTH, 0 },
    { "message", LLM_PICK_ROOT, LLM_PICK_RAW, 4096 }
};

static llm_picks_t  llm_openai_stream_set = llm_picks(llm_openai_stream_picks);


static const llm_reader_t  llm_openai_readers[] = {

#define READER_CHAT      0
    { &llm_openai_chat_set, 0, { 0 },
      llm_openai_chat, llm_openai_usage },

#define READER_CHUNK     1
    { &llm_openai_chunk_set, 0, { 0 },
      llm_openai_chat, llm_openai_usage },

#define READER_RESPONSE  2
    { &llm_openai_response_set,
      2, { RESPONSE_ID, RESPONSE_PREVIOUS },
      llm_openai_response, llm_openai_usage },

#define READER_EVENT     3
    { &llm_openai_event_set, 2, { EVENT_ID, EVENT_PREVIOUS },
      llm_openai_response_event, llm_openai_usage },

#define READER_OBJECT    4
    { &llm_openai_object_set, 2, { OBJECT_ID, OBJECT_REMIXED },
      llm_openai_object, llm_openai_usage },

#define READER_STREAM    5
    { &llm_openai_stream_set, 0, { 0 },
      llm_openai_object_event, llm_openai_usage }
};


static const llm_reader_t *
llm_openai_reader(const llm_op_t *op, llm_answer_e kind)
{
    unsigned  stream;

    stream = (kind != LLM_ANSWER_JSON);

    switch (op->endpoint) {

    case LLM_ENDPOINT_CHAT:
    case LLM_ENDPOINT_COMPLETIONS:
        return &llm_openai_readers[stream ? READER_CHUNK : READER_CHAT];

    case LLM_ENDPOINT_RESPONSES:
        return &llm_openai_readers[stream ? READER_EVENT : READER_RESPONSE];

    default:
        return &llm_openai_readers[stream ? READER_STREAM : READER_OBJECT];
    }
}


static uint64_t
llm_openai_text(llm_answer_t *a, unsigned first, unsigned last)
{
    uint64_t  n;

    for (n = 0; first < last; first++) {
        n += llm_answer_found(a, first)->count;
    }

    return n;
}


static unsigned
llm_openai_chat(llm_answer_t *a)
{
    int                 error;
    uint64_t            n, m, before;
    const llm_found_t  *usage, *choices;

    before = a->text;
    error = llm_answer_has_error(a);

    if (a->model.len == 0) {
        llm_word_set(&a->model, llm_answer_found(a, CHAT_MODEL));
    }

    llm_word_set(&a->tier, llm_answer_found(a, CHAT_TIER));

    usage = llm_answer_found(a, CHAT_USAGE);

    if (!llm_answer_keep_usage(a, usage)) {
        (void) llm_answer_keep_usage(a,
                                     llm_answer_found(a, CHAT_X_GROQ_USAGE));
    }

    n = llm_answer_found(a, CHAT_REASONING)->count;
    m = llm_answer_found(a, CHAT_THOUGHT)->count;

    a->text += llm_openai_text(a, CHAT_TEXT, CHAT_REASONING);
    a->text += (n > m) ? n : m;

    if (llm_answer_found(a, CHAT_FINISH)->type == LLM_JSON_STRING) {
        a->finished = 1;
    }

    choices = llm_answer_found(a, CHAT_CHOICES);

    if (a->kind == LLM_ANSWER_JSON) {
        return (error && choices->count == 0) ? LLM_EVENT_ERROR
                                              : LLM_EVENT_CONTENT;
    }

    if (error) {
        return LLM_EVENT_ERROR;
    }

    if (choices->type != LLM_JSON_ARRAY) {
        return 0;
    }

    if (choices->count) {

        /* the first chunk only tells the role, as a rule: no content yet */

        if (!a->role) {
            a->role = 1;

            return (a->text > before || a->finished) ? LLM_EVENT_CONTENT : 0;
        }

        return LLM_EVENT_CONTENT;
    }

    return usage->type == LLM_JSON_OBJECT ? LLM_EVENT_USAGE_ONLY : 0;
}


static void
llm_openai_searches(llm_answer_t *a, unsigned pick)
{
    int64_t  n;

    n = llm_found_int(llm_answer_found(a, pick));

    if (n > 0) {
        a->searches = n;
    }
}


static unsigned
llm_openai_response(llm_answer_t *a)
{
    int  error;

    error = llm_answer_has_error(a);

    llm_word_set(&a->model, llm_answer_found(a, RESPONSE_MODEL));
    llm_word_set(&a->tier, llm_answer_found(a, RESPONSE_TIER));
    llm_word_set(&a->status, llm_answer_found(a, RESPONSE_STATUS));

    (void) llm_answer_keep_usage(a, llm_answer_found(a, RESPONSE_USAGE));
    llm_openai_searches(a, RESPONSE_SEARCHES);

    a->text += llm_openai_text(a, RESPONSE_TEXT, RESPONSE_N);
    a->items = (int64_t) llm_answer_found(a, RESPONSE_DATA)->count;

    /* the error of a response that failed is an answer like another */

    if (error
        && llm_answer_found(a, RESPONSE_ID)->type != LLM_JSON_STRING
        && llm_answer_found(a, RESPONSE_OUTPUT)->type != LLM_JSON_ARRAY)
    {
        return LLM_EVENT_ERROR;
    }

    return LLM_EVENT_CONTENT;
}


static unsigned
llm_openai_response_event(llm_answer_t *a)
{
    int64_t    n;
    llm_str_t  type;

    n = llm_found_int(llm_answer_found(a, EVENT_SEQUENCE));

    if (n >= 0) {
        a->sequence = n;
    }

    if (llm_answer_found(a, EVENT_RESPONSE)->type == LLM_JSON_OBJECT) {
        llm_word_set(&a->model, llm_answer_found(a, EVENT_MODEL));
        llm_word_set(&a->tier, llm_answer_found(a, EVENT_TIER));
        llm_word_set(&a->status, llm_answer_found(a, EVENT_STATUS));

        (void) llm_answer_keep_usage(a, llm_answer_found(a, EVENT_USAGE));
        llm_openai_searches(a, EVENT_SEARCHES);

        (void) llm_answer_note_error(a, EVENT_ERROR, EVENT_ERROR_MESSAGE);
    }

    a->text += llm_answer_found(a, EVENT_DELTA)->count;

    type = llm_answer_type(a, EVENT_TYPE);

    if (llm_str_is(&type, "response.failed")) {
        return LLM_EVENT_ERROR|LLM_EVENT_DONE;
    }

    if (llm_answer_has_error(a)) {
        return LLM_EVENT_ERROR;
    }

    if (llm_str_is(&type, "error")) {
        /* its message may stand beside the type, too */
        (void) llm_answer_note_error(a, EVENT_MESSAGE, EVENT_MESSAGE);
        return LLM_EVENT_ERROR;
    }

    if (llm_str_is(&type, "response.completed")
        || llm_str_is(&type, "response.incomplete"))
    {
        return LLM_EVENT_CONTENT|LLM_EVENT_DONE;
    }

    if (type.len == 0
        || llm_str_is(&type, "response.created")
        || llm_str_is(&type, "response.in_progress")
        || llm_str_is(&type, "response.queued")
        || llm_str_is(&type, "keepalive")
        || llm_str_is(&type, "ping"))
    {
        return 0;
    }

    return LLM_EVENT_CONTENT;
}


static unsigned
llm_openai_object(llm_answer_t *a)
{
    int                 error;
    const llm_found_t  *data, *results, *duration;

    error = llm_answer_has_error(a);

    llm_word_set(&a->model, llm_answer_found(a, OBJECT_MODEL));
    llm_word_set(&a->status, llm_answer_found(a, OBJECT_STATUS));

    if (!llm_answer_keep_usage(a, llm_answer_found(a, OBJECT_USAGE))) {
        (void) llm_answer_keep_usage(a, llm_answer_found(a, OBJECT_BILLED));
    }

    data = llm_answer_found(a, OBJECT_DATA);
    results = llm_answer_found(a, OBJECT_RESULTS);

    a->items = (int64_t) (data->count ? data->count : results->count);
    a->text += llm_answer_found(a, OBJECT_TEXT)->count;

    if (a->op->endpoint == LLM_ENDPOINT_VIDEO) {
        duration = llm_answer_found(a, OBJECT_SECONDS);

        if (duration->type == LLM_JSON_NONE) {
            duration = llm_answer_found(a, OBJECT_VIDEO_DURATION);
        }

    } else {
        duration = llm_answer_found(a, OBJECT_DURATION);
    }

    a->milli = llm_found_milli(duration);

    if (error
        && data->type != LLM_JSON_ARRAY
        && results->type != LLM_JSON_ARRAY
        && llm_answer_found(a, OBJECT_TEXT)->type != LLM_JSON_STRING
        && llm_answer_found(a, OBJECT_ID)->type != LLM_JSON_STRING)
    {
        return LLM_EVENT_ERROR;
    }

    return LLM_EVENT_CONTENT;
}


static unsigned
llm_openai_object_event(llm_answer_t *a)
{
    llm_str_t  type;

    if (llm_answer_has_error(a)) {
        return LLM_EVENT_ERROR;
    }

    (void) llm_answer_keep_usage(a, llm_answer_found(a, STREAM_USAGE));

    llm_word_set(&a->model, llm_answer_found(a, STREAM_MODEL));

    a->text += llm_answer_found(a, STREAM_DELTA)->count;

    type = llm_answer_type(a, STREAM_TYPE);

    if (llm_str_is(&type, "error")) {
        (void) llm_answer_note_error(a, STREAM_MESSAGE, STREAM_MESSAGE);
        return LLM_EVENT_ERROR;
    }

    if (llm_str_is(&type, "image_generation.completed")
        || llm_str_is(&type, "image_edit.completed"))
    {
        a->items++;
        return LLM_EVENT_CONTENT|LLM_EVENT_DONE;
    }

    if (llm_str_is(&type, "transcript.text.done")
        || llm_str_is(&type, "speech.audio.done"))
    {
        return LLM_EVENT_CONTENT|LLM_EVENT_DONE;
    }

    if (type.len == 0
        || llm_str_is(&type, "keepalive")
        || llm_str_is(&type, "ping"))
    {
        return 0;
    }

    return LLM_EVENT_CONTENT;
}
