
/*
 * Errors in the shape of each protocol, as bodies and as ends of streams.
 * Shapes are read with cJSON, a parser that knows nothing of the printer.
 */


#include "unit.h"
#include "llm_error.h"

#include <cjson/cJSON.h>


static const struct {
    llm_error_e  code;
    int          status;
    const char  *name;
    const char  *openai;
    const char  *anthropic;
    const char  *gemini;
} statuses[] = {
    { LLM_ERROR_INVALID_API_KEY, 401, "invalid_api_key",
      "invalid_request_error", "authentication_error", "UNAUTHENTICATED" },
    { LLM_ERROR_MODEL_NOT_ALLOWED, 403, "model_not_allowed",
      "invalid_request_error", "permission_error", "PERMISSION_DENIED" },
    { LLM_ERROR_MODEL_NOT_FOUND, 404, "model_not_found",
      "invalid_request_error", "not_found_error", "NOT_FOUND" },
    { LLM_ERROR_MISSING_PARAMETER, 400, "missing_parameter",
      "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT" },
    { LLM_ERROR_REQUEST_TOO_LARGE, 413, "request_too_large",
      "invalid_request_error", "request_too_large", "INVALID_ARGUMENT" },
    { LLM_ERROR_UNSUPPORTED_MEDIA, 415, "unsupported_media_type",
      "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT" },
    { LLM_ERROR_BUDGET_EXCEEDED, 402, "budget_exceeded",
      "insufficient_quota", "billing_error", "RESOURCE_EXHAUSTED" },
    { LLM_ERROR_QUEUE_FULL, 429, "queue_full",
      "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED" },
    { LLM_ERROR_NO_ROUTE, 503, "no_route",
      "server_error", "overloaded_error", "UNAVAILABLE" },
    { LLM_ERROR_UPSTREAM_ERROR, 502, "upstream_error",
      "server_error", "api_error", "UNAVAILABLE" },
    { LLM_ERROR_UPSTREAM_TIMEOUT, 504, "upstream_timeout",
      "server_error", "timeout_error", "DEADLINE_EXCEEDED" },
    { LLM_ERROR_INTERNAL_ERROR, 500, "internal_error",
      "server_error", "api_error", "INTERNAL" },
    { LLM_ERROR_NONE, 500, "internal_error",
      "server_error", "api_error", "INTERNAL" }
};


static llm_arena_t  *arena;


/* is_str() has a variable of that function's name */

static llm_str_t
text_of(const char *s)
{
    return unit_str(s);
}


static const char *
body(llm_protocol_e protocol, const llm_error_t *err)
{
    llm_buf_t  b;

    llm_buf_init(&b, arena);
    llm_error_print(protocol, err, &b);
    llm_buf_add(&b, "", 1);

    return (const char *) b.data;
}


static const char *
event(llm_op_e op, unsigned array, int64_t seq, const llm_error_t *err)
{
    llm_buf_t  b;

    llm_buf_init(&b, arena);
    llm_error_print_event(&llm_ops[op], array, seq, err, &b);
    llm_buf_add(&b, "", 1);

    return (const char *) b.data;
}


/* a string at "a.b.0.c", "null" and "none" by these names */

static llm_str_t
at(const cJSON *json, const char *where)
{
    char    name[64];
    size_t  len;

    while (json && *where) {
        len = strcspn(where, ".");
        snprintf(name, sizeof(name), "%.*s", (int) len, where);
        where += len + (where[len] == '.');

        json = cJSON_IsArray(json) ? cJSON_GetArrayItem(json, atoi(name))
                                   : cJSON_GetObjectItemCaseSensitive(json,
                                                                      name);
    }

    if (json == NULL) {
        return unit_str("none");
    }

    return unit_str(cJSON_IsNull(json) ? "null"
                    : cJSON_IsString(json) ? json->valuestring : "other");
}


