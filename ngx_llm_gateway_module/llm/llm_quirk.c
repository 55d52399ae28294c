
/*
 * Quirks of providers and of families of models.
 */


#include "llm_quirk.h"


#define Q(q)  LLM_QUIRK(q)

#define LLM_QUIRK_DIGITS  2       /* more are a date */


typedef struct {
    llm_str_t        name;
    uint64_t         bits;
} llm_quirk_name_t;


static uint64_t llm_quirk_of_openai(const llm_str_t *model);
static uint64_t llm_quirk_of_claude(const llm_str_t *model);
static uint64_t llm_quirk_of_gemini(const llm_str_t *model);
static const unsigned char *llm_quirk_behind(const llm_str_t *model,
    const char *word);
static unsigned llm_quirk_version(const unsigned char *p,
    const unsigned char *end);
static unsigned llm_quirk_starts(const llm_str_t *s, const char *word);


static const llm_quirk_name_t  llm_quirk_flags[] = {
#define LLM_QUIRK_NAME(q, name, help)  { llm_string(#name), Q(q) },
    LLM_QUIRK_MAP(LLM_QUIRK_NAME)
#undef LLM_QUIRK_NAME
    { { 0, NULL }, 0 }
};


static const llm_quirk_name_t  llm_quirk_presets[] = {
    { llm_string("openai"), Q(SAFETY_ID) },
    { llm_string("azure"), Q(AZURE)|Q(SAFETY_ID) },
    { llm_string("deepseek"), Q(MAX_TOKENS)|Q(REPLAY_REASONING)|Q(DEEPSEEK)
                              |Q(NO_SCHEMA)|Q(STRING_CONTENT) },
    { llm_string("mistral"), Q(MAX_TOKENS)|Q(MISTRAL) },
    { llm_string("groq"), 0 },
    { llm_string("openrouter"), Q(MAX_TOKENS)|Q(OPENROUTER)|Q(TOP_K)
                                |Q(CACHE_CONTROL) },
    { llm_string("xai"), Q(XAI_VIDEO) },
    { llm_string("vllm"), Q(TOP_K) },
    { llm_string("ollama"), Q(MAX_TOKENS)|Q(TOP_K) },
    { llm_string("perplexity"), Q(MAX_TOKENS)|Q(NO_STREAM_OPTIONS) },
    { llm_string("gemini"), Q(MAX_TOKENS)|Q(GOOGLE) },
    { { 0, NULL }, 0 }
};


int
llm_quirk_by_name(const llm_str_t *name, uint64_t *bits)
{
    unsigned                 i;
    const llm_quirk_name_t  *q;

    /* "vertex" and "bedrock" are flags, "azure" is both */

    for (i = 0; i < 2; i++) {

        for (q = i ? llm_quirk_flags : llm_quirk_presets; q->name.len; q++) {

            if (q->name.len == name->len
                && memcmp(q->name.data, name->data, name->len) == 0)
            {
                *bits = q->bits;
                return LLM_OK;
            }
        }
    }

    return LLM_DECLINED;
}


uint64_t
llm_quirk_of_host(const llm_str_t *host)
{
    size_t  len;

    static const llm_str_t  own = llm_string("api.openai.com");

    /* or one of its regions: "eu.api.openai.com" */

    len = host->len;

    return (len >= own.len
            && memcmp(host->data + len - own.len, own.data, own.len) == 0
            && (len == own.len || host->data[len - own.len - 1] == '.'))
           ? Q(SAFETY_ID) : 0;
}


uint64_t
llm_quirk_of_model(llm_dialect_e dialect, const llm_str_t *model)
{
    switch (dialect) {

    case LLM_DIALECT_CHAT:
    case LLM_DIALECT_RESPONSES:
        return llm_quirk_of_openai(model);

    case LLM_DIALECT_MESSAGES:
    case LLM_DIALECT_CONVERSE:
        return llm_quirk_of_claude(model);

    case LLM_DIALECT_GENERATE:
        return llm_quirk_of_gemini(model);

    default:
        return 0;
    }
}


/*
 * Models that reason answer 400 to sampling parameters, those that do not to
 * reasoning_effort.
 */

