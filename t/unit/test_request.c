
/*
 * What is read from requests of each operation, which are refused and what
 * their errors name, and what stream_options becomes.
 */


#include "unit.h"
#include "llm_request.h"


/* checked against the numbers of a request; -2: whatever */

typedef struct {
    llm_op_e     op;
    const char  *json;
    const char  *told;       /* what describe() says */
} read_t;


static const read_t  reads[] = {

    { LLM_OP_CHAT, "{\"model\":\"m\"}", "model=m" },
    { LLM_OP_CHAT, "{\"model\":\"\\u00e9\\n\".}", NULL },
    { LLM_OP_CHAT, "{\"model\":\"\\u00e9\\\"\"}", "model=\xc3\xa9\"" },
    { LLM_OP_CHAT, "{\"stream\":true,\"model\":\"m\"}", "model=m stream" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"stream\":false}", "model=m" },
    { LLM_OP_CHAT,
      "{\"model\":\"m\",\"stream\":null,\"n\":null,\"max_tokens\":null,"
      "\"stream_options\":null,\"user\":null,\"tools\":null,"
      "\"response_format\":null}", "model=m" },
    { LLM_OP_CHAT,
      "{\"model\":\"m\",\"max_tokens\":10,\"n\":3,\"user\":\"u\"}",
      "model=m user=u max=10 n=3" },
    { LLM_OP_CHAT,
      "{\"model\":\"m\",\"max_tokens\":10,\"max_completion_tokens\":7}",
      "model=m max=10" },
    { LLM_OP_CHAT,
      "{\"model\":\"m\",\"max_completion_tokens\":1e3,\"n\":128}",
      "model=m max=1000 n=128" },
    { LLM_OP_CHAT,
      "{\"model\":\"m\",\"stream_options\":{\"include_usage\":true}}",
      "model=m options={\"include_usage\":true} usage" },
    { LLM_OP_CHAT,
      "{\"model\":\"m\",\"stream_options\":{ \"include_usage\":false }}",
      "model=m options={ \"include_usage\":false }" },
    { LLM_OP_CHAT,
      "{\"model\":\"m\",\"stream_options\":{\"include_usage\":null,\"x\":1}}",
      "model=m options={\"include_usage\":null,\"x\":1}" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"tools\":[{}]}", "model=m tools" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"functions\":[{}]}", "model=m tools" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"tools\":[]}", "model=m" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"tools\":{\"a\":1}}", "model=m" },
    { LLM_OP_CHAT,
      "{\"model\":\"m\",\"response_format\":{\"type\":\"json_schema\"}}",
      "model=m json" },
    { LLM_OP_CHAT,
      "{\"model\":\"m\",\"response_format\":{\"type\":\"json_object\"}}",
      "model=m json" },
    { LLM_OP_CHAT,
      "{\"model\":\"m\",\"response_format\":{\"type\":\"text\"}}", "model=m" },
    { LLM_OP_CHAT,
      "{\"model\":\"m\",\"response_format\":{\"type\":7}}", "model=m" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"user\":{\"id\":1}}", "model=m" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"user\":\"\\ud800\"}", "model=m" },
    { LLM_OP_CHAT,
      "{\"model\":\"m\",\"messages\":[{\"model\":\"x\",\"stream\":1,"
      "\"n\":0}]}", "model=m" },

    { LLM_OP_COMPLETIONS,
      "{\"model\":\"m\",\"max_tokens\":0,\"n\":2,\"stream\":true}",
      "model=m max=0 n=2 stream" },

    { LLM_OP_RESPONSES,
      "{\"model\":\"m\",\"max_output_tokens\":16,\"background\":true,"
      "\"previous_response_id\":\"resp_1\",\"stream\":true,"
      "\"tools\":[{\"type\":\"web_search\"}],\"user\":\"u\","
      "\"text\":{\"format\":{\"type\":\"json_schema\",\"schema\":{}}}}",
      "model=m user=u previous=resp_1 max=16 stream background tools json" },
    { LLM_OP_RESPONSES,
      "{\"model\":\"m\",\"previous_response_id\":null,\"background\":false,"
      "\"text\":{\"verbosity\":\"low\"}}", "model=m" },

    { LLM_OP_MESSAGES,
      "{\"model\":\"m\",\"max_tokens\":4096,\"stream\":true,"
      "\"metadata\":{\"user_id\":\"u\"},\"tools\":[{},{}]}",
      "model=m user=u max=4096 stream tools" },
    { LLM_OP_MESSAGES,
      "{\"model\":\"m\",\"max_tokens\":1,"
      "\"output_config\":{\"format\":{\"type\":\"json_schema\"}}}",
      "model=m max=1 json" },
    { LLM_OP_COUNT_TOKENS, "{\"model\":\"m\",\"max_tokens\":0}", "model=m" },

    { LLM_OP_EMBEDDINGS, "{\"model\":\"m\",\"user\":\"u\",\"stream\":1}",
      "model=m user=u" },
    { LLM_OP_MODERATIONS, "{\"input\":\"x\"}", "" },
    { LLM_OP_MODERATIONS, "{\"input\":\"x\",\"model\":null}", "" },
    { LLM_OP_RERANK, "{\"model\":\"m\",\"query\":\"q\"}", "model=m" },

    { LLM_OP_IMAGE_GENERATIONS,
      "{\"model\":\"m\",\"n\":4,\"size\":\"1024x1024\",\"quality\":\"hd\","
      "\"stream\":true,\"user\":\"u\"}",
      "model=m user=u n=4 size=1024x1024 quality=hd stream" },

    { LLM_OP_SPEECH, "{\"model\":\"m\",\"input\":\"abc\"}",
      "model=m characters=3" },
    { LLM_OP_SPEECH, "{\"model\":\"m\",\"input\":\"\"}",
      "model=m characters=0" },
    { LLM_OP_SPEECH,
      "{\"model\":\"m\",\"input\":\"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}",
      "model=m characters=4" },
    { LLM_OP_SPEECH,
      "{\"model\":\"m\",\"input\":\"\\n\\\"\\\\\\u00e9\\ud83d\\ude00\\uDBFF"
      "\\uDfFFd\\\\ud83d\"}", "model=m characters=13" },
    { LLM_OP_SPEECH,
      "{\"model\":\"m\",\"input\":\"a\",\"stream_format\":\"sse\"}",
      "model=m characters=1 stream" },
    { LLM_OP_SPEECH,
      "{\"stream_format\":\"sse\",\"model\":\"m\",\"stream\":false}",
      "model=m stream" },
    { LLM_OP_SPEECH,
      "{\"model\":\"m\",\"input\":\"a\",\"stream_format\":\"audio\"}",
      "model=m characters=1" },

    { LLM_OP_VIDEO_CREATE,
      "{\"model\":\"m\",\"seconds\":\"8\",\"size\":\"720x1280\"}",
      "model=m seconds=8 size=720x1280" },
    { LLM_OP_VIDEO_CREATE, "{\"model\":\"m\",\"seconds\":12}",
      "model=m seconds=12" },

    { LLM_OP_GENERATE, "{\"contents\":[]}", "" },
    { LLM_OP_GENERATE,
      "{\"generationConfig\":{\"maxOutputTokens\":100,\"candidateCount\":2,"
      "\"responseMimeType\":\"application/json\"},\"tools\":[{}]}",
      "max=100 n=2 tools json" },
    { LLM_OP_GENERATE_STREAM,
      "{\"generation_config\":{\"max_output_tokens\":\"100\","
      "\"candidate_count\":2,\"response_mime_type\":\"text/plain\"}}",
      "max=100 n=2" },
    { LLM_OP_GENERATE,
      "{\"generationConfig\":{\"max_output_tokens\":9},"
      "\"generation_config\":{\"maxOutputTokens\":8}}", "max=9" },
    { LLM_OP_GEMINI_EMBED, "{\"content\":{}}", "" },
    { LLM_OP_GEMINI_LONG, "{\"parameters\":{\"durationSeconds\":8}}",
      "seconds=8" },
    { LLM_OP_GEMINI_LONG,
      "{\"parameters\":{\"sampleCount\":3,\"durationSeconds\":\"8\"}}",
      "seconds=24" },
    { LLM_OP_GEMINI_LONG, "{\"parameters\":{\"sampleCount\":3}}", "" },
    { LLM_OP_VIDEO_REMIX, "{\"prompt\":\"x\",\"model\":7}", "" }
};