static void
test_statuses(void)
{
    cJSON        *json;
    unsigned      i;
    const char   *name;
    llm_error_t   err;

    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        memset(&err, 0, sizeof(err));
        err.code = statuses[i].code;
        err.message = unit_str("why");
        name = statuses[i].name;

        is_int(llm_error_status(&err), statuses[i].status, "%s: status", name);

        json = cJSON_Parse(body(LLM_PROTOCOL_OPENAI, &err));
        is_str(at(json, "error.type"), statuses[i].openai, "%s: openai", name);
        is_str(at(json, "error.code"), name, "%s: its code", name);
        is_str(at(json, "error.message"), "why", "%s: its message", name);
        is_str(at(json, "error.param"), "null", "%s: its param", name);
        is_str(at(json, "request_id"), "none", "%s: no request id", name);
        cJSON_Delete(json);

        json = cJSON_Parse(body(LLM_PROTOCOL_ANTHROPIC, &err));
        is_str(at(json, "type"), "error", "%s: anthropic", name);
        is_str(at(json, "error.type"), statuses[i].anthropic, "%s: type",
               name);
        is_str(at(json, "error.code"), name, "%s: its code", name);
        is_str(at(json, "error.message"), "why", "%s: its message", name);
        cJSON_Delete(json);

        json = cJSON_Parse(body(LLM_PROTOCOL_GEMINI, &err));
        is_str(at(json, "error.status"), statuses[i].gemini, "%s: gemini",
               name);
        is_str(at(json, "error.details.0.reason"), name, "%s: reason", name);
        is_str(at(json, "error.details.0.metadata.param"), "none",
               "%s: no param", name);
        is_int(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "error"),
                                   "code")->valueint, statuses[i].status,
               "%s: code is the status", name);
        cJSON_Delete(json);
    }

    memset(&err, 0, sizeof(err));
    err.code = LLM_ERROR_UPSTREAM_ERROR;
    err.status = 529;
    is_int(llm_error_status(&err), 529, "a status of its own");
}


static void
test_bodies(void)
{
    llm_error_t  err;

    memset(&err, 0, sizeof(err));
    err.code = LLM_ERROR_RATE_LIMIT_EXCEEDED;
    err.message = unit_str("too \"many\"\r\n");
    err.param = unit_str("model");
    err.request_id = unit_str("req_1");
    err.attempts = unit_str("[{\"n\":1}]");
    err.decision = unit_str("[\n]");

    is_str(text_of(body(LLM_PROTOCOL_OPENAI, &err)),
           "{\"error\":{\"message\":\"too \\\"many\\\"\\r\\n\","
           "\"type\":\"rate_limit_error\",\"param\":\"model\","
           "\"code\":\"rate_limit_exceeded\"},\"request_id\":\"req_1\","
           "\"attempts\":[{\"n\":1}],\"decision\":[ ]}", "openai");

    is_str(text_of(body(LLM_PROTOCOL_NONE, &err)),
           body(LLM_PROTOCOL_OPENAI, &err), "no protocol: openai's");

    is_str(text_of(body(LLM_PROTOCOL_ANTHROPIC, &err)),
           "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\","
           "\"message\":\"too \\\"many\\\"\\r\\n\","
           "\"code\":\"rate_limit_exceeded\",\"param\":\"model\"},"
           "\"request_id\":\"req_1\",\"attempts\":[{\"n\":1}],"
           "\"decision\":[ ]}", "anthropic");

    is_str(text_of(body(LLM_PROTOCOL_GEMINI, &err)),
           "{\"error\":{\"code\":429,\"message\":\"too \\\"many\\\"\\r\\n\","
           "\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{\"@type\":"
           "\"type.googleapis.com/google.rpc.ErrorInfo\","
           "\"reason\":\"rate_limit_exceeded\",\"domain\":\"llm-gateway\","
           "\"metadata\":{\"param\":\"model\"}}]},\"request_id\":\"req_1\","
           "\"attempts\":[{\"n\":1}],\"decision\":[ ]}", "gemini");
}


static void
test_hostile(void)
{
    cJSON         *json;
    unsigned       i;
    const char    *text;
    llm_error_t    err;
    unsigned char  bytes[256];

    for (i = 0; i < 256; i++) {
        bytes[i] = (unsigned char) i;
    }

    memset(&err, 0, sizeof(err));
    err.code = LLM_ERROR_MODEL_NOT_FOUND;
    err.message.data = bytes;
    err.message.len = sizeof(bytes);
    err.param = err.message;
    err.request_id = err.message;

    for (i = LLM_PROTOCOL_NONE; i <= LLM_PROTOCOL_GEMINI; i++) {
        text = body(i, &err);
        json = cJSON_Parse(text);
        ok(json != NULL, "protocol %u: any bytes give JSON", i);
        ok(strpbrk(text, "\r\n") == NULL, "protocol %u: of one line", i);
        cJSON_Delete(json);
    }
}


