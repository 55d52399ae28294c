
/* answers in Gemini's protocol, of the Gemini API and of Vertex */


#include "llm_protocol.h"


#define LLM_WORD    LLM_ANSWER_MAX_WORD
#define LLM_OBJECT  LLM_ANSWER_MAX_USAGE


static unsigned llm_gemini_generate(llm_answer_t *a);
static void llm_gemini_keep_usage(llm_answer_t *a);
static unsigned llm_gemini_object(llm_answer_t *a);
static void llm_gemini_usage(llm_answer_t *a, llm_usage_t *u);
static void llm_gemini_modalities(llm_answer_t *a, unsigned pick,
    int64_t *audio, int64_t *image);
static void llm_gemini_no_usage(llm_answer_t *a, llm_usage_t *u);
static const llm_reader_t *llm_gemini_reader(const llm_op_t *op,
    llm_answer_e kind);


const llm_protocol_t  llm_protocol_gemini = {
    LLM_PROTOCOL_GEMINI,
    llm_gemini_reader
};


/* content: whole, a chunk, an element; embeddings share its usage */

enum {
    GENERATE_CANDIDATES = LLM_PICK_OWN,
    GENERATE_CANDIDATE,
    GENERATE_FINISH,
    GENERATE_CONTENT,
    GENERATE_PARTS,
    GENERATE_PART,
    GENERATE_FEEDBACK,
    GENERATE_BLOCKED,
    GENERATE_USAGE,
    GENERATE_PROMPT,
    GENERATE_TOTAL,
    GENERATE_TIER,
    GENERATE_MODEL,
    GENERATE_EMBEDDINGS,
    GENERATE_EMBEDDING,
    GENERATE_TEXT,              /* LENGTH from here on */
    GENERATE_CALL,
    GENERATE_CODE,
    GENERATE_N
};

static const llm_pick_t  llm_gemini_generate_picks[GENERATE_N] = {
    LLM_PROTOCOL_PICKS,
    { "candidates",       LLM_PICK_ROOT,       LLM_PICK_COUNT, 0 },
    { NULL,               GENERATE_CANDIDATES, 0, 0 },
    { "finishReason",     GENERATE_CANDIDATE,  0, 0 },
    { "content",          GENERATE_CANDIDATE,  0, 0 },
    { "parts",            GENERATE_CONTENT,    0, 0 },
    { NULL,               GENERATE_PARTS,      0, 0 },
    { "promptFeedback",   LLM_PICK_ROOT,       0, 0 },
    { "blockReason",      GENERATE_FEEDBACK,   0, 0 },
    { "usageMetadata",    LLM_PICK_ROOT,       LLM_PICK_RAW, LLM_OBJECT },
    { "promptTokenCount", GENERATE_USAGE,      LLM_PICK_RAW, 32 },
    { "totalTokenCount",  GENERATE_USAGE,      LLM_PICK_RAW, 32 },
    { "serviceTier",      GENERATE_USAGE,      LLM_PICK_RAW, LLM_WORD },
    { "modelVersion",     LLM_PICK_ROOT,       LLM_PICK_RAW, LLM_WORD },
    { "embeddings",       LLM_PICK_ROOT,       LLM_PICK_COUNT, 0 },
    { "embedding",        LLM_PICK_ROOT,       0, 0 },
    { "text",             GENERATE_PART,       LLM_PICK_LENGTH, 0 },
    { "functionCall",     GENERATE_PART,       LLM_PICK_LENGTH, 0 },
    { "executableCode",   GENERATE_PART,       LLM_PICK_LENGTH, 0 }
};

static llm_picks_t  llm_gemini_generate_set
    = llm_picks(llm_gemini_generate_picks);


/* jobs and counts */

enum {
    OBJECT_NAME = LLM_PICK_OWN,
    OBJECT_DONE,
    OBJECT_RESPONSE,
    OBJECT_VIDEOS,
    OBJECT_GENERATED,
    OBJECT_SAMPLES,
    OBJECT_TOTAL,
    OBJECT_N
};

