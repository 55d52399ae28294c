
/*
 * Recorded answers of many providers: the usage that is read out of each is
 * what its collector read by other means, however the bytes are cut.
 * LLM_FIXTURES names their directory; without one the test is skipped.
 */


#include "unit.h"
#include "llm_answer.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <sys/stat.h>


#define MAX_FILE  (1024 * 1024)


typedef struct {
    const char    *dir;
    llm_op_e       op;
} endpoint_t;

static const endpoint_t  endpoints[] = {
    { "chat",                  LLM_OP_CHAT },
    { "openai-compat",         LLM_OP_CHAT },
    { "completions",           LLM_OP_COMPLETIONS },
    { "responses",             LLM_OP_RESPONSES },
    { "mantle-responses",      LLM_OP_RESPONSES },
    { "embeddings",            LLM_OP_EMBEDDINGS },
    { "images",                LLM_OP_IMAGE_GENERATIONS },
    { "moderations",           LLM_OP_MODERATIONS },
    { "audio-transcriptions",  LLM_OP_TRANSCRIPTIONS },
    { "audio-speech",          LLM_OP_SPEECH },
    { "video",                 LLM_OP_VIDEO_GET },
    { "messages",              LLM_OP_MESSAGES },
    { "count_tokens",          LLM_OP_COUNT_TOKENS },
    { "generateContent",       LLM_OP_GENERATE },
    { "image",                 LLM_OP_GENERATE },
    { "tts",                   LLM_OP_GENERATE },
    { "converse",              LLM_OP_CONVERSE },
    { "invoke",                LLM_OP_INVOKE },
    { "streamGenerateContent", LLM_OP_GENERATE_STREAM },
    { "countTokens",           LLM_OP_GEMINI_COUNT },
    { "embed",                 LLM_OP_GEMINI_BATCH_EMBED },
    { NULL,                    LLM_OP_NONE }
};


/* what one reading told */

typedef struct {
    int           end;
    int           rc;
    unsigned      seen;
    unsigned      events;
    uint64_t      text;
    llm_usage_t   usage;
    llm_str_t     raw;
} reading_t;


static char  *fixtures;


static char *
slurp(const char *path, size_t *len)
{
    FILE  *f;
    char  *data;

    f = fopen(path, "rb");
    if (f == NULL) {
        return NULL;
    }

    data = malloc(MAX_FILE);
    *len = fread(data, 1, MAX_FILE - 1, f);
    data[*len] = '\0';
    fclose(f);

    return data;
}


static void
read_answer(llm_arena_t *arena, llm_op_e op, llm_answer_e kind,
    const char *data, size_t len, size_t piece, reading_t *r)
{
    int             rc;
    char           *copy;
    size_t          n, used, pos;
    llm_answer_t   *a;

    memset(r, 0, sizeof(reading_t));

    a = llm_answer_create(arena, &llm_ops[op], kind);

    for (pos = 0; pos < len; pos += n) {
        n = (len - pos < piece) ? len - pos : piece;

        /* a piece of its own memory, which is gone afterwards */

        copy = malloc(n);
        memcpy(copy, data + pos, n);

        rc = llm_answer_feed(a, (unsigned char *) copy, n, &used);

        if (rc == LLM_OK || rc == LLM_INVALID) {
            r->events++;
            n = used;
        }

        memset(copy, 'x', n);
        free(copy);
    }

    r->end = llm_answer_end(a);
    r->seen = llm_answer_seen(a);
    r->text = llm_answer_text(a);
    r->rc = llm_answer_usage(a, &r->usage, &r->raw);
}


static int64_t
number(const cJSON *object, const char *name)
{
    const cJSON  *item;

    item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) ? (int64_t) item->valuedouble : 0;
}


/* the differences that are known, and why */

static void
adjust(const char *id, const cJSON *usage, int64_t *output, int64_t *reasoning)
{
    if (strstr(id, "/openai-compat/")) {
        /* thoughts that only the total shows are output here */
        *reasoning = number(usage, "total_reported")
                     - number(usage, "input_total") - *output;
        *output += *reasoning;
    }

    /* a part is never more than its whole */

    if (*reasoning > *output) {
        *reasoning = *output;
    }
}


static void
check_usage(const char *id, const cJSON *expect, const reading_t *r)
{
    int64_t             output, reasoning;
    cJSON              *raw;
    const cJSON        *usage, *want;
    const llm_usage_t  *u;

    u = &r->usage;
    usage = cJSON_GetObjectItemCaseSensitive(expect, "usage");

    if (cJSON_IsNull(usage)) {
        ok(r->rc == LLM_DECLINED, "%s: no usage", id);

    } else if (usage) {
        output = number(usage, "output_total");
        reasoning = number(usage, "reasoning");
        adjust(id, usage, &output, &reasoning);

        is_int(llm_usage_input(u), number(usage, "input_total"),
               "%s: input", id);
        is_int(u->units[LLM_USAGE_CACHE_READ], number(usage, "cache_read"),
               "%s: cache read", id);
        is_int(u->units[LLM_USAGE_CACHE_WRITE_5M]
               + u->units[LLM_USAGE_CACHE_WRITE_1H],
               number(usage, "cache_write"), "%s: cache write", id);
        is_int(llm_usage_output(u), output, "%s: output", id);
        is_int(u->units[LLM_USAGE_REASONING], reasoning, "%s: reasoning", id);
    }

    want = cJSON_GetObjectItemCaseSensitive(expect, "usage_raw");

    if (cJSON_IsObject(want)) {
        raw = cJSON_ParseWithLength((char *) r->raw.data, r->raw.len);
        ok(raw && cJSON_Compare(raw, want, 1), "%s: raw usage", id);
        ok(r->rc == LLM_OK, "%s: usage is read", id);
        cJSON_Delete(raw);
    }
}


