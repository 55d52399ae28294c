
#include "llm_openai.h"


enum {
    USAGE_PROMPT = 0,
    USAGE_COMPLETION,
    USAGE_INPUT,
    USAGE_OUTPUT,
    USAGE_TOTAL,
    USAGE_CACHE_HIT,
    USAGE_NUM_CACHED,
    USAGE_REASONING,
    USAGE_CITATION,
    USAGE_SECONDS,
    USAGE_SEARCH_UNITS,
    USAGE_SEARCH_QUERIES,
    USAGE_TOOLS,
    USAGE_TOOLS_SEARCHES,
    USAGE_TOOLS_DETAILS,
    USAGE_TOOLS_DETAILS_SEARCHES,

    /* three names for what is in the input, three for the output */

    USAGE_IN,
    USAGE_IN_CACHED = USAGE_IN + 3,
    USAGE_IN_WRITTEN = USAGE_IN_CACHED + 3,
    USAGE_IN_AUDIO = USAGE_IN_WRITTEN + 3,
    USAGE_IN_IMAGE = USAGE_IN_AUDIO + 3,

    USAGE_OUT = USAGE_IN_IMAGE + 3,
    USAGE_OUT_REASONING = USAGE_OUT + 3,
    USAGE_OUT_AUDIO = USAGE_OUT_REASONING + 3,
    USAGE_OUT_IMAGE = USAGE_OUT_AUDIO + 3,

    USAGE_N = USAGE_OUT_IMAGE + 3
};


#define USAGE_NUMBER(name, parent)                                            \
    { name, parent, LLM_PICK_RAW, 32 }

#define USAGE_NUMBERS(name, parent)                                           \
    USAGE_NUMBER(name, parent),                                               \
    USAGE_NUMBER(name, (parent) + 1),                                         \
    USAGE_NUMBER(name, (parent) + 2)

static const llm_pick_t  llm_openai_usage_picks[USAGE_N] = {
    USAGE_NUMBER("prompt_tokens",           LLM_PICK_ROOT),
    USAGE_NUMBER("completion_tokens",       LLM_PICK_ROOT),
    USAGE_NUMBER("input_tokens",            LLM_PICK_ROOT),
    USAGE_NUMBER("output_tokens",           LLM_PICK_ROOT),
    USAGE_NUMBER("total_tokens",            LLM_PICK_ROOT),
    USAGE_NUMBER("prompt_cache_hit_tokens", LLM_PICK_ROOT),
    USAGE_NUMBER("num_cached_tokens",       LLM_PICK_ROOT),
    USAGE_NUMBER("reasoning_tokens",        LLM_PICK_ROOT),
    USAGE_NUMBER("citation_tokens",         LLM_PICK_ROOT),
    USAGE_NUMBER("seconds",                 LLM_PICK_ROOT),
    USAGE_NUMBER("search_units",            LLM_PICK_ROOT),
    USAGE_NUMBER("num_search_queries",      LLM_PICK_ROOT),
    { "server_tool_use",                    LLM_PICK_ROOT, 0, 0 },
    USAGE_NUMBER("web_search_requests",     USAGE_TOOLS),
    { "server_tool_use_details",            LLM_PICK_ROOT, 0, 0 },
    USAGE_NUMBER("web_search_requests",     USAGE_TOOLS_DETAILS),

    { "prompt_tokens_details",              LLM_PICK_ROOT, 0, 0 },
    { "input_tokens_details",               LLM_PICK_ROOT, 0, 0 },
    { "input_token_details",                LLM_PICK_ROOT, 0, 0 },
    USAGE_NUMBERS("cached_tokens",          USAGE_IN),
    USAGE_NUMBERS("cache_write_tokens",     USAGE_IN),
    USAGE_NUMBERS("audio_tokens",           USAGE_IN),
    USAGE_NUMBERS("image_tokens",           USAGE_IN),

    { "completion_tokens_details",          LLM_PICK_ROOT, 0, 0 },
    { "output_tokens_details",              LLM_PICK_ROOT, 0, 0 },
    { "output_token_details",               LLM_PICK_ROOT, 0, 0 },
    USAGE_NUMBERS("reasoning_tokens",       USAGE_OUT),
    USAGE_NUMBERS("audio_tokens",           USAGE_OUT),
    USAGE_NUMBERS("image_tokens",           USAGE_OUT)
};