static const llm_pick_t  llm_gemini_object_picks[OBJECT_N] = {
    LLM_PROTOCOL_PICKS,
    { "name",                  LLM_PICK_ROOT,    LLM_PICK_RAW, 1024 },
    { "done",                  LLM_PICK_ROOT,    0, 0 },
    { "response",              LLM_PICK_ROOT,    0, 0 },
    { "videos",                OBJECT_RESPONSE,  LLM_PICK_COUNT, 0 },
    { "generateVideoResponse", OBJECT_RESPONSE,  0, 0 },
    { "generatedSamples",      OBJECT_GENERATED, LLM_PICK_COUNT, 0 },
    { "totalTokens",           LLM_PICK_ROOT,    0, 0 }
};

static llm_picks_t  llm_gemini_object_set = llm_picks(llm_gemini_object_picks);


/* of the usage object */

enum {
    USAGE_PROMPT = 0,
    USAGE_CACHED,
    USAGE_TOOLS,
    USAGE_CANDIDATES,
    USAGE_RESPONSE,
    USAGE_THOUGHTS,
    USAGE_PROMPT_DETAILS,
    USAGE_CACHED_DETAILS,
    USAGE_CANDIDATES_DETAILS,
    USAGE_RESPONSE_DETAILS,
    USAGE_N
};

static const llm_pick_t  llm_gemini_usage_picks[USAGE_N] = {
    { "promptTokenCount",        LLM_PICK_ROOT, LLM_PICK_RAW, 32 },
    { "cachedContentTokenCount", LLM_PICK_ROOT, LLM_PICK_RAW, 32 },
    { "toolUsePromptTokenCount", LLM_PICK_ROOT, LLM_PICK_RAW, 32 },
    { "candidatesTokenCount",    LLM_PICK_ROOT, LLM_PICK_RAW, 32 },
    { "responseTokenCount",      LLM_PICK_ROOT, LLM_PICK_RAW, 32 },
    { "thoughtsTokenCount",      LLM_PICK_ROOT, LLM_PICK_RAW, 32 },
    { "promptTokensDetails",     LLM_PICK_ROOT, LLM_PICK_RAW, LLM_OBJECT },
    { "cacheTokensDetails",      LLM_PICK_ROOT, LLM_PICK_RAW, LLM_OBJECT },
    { "candidatesTokensDetails", LLM_PICK_ROOT, LLM_PICK_RAW, LLM_OBJECT },
    { "responseTokensDetails",   LLM_PICK_ROOT, LLM_PICK_RAW, LLM_OBJECT }
};

static llm_picks_t  llm_gemini_usage_set = llm_picks(llm_gemini_usage_picks);


enum {
    DETAIL_MODALITY = 0,
    DETAIL_COUNT,
    DETAIL_N
};

static const llm_pick_t  llm_gemini_detail_picks[DETAIL_N] = {
    { "modality",   LLM_PICK_ROOT, LLM_PICK_RAW, 32 },
    { "tokenCount", LLM_PICK_ROOT, LLM_PICK_RAW, 32 }
};

static llm_picks_t  llm_gemini_detail_set = llm_picks(llm_gemini_detail_picks);


static const llm_reader_t  llm_gemini_generate_reader = {
    &llm_gemini_generate_set, 0, { 0 },
    llm_gemini_generate, llm_gemini_usage
};

static const llm_reader_t  llm_gemini_object_reader = {
    &llm_gemini_object_set, 1, { OBJECT_NAME },
    llm_gemini_object, llm_gemini_no_usage
};


static const llm_reader_t *
llm_gemini_reader(const llm_op_t *op, llm_answer_e kind)
{
    switch (op->op) {

    case LLM_OP_GENERATE:
    case LLM_OP_GENERATE_STREAM:
    case LLM_OP_GEMINI_EMBED:
    case LLM_OP_GEMINI_BATCH_EMBED:
        return &llm_gemini_generate_reader;

    default:
        return &llm_gemini_object_reader;
    }
}


