
/*
 * Method and path to operation, and operation to the path upstream.  Each
 * path is tried as it is, behind a prefix and with a slash at its end.
 */


#include "unit.h"
#include "llm_endpoint.h"


typedef struct {
    const char  *method;
    const char  *path;
    llm_op_e     op;
    const char  *model;
    const char  *id;
} case_t;


static const case_t  cases[] = {
    { "POST", "/v1/chat/completions", LLM_OP_CHAT, "", "" },
    { "POST", "/openai/deployments/foo/chat/completions",
      LLM_OP_CHAT, "", "" },
    { "POST", "/models/chat/completions", LLM_OP_CHAT, "", "" },
    { "POST", "/chat/completions", LLM_OP_CHAT, "", "" },
    { "POST", "/v1/completions", LLM_OP_COMPLETIONS, "", "" },
    { "POST", "/openai/deployments/chat/x/completions",
      LLM_OP_COMPLETIONS, "", "" },
    { "POST", "/v1/xchat/completions", LLM_OP_COMPLETIONS, "", "" },
    { "POST", "/v1/responses", LLM_OP_RESPONSES, "", "" },
    { "GET", "/v1/responses/resp_1", LLM_OP_RESPONSE_GET, "", "resp_1" },
    { "HEAD", "/v1/responses/resp_1", LLM_OP_RESPONSE_GET, "", "resp_1" },
    { "DELETE", "/v1/responses/resp_1", LLM_OP_RESPONSE_DELETE, "", "resp_1" },
    { "POST", "/v1/responses/resp_1/cancel",
      LLM_OP_RESPONSE_CANCEL, "", "resp_1" },
    { "GET", "/v1/responses/resp_1/input_items",
      LLM_OP_RESPONSE_ITEMS, "", "resp_1" },
    { "GET", "/v1/responses/input_items",
      LLM_OP_RESPONSE_GET, "", "input_items" },
    { "GET", "/responses/responses/x", LLM_OP_RESPONSE_GET, "", "x" },
    { "GET", "/v1/responses/cancel", LLM_OP_RESPONSE_GET, "", "cancel" },
    { "POST", "/v1/embeddings", LLM_OP_EMBEDDINGS, "", "" },
    { "POST", "/v1/moderations", LLM_OP_MODERATIONS, "", "" },
    { "POST", "/v1/rerank", LLM_OP_RERANK, "", "" },
    { "POST", "/v2/rerank", LLM_OP_RERANK, "", "" },
    { "POST", "/v1/images/generations", LLM_OP_IMAGE_GENERATIONS, "", "" },
    { "POST", "/v1/images/edits", LLM_OP_IMAGE_EDITS, "", "" },
    { "POST", "/v1/images/variations", LLM_OP_IMAGE_VARIATIONS, "", "" },
    { "POST", "/v1/audio/speech", LLM_OP_SPEECH, "", "" },
    { "POST", "/v1/audio/transcriptions", LLM_OP_TRANSCRIPTIONS, "", "" },
    { "POST", "/v1/audio/translations", LLM_OP_TRANSLATIONS, "", "" },
    { "POST", "/v1/videos", LLM_OP_VIDEO_CREATE, "", "" },
    { "GET", "/v1/videos/video_1", LLM_OP_VIDEO_GET, "", "video_1" },
    { "DELETE", "/v1/videos/video_1", LLM_OP_VIDEO_DELETE, "", "video_1" },
    { "GET", "/v1/videos/video_1/content",
      LLM_OP_VIDEO_CONTENT, "", "video_1" },
    { "POST", "/v1/videos/video_1/remix", LLM_OP_VIDEO_REMIX, "", "video_1" },
    { "POST", "/v1/messages", LLM_OP_MESSAGES, "", "" },
    { "POST", "/v1/messages/count_tokens", LLM_OP_COUNT_TOKENS, "", "" },
    { "GET", "/v1/models", LLM_OP_MODELS, "", "" },
    { "HEAD", "/v1/models", LLM_OP_MODELS, "", "" },
    { "GET", "/v1/models/gpt-4o", LLM_OP_MODEL, "gpt-4o", "" },
    { "GET", "/v1/models/acme/llama/70b", LLM_OP_MODEL, "acme/llama/70b", "" },
    { "GET", "/v1/models/models/gpt-4o", LLM_OP_MODEL, "gpt-4o", "" },
    { "GET", "/v1/models/a:b", LLM_OP_MODEL, "a:b", "" },
    { "GET", "/v1/models/acme/rerank", LLM_OP_MODEL, "acme/rerank", "" },
    { "GET", "/v1/models/models", LLM_OP_MODELS, "", "" },

    { "POST", "/v1beta/models/m:generateContent", LLM_OP_GENERATE, "m", "" },
    { "POST", "/v1beta/models/m:streamGenerateContent",
      LLM_OP_GENERATE_STREAM, "m", "" },
    { "POST", "/v1beta/models/m:countTokens", LLM_OP_GEMINI_COUNT, "m", "" },
    { "POST", "/v1beta/models/m:embedContent", LLM_OP_GEMINI_EMBED, "m", "" },
    { "POST", "/v1beta/models/m:batchEmbedContents",
      LLM_OP_GEMINI_BATCH_EMBED, "m", "" },
    { "POST", "/v1beta/models/m:predictLongRunning",
      LLM_OP_GEMINI_LONG, "m", "" },
    { "POST", "/v1/projects/p/locations/l/publishers/google/models/m"
      ":generateContent", LLM_OP_GENERATE, "m", "" },
    { "POST", "/v1beta/models/acme/m:v1:generateContent",
      LLM_OP_GENERATE, "acme/m:v1", "" },
    { "POST", "/v1beta/models/models/m:generateContent",
      LLM_OP_GENERATE, "m", "" },
    { "POST", "/models/x/models/m:generateContent", LLM_OP_GENERATE, "m", "" },
    { "POST", "/v1beta/models/x/models/:generateContent",
      LLM_OP_GENERATE, "x/models/", "" },
    { "POST", "/v1beta/tunedModels/t:generateContent",
      LLM_OP_GENERATE, "tunedModels/t", "" },

    { "GET", "/v1beta/models/veo-3/operations/x1", LLM_OP_OPERATION_GET, "",
      "models/veo-3/operations/x1" },
    { "GET", "/models/v1beta/models/acme/veo:3/operations/x1",
      LLM_OP_OPERATION_GET, "", "models/acme/veo:3/operations/x1" },
    { "GET", "/v1beta/tunedModels/t/operations/x1", LLM_OP_OPERATION_GET, "",
      "tunedModels/t/operations/x1" },
    { "GET", "/v1beta/operations/x1", LLM_OP_OPERATION_GET, "",
      "operations/x1" },

    { "GET", "/v1/chat/completions", LLM_OP_NONE, "", "" },
    { "PUT", "/v1/chat/completions", LLM_OP_NONE, "", "" },
    { "OPTIONS", "/v1/models", LLM_OP_NONE, "", "" },
    { "POST", "/model/m/converse", LLM_OP_NONE, "", "" },
    { "POST", "/model/m/invoke-with-response-stream", LLM_OP_NONE, "", "" },
    { "POST", "/v1/models/m:rawPredict", LLM_OP_NONE, "", "" },
    { "POST", "/v1/models/count-tokens:rawPredict", LLM_OP_NONE, "", "" },
    { "post", "/v1/chat/completions", LLM_OP_NONE, "", "" },
    { "GET", "/v1/responses", LLM_OP_NONE, "", "" },
    { "POST", "/v1/responses/resp_1", LLM_OP_NONE, "", "" },
    { "GET", "/v1/responses/resp_1/cancel", LLM_OP_NONE, "", "" },
    { "GET", "/v1/responses/a/b", LLM_OP_NONE, "", "" },
    { "POST", "/v1/responses//cancel", LLM_OP_NONE, "", "" },
    { "DELETE", "/v1/videos/video_1/content", LLM_OP_NONE, "", "" },
    { "GET", "/v1/videos", LLM_OP_NONE, "", "" },
    { "POST", "/v1/models", LLM_OP_NONE, "", "" },
    { "DELETE", "/v1/models/m", LLM_OP_NONE, "", "" },
    { "GET", "/v1beta/operations//", LLM_OP_NONE, "", "" },
    { "POST", "/v1beta/models/m/operations/x1", LLM_OP_NONE, "", "" },
    { "GET", "/v1beta/tunedModels/t", LLM_OP_NONE, "", "" },
    { "POST", "/v1beta/models/:generateContent", LLM_OP_NONE, "", "" },
    { "POST", "/v1beta/models/m:generate", LLM_OP_NONE, "", "" },
    { "POST", "/v1beta/models/m:generateContents", LLM_OP_NONE, "", "" },
    { "POST", "/v1beta/models/m:", LLM_OP_NONE, "", "" },
    { "POST", "/v1beta/m:generateContent", LLM_OP_NONE, "", "" },
    { "POST", "/v1/chat/completions//", LLM_OP_NONE, "", "" },
    { "POST", "/v1/chat/completions/x", LLM_OP_NONE, "", "" },
    { "POST", "/v1/xcompletions", LLM_OP_NONE, "", "" },
    { "POST", "completions", LLM_OP_NONE, "", "" },
    { "POST", "/v1/audio/x/speech", LLM_OP_NONE, "", "" },
    { "POST", "/", LLM_OP_NONE, "", "" },
    { "GET", "/", LLM_OP_NONE, "", "" },
    { "GET", "", LLM_OP_NONE, "", "" },
    { "", "/v1/models", LLM_OP_NONE, "", "" }
};


