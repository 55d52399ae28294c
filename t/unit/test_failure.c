
/*
 * What providers' errors are taken for: their kind, whether an account is used
 * up, whether one model is meant, and the pause that a body asks for.
 */


#include "unit.h"
#include "llm_failure.h"


#define NONE    LLM_FAILURE_NONE
#define CALLER  LLM_FAILURE_CALLER


/* is_str() has a variable of that function's name */

static llm_str_t
text_of(const char *s)
{
    return unit_str(s);
}


static llm_failure_t
read_of(unsigned status, const llm_str_t *body)
{
    llm_failure_t  f;

    llm_failure_read(status, body, &f);

    return f;
}


static llm_failure_e
kind_of(unsigned status, const llm_str_t *body)
{
    return read_of(status, body).kind;
}


/* ---- names */

static void
test_names(void)
{
    unsigned     i;
    llm_str_t    name;
    const char  *kinds[] = { "connect", "timeout", "reset", "429", "5xx",
                             "invalid", "auth", "context", "limit" };

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        name = text_of(kinds[i]);
        is_int(llm_failure_by_name(&name), i + 1, "%s is a kind", kinds[i]);
        is_str(llm_failure_names[i + 1], kinds[i], "and its name is %s",
               kinds[i]);
    }

    name = text_of("caller");
    is_int(llm_failure_by_name(&name), NONE, "caller is none to choose");

    name = text_of("none");
    is_int(llm_failure_by_name(&name), NONE, "nor is none");

    name = text_of("");
    is_int(llm_failure_by_name(&name), NONE, "nor nothing");

    name = text_of("5xxx");
    is_int(llm_failure_by_name(&name), NONE, "nor a longer word");

    name = text_of("42");
    is_int(llm_failure_by_name(&name), NONE, "nor a shorter one");

    is_str(llm_failure_names[CALLER], "caller", "but it has a name");
}


/* ---- statuses */

static const struct {
    unsigned        status;
    const char     *body;
    llm_failure_e   want;
} statuses[] = {
    { 400, "", CALLER },
    { 404, "", CALLER },
    { 405, "", CALLER },
    { 409, "", CALLER },
    { 413, "", CALLER },
    { 422, "", CALLER },
    { 451, "", CALLER },
    { 501, "", CALLER },
    { 401, "", LLM_FAILURE_AUTH },
    { 402, "", LLM_FAILURE_429 },
    { 403, "", LLM_FAILURE_AUTH },
    { 408, "", LLM_FAILURE_TIMEOUT },
    { 429, "", LLM_FAILURE_429 },
    { 498, "", LLM_FAILURE_429 },
    { 500, "", LLM_FAILURE_5XX },
    { 502, "", LLM_FAILURE_5XX },
    { 503, "", LLM_FAILURE_5XX },
    { 504, "", LLM_FAILURE_5XX },
    { 519, "", CALLER },
    { 520, "", LLM_FAILURE_5XX },
    { 524, "", LLM_FAILURE_5XX },
    { 529, "", LLM_FAILURE_5XX },
    { 530, "", LLM_FAILURE_5XX },
    { 531, "", CALLER },
    { 301, "", LLM_FAILURE_INVALID },
    { 307, "", LLM_FAILURE_INVALID },
    { 399, "", LLM_FAILURE_INVALID },

    /* too long for this model */

    { 400, "{\"error\":{\"code\":\"context_length_exceeded\"}}",
      LLM_FAILURE_CONTEXT },
    { 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\","
           "\"message\":\"Prompt is too long: 9 tokens > 8 maximum\"}}",
      LLM_FAILURE_CONTEXT },
    { 400, "{\"error\":{\"message\":\"input length and `max_tokens` exceed "
           "context limit: 9 + 9 > 10\"}}", LLM_FAILURE_CONTEXT },
    { 400, "{\"error\":{\"message\":\"The input token count (9) exceeds "
           "the maximum number of tokens allowed (8).\"}}",
      LLM_FAILURE_CONTEXT },
    { 413, "{\"error\":\"This model's MAXIMUM CONTEXT LENGTH is 8\"}",
      LLM_FAILURE_CONTEXT },
    { 422, "{\"error\":\"maximum context length\"}", CALLER },
    { 400, "prompt is too lon", CALLER },

    /* our credential, or our account, by 400 and 429 */

    { 400, "{\"error\":{\"code\":400,\"status\":\"INVALID_ARGUMENT\","
           "\"details\":[{\"reason\": \"API_KEY_INVALID\"}]}}",
      LLM_FAILURE_AUTH },
    { 400, "{\"code\":\"invalid-argument\",\"error\":\"Incorrect API key "
           "provided. You can\"}", LLM_FAILURE_AUTH },
    { 400, "{\"error\":{\"message\" :\n\"Your credit balance is too low to\"}}",
      LLM_FAILURE_429 },
    { 429, "{\"error\":{\"type\":\"insufficient_quota\"}}", LLM_FAILURE_429 },
    { 429, "{\"error\":{\"type\":null,\"code\":\t\"insufficient_quota\"}}",
      LLM_FAILURE_429 },
    { 429, "{\"error\":{\"code\":\"insufficient_quota_for_now\"}}",
      LLM_FAILURE_429 },
    { 429, "{\"error\":{\"code\":\"insufficient_quota", LLM_FAILURE_429 },
    { 429, "{\"error\":{\"code\":\"", LLM_FAILURE_429 },
    { 429, "{\"error\":{\"code\":", LLM_FAILURE_429 },
    { 429, "{\"error\":{\"code\"", LLM_FAILURE_429 },
    { 429, "{\"code\":7,\"error\":{\"code\":\"insufficient_quota\"}}",
      LLM_FAILURE_429 },

    /* a caller that is quoted does not set a provider aside */

    { 400, "{\"error\":{\"message\":\"Invalid value: 'api_key_invalid'\","
           "\"param\":\"api_key_invalid\"}}", CALLER },
    { 400, "{\"error\":{\"message\":\"no \\\"reason\\\": "
           "\\\"API_KEY_INVALID\\\" here\"}}", CALLER },
    { 400, "{\"error\":{\"message\":\"role: Incorrect API key provided\"}}",
      CALLER },
    { 400, "{\"error\":{\"message\":\"'your credit balance is too low'\"}}",
      CALLER },
    { 429, "{\"error\":{\"message\":\"insufficient_quota\"}}",
      LLM_FAILURE_429 },
    { 400, "{\"reason\" \"api_key_invalid\"}", CALLER },

    /* a 403 about content is the caller's */

    { 403, "{\"error\":{\"code\":403,\"message\":\"Your input was flagged\","
           "\"metadata\":{\"flagged_input\":\"...\"}}}", CALLER },
    { 403, "{\"error\":{\"code\":\"content_policy_violation\"}}", CALLER },
    { 403, "{\"error\":{\"status\":\"PERMISSION_DENIED\"}}",
      LLM_FAILURE_AUTH },
    { 400, "{\"error\":{\"code\":\"content_filter\"}}", CALLER }
};