static llm_picks_t  llm_openai_usage_set = llm_picks(llm_openai_usage_picks);


/* what a usage object says: a count, or -1 */

typedef struct {
    int64_t   input;
    int64_t   output;
    int64_t   total;
    int64_t   cached;
    int64_t   written;
    int64_t   audio_in;
    int64_t   image_in;
    int64_t   reasoning;
    int64_t   audio_out;
    int64_t   image_out;
} llm_openai_usage_t;


static void llm_openai_tokens(llm_answer_t *a, llm_usage_t *u);
static void llm_openai_tokens_read(const llm_str_t *s, llm_openai_usage_t *t);
static void llm_openai_tokens_fit(const llm_str_t *s, llm_openai_usage_t *t);
static void llm_openai_tokens_set(llm_answer_t *a, llm_openai_usage_t *t,
    llm_usage_t *u);


void
llm_openai_usage(llm_answer_t *a, llm_usage_t *u)
{
    uint32_t  tokens;

    llm_openai_tokens(a, u);

    /* an image or a second is billed by tokens where there are some */

    tokens = u->known & (((uint32_t) 1 << LLM_USAGE_INPUT)
                         | ((uint32_t) 1 << LLM_USAGE_OUTPUT));

    switch (a->op->endpoint) {

    case LLM_ENDPOINT_IMAGES:

        if (!tokens && a->items > 0) {
            llm_usage_set(u, LLM_USAGE_IMAGES, a->items);
        }

        break;

    case LLM_ENDPOINT_AUDIO:

        if (!tokens && a->milli >= 0
            && !(u->known & ((uint32_t) 1 << LLM_USAGE_AUDIO_SECONDS)))
        {
            llm_usage_set(u, LLM_USAGE_AUDIO_SECONDS, a->milli);
        }

        break;

    case LLM_ENDPOINT_VIDEO:

        if (a->milli >= 0) {
            llm_usage_set(u, LLM_USAGE_VIDEO_SECONDS, a->milli);
        }

        break;

    case LLM_ENDPOINT_MODERATIONS:

        if (a->seen & LLM_EVENT_CONTENT) {
            llm_usage_set(u, LLM_USAGE_REQUESTS, 1);
        }

        break;

    case LLM_ENDPOINT_RESPONSES:

        if (a->searches > 0) {
            llm_usage_set(u, LLM_USAGE_SEARCHES, a->searches);
        }

        break;

    default:
        break;
    }
}


static void
llm_openai_tokens(llm_answer_t *a, llm_usage_t *u)
{
    int64_t             n;
    unsigned            i;
    llm_str_t           raw, s[USAGE_N];
    llm_openai_usage_t  t;

    static const uint8_t  searches[] = {
        USAGE_SEARCH_UNITS, USAGE_SEARCH_QUERIES, USAGE_TOOLS_SEARCHES,
        USAGE_TOOLS_DETAILS_SEARCHES
    };

    raw.data = a->usage.data;
    raw.len = a->usage.len;

    if (llm_scan_kept(&llm_openai_usage_set, &raw, s) != LLM_OK) {
        return;
    }

    llm_openai_tokens_read(s, &t);
    llm_openai_tokens_fit(s, &t);
    llm_openai_tokens_set(a, &t, u);

    n = llm_raw_milli(&s[USAGE_SECONDS]);

    if (n >= 0 && a->op->endpoint == LLM_ENDPOINT_AUDIO) {
        llm_usage_set(u, LLM_USAGE_AUDIO_SECONDS, n);
    }

    for (i = 0; i < sizeof(searches); i++) {
        n = llm_raw_int(&s[searches[i]]);

        if (n > 0) {
            llm_usage_set(u, LLM_USAGE_SEARCHES, n);
            break;
        }
    }
}


/* the first of n numbers that is told */

static int64_t
llm_openai_number(const llm_str_t *s, unsigned pick, unsigned n)
{
    int64_t  value;

    for ( /* void */ ; n; n--, pick++) {

        if (s[pick].len == 0) {
            continue;
        }

        value = llm_raw_int(&s[pick]);

        if (value >= 0) {
            return value;
        }
    }

    return -1;
}