static const struct {
    const char  *args;
    unsigned     array;
} streams[] = {
    { "", 1 },
    { "alt=sse", 0 },
    { "key=x&alt=sse", 0 },
    { "alt=sse&key=x", 0 },
    { "$alt=sse", 0 },
    { "%24alt=sse%3Benum-encoding%3Dint", 0 },
    { "alt=sse;enum-encoding=int", 0 },
    { "&&alt=sse", 0 },
    { "alt=json", 1 },
    { "alt=ssex", 1 },
    { "xalt=sse", 1 },
    { "alt=ss", 1 },
    { "x=alt=sse", 1 },
    { "$", 1 },
    { "%24", 1 }
};


static const struct {
    llm_op_e     op;
    const char  *model;
    const char  *id;
    const char  *path;      /* NULL: refused */
} paths[] = {
    { LLM_OP_CHAT, "m", "", "/chat/completions" },
    { LLM_OP_COUNT_TOKENS, "m", "", "/messages/count_tokens" },
    { LLM_OP_VIDEO_CREATE, "m", "", "/videos" },
    { LLM_OP_RESPONSE_GET, "", "resp_1", "/responses/resp_1" },
    { LLM_OP_RESPONSE_DELETE, "", "resp_1", "/responses/resp_1" },
    { LLM_OP_RESPONSE_CANCEL, "", "r", "/responses/r/cancel" },
    { LLM_OP_RESPONSE_ITEMS, "", "r", "/responses/r/input_items" },
    { LLM_OP_VIDEO_CONTENT, "", "v", "/videos/v/content" },
    { LLM_OP_VIDEO_REMIX, "", "v", "/videos/v/remix" },
    { LLM_OP_VIDEO_GET, "", "a b?c#d%e&f=g\\\xc3\xa9;:",
      "/videos/a%20b%3Fc%23d%25e%26f%3Dg%5C%C3%A9%3B%3A" },
    { LLM_OP_VIDEO_GET, "", "A-Z.a_z~09", "/videos/A-Z.a_z~09" },
    { LLM_OP_VIDEO_GET, "", "...", "/videos/..." },
    { LLM_OP_VIDEO_GET, "", "..", NULL },
    { LLM_OP_VIDEO_GET, "", ".", NULL },
    { LLM_OP_VIDEO_GET, "", "", NULL },
    { LLM_OP_VIDEO_GET, "", "a/b", NULL },
    { LLM_OP_VIDEO_GET, "", "a\r\nb", NULL },
    { LLM_OP_VIDEO_GET, "", "a\x7f", NULL },

    { LLM_OP_GENERATE, "m", "", "/models/m:generateContent" },
    { LLM_OP_GENERATE, "models/m", "", "/models/m:generateContent" },
    { LLM_OP_GENERATE, "models/", "", NULL },
    { LLM_OP_GENERATE, "tunedModels/m", "",
      "/tunedModels/m:generateContent" },
    { LLM_OP_GENERATE, "acme/m:v1", "", "/models/acme/m:v1:generateContent" },
    { LLM_OP_GENERATE, "m?x=y", "", "/models/m%3Fx%3Dy:generateContent" },
    { LLM_OP_GENERATE_STREAM, "m", "", "/models/m:streamGenerateContent" },
    { LLM_OP_GEMINI_COUNT, "m", "", "/models/m:countTokens" },
    { LLM_OP_GEMINI_EMBED, "m", "", "/models/m:embedContent" },
    { LLM_OP_GEMINI_BATCH_EMBED, "m", "", "/models/m:batchEmbedContents" },
    { LLM_OP_GEMINI_LONG, "m", "", "/models/m:predictLongRunning" },
    { LLM_OP_GENERATE, "", "", NULL },
    { LLM_OP_GENERATE, "a//b", "", NULL },
    { LLM_OP_GENERATE, "/a", "", NULL },
    { LLM_OP_GENERATE, "a/", "", NULL },
    { LLM_OP_GENERATE, "a:", "", NULL },
    { LLM_OP_GENERATE, "a/../b", "", NULL },
    { LLM_OP_GENERATE, "..", "", NULL },
    { LLM_OP_GENERATE, "../a", "", NULL },
    { LLM_OP_GENERATE, "a/.", "", NULL },
    { LLM_OP_GENERATE, "a/..b", "", "/models/a/..b:generateContent" },
    { LLM_OP_GENERATE, "a\nb", "", NULL },

    { LLM_OP_OPERATION_GET, "", "models/m/operations/x",
      "/models/m/operations/x" },
    { LLM_OP_OPERATION_GET, "", "operations/x y", "/operations/x%20y" },
    { LLM_OP_OPERATION_GET, "", "models/../operations/x", NULL },

    { LLM_OP_RAW_PREDICT, "claude-sonnet-4@20250514", "",
      "/models/claude-sonnet-4%4020250514:rawPredict" },
    { LLM_OP_RAW_PREDICT_STREAM, "m", "", "/models/m:streamRawPredict" },
    { LLM_OP_RAW_COUNT, "m", "", "/models/count-tokens:rawPredict" },
    { LLM_OP_CONVERSE, "amazon.nova-v1:0", "",
      "/model/amazon.nova-v1%3A0/converse" },
    { LLM_OP_CONVERSE_STREAM, "m", "", "/model/m/converse-stream" },
    { LLM_OP_INVOKE, "arn:aws:bedrock:us-east-1::foundation-model/m", "",
      "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Fm"
      "/invoke" },
    { LLM_OP_INVOKE_STREAM, "m", "",
      "/model/m/invoke-with-response-stream" },
    { LLM_OP_BEDROCK_COUNT, "m", "", "/model/m/count-tokens" },
    { LLM_OP_CONVERSE, "", "", NULL },
    { LLM_OP_CONVERSE, "a/../b", "", NULL },
    { LLM_OP_CONVERSE, "a\nb", "", NULL },

    { LLM_OP_MODELS, "", "", "/models" },
    { LLM_OP_MODEL, "m", "", NULL },
    { LLM_OP_NONE, "", "", NULL }
};