static void
check_same(const char *id, const reading_t *r, const reading_t *s,
    unsigned piece)
{
    ok(r->end == s->end && r->rc == s->rc && r->seen == s->seen
       && r->text == s->text && r->raw.len == s->raw.len
       && memcmp(&r->usage, &s->usage, sizeof(llm_usage_t)) == 0
       && (r->raw.len == 0
           || memcmp(r->raw.data, s->raw.data, r->raw.len) == 0),
       "%s: the same in pieces of %u", id, piece);
}


static void
check(llm_op_e op, const char *id, const cJSON *meta)
{
    int           failed;
    char          path[1024];
    char         *data;
    size_t        len;
    reading_t     r, s;
    llm_arena_t  *arena;
    const cJSON  *expect;
    llm_answer_e  kind;

    kind = LLM_ANSWER_JSON;

    snprintf(path, sizeof(path), "%s/%s.response.json", fixtures, id);
    data = slurp(path, &len);

    if (data == NULL) {
        kind = LLM_ANSWER_SSE;
        snprintf(path, sizeof(path), "%s/%s.response.sse", fixtures, id);
        data = slurp(path, &len);

        if (data == NULL) {
            kind = LLM_ANSWER_EVENTSTREAM;
            snprintf(path, sizeof(path), "%s/%s.response.eventstream",
                     fixtures, id);
            data = slurp(path, &len);
        }

        if (data == NULL) {
            return;
        }

    } else if (strstr(id, "/streamarray")) {
        kind = LLM_ANSWER_ARRAY;
    }

    arena = llm_arena_create(64 * 1024 * 1024);

    read_answer(arena, op, kind, data, len, len, &r);
    read_answer(arena, op, kind, data, len, 1, &s);
    check_same(id, &r, &s, 1);
    read_answer(arena, op, kind, data, len, 7, &s);
    check_same(id, &r, &s, 7);

    expect = cJSON_GetObjectItemCaseSensitive(meta, "expect");

    if (cJSON_IsObject(expect)) {
        failed = strstr(id, "midstream-error") != NULL
                 || strstr(id, "midstream-throttling") != NULL
                 || strstr(id, "error-without-data") != NULL;

        if (failed) {
            ok(r.seen & LLM_EVENT_ERROR, "%s: its error is seen", id);

        } else {
            is_int(r.end, LLM_OK, "%s: complete", id);
            ok(!(r.seen & LLM_EVENT_ERROR), "%s: no error", id);
            ok(r.seen & LLM_EVENT_CONTENT, "%s: content", id);
        }

        if (cJSON_GetObjectItemCaseSensitive(expect, "text")
            && strlen(cJSON_GetObjectItemCaseSensitive(expect, "text")
                      ->valuestring ? cJSON_GetObjectItemCaseSensitive(
                      expect, "text")->valuestring : ""))
        {
            ok(r.text >= strlen(cJSON_GetObjectItemCaseSensitive(expect,
                                "text")->valuestring),
               "%s: its text is counted", id);
        }

        check_usage(id, expect, &r);

    } else if (strstr(id, "/error") && strstr(data, "\"error\"")) {
        is_int(r.end, LLM_INVALID, "%s: an error is no answer", id);
        ok(r.seen == LLM_EVENT_ERROR, "%s: it is told", id);
    }

    llm_arena_free(arena);
    free(data);
}


static void
walk_endpoint(const char *provider, const endpoint_t *endpoint)
{
    int              i, n;
    char             path[1024], id[512];
    char            *text, *end;
    cJSON           *meta;
    size_t           len;
    struct dirent  **list;

    snprintf(path, sizeof(path), "%s/%s/%s", fixtures, provider,
             endpoint->dir);

    n = scandir(path, &list, NULL, alphasort);

    for (i = 0; i < n; i++) {
        end = strstr(list[i]->d_name, ".meta.json");

        if (end) {
            snprintf(path, sizeof(path), "%s/%s/%s/%s", fixtures, provider,
                     endpoint->dir, list[i]->d_name);
            *end = '\0';
            snprintf(id, sizeof(id), "%s/%s/%s", provider, endpoint->dir,
                     list[i]->d_name);

            text = slurp(path, &len);
            meta = cJSON_Parse(text);

            check(endpoint->op, id, meta);

            cJSON_Delete(meta);
            free(text);
        }

        free(list[i]);
    }

    if (n >= 0) {
        free(list);
    }
}


int
main(void)
{
    int                i, n;
    struct dirent    **list;
    const endpoint_t  *endpoint;

    fixtures = getenv("LLM_FIXTURES");

    if (fixtures == NULL) {
        fixtures = "../shared/fixtures";
    }

    n = scandir(fixtures, &list, NULL, alphasort);

    if (n < 0) {
        printf("1..0 # SKIP no recorded answers in %s\n", fixtures);
        return 0;
    }

    plan(0);

    for (i = 0; i < n; i++) {

        if (list[i]->d_name[0] != '.') {
            for (endpoint = endpoints; endpoint->dir; endpoint++) {
                walk_endpoint(list[i]->d_name, endpoint);
            }
        }

        free(list[i]);
    }

    free(list);

    return unit_end();
}