static void
llm_openai_tokens_read(const llm_str_t *s, llm_openai_usage_t *t)
{
    t->input = llm_openai_number(s, USAGE_PROMPT, 1);

    if (t->input < 0) {
        t->input = llm_openai_number(s, USAGE_INPUT, 1);
    }

    t->output = llm_openai_number(s, USAGE_COMPLETION, 1);

    if (t->output < 0) {
        t->output = llm_openai_number(s, USAGE_OUTPUT, 1);
    }

    t->total = llm_openai_number(s, USAGE_TOTAL, 1);

    t->cached = llm_openai_number(s, USAGE_IN_CACHED, 3);

    if (t->cached < 0) {
        t->cached = llm_openai_number(s, USAGE_CACHE_HIT, 2);
    }

    t->written = llm_openai_number(s, USAGE_IN_WRITTEN, 3);
    t->audio_in = llm_openai_number(s, USAGE_IN_AUDIO, 3);
    t->image_in = llm_openai_number(s, USAGE_IN_IMAGE, 3);

    t->reasoning = llm_openai_number(s, USAGE_OUT_REASONING, 3);
    t->audio_out = llm_openai_number(s, USAGE_OUT_AUDIO, 3);
    t->image_out = llm_openai_number(s, USAGE_OUT_IMAGE, 3);
}


/*
 * Makes input and output hold all of their parts.  Which parts a provider
 * leaves outside shows in its total.
 */

static void
llm_openai_tokens_fit(const llm_str_t *s, llm_openai_usage_t *t)
{
    int64_t  rest, outside;

    outside = llm_openai_number(s, USAGE_REASONING, 1);

    if (t->reasoning < 0 && outside >= 0) {
        t->reasoning = outside;

        if (t->output >= 0
            && llm_openai_number(s, USAGE_CITATION, 1) >= 0)
        {
            /* who tells citations bills reasoning beside the output */
            t->output += outside;
            return;
        }
    }

    if (t->input < 0 || t->output < 0) {

        if (t->input < 0 && t->output < 0) {
            /* embeddings and rerank of some tell nothing but a total */
            t->input = t->total;
        }

        return;
    }

    rest = t->total - t->input - t->output;

    if (rest <= 0) {
        return;
    }

    if (t->reasoning > 0) {

        if (rest == t->reasoning) {
            t->output += rest;
        }

        return;
    }

    if (t->audio_in > 0 && rest >= t->audio_in) {
        t->input += t->audio_in;
        rest -= t->audio_in;
    }

    /* tokens that were counted but not shown were thoughts */

    t->reasoning = rest;
    t->output += rest;
}


static void
llm_openai_tokens_set(llm_answer_t *a, llm_openai_usage_t *t, llm_usage_t *u)
{
    int64_t  left;

    if (t->input >= 0) {
        left = t->input;

        llm_usage_take(u, LLM_USAGE_CACHE_READ, t->cached, &left);
        llm_usage_take(u, LLM_USAGE_CACHE_WRITE_5M, t->written, &left);
        llm_usage_take(u, LLM_USAGE_AUDIO_INPUT, t->audio_in, &left);
        llm_usage_take(u, LLM_USAGE_IMAGE_INPUT, t->image_in, &left);

        llm_usage_set(u, LLM_USAGE_INPUT, left);
    }

    if (t->output >= 0) {
        left = t->output;

        /* images and speech are all that these make, told or not */

        if (a->op->endpoint == LLM_ENDPOINT_IMAGES && t->image_out < 0) {
            t->image_out = left;

        } else if (a->op->op == LLM_OP_SPEECH && t->audio_out < 0) {
            t->audio_out = left;
        }

        llm_usage_take(u, LLM_USAGE_REASONING, t->reasoning, &left);
        llm_usage_take(u, LLM_USAGE_AUDIO_OUTPUT, t->audio_out, &left);
        llm_usage_take(u, LLM_USAGE_IMAGE_OUTPUT, t->image_out, &left);

        llm_usage_set(u, LLM_USAGE_OUTPUT, left);
    }
}