static void
check(const case_t *c, const char *prefix, const char *suffix)
{
    int           rc;
    char          path[256];
    llm_str_t     method, uri, args;
    llm_target_t  target;

    snprintf(path, sizeof(path), "%s%s%s", prefix, c->path, suffix);

    method = unit_str(c->method);
    uri = unit_str(path);
    args.len = 0;
    args.data = NULL;

    memset(&target, 0xff, sizeof(target));

    rc = llm_endpoint_find(&method, &uri, &args, &target);

    is_int(rc, c->op == LLM_OP_NONE ? LLM_DECLINED : LLM_OK,
           "%s %s: found or not", c->method, path);
    is_int(target.op->op, c->op, "%s %s: op", c->method, path);
    is_str(target.model, c->model, "%s %s: model", c->method, path);
    is_str(target.id, c->id, "%s %s: id", c->method, path);

    ok((target.model.len == 0
        || (target.model.data >= uri.data
            && target.model.data + target.model.len <= uri.data + uri.len))
       && (target.id.len == 0
           || (target.id.data >= uri.data
               && target.id.data + target.id.len <= uri.data + uri.len)),
       "%s %s: slices of the path", c->method, path);

    is_int(target.array, c->op == LLM_OP_GENERATE_STREAM, "%s %s: array",
           c->method, path);
}