static void
test_events(void)
{
    cJSON        *json;
    const char   *text, *end;
    llm_error_t   err;

    memset(&err, 0, sizeof(err));
    err.code = LLM_ERROR_UPSTREAM_ERROR;
    err.message = unit_str("cut\n\n");
    err.decision = unit_str("[\r\n\r\n]");

    text = event(LLM_OP_CHAT, 0, -1, &err);
    is_str(text_of(text),
           "data: {\"error\":{\"message\":\"cut\\n\\n\","
           "\"type\":\"server_error\",\"param\":null,"
           "\"code\":\"upstream_error\"},\"decision\":[    ]}\n\n", "chat");

    is_str(text_of(event(LLM_OP_IMAGE_GENERATIONS, 0, -1, &err)), text,
           "images: as chat");

    text = event(LLM_OP_MESSAGES, 0, -1, &err);
    ok(strncmp(text, "event: error\ndata: {\"type\":\"error\"", 34) == 0,
       "anthropic: named event");
    ok(strstr(text, "}\n\n") == text + strlen(text) - 3,
       "anthropic: one event");

    text = event(LLM_OP_GENERATE_STREAM, 0, -1, &err);
    ok(strncmp(text, "data: {\"error\":{\"code\":502,", 27) == 0,
       "gemini: sse");
    ok(strstr(text, "\r\n") == text + strlen(text) - 4
       && strcmp(text + strlen(text) - 5, "}\r\n\r\n") == 0,
       "gemini: lines end as its own do");

    text = event(LLM_OP_GENERATE_STREAM, LLM_ERROR_ARRAY_NEXT, -1, &err);
    ok(strncmp(text, ",\r\n{\"error\":", 12) == 0
       && strcmp(text + strlen(text) - 2, "}]") == 0, "gemini: array");

    text = event(LLM_OP_GENERATE_STREAM, LLM_ERROR_ARRAY_FIRST, -1, &err);
    json = cJSON_Parse(text);
    is_str(at(json, "0.error.status"), "UNAVAILABLE",
           "gemini: array of nothing else");
    cJSON_Delete(json);

    err.param = unit_str("p");
    text = event(LLM_OP_RESPONSES, 0, 41, &err);

    ok(strncmp(text, "event: error\ndata: {", 20) == 0, "responses: error");

    json = cJSON_ParseWithOpts(text + 19, &end, 0);
    is_str(at(json, "type"), "error", "its type");
    is_str(at(json, "code"), "upstream_error", "its code");
    is_str(at(json, "message"), "cut\n\n", "its message");
    is_str(at(json, "error.code"), "upstream_error", "its code, nested");
    is_str(at(json, "error.param"), "p", "its param, nested");
    is_int(cJSON_GetObjectItem(json, "sequence_number")->valueint, 42,
           "its number");
    cJSON_Delete(json);

    ok(strncmp(end, "\n\nevent: response.failed\ndata: {", 32) == 0,
       "responses: then response.failed");

    json = cJSON_ParseWithOpts(end + 31, &end, 0);
    is_str(at(json, "type"), "response.failed", "its type");
    is_str(at(json, "response.status"), "failed", "its status");
    is_str(at(json, "response.object"), "response", "its object");
    is_str(at(json, "response.error.code"), "upstream_error", "its code");
    is_str(at(json, "response.error.message"), "cut\n\n", "its message");
    is_int(cJSON_GetObjectItem(json, "sequence_number")->valueint, 43,
           "its number");
    cJSON_Delete(json);

    is_str(text_of(end), "\n\n", "nothing else");

    text = event(LLM_OP_RESPONSE_GET, 0, -1, &err);
    ok(strstr(text, "\"sequence_number\":0,") != NULL
       && strstr(text, "\"sequence_number\":1,") != NULL,
       "a stream without events is numbered from 0");
}


int
main(void)
{
    plan(0);

    arena = llm_arena_create(1 << 20);

    test_statuses();
    test_bodies();
    test_hostile();
    test_events();

    llm_arena_free(arena);

    return unit_end();
}
