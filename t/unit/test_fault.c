
/*
 * Errors of providers, whatever their shape, in the words of each client's
 * protocol.  The bodies are of the shapes that providers send.
 */


#include "unit.h"
#include "llm_dialect.h"
#include "llm_quirk.h"

#include <cjson/cJSON.h>


static llm_arena_t  *arena;


static llm_fault_t
fault_of(int status, const char *type, const char *body)
{
    llm_str_t    t, b;
    llm_fault_t  fault;

    t = unit_str(type);
    b = unit_str(body);

    is_int(llm_fault_read(arena, LLM_DIALECT_CHAT, status, &t, &b, &fault),
           LLM_OK, "an error of status %d", status);

    return fault;
}


static void
reads(int status, const char *type, const char *body, llm_fault_e want,
    const char *message)
{
    llm_fault_t  fault;

    fault = fault_of(status, type, body);

    is_int(fault.fault, want, "its class");
    is_str(fault.message, message, "its words");
}


static void
test_read(void)
{
    reads(400, "", "{\"error\":{\"message\":\"m\",\"type\":"
          "\"invalid_request_error\",\"param\":\"p\",\"code\":null}}",
          LLM_FAULT_INVALID, "m");
    reads(400, "", "{\"error\":{\"message\":\"m\",\"code\":"
          "\"context_length_exceeded\"}}", LLM_FAULT_CONTEXT, "m");
    reads(400, "", "{\"type\":\"error\",\"error\":{\"type\":"
          "\"invalid_request_error\",\"message\":\"prompt is too long: 9 > "
          "8\"}}", LLM_FAULT_CONTEXT, "prompt is too long: 9 > 8");
    reads(429, "", "{\"error\":{\"message\":\"m\",\"code\":"
          "\"insufficient_quota\"}}", LLM_FAULT_QUOTA, "m");
    reads(429, "", "[{\"error\":{\"code\":429,\"message\":\"m\",\"status\":"
          "\"RESOURCE_EXHAUSTED\"}}]", LLM_FAULT_RATE, "m");
    reads(400, "", "{\"error\":{\"code\":400,\"message\":\"m\",\"status\":"
          "\"INVALID_ARGUMENT\",\"details\":[{\"reason\":"
          "\"API_KEY_INVALID\"}]}}", LLM_FAULT_AUTH, "m");
    reads(400, "", "{\"code\":\"invalid-argument\",\"error\":\"Incorrect API "
          "key provided: k\"}", LLM_FAULT_AUTH,
          "Incorrect API key provided: k");
    reads(529, "", "{\"type\":\"error\",\"error\":{\"type\":"
          "\"overloaded_error\",\"message\":\"Overloaded\"}}",
          LLM_FAULT_OVERLOADED, "Overloaded");
    reads(400, "ThrottlingException:http://x/", "{\"message\":\"slow\"}",
          LLM_FAULT_RATE, "slow");
    reads(403, "AccessDeniedException", "{\"Message\":\"no\"}",
          LLM_FAULT_PERMISSION, "no");
    reads(422, "", "{\"detail\":[{\"loc\":[\"a\"],\"msg\":\"bad\"}]}",
          LLM_FAULT_INVALID, "bad");
    reads(401, "", "{\"detail\":\"Invalid API Key\"}", LLM_FAULT_AUTH,
          "Invalid API Key");
    reads(400, "", "{\"error\":{\"code\":\"content_filter\",\"message\":"
          "\"m\",\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"}"
          "}}", LLM_FAULT_POLICY, "m");
    reads(404, "", "{\"error\":\"model 'x' not found\"}",
          LLM_FAULT_NOT_FOUND, "model 'x' not found");
    reads(502, "", "<html><body>502</body></html>", LLM_FAULT_SERVER,
          "the provider failed with status 502");
    reads(503, "", "upstream connect error", LLM_FAULT_OVERLOADED,
          "upstream connect error");
    reads(500, "", "", LLM_FAULT_SERVER,
          "the provider failed with status 500");
    reads(500, "", "{\"error\":", LLM_FAULT_SERVER,
          "the provider failed with status 500");
    reads(424, "", "{\"message\":\"m\"}", LLM_FAULT_SERVER, "m");
    reads(408, "", "{\"message\":\"m\"}", LLM_FAULT_TIMEOUT, "m");
    reads(413, "", "{\"message\":\"m\"}", LLM_FAULT_TOO_LARGE, "m");
}