static const struct {
    llm_op_e      op;
    const char   *json;
    llm_error_e   code;
    const char   *param;
} refusals[] = {

    { LLM_OP_CHAT, "{}", LLM_ERROR_MISSING_PARAMETER, "model" },
    { LLM_OP_CHAT, "{\"model\":null}", LLM_ERROR_MISSING_PARAMETER, "model" },
    { LLM_OP_CHAT, "{\"model\":\"\"}", LLM_ERROR_MISSING_PARAMETER, "model" },
    { LLM_OP_RERANK, "{}", LLM_ERROR_MISSING_PARAMETER, "model" },
    { LLM_OP_COUNT_TOKENS, "{}", LLM_ERROR_MISSING_PARAMETER, "model" },
    { LLM_OP_CHAT, "{\"model\":1}", LLM_ERROR_UNSUPPORTED_PARAMETER, "model" },
    { LLM_OP_MODERATIONS, "{\"model\":[\"m\"]}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "model" },
    { LLM_OP_CHAT, "{\"model\":\"a\\nb\"}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "model" },
    { LLM_OP_CHAT, "{\"model\":\"a\\u0000\"}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "model" },
    { LLM_OP_CHAT, "{\"model\":\"a\x7f\"}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "model" },
    { LLM_OP_CHAT, "{\"model\":\"\\ud800\"}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "model" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"stream\":1}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "stream" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"stream\":\"true\"}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "stream" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"max_tokens\":0}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "max_tokens" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"max_tokens\":-1}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "max_tokens" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"max_tokens\":1.5}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "max_tokens" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"max_tokens\":\"10\"}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "max_tokens" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"max_tokens\":99999999999999999}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "max_tokens" },
    { LLM_OP_CHAT,
      "{\"model\":\"m\",\"max_tokens\":1000000000000000000000000000000000000}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "max_tokens" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"max_completion_tokens\":true}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "max_completion_tokens" },
    { LLM_OP_COMPLETIONS, "{\"model\":\"m\",\"max_tokens\":-1}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "max_tokens" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"n\":0}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "n" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"n\":129}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "n" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"n\":[1]}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "n" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"stream_options\":true}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "stream_options" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"stream_options\":[]}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "stream_options" },
    { LLM_OP_CHAT, "{\"model\":\"m\",\"stream_options\":{\"include_usage\":1}}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "stream_options.include_usage" },
    { LLM_OP_CHAT,
      "{\"model\":\"m\",\"stream_options\":{\"include_usage\":true,"
      "\"include_usage\":false}}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "stream_options.include_usage" },
    { LLM_OP_RESPONSES, "{\"model\":\"m\",\"background\":\"yes\"}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "background" },
    { LLM_OP_RESPONSES, "{\"model\":\"m\",\"max_output_tokens\":0}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "max_output_tokens" },
    { LLM_OP_RESPONSES, "{\"model\":\"m\",\"previous_response_id\":7}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "previous_response_id" },
    { LLM_OP_RESPONSES, "{\"model\":\"m\",\"previous_response_id\":\"a\\r\"}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "previous_response_id" },
    { LLM_OP_IMAGE_GENERATIONS, "{\"model\":\"m\",\"size\":1024}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "size" },
    { LLM_OP_IMAGE_GENERATIONS, "{\"model\":\"m\",\"quality\":\"a\\tb\"}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "quality" },
    { LLM_OP_SPEECH, "{\"model\":\"m\",\"input\":[\"a\"]}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "input" },
    { LLM_OP_VIDEO_CREATE, "{\"model\":\"m\",\"seconds\":\"0\"}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "seconds" },
    { LLM_OP_VIDEO_CREATE, "{\"model\":\"m\",\"seconds\":\"8s\"}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "seconds" },
    { LLM_OP_VIDEO_CREATE, "{\"model\":\"m\",\"seconds\":\"\"}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "seconds" },
    { LLM_OP_VIDEO_CREATE, "{\"model\":\"m\",\"seconds\":86401}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "seconds" },
    { LLM_OP_GENERATE, "{\"generationConfig\":{\"maxOutputTokens\":0}}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "generationConfig.maxOutputTokens" },
    { LLM_OP_GENERATE, "{\"generation_config\":{\"candidate_count\":\"x\"}}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "generation_config.candidate_count" },
    { LLM_OP_GEMINI_LONG, "{\"parameters\":{\"sampleCount\":129}}",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "parameters.sampleCount" },
    { LLM_OP_CHAT, "[]", LLM_ERROR_INVALID_JSON, "" },
    { LLM_OP_GEMINI_COUNT, "\"x\"", LLM_ERROR_INVALID_JSON, "" }
};


static const struct {
    const char  *raw;
    const char  *json;        /* NULL: LLM_INVALID */
} options[] = {
    { "", "{\"include_usage\":true}" },
    { "null", "{\"include_usage\":true}" },
    { "{}", "{\"include_usage\":true}" },
    { "{ \n}", "{\"include_usage\":true \n}" },
    { "{\"include_usage\":true}", "{\"include_usage\":true}" },
    { "{\"include_usage\":false}", "{\"include_usage\":true}" },
    { "{\"include_usage\" : null }", "{\"include_usage\" : true }" },
    { "{\"x\":1,\"include_usage\":false,\"y\":{\"include_usage\":false}}",
      "{\"x\":1,\"include_usage\":true,\"y\":{\"include_usage\":false}}" },
    { "{ \"include_obfuscation\" : false }",
      "{\"include_usage\":true, \"include_obfuscation\" : false }" },
    { "{\"y\":{\"include_usage\":true}}",
      "{\"include_usage\":true,\"y\":{\"include_usage\":true}}" },
    { "{\"include\\u005fusage\":false}", "{\"include\\u005fusage\":true}" },
    { "{\"include_usage\":false,\"include_usage\":false}", NULL },
    { "[]", NULL },
    { "true", NULL },
    { "{\"x\":}", NULL },
    { "{", NULL },
    { "{}{}", NULL }
};


/* multipart bodies; parts are separated by '|', "name=value" or "name@file" */

static const struct {
    llm_op_e     op;
    const char  *parts;
    llm_error_e  code;        /* LLM_ERROR_NONE: it is read */
    const char  *told;        /* or the error's param */
} forms[] = {
    { LLM_OP_TRANSCRIPTIONS, "file@abc|model=whisper-1|stream=true",
      LLM_ERROR_NONE, "model=whisper-1 stream" },
    { LLM_OP_TRANSCRIPTIONS, "model=m|stream=1", LLM_ERROR_NONE,
      "model=m stream" },
    { LLM_OP_TRANSCRIPTIONS, "model=m|stream=True", LLM_ERROR_NONE,
      "model=m stream" },
    { LLM_OP_TRANSCRIPTIONS, "model=m|stream=false", LLM_ERROR_NONE,
      "model=m" },
    { LLM_OP_TRANSCRIPTIONS, "model=m|n=x|x=1|x=2", LLM_ERROR_NONE,
      "model=m" },
    { LLM_OP_IMAGE_EDITS,
      "model=m|n=2|size=512x512|quality=high|user=u|image[]@a|image[]@b",
      LLM_ERROR_NONE, "model=m user=u n=2 size=512x512 quality=high" },
    { LLM_OP_VIDEO_CREATE, "prompt=x|model=m|seconds=8|size=720x1280",
      LLM_ERROR_NONE, "model=m seconds=8 size=720x1280" },
    { LLM_OP_TRANSCRIPTIONS, "file@abc", LLM_ERROR_MISSING_PARAMETER,
      "model" },
    { LLM_OP_TRANSCRIPTIONS, "model=", LLM_ERROR_MISSING_PARAMETER, "model" },
    { LLM_OP_TRANSCRIPTIONS, "model@m", LLM_ERROR_UNSUPPORTED_PARAMETER,
      "model" },
    { LLM_OP_TRANSCRIPTIONS, "model=m|model=m",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "model" },
    { LLM_OP_TRANSCRIPTIONS, "model=a\tb", LLM_ERROR_UNSUPPORTED_PARAMETER,
      "model" },
    { LLM_OP_TRANSCRIPTIONS, "model=m|stream=yes",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "stream" },
    { LLM_OP_TRANSCRIPTIONS, "model=m|stream=truetrue",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "stream" },
    { LLM_OP_TRANSCRIPTIONS, "model=m|stream=t",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "stream" },
    { LLM_OP_IMAGE_EDITS, "model=m|n=0", LLM_ERROR_UNSUPPORTED_PARAMETER,
      "n" },
    { LLM_OP_IMAGE_EDITS, "model=m|n=1x", LLM_ERROR_UNSUPPORTED_PARAMETER,
      "n" },
    { LLM_OP_IMAGE_EDITS, "model=m|n=99999999999999999999",
      LLM_ERROR_UNSUPPORTED_PARAMETER, "n" }
};


static llm_arena_t  *arena;


static llm_str_t
text_of(llm_buf_t *b)
{
    llm_str_t  s;

    s.len = b->len;
    s.data = b->data;

    return s;
}


static void
add(llm_buf_t *b, const char *name, const llm_str_t *s)
{
    if (s->len) {
        llm_buf_puts(b, b->len ? " " : "");
        llm_buf_puts(b, name);
        llm_buf_add(b, s->data, s->len);
    }
}


static void
add_int(llm_buf_t *b, const char *name, int64_t n, int64_t absent)
{
    if (n != absent) {
        llm_buf_puts(b, b->len ? " " : "");
        llm_buf_puts(b, name);
        llm_buf_int(b, n);
    }
}


static void
add_flag(llm_buf_t *b, const char *name, unsigned on)
{
    if (on) {
        llm_buf_puts(b, b->len ? " " : "");
        llm_buf_puts(b, name);
    }
}


static llm_str_t
describe(const llm_request_t *req)
{
    llm_buf_t  b;

    llm_buf_init(&b, arena);

    add(&b, "model=", &req->model);
    add(&b, "user=", &req->user);
    add(&b, "previous=", &req->previous);
    add_int(&b, "max=", req->max_tokens, -1);
    add_int(&b, "n=", req->n, 1);
    add_int(&b, "characters=", req->characters, -1);
    add_int(&b, "seconds=", req->seconds, -1);
    add(&b, "size=", &req->size);
    add(&b, "quality=", &req->quality);
    add(&b, "options=", &req->options);
    add_flag(&b, "stream", req->stream);
    add_flag(&b, "background", req->background);
    add_flag(&b, "usage", req->include_usage);
    add_flag(&b, "tools", req->tools);
    add_flag(&b, "json", req->json);

    return text_of(&b);
}


/* in pieces of step bytes */

static int
read_json(llm_op_e op, const char *json, size_t len, size_t step,
    llm_request_t *req, llm_error_t *err)
{
    size_t             n;
    unsigned           npicks;
    llm_scan_t        *scan;
    const llm_pick_t  *picks;

    memset(err, 0, sizeof(llm_error_t));

    picks = llm_request_picks(&llm_ops[op], &npicks);
    scan = llm_scan_create(arena, picks, npicks, 0);

    while (len) {
        n = len < step ? len : step;

        if (llm_scan_feed(scan, (unsigned char *) json, n) != LLM_OK) {
            return LLM_AGAIN;
        }

        json += n;
        len -= n;
    }

    if (llm_scan_end(scan) != LLM_OK) {
        return LLM_AGAIN;
    }

    return llm_request_read_json(&llm_ops[op], scan, arena, req, err);
}


static void
test_reads(void)
{
    int            rc;
    size_t         len, step;
    unsigned       i;
    llm_error_t    err;
    const read_t  *c;
    llm_request_t  req;

    for (i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        c = &reads[i];
        len = strlen(c->json);

        for (step = 1; step <= len; step += len - 1) {
            memset(&req, 0xff, sizeof(req));
            rc = read_json(c->op, c->json, len, step, &req, &err);

            if (c->told == NULL) {
                is_int(rc, LLM_AGAIN, "%s is no JSON", c->json);
                continue;
            }

            is_int(rc, LLM_OK, "op %d: %s", c->op, c->json);

            if (rc == LLM_OK) {
                is_str(describe(&req), c->told, "by %d", (int) step);
                is_int(req.stream_options, req.options.len != 0,
                       "stream_options");
            }
        }
    }
}


static void
test_refusals(void)
{
    int            rc;
    unsigned       i;
    llm_error_t    err;
    llm_request_t  req;

    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        rc = read_json(refusals[i].op, refusals[i].json,
                       strlen(refusals[i].json), 1000, &req, &err);

        is_int(rc, LLM_INVALID, "op %d: %s", refusals[i].op, refusals[i].json);
        is_int(err.code, refusals[i].code, "its code");
        is_int(llm_error_status(&err), 400, "its status");
        is_str(err.param, refusals[i].param, "its param");
        ok(err.message.len != 0, "it says: %.*s", (int) err.message.len,
           (char *) err.message.data);
    }
}


/* a member of n bytes: what fits, and one more */

static void
test_lengths(void)
{
    int            rc;
    char           json[8192], text[6000];
    unsigned       i;
    llm_error_t    err;
    llm_request_t  req;

    static const struct {
        llm_op_e     op;
        const char  *name;
        unsigned     max;
    } limits[] = {
        { LLM_OP_CHAT, "model", 256 },
        { LLM_OP_RESPONSES, "previous_response_id", 512 },
        { LLM_OP_IMAGE_GENERATIONS, "size", 64 },
        { LLM_OP_IMAGE_GENERATIONS, "quality", 64 }
    };

    memset(text, 'a', sizeof(text));

    for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {

        snprintf(json, sizeof(json), "{\"%s\":\"%.*s\"%s}", limits[i].name,
                 (int) limits[i].max, text, i ? ",\"model\":\"m\"" : "");
        rc = read_json(limits[i].op, json, strlen(json), 1000, &req, &err);
        is_int(rc, LLM_OK, "%s of %u bytes", limits[i].name, limits[i].max);

        snprintf(json, sizeof(json), "{\"%s\":\"%.*s\"%s}", limits[i].name,
                 (int) limits[i].max + 1, text, i ? ",\"model\":\"m\"" : "");
        rc = read_json(limits[i].op, json, strlen(json), 1000, &req, &err);
        is_int(rc, LLM_INVALID, "%s of %u bytes", limits[i].name,
               limits[i].max + 1);
        is_str(err.param, limits[i].name, "its param");

        snprintf(json, sizeof(json), "{\"%s\":\"%.*s\"%s}", limits[i].name,
                 5000, text, i ? ",\"model\":\"m\"" : "");
        rc = read_json(limits[i].op, json, strlen(json), 1000, &req, &err);
        is_int(rc, LLM_INVALID, "%s of 5000 bytes", limits[i].name);
    }

    /* written with escapes, the longest model is six times as long */

    for (i = 0; i < 256; i++) {
        memcpy(text + 6 * i, "\\u0061", 6);
    }

    snprintf(json, sizeof(json), "{\"model\":\"%.*s\"}", 6 * 256, text);
    rc = read_json(LLM_OP_CHAT, json, strlen(json), 1000, &req, &err);
    is_int(rc, LLM_OK, "model of 256 escapes");
    is_int(req.model.len, 256, "its length");

    memset(text, ' ', sizeof(text));

    snprintf(json, sizeof(json), "{\"model\":\"m\",\"stream_options\":{%.*s}}",
             4094, text);
    rc = read_json(LLM_OP_CHAT, json, strlen(json), 1000, &req, &err);
    is_int(rc, LLM_OK, "stream_options of 4096 bytes");
    is_int(req.options.len, 4096, "its length");

    snprintf(json, sizeof(json), "{\"model\":\"m\",\"stream_options\":{%.*s}}",
             4095, text);
    rc = read_json(LLM_OP_CHAT, json, strlen(json), 1000, &req, &err);
    is_int(rc, LLM_INVALID, "stream_options of 4097 bytes");
    is_str(err.param, "stream_options", "its param");

    memset(text, 'u', sizeof(text));

    snprintf(json, sizeof(json), "{\"model\":\"m\",\"user\":\"%.*s\"}", 5000,
             text);
    rc = read_json(LLM_OP_CHAT, json, strlen(json), 1000, &req, &err);
    is_int(rc, LLM_OK, "a long user is the provider's to judge");
    is_int(req.user.len, 0, "and not told");
}


static void
test_input(void)
{
    int            rc;
    char          *json;
    size_t         i, len;
    llm_error_t    err;
    llm_request_t  req;

    /* two bytes a code point, longer than what is counted exactly */

    json = malloc(200000);
    len = sprintf(json, "{\"model\":\"m\",\"input\":\"");

    for (i = 0; i < 50000; i++) {
        memcpy(json + len, "\xc3\xa9", 2);
        len += 2;
    }

    memcpy(json + len, "\"}", 2);
    len += 2;

    rc = read_json(LLM_OP_SPEECH, json, len, 7777, &req, &err);
    is_int(rc, LLM_OK, "a long input");
    is_int(req.characters, 100000, "is counted in bytes");

    memcpy(json + len - 40002, "\"}", 2);
    len -= 40000;

    rc = read_json(LLM_OP_SPEECH, json, len, 7777, &req, &err);
    is_int(rc, LLM_OK, "a shorter one");
    is_int(req.characters, 30000, "in code points");

    free(json);
}


static void
test_options(void)
{
    int        rc;
    unsigned   i;
    llm_str_t  raw, json;

    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        raw = unit_str(options[i].raw);
        json.len = 0;

        rc = llm_request_usage_option(arena, &raw, &json);

        is_int(rc, options[i].json ? LLM_OK : LLM_INVALID, "options \"%s\"",
               options[i].raw);

        if (options[i].json && rc == LLM_OK) {
            is_str(json, options[i].json, "what they become");
        }
    }
}


static void
build(const char *parts, llm_buf_t *b)
{
    size_t       len, name;
    const char  *p;

    for (p = parts; *p; p += len + (p[len] == '|')) {
        len = strcspn(p, "|");
        name = strcspn(p, "=@");

        llm_buf_puts(b, "--b\r\nContent-Disposition: form-data; name=\"");
        llm_buf_add(b, p, name);
        llm_buf_puts(b, p[name] == '@' ? "\"; filename=\"f\"\r\n\r\n"
                                       : "\"\r\n\r\n");
        llm_buf_add(b, p + name + 1, len - name - 1);
        llm_buf_puts(b, "\r\n");
    }

    llm_buf_puts(b, "--b--\r\n");
}


static void
test_forms(void)
{
    int               rc;
    unsigned          i;
    llm_buf_t         b;
    llm_str_t         boundary;
    llm_error_t       err;
    llm_request_t     req;
    llm_multipart_t  *m;

    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        boundary = unit_str("b");

        llm_buf_init(&b, arena);
        build(forms[i].parts, &b);

        m = llm_multipart_create(arena, &boundary);
        rc = llm_multipart_feed(m, b.data, b.len);
        ok(rc == LLM_OK && llm_multipart_end(m) == LLM_OK, "form %s",
           forms[i].parts);

        memset(&err, 0, sizeof(err));
        rc = llm_request_read_multipart(&llm_ops[forms[i].op], m, arena, &req,
                                        &err);

        if (forms[i].code == LLM_ERROR_NONE) {
            is_int(rc, LLM_OK, "is read");
            is_str(describe(&req), forms[i].told, "what it says");
            continue;
        }

        is_int(rc, LLM_INVALID, "is refused");
        is_int(err.code, forms[i].code, "its code");
        is_str(err.param, forms[i].told, "its param");
    }
}


/* every allocation fails once, and never more than an error comes of it */

/* ---- images in a prompt */

static const struct {
    llm_op_e         op;
    unsigned         vision;
    const char      *parts;
} prompts[] = {
    { LLM_OP_CHAT, 0, "\"messages\":[]" },
    { LLM_OP_CHAT, 0, "\"messages\":[{\"content\":\"image_url\"}]" },
    { LLM_OP_CHAT, 1, "\"messages\":[{\"content\":\"a\"},{\"content\":["
      "{\"type\":\"text\",\"text\":\"b\"},{\"type\":\"image_url\","
      "\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}},"
      "{\"type\":\"text\",\"text\":\"c\"}]},{\"content\":\"d\"}]" },
    { LLM_OP_CHAT, 1, "\"messages\":[{\"content\":[{\"type\":\"image_url\"},"
      "{\"type\":\"image_url\"}]}]" },
    { LLM_OP_CHAT, 0, "\"messages\":[{\"content\":[{\"type\":\"image_urls\"},"
      "{\"type\":[\"image_url\"]},{\"type\":{\"image_url\":1}},"
      "{\"type\":\"input_audio\"}],\"type\":\"image_url\"}],"
      "\"type\":\"image_url\",\"tools\":[{\"type\":\"image_url\"}]" },
    { LLM_OP_RESPONSES, 0, "\"input\":\"input_image\"" },
    { LLM_OP_RESPONSES, 1, "\"input\":[{\"content\":[{\"type\":"
      "\"input_image\",\"file_id\":\"f\"}]}]" },
    { LLM_OP_RESPONSES, 1, "\"input\":[{\"type\":\"function_call_output\","
      "\"output\":[{\"type\":\"input_image\"}]}]" },
    { LLM_OP_RESPONSES, 0, "\"input\":[{\"content\":[{\"type\":"
      "\"input_file\",\"file_id\":\"f\"}],\"output\":\"input_image\"}]" },
    { LLM_OP_MESSAGES, 1, "\"messages\":[{\"content\":[{\"type\":\"image\","
      "\"source\":{\"type\":\"url\"}}]}]" },
    { LLM_OP_MESSAGES, 1, "\"messages\":[{\"content\":[{\"type\":"
      "\"tool_result\",\"content\":[{\"type\":\"image\"}]}]}]" },
    { LLM_OP_MESSAGES, 0, "\"messages\":[{\"content\":[{\"type\":"
      "\"document\",\"source\":{\"type\":\"image\"}}]}]" },
    { LLM_OP_GENERATE, 1, "\"contents\":[{\"parts\":[{\"text\":\"a\"},"
      "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AA\"}}]}]" },
    { LLM_OP_GENERATE, 1, "\"contents\":[{\"parts\":["
      "{\"file_data\":{\"mime_type\":\"image/webp\"}}]}]" },
    { LLM_OP_GENERATE_STREAM, 1, "\"contents\":[{\"parts\":["
      "{\"inline_data\":{\"mimeType\":\"image/png\"}},"
      "{\"fileData\":{\"mimeType\":\"audio/wav\"}}]}]" },
    { LLM_OP_GENERATE, 0, "\"contents\":[{\"parts\":["
      "{\"inlineData\":{\"mimeType\":\"audio/wav\",\"x\":\"image/\"}},"
      "{\"inlineData\":{\"mimeType\":\"image\"}}]}]" }
};


static void
test_images(void)
{
    int             rc;
    char            text[1024];
    size_t          len, step;
    unsigned        i, images;
    llm_scan_t     *scan;
    llm_error_t     err;
    llm_request_t   req;

    for (i = 0; i < sizeof(prompts) / sizeof(prompts[0]); i++) {

        len = snprintf(text, sizeof(text), "{\"model\":\"m\",%s}",
                       prompts[i].parts);

        for (step = 1; step <= len; step = step < 9 ? step + 1 : len + 1) {
            rc = read_json(prompts[i].op, text, len, step, &req, &err);

            ok(rc == LLM_OK && req.vision == prompts[i].vision,
               "%s, pieces of %zu: %s", prompts[i].parts, step,
               prompts[i].vision ? "an image" : "none");
        }

        for (images = 0; images < 2; images++) {
            scan = llm_request_scan(arena, &llm_ops[prompts[i].op], images);
            llm_scan_feed(scan, (unsigned char *) text, len);
            llm_scan_end(scan);

            memset(&err, 0, sizeof(err));
            rc = llm_request_read_json(&llm_ops[prompts[i].op], scan, arena,
                                       &req, &err);

            ok(rc == LLM_OK && req.vision == (images && prompts[i].vision),
               "%s: %s", prompts[i].parts,
               images ? "looked for" : "not looked for");
        }
    }
}


static void
test_memory(void)
{
    int                rc;
    size_t             len, limit;
    unsigned           n, bad;
    llm_str_t          raw, json;
    llm_scan_t        *scan;
    llm_arena_t       *small;
    llm_error_t        err;
    llm_request_t      req;
    const llm_pick_t  *picks;

    static const char  text[] = "{\"model\":\"gpt-4o\",\"user\":\"u\","
        "\"stream_options\":{\"include_usage\":0},\"n\":129}";

    picks = llm_request_picks(&llm_ops[LLM_OP_CHAT], &n);
    len = sizeof(text) - 1;
    bad = 0;

    scan = llm_scan_create(arena, picks, n, LLM_SCAN_MEMBERS);
    llm_scan_feed(scan, (unsigned char *) text, len);
    llm_scan_end(scan);

    for (limit = 0; limit < 1024; limit += 8) {
        small = llm_arena_create(limit);

        memset(&err, 0, sizeof(err));
        rc = llm_request_read_json(&llm_ops[LLM_OP_CHAT], scan, small, &req,
                                   &err);

        bad += (rc != LLM_NOMEM && rc != LLM_INVALID)
               || (limit == 0 && rc != LLM_NOMEM)
               || (limit == 1016 && rc != LLM_INVALID);

        llm_arena_free(small);
    }

    is_int(bad, 0, "reading without memory");

    raw = unit_str("{\"x\":1}");
    bad = 0;

    for (limit = 0; limit < 65536; limit += 64) {
        small = llm_arena_create(limit);

        rc = llm_request_usage_option(small, &raw, &json);

        bad += (rc != LLM_NOMEM && rc != LLM_OK)
               || (limit == 0 && rc != LLM_NOMEM)
               || (limit == 65536 - 64 && rc != LLM_OK);

        llm_arena_free(small);
    }

    is_int(bad, 0, "options without memory");
}


int
main(void)
{
    plan(0);

    arena = llm_arena_create((size_t) 64 << 20);

    test_reads();
    test_refusals();
    test_lengths();
    test_input();
    test_options();
    test_forms();
    test_images();
    test_memory();

    llm_arena_free(arena);

    return unit_end();
}