static unsigned
llm_gemini_generate(llm_answer_t *a)
{
    int                 error;
    unsigned            i, content;
    const llm_found_t  *candidates, *embeddings;

    error = llm_answer_has_error(a);

    llm_word_set(&a->model, llm_answer_found(a, GENERATE_MODEL));
    llm_word_set(&a->tier, llm_answer_found(a, GENERATE_TIER));

    llm_gemini_keep_usage(a);

    for (i = GENERATE_TEXT; i < GENERATE_N; i++) {
        a->text += llm_answer_found(a, i)->count;
    }

    if (llm_answer_found(a, GENERATE_FINISH)->type == LLM_JSON_STRING
        || llm_answer_found(a, GENERATE_BLOCKED)->type == LLM_JSON_STRING)
    {
        a->finished = 1;
    }

    embeddings = llm_answer_found(a, GENERATE_EMBEDDINGS);
    candidates = llm_answer_found(a, GENERATE_CANDIDATES);

    content = (candidates->count
               || llm_answer_found(a, GENERATE_FEEDBACK)->type
                  == LLM_JSON_OBJECT
               || embeddings->type == LLM_JSON_ARRAY
               || llm_answer_found(a, GENERATE_EMBEDDING)->type
                  == LLM_JSON_OBJECT);

    if (a->kind == LLM_ANSWER_JSON) {
        a->items = (int64_t) embeddings->count;

        return (error && !content) ? LLM_EVENT_ERROR : LLM_EVENT_CONTENT;
    }

    if (error) {
        return LLM_EVENT_ERROR;
    }

    return content ? LLM_EVENT_CONTENT : 0;
}


/*
 * The numbers grow from chunk to chunk.  Chunks without the prompt's number
 * tell nothing, unless the prompt was blocked: zeros are left out.  One whose
 * total falls back is not the sum.
 */

static void
llm_gemini_keep_usage(llm_answer_t *a)
{
    int64_t             total;
    const llm_found_t  *usage;

    usage = llm_answer_found(a, GENERATE_USAGE);

    if (usage->type != LLM_JSON_OBJECT
        || (llm_answer_found(a, GENERATE_PROMPT)->type != LLM_JSON_NUMBER
            && llm_answer_found(a, GENERATE_BLOCKED)->type
               != LLM_JSON_STRING))
    {
        return;
    }

    total = llm_found_int(llm_answer_found(a, GENERATE_TOTAL));

    if (total >= 0 && total < a->usage_total) {
        return;
    }

    if (llm_answer_keep_usage(a, usage) && total >= 0) {
        a->usage_total = total;
    }
}


static unsigned
llm_gemini_object(llm_answer_t *a)
{
    int                 error;
    const char         *status;
    const llm_found_t  *name, *done;

    error = llm_answer_has_error(a);

    name = llm_answer_found(a, OBJECT_NAME);
    done = llm_answer_found(a, OBJECT_DONE);

    a->items = (int64_t) (llm_answer_found(a, OBJECT_VIDEOS)->count
                          + llm_answer_found(a, OBJECT_SAMPLES)->count);

    if (a->op->flags & (LLM_OP_MAKES_ID|LLM_OP_BY_ID)) {

        if (done->type != LLM_JSON_TRUE) {
            status = "in_progress";

        } else {
            status = error ? "failed" : "completed";
        }

        a->status.len = strlen(status);
        memcpy(a->status.data, status, a->status.len);
    }

    /* a job that failed has a name and its error */

    return (error && name->type != LLM_JSON_STRING
            && done->type != LLM_JSON_TRUE)
           ? LLM_EVENT_ERROR : LLM_EVENT_CONTENT;
}


static void
llm_gemini_no_usage(llm_answer_t *a, llm_usage_t *u)
{
    /* jobs are billed by what was asked for, counts are free */
}


/*
 * Tokens of tools stand beside the prompt, thoughts beside the candidates;
 * cached tokens and modalities are inside.
 */