static void
test_find(void)
{
    unsigned       i;
    const case_t  *c;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        c = &cases[i];

        check(c, "", "");

        if (c->path[0] != '/') {
            continue;
        }

        check(c, "/some/prefix", "");

        if (c->path[1] != '\0' && c->path[strlen(c->path) - 1] != '/') {
            check(c, "", "/");
        }
    }
}


static void
test_array(void)
{
    unsigned      i;
    llm_str_t     method, path, args;
    llm_target_t  target;

    method = unit_str("POST");
    path = unit_str("/v1beta/models/m:streamGenerateContent");

    for (i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        args = unit_str(streams[i].args);

        llm_endpoint_find(&method, &path, &args, &target);

        is_int(target.array, streams[i].array, "args \"%s\"", streams[i].args);
    }

    path = unit_str("/v1beta/models/m:generateContent");
    args = unit_str("");

    llm_endpoint_find(&method, &path, &args, &target);

    is_int(target.array, 0, "an answer that is no stream is no array");
}


static void
test_path(void)
{
    int           rc;
    unsigned      i;
    llm_str_t     model, id, out;
    llm_buf_t     b;
    llm_arena_t  *arena;

    arena = llm_arena_create(1 << 20);

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        model = unit_str(paths[i].model);
        id = unit_str(paths[i].id);

        llm_buf_init(&b, arena);

        rc = llm_endpoint_path(&llm_ops[paths[i].op], &model, &id, &b);

        is_int(rc, paths[i].path ? LLM_OK : LLM_INVALID,
               "op %d, model \"%s\", id \"%s\"", paths[i].op, paths[i].model,
               paths[i].id);

        out.data = b.data;
        out.len = b.len;

        is_str(out, paths[i].path ? paths[i].path : "", "the path");
    }

    llm_buf_init(&b, arena);
    rc = llm_endpoint_path(&llm_ops[LLM_OP_EMBEDDINGS], NULL, NULL, &b);
    is_int(rc, LLM_OK, "no model or id where none is needed");

    llm_arena_free(arena);
}