static void
test_statuses(void)
{
    char      *copy;
    size_t     len;
    unsigned   i;
    llm_str_t  body;

    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {

        /* a copy without a final zero: reading beyond shows */

        len = strlen(statuses[i].body);
        copy = malloc(len ? len : 1);
        memcpy(copy, statuses[i].body, len);

        body.len = len;
        body.data = (unsigned char *) copy;

        is_int(kind_of(statuses[i].status, &body),
               statuses[i].want, "%u %s", statuses[i].status,
               statuses[i].body);

        free(copy);
    }

    body.len = 0;
    body.data = NULL;

    is_int(kind_of(400, &body), CALLER, "400 without a body");
    is_int(kind_of(429, &body), LLM_FAILURE_429, "429 without one");
}


/* as providers have sent them */

static const struct {
    unsigned        status;
    llm_failure_e   want;
    const char     *file;
} recorded[] = {
    { 400, LLM_FAILURE_CONTEXT,
      "anthropic/messages/error400__claude-haiku-4-5" },
    { 404, CALLER, "anthropic/messages/error404__claude-sonet-4-5" },
    { 429, LLM_FAILURE_429, "anthropic/messages/error429__rate-limit" },
    { 529, LLM_FAILURE_5XX, "anthropic/messages/error529__overloaded" },
    { 400, CALLER, "azure/chat/error400__content-filter-prompt" },
    { 429, LLM_FAILURE_429,
      "azure/chat/error429__grok-4-1-fast-non-reasoning" },
    { 400, LLM_FAILURE_CONTEXT, "deepseek/chat/error400__deepseek-chat" },
    { 401, LLM_FAILURE_AUTH, "deepseek/chat/error401__deepseek-chat" },
    { 400, LLM_FAILURE_AUTH,
      "gemini/generateContent/error400__gemini-2-5-flash" },
    { 429, LLM_FAILURE_429,
      "gemini/generateContent/error429__gemini-2-5-flash" },
    { 503, LLM_FAILURE_5XX, "gemini/generateContent/error503__overloaded" },
    { 400, CALLER, "groq/chat/error400__gpt-oss-120b" },
    { 400, CALLER, "openai/chat/error400__max-tokens-unsupported" },
    { 401, LLM_FAILURE_AUTH, "openai/chat/error401__gpt-4o-mini" },
    { 429, LLM_FAILURE_429, "openai/chat/error429__insufficient-quota" },
    { 429, LLM_FAILURE_429, "openrouter/chat/error429__gemini-2-0-flash-exp" },
    { 429, LLM_FAILURE_429, "vertex/generateContent/error429__quota-exceeded" },
    { 400, LLM_FAILURE_AUTH, "xai/responses/error400__grok-4-3" }
};


static void
test_recorded(void)
{
    FILE        *file;
    char         path[1024];
    unsigned     i;
    llm_str_t    body;
    const char  *dir;

    static unsigned char  text[65536];

    dir = getenv("LLM_FIXTURES");

    for (i = 0; i < sizeof(recorded) / sizeof(recorded[0]); i++) {

        snprintf(path, sizeof(path), "%s/%s.response.json",
                 dir ? dir : "../shared/fixtures", recorded[i].file);

        file = fopen(path, "rb");

        if (file == NULL) {
            ok(1, "# skip %s is not there", recorded[i].file);
            continue;
        }

        body.len = fread(text, 1, sizeof(text), file);
        body.data = text;
        fclose(file);

        is_int(kind_of(recorded[i].status, &body),
               recorded[i].want, "%s", recorded[i].file);
    }
}