static void
llm_gemini_usage(llm_answer_t *a, llm_usage_t *u)
{
    int64_t      n, left, tools, audio, image, cached_audio, cached_image;
    unsigned     embedded;
    llm_str_t    raw;
    llm_scan_t  *s;

    raw.data = a->usage.data;
    raw.len = a->usage.len;

    if (llm_answer_rescan(a, &a->usage_scan, &llm_gemini_usage_set,
                          LLM_SCAN_BORROW, &raw)
        != LLM_OK)
    {
        return;
    }

    s = a->usage_scan;

    embedded = (a->op->op == LLM_OP_GEMINI_EMBED
                || a->op->op == LLM_OP_GEMINI_BATCH_EMBED);

    left = llm_found_int(llm_scan_found(s, USAGE_PROMPT));

    if (!embedded && llm_scan_found(s, USAGE_PROMPT)->type == LLM_JSON_NONE) {
        left = 0;
    }

    if (left >= 0) {
        n = llm_found_int(llm_scan_found(s, USAGE_CACHED));
        tools = llm_found_int(llm_scan_found(s, USAGE_TOOLS));

        llm_gemini_modalities(a, USAGE_PROMPT_DETAILS, &audio, &image);
        llm_gemini_modalities(a, USAGE_CACHED_DETAILS, &cached_audio,
                              &cached_image);

        llm_usage_take(u, LLM_USAGE_CACHE_READ, n, &left);
        llm_usage_take(u, LLM_USAGE_AUDIO_INPUT, audio - cached_audio, &left);
        llm_usage_take(u, LLM_USAGE_IMAGE_INPUT, image - cached_image, &left);

        llm_usage_set(u, LLM_USAGE_INPUT, left + (tools > 0 ? tools : 0));
    }

    n = llm_found_int(llm_scan_found(s, USAGE_THOUGHTS));

    if (n > 0) {
        llm_usage_set(u, LLM_USAGE_REASONING, n);
    }

    left = llm_found_int(llm_scan_found(s, USAGE_CANDIDATES));

    if (left < 0) {
        left = llm_found_int(llm_scan_found(s, USAGE_RESPONSE));
    }

    if (left < 0 && !embedded && u->known) {
        /* left out where it is 0 */
        left = 0;
    }

    if (left >= 0) {
        llm_gemini_modalities(a, USAGE_CANDIDATES_DETAILS, &audio, &image);

        if (audio == 0 && image == 0) {
            llm_gemini_modalities(a, USAGE_RESPONSE_DETAILS, &audio, &image);
        }

        llm_usage_take(u, LLM_USAGE_AUDIO_OUTPUT, audio, &left);
        llm_usage_take(u, LLM_USAGE_IMAGE_OUTPUT, image, &left);

        llm_usage_set(u, LLM_USAGE_OUTPUT, left);
    }
}


/* sums the elements of a list of { modality, tokenCount } */

static void
llm_gemini_modalities(llm_answer_t *a, unsigned pick, int64_t *audio,
    int64_t *image)
{
    int                 rc;
    size_t              n;
    int64_t             count;
    llm_str_t           text, item;
    llm_array_t         list;
    const llm_found_t  *modality;

    *audio = 0;
    *image = 0;

    text = llm_scan_found(a->usage_scan, pick)->raw;

    llm_array_init(&list);

    while (text.len) {
        rc = llm_array_next(&list, text.data, text.len, &n, &item);

        text.data += n;
        text.len -= n;

        if (rc == LLM_SSE_EVENT) {
            continue;
        }

        if (rc != LLM_SSE_DATA) {
            return;
        }

        if (llm_answer_rescan(a, &a->detail_scan, &llm_gemini_detail_set,
                              LLM_SCAN_BORROW, &item)
            != LLM_OK)
        {
            return;
        }

        modality = llm_scan_found(a->detail_scan, DETAIL_MODALITY);
        count = llm_found_int(llm_scan_found(a->detail_scan, DETAIL_COUNT));

        if (count <= 0) {
            continue;
        }

        if (modality->raw.len == 7
            && memcmp(modality->raw.data, "\"AUDIO\"", 7) == 0
            && *audio <= LLM_USAGE_MAX)
        {
            *audio += count;

        } else if (modality->raw.len == 7
                   && memcmp(modality->raw.data, "\"IMAGE\"", 7) == 0
                   && *image <= LLM_USAGE_MAX)
        {
            *image += count;
        }
    }
}