static void
test_tables(void)
{
    unsigned         i;
    uint32_t         from;
    llm_str_t        name;
    const llm_op_t  *op;

    for (i = 1; i < LLM_OP_N; i++) {
        op = &llm_ops[i];

        ok(op->op == (llm_op_e) i, "row %u is in its place", i);

        ok(op->endpoint != LLM_ENDPOINT_NONE
           && op->protocol != LLM_PROTOCOL_NONE,
           "row %u has a family and a protocol", i);

        from = op->flags & (LLM_OP_MODEL_BODY|LLM_OP_MODEL_PATH|LLM_OP_BY_ID
                            |LLM_OP_LOCAL);

        ok(from && (from & (from - 1)) == 0,
           "row %u has one way to its route", i);
    }

    for (i = 1; i < LLM_ENDPOINT_N; i++) {
        is_int(llm_endpoint_by_name(&llm_endpoint_names[i]), i,
               "family \"%s\"", (char *) llm_endpoint_names[i].data);
    }

    name = unit_str("Chat");
    is_int(llm_endpoint_by_name(&name), LLM_ENDPOINT_NONE, "names have a case");

    name = unit_str("cha");
    is_int(llm_endpoint_by_name(&name), LLM_ENDPOINT_NONE, "no abbreviation");

    name = unit_str("");
    is_int(llm_endpoint_by_name(&name), LLM_ENDPOINT_NONE, "empty is none");
}


int
main(void)
{
    plan(0);

    test_tables();
    test_find();
    test_array();
    test_path();

    return unit_end();
}