/* ---- whose it is, and for how long */

static const struct {
    unsigned         status;
    const char      *body;
    unsigned         spent;
    unsigned         model;
    int64_t          delay_ms;
} details[] = {
    { 402, "", 1, 0, -1 },
    { 429, "{\"error\":{\"code\":\"insufficient_quota\"}}", 1, 0, -1 },
    { 429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", 0, 0, -1 },
    { 429, "{\"error\":{\"code\":\"billing_not_active\"}}", 1, 0, -1 },
    { 400, "{\"error\":{\"code\":\"billing_hard_limit_reached\"}}", 1, 0, -1 },
    { 400, "{\"error\":{\"message\":\"Your credit balance is too low\"}}",
      1, 0, -1 },
    { 400, "{\"error\":{\"message\":\"no\"}}", 0, 0, -1 },

    /* quotas of a day, of a project or of one of its models; of a minute */

    { 429, "{\"quotaId\": \"GenerateRequestsPerDayPerProject\"}", 1, 0, -1 },
    { 429, "{\"quotaId\": \"GenerateRequestsPerDayPerProjectPerModel-Free\"}",
      1, 1, -1 },
    { 429, "{\"quotaId\": \"TokensPerModelPerMinute\"}", 0, 0, -1 },
    { 429, "{\"message\": \"\\\"quotaId\\\": \\\"PerDay\\\"\"}", 0, 0, -1 },

    /* a 403 for one model, and for the account */

    { 403, "{\"error\":{\"message\":\"Project `p` does not have access to "
           "model `gpt-4o`\",\"code\":\"model_not_found\"}}", 0, 1, -1 },
    { 403, "{\"type\":\"error\",\"error\":{\"type\":\"permission_error\","
           "\"message\":\"your key may not use model claude-opus-4\"}}",
      0, 1, -1 },
    { 403, "{\"error\":{\"code\":403,\"status\":\"PERMISSION_DENIED\","
           "\"message\":\"denied on resource '//x/publishers/google/models/"
           "gemini-pro'\"}}", 0, 1, -1 },
    { 403, "{\"message\":\"You don't have access to the model with the "
           "specified model ID.\"}", 0, 1, -1 },
    { 403, "{\"error\":{\"type\":\"permission_error\",\"message\":\"Your API "
           "key does not have permission to use the specified resource\"}}",
      0, 0, -1 },
    { 403, "{\"model\":\"m\",\"error\":{\"message\":\"no\"}}", 0, 0, -1 },
    { 403, "", 0, 0, -1 },
    { 401, "{\"error\":{\"message\":\"no access to model m\"}}", 0, 0, -1 },

    /* a pause that the body asks for */

    { 429, "{\"retryDelay\": \"34.4s\"}", 0, 0, 34400 },
    { 503, "{\"retryDelay\":\"2s\"}", 0, 0, 2000 },
    { 429, "{\"retryDelay\":\"soon\"}", 0, 0, -1 },
    { 429, "{\"retryDelay\":7}", 0, 0, -1 },
    { 429, "{\"error\":{\"message\":\"x\\nPlease retry in 48.9399s.\"}}",
      0, 0, 48939 },
    { 429, "{\"error\":{\"message\":\"Please try again in 6m0s. See\"}}",
      0, 0, 360000 },
    { 429, "{\"error\":{\"message\":\"Please try again in 20ms.\"}}",
      0, 0, 20 },
    { 429, "{\"error\":{\"message\":\"a\"},\"message\":\"retry in 1s\"}",
      0, 0, 1000 },
    { 429, "{\"error\":{\"message\":\"try again in a while\"}}", 0, 0, -1 },
    { 429, "{\"error\":{\"message\":\"retry in ", 0, 0, -1 },
    { 400, "{\"error\":{\"message\":\"retry in 3s\"}}", 0, 0, -1 }
};


static void
test_details(void)
{
    char           *copy;
    size_t          len;
    unsigned        i;
    llm_str_t       body;
    llm_failure_t   f;

    for (i = 0; i < sizeof(details) / sizeof(details[0]); i++) {

        len = strlen(details[i].body);
        copy = malloc(len ? len : 1);
        memcpy(copy, details[i].body, len);

        body.len = len;
        body.data = (unsigned char *) copy;

        f = read_of(details[i].status, &body);

        is_int(f.spent, details[i].spent, "%u %s: the account is used up",
               details[i].status, details[i].body);
        is_int(f.model, details[i].model, "%u %s: one model",
               details[i].status, details[i].body);
        is_int(f.delay_ms, details[i].delay_ms, "%u %s: pause",
               details[i].status, details[i].body);

        free(copy);
    }
}


int
main(void)
{
    plan(0);

    test_names();
    test_statuses();
    test_recorded();
    test_details();

    return unit_end();
}
