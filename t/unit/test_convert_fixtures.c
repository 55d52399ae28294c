
/*
 * Recorded answers of operations that are no conversations, as OpenAI's
 * clients get them.  LLM_FIXTURES names their directory; without one the test
 * is skipped.
 */


#include "unit.h"
#include "llm_convert.h"
#include "llm_dialect.h"
#include "llm_quirk.h"

#include <cjson/cJSON.h>


#define MAX_FILE  (1024 * 1024)


typedef struct {
    const char      *id;
    llm_op_e         op;
    llm_dialect_e    dialect;
    uint64_t         quirks;
    const char      *request;
    const char      *vector;      /* path of what is counted */
    int              n;
} recording_t;

static const recording_t  recordings[] = {
    { "gemini/embed/unary-embedding__gemini-embedding-2-preview",
      LLM_OP_EMBEDDINGS, LLM_DIALECT_GENERATE, 0,
      "{\"input\":\"Hello, world!\"}", "embedding", 768 },
    { "vertex/predict-embed/unary-embedding__text-embedding-004",
      LLM_OP_EMBEDDINGS, LLM_DIALECT_GENERATE, LLM_QUIRK(VERTEX),
      "{\"input\":\"Ruby is a programmer's best friend\"}", "embedding",
      768 },
    { "gemini/image/unary-image-out__gemini-3-1-flash-lite-image",
      LLM_OP_IMAGE_GENERATIONS, LLM_DIALECT_GENERATE, 0,
      "{\"prompt\":\"a siamese cat\"}", NULL, 0 },
    { "gemini/tts/unary-speech-out__gemini-2-5-flash-preview-tts",
      LLM_OP_SPEECH, LLM_DIALECT_GENERATE, 0,
      "{\"input\":\"Ruby\",\"voice\":\"Kore\",\"response_format\":\"wav\"}",
      NULL, 0 },
    { "gemini/countTokens/unary-tools-unused__gemini-3-5-flash",
      LLM_OP_COUNT_TOKENS, LLM_DIALECT_GENERATE, 0,
      "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      NULL, 0 },
    { "xai/video/unary-video-submit__grok-imagine-video",
      LLM_OP_VIDEO_CREATE, LLM_DIALECT_CHAT, LLM_QUIRK(XAI_VIDEO),
      "{\"prompt\":\"a calm ocean wave at sunset\",\"seconds\":1}", NULL, 0 },
    { NULL, LLM_OP_NONE, LLM_DIALECT_NONE, 0, NULL, NULL, 0 }
};


static const char  *fixtures;


static char *
slurp(const char *id, const char *part, size_t *len)
{
    char   path[1024];
    char  *data;
    FILE  *f;

    snprintf(path, sizeof(path), "%s/%s.%s", fixtures, id, part);

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
check_usage(const recording_t *r, llm_convert_t *c, const char *meta)
{
    int          rc;
    cJSON       *json;
    llm_str_t    raw;
    llm_usage_t  u;
    cJSON       *usage, *input, *output;

    json = cJSON_Parse(meta);
    usage = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "expect"), "usage");
    input = cJSON_GetObjectItem(usage, "input_total");
    output = cJSON_GetObjectItem(usage, "output_total");

    rc = llm_convert_usage(c, &u, &raw);

    if (cJSON_IsNumber(input)) {
        is_int(rc == LLM_OK ? llm_usage_input(&u) : -1,
               (int64_t) input->valuedouble, "%s: input", r->id);
    }

    if (cJSON_IsNumber(output) && output->valuedouble > 0) {
        is_int(rc == LLM_OK ? llm_usage_output(&u) : -1,
               (int64_t) output->valuedouble, "%s: output", r->id);
    }

    cJSON_Delete(json);
}


static void
check(const recording_t *r)
{
    char                   *data, *meta;
    cJSON                  *json, *list;
    size_t                  len;
    llm_to_t                to;
    llm_str_t               body;
    llm_error_t             err;
    llm_arena_t            *arena;
    llm_convert_t          *c;
    llm_convert_in_t        in;
    llm_convert_call_t      call;
    llm_convert_answer_t    answer;
    llm_translate_conf_t    conf;

    data = slurp(r->id, "response.json", &len);
    if (data == NULL) {
        return;
    }

    body.data = (unsigned char *) data;
    body.len = len;

    meta = slurp(r->id, "meta.json", &len);

    memset(&to, 0, sizeof(to));
    memset(&in, 0, sizeof(in));
    memset(&conf, 0, sizeof(conf));

    to.dialect = r->dialect;
    to.quirks = r->quirks;
    to.model = unit_str("m");
    to.max_output = -1;

    in.body = unit_str(r->request);

    arena = llm_arena_create(64 * 1024 * 1024);

    c = llm_convert_create(arena, &llm_ops[r->op], &to, &conf);

    is_int(llm_convert_request(c, &in, &call, &err), LLM_OK, "%s: asked",
           r->id);
    is_int(llm_convert_answer(c, &body, &answer), LLM_OK, "%s: answered",
           r->id);

    if (llm_str_is(&answer.type, "application/json")) {
        json = cJSON_ParseWithLength((char *) answer.body.data,
                                     answer.body.len);
        ok(cJSON_IsObject(json), "%s: JSON", r->id);

        if (r->vector) {
            list = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "data"), 0);
            is_int(cJSON_GetArraySize(cJSON_GetObjectItem(list, r->vector)),
                   r->n, "%s: numbers", r->id);
        }

        cJSON_Delete(json);

    } else {
        ok(answer.body.len > 44, "%s: sound", r->id);
    }

    check_usage(r, c, meta);

    llm_arena_free(arena);

    free(data);
    free(meta);
}


int
main(void)
{
    char                path[1024];
    FILE               *f;
    const recording_t  *r;

    fixtures = getenv("LLM_FIXTURES");

    if (fixtures == NULL) {
        fixtures = "../shared/fixtures";
    }

    snprintf(path, sizeof(path), "%s/INDEX.tsv", fixtures);

    f = fopen(path, "rb");

    if (f == NULL) {
        printf("1..0 # SKIP no recorded answers in %s\n", fixtures);
        return 0;
    }

    fclose(f);

    plan(0);

    for (r = recordings; r->id; r++) {
        check(r);
    }

    return unit_end();
}