static void
prints(llm_op_e op, llm_fault_t fault, int status, const char *body)
{
    cJSON      *a, *b;
    llm_str_t   id;
    llm_buf_t   out;

    id = unit_str("r1");
    llm_buf_init(&out, arena);

    llm_fault_print(&llm_ops[op], &fault, &id, &out);

    is_int(fault.status, status, "its status");

    a = cJSON_ParseWithLength((char *) out.data, out.len);
    b = cJSON_Parse(body);

    ok(a && b && cJSON_Compare(a, b, 1), "its body");

    if (!a || !b || !cJSON_Compare(a, b, 1)) {
        printf("# got %.*s\n", (int) out.len, (char *) out.data);
    }

    cJSON_Delete(a);
    cJSON_Delete(b);
}


static void
test_print(void)
{
    llm_fault_t  fault;

    fault = fault_of(529, "", "{\"type\":\"error\",\"error\":{\"type\":"
                     "\"overloaded_error\",\"message\":\"busy\"}}");
    prints(LLM_OP_CHAT, fault, 503, "{\"error\":{\"message\":\"busy\","
           "\"type\":\"server_error\",\"param\":null,\"code\":"
           "\"overloaded\"},\"request_id\":\"r1\"}");
    prints(LLM_OP_MESSAGES, fault, 529, "{\"type\":\"error\",\"error\":"
           "{\"type\":\"overloaded_error\",\"message\":\"busy\"},"
           "\"request_id\":\"r1\"}");
    prints(LLM_OP_GENERATE, fault, 503, "{\"error\":{\"code\":503,"
           "\"message\":\"busy\",\"status\":\"UNAVAILABLE\"},"
           "\"request_id\":\"r1\"}");

    /* Claude Code makes its prompt shorter when it reads these words */

    fault = fault_of(400, "", "{\"error\":{\"message\":\"maximum context "
                     "length is 8\",\"code\":\"context_length_exceeded\"}}");
    prints(LLM_OP_MESSAGES, fault, 400, "{\"type\":\"error\",\"error\":"
           "{\"type\":\"invalid_request_error\",\"message\":\"prompt is too "
           "long: maximum context length is 8\"},\"request_id\":\"r1\"}");

    /* the operator's credentials are nobody's business */

    fault = fault_of(401, "", "{\"error\":{\"message\":\"Incorrect API key "
                     "provided: sk-1\",\"code\":\"invalid_api_key\"}}");
    prints(LLM_OP_CHAT, fault, 502, "{\"error\":{\"message\":\"the provider "
           "refused the gateway's credentials\",\"type\":\"server_error\","
           "\"param\":null,\"code\":\"upstream_error\"},\"request_id\":"
           "\"r1\"}");

    fault = fault_of(429, "", "{\"error\":{\"code\":429,\"message\":\"wait\""
                     ",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":"
                     "[{\"retryDelay\":\"34.4s\"}]}}");
    is_int(fault.retry_after, 34400, "a pause told in the body");
    prints(LLM_OP_GENERATE, fault, 429, "{\"error\":{\"code\":429,"
           "\"message\":\"wait\",\"status\":\"RESOURCE_EXHAUSTED\","
           "\"details\":[{\"@type\":\"type.googleapis.com/google.rpc."
           "RetryInfo\",\"retryDelay\":\"35s\"}]},\"request_id\":\"r1\"}");

    /* codes of OpenAI's protocols are kept, others' words are none */

    fault = fault_of(400, "", "{\"error\":{\"message\":\"m\",\"type\":"
                     "\"invalid_request_error\",\"code\":\"too_odd\"}}");
    prints(LLM_OP_CHAT, fault, 400, "{\"error\":{\"message\":\"m\",\"type\":"
           "\"invalid_request_error\",\"param\":null,\"code\":\"too_odd\"},"
           "\"request_id\":\"r1\"}");
    fault = fault_of(500, "", "{\"error\":{\"code\":500,\"message\":\"m\","
                     "\"status\":\"INTERNAL\"}}");
    prints(LLM_OP_CHAT, fault, 500, "{\"error\":{\"message\":\"m\",\"type\":"
           "\"server_error\",\"param\":null,\"code\":\"upstream_error\"},"
           "\"request_id\":\"r1\"}");

    /* who is told no is told so; who is not known is our own trouble */

    fault = fault_of(403, "", "{\"error\":{\"message\":\"no\",\"type\":"
                     "\"invalid_request_error\",\"code\":\"forbidden\"}}");
    prints(LLM_OP_MESSAGES, fault, 403, "{\"type\":\"error\",\"error\":"
           "{\"type\":\"permission_error\",\"message\":\"no\"},"
           "\"request_id\":\"r1\"}");
    fault = fault_of(403, "", "{\"Message\":\"no\"}");
    is_int(fault.fault, LLM_FAULT_AUTH, "a 403 without a name");

    fault = fault_of(402, "", "{\"error\":{\"message\":\"pay\"}}");
    prints(LLM_OP_CHAT, fault, 429, "{\"error\":{\"message\":\"pay\","
           "\"type\":\"insufficient_quota\",\"param\":null,\"code\":"
           "\"insufficient_quota\"},\"request_id\":\"r1\"}");
    prints(LLM_OP_MESSAGES, fault, 402, "{\"type\":\"error\",\"error\":"
           "{\"type\":\"billing_error\",\"message\":\"pay\"},"
           "\"request_id\":\"r1\"}");
}