static uint64_t
llm_quirk_of_openai(const llm_str_t *model)
{
    uint64_t        bits;
    llm_str_t       name;
    unsigned char  *slash;

    name = *model;

    while ((slash = memchr(name.data, '/', name.len)) != NULL) {
        name.len -= (size_t) (slash + 1 - name.data);
        name.data = slash + 1;
    }

    if (llm_quirk_starts(&name, "gpt-5")) {

        if (llm_quirk_behind(&name, "-chat")
            || llm_quirk_behind(&name, "-search"))
        {
            return Q(NO_REASONING);
        }

        bits = Q(NO_SAMPLING)|Q(NO_STOP);

        if (llm_quirk_version(name.data + 4, name.data + name.len) >= 52) {
            bits |= Q(XHIGH);
        }

        return bits;
    }

    if (llm_quirk_starts(&name, "o1") || llm_quirk_starts(&name, "o3")
        || llm_quirk_starts(&name, "o4"))
    {
        return Q(NO_SAMPLING)|Q(NO_STOP)|Q(NO_PARALLEL);
    }

    if (llm_quirk_starts(&name, "gpt-4") || llm_quirk_starts(&name, "gpt-3")
        || llm_quirk_starts(&name, "chatgpt-"))
    {
        return Q(NO_REASONING);
    }

    return 0;
}


/* by the version: what the catalogue tells of each of them */

static uint64_t
llm_quirk_of_claude(const llm_str_t *model)
{
    uint64_t              bits;
    unsigned              version;
    const unsigned char  *p;

    p = llm_quirk_behind(model, "claude-");

    if (p == NULL) {
        return 0;
    }

    version = llm_quirk_version(p, model->data + model->len);

    if (version == 0) {
        return 0;
    }

    if (version < 37) {
        return Q(NO_THINKING);
    }

    bits = 0;

    if (version >= 45
        || (version == 41 && llm_quirk_behind(model, "opus")))
    {
        bits |= Q(NATIVE_SCHEMA);
    }

    if (version >= 46) {
        bits |= Q(ADAPTIVE);
    }

    if (version >= 47) {
        bits |= Q(NO_SAMPLING)|Q(XHIGH);
    }

    if (version >= 48) {
        bits |= Q(MID_SYSTEM);
    }

    return bits;
}


static uint64_t
llm_quirk_of_gemini(const llm_str_t *model)
{
    unsigned              version;
    const unsigned char  *p;

    p = llm_quirk_behind(model, "gemini-");

    if (p == NULL) {
        return 0;
    }

    version = llm_quirk_version(p, model->data + model->len);

    if (version && version < 20) {
        return Q(OPENAPI_SCHEMA);
    }

    if (version >= 30) {
        return Q(LEVEL)|Q(NO_PENALTY);
    }

    return version >= 25 ? Q(NO_PENALTY) : 0;
}


/* what follows the word, or NULL */

static const unsigned char *
llm_quirk_behind(const llm_str_t *model, const char *word)
{
    size_t  i, len;

    len = strlen(word);

    for (i = 0; i + len <= model->len; i++) {

        if (memcmp(model->data + i, word, len) == 0) {
            return model->data + i + len;
        }
    }

    return NULL;
}


/* "sonnet-4-5-20250929" is 45, "3-opus" is 30; 0: none is told */

static unsigned
llm_quirk_version(const unsigned char *p, const unsigned char *end)
{
    unsigned              n, parts, version;
    const unsigned char  *start;

    parts = 0;
    version = 0;

    while (p < end && parts < 2) {
        start = p;
        n = 0;

        while (p < end && *p >= '0' && *p <= '9') {

            if (n < 1000) {
                n = n * 10 + (unsigned) (*p - '0');
            }

            p++;
        }

        if (p == start) {

            /* a word behind the first number ends the version */

            if (parts && *p != '-' && *p != '.') {
                break;
            }

            p++;
            continue;
        }

        if (p - start > LLM_QUIRK_DIGITS) {
            break;
        }

        version = parts ? version + (n > 9 ? 9 : n) : n * 10;
        parts++;
    }

    return version;
}


static unsigned
llm_quirk_starts(const llm_str_t *s, const char *word)
{
    size_t  len;

    len = strlen(word);

    return s->len >= len && memcmp(s->data, word, len) == 0;
}