static void
model(llm_dialect_e dialect, const char *name, uint64_t want)
{
    llm_str_t  s;

    s = unit_str(name);

    ok(llm_quirk_of_model(dialect, &s) == want, "%s", name);
}


static void
test_quirks(void)
{
    uint64_t   bits;
    llm_str_t  s;

    s = unit_str("deepseek");
    is_int(llm_quirk_by_name(&s, &bits), LLM_OK, "a preset");
    ok(bits & LLM_QUIRK(REPLAY_REASONING), "stands for flags");
    s = unit_str("max_tokens");
    is_int(llm_quirk_by_name(&s, &bits), LLM_OK, "a flag");
    ok(bits == LLM_QUIRK(MAX_TOKENS), "stands for itself");
    s = unit_str("bedrock");
    is_int(llm_quirk_by_name(&s, &bits), LLM_OK, "where it is hosted");
    s = unit_str("deep");
    is_int(llm_quirk_by_name(&s, &bits), LLM_DECLINED, "no such name");

    model(LLM_DIALECT_CHAT, "gpt-4o-2024-08-06", LLM_QUIRK(NO_REASONING));
    model(LLM_DIALECT_CHAT, "openai/gpt-5-mini",
          LLM_QUIRK(NO_SAMPLING)|LLM_QUIRK(NO_STOP));
    model(LLM_DIALECT_RESPONSES, "gpt-5.2",
          LLM_QUIRK(NO_SAMPLING)|LLM_QUIRK(NO_STOP)|LLM_QUIRK(XHIGH));
    model(LLM_DIALECT_CHAT, "o3-mini", LLM_QUIRK(NO_SAMPLING)
          |LLM_QUIRK(NO_STOP)|LLM_QUIRK(NO_PARALLEL));
    model(LLM_DIALECT_CHAT, "llama-3.3-70b", 0);
    model(LLM_DIALECT_MESSAGES, "claude-3-5-sonnet-20241022",
          LLM_QUIRK(NO_THINKING));
    model(LLM_DIALECT_MESSAGES, "claude-sonnet-4-20250514", 0);
    model(LLM_DIALECT_MESSAGES, "us.anthropic.claude-sonnet-4-5-20250929-v1",
          LLM_QUIRK(NATIVE_SCHEMA));
    model(LLM_DIALECT_MESSAGES, "claude-opus-4-6",
          LLM_QUIRK(NATIVE_SCHEMA)|LLM_QUIRK(ADAPTIVE));
    model(LLM_DIALECT_MESSAGES, "claude-sonnet-5",
          LLM_QUIRK(NATIVE_SCHEMA)|LLM_QUIRK(ADAPTIVE)
          |LLM_QUIRK(NO_SAMPLING)|LLM_QUIRK(XHIGH)|LLM_QUIRK(MID_SYSTEM));
    model(LLM_DIALECT_GENERATE, "gemini-3-pro-preview",
          LLM_QUIRK(LEVEL)|LLM_QUIRK(NO_PENALTY));
    model(LLM_DIALECT_GENERATE, "gemini-1.5-flash",
          LLM_QUIRK(OPENAPI_SCHEMA));
}


int
main(void)
{
    plan(0);

    arena = llm_arena_create(16 * 1024 * 1024);

    test_read();
    test_print();
    test_quirks();

    llm_arena_free(arena);

    return unit_end();
}
