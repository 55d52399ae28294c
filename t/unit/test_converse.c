
/* Bedrock's Converse API, asked by clients of other protocols */


#define _GNU_SOURCE
#include "translate_case.h"


#define USER   "{\"role\":\"user\",\"content\":\"Hi\"}"
#define HI     "\"messages\":[{\"role\":\"user\",\"content\":" \
               "[{\"text\":\"Hi\"}]}]"
#define TOOLS  "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":" \
               "\"f\",\"description\":\"d\",\"parameters\":{\"type\":" \
               "\"object\",\"properties\":{}}}}]"
#define SPEC   "{\"toolSpec\":{\"name\":\"f\",\"description\":\"d\"," \
               "\"inputSchema\":{\"json\":{\"type\":\"object\"," \
               "\"properties\":{}}}}}"
#define SCHEMA "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":" \
               "\"integer\"}},\"required\":[\"a\"],\"additionalProperties\":" \
               "false}"
#define FORMAT "\"response_format\":{\"type\":\"json_schema\"," \
               "\"json_schema\":{\"name\":\"answer\",\"schema\":" SCHEMA "}}"
#define CALLS  "\"messages\":[" USER ",{\"role\":\"assistant\",\"content\":" \
               "null,\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\"," \
               "\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"" \
               "}}]},{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":" \
               "\"\"}]"
#define CALLED "\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":" \
               "\"Hi\"}]},{\"role\":\"assistant\",\"content\":[{\"toolUse\":" \
               "{\"toolUseId\":\"a\",\"name\":\"f\",\"input\":{\"x\":1}}}]}," \
               "{\"role\":\"user\",\"content\":[{\"toolResult\":" \
               "{\"toolUseId\":\"a\",\"content\":[{\"text\":\"(empty)\"}]," \
               "\"status\":\"success\"}}]}]"
#define NOVA   "amazon.nova-pro-v1:0"
#define NOVA2  "us.amazon.nova-2-lite-v1:0"
#define CLAUDE "anthropic.claude-sonnet-4-5-v1:0"
#define LLAMA  "meta.llama3-v1:0"
#define OSS    "openai.gpt-oss-20b-1:0"


typedef struct {
    const char    *name;
    const char    *model;
    uint64_t       quirks;
    const char    *members;       /* beside a turn, if none is told */
    const char    *want;          /* NULL: refused */
    const char    *dropped;       /* or the parameter that is refused */
} request_t;

#define Q(q)  LLM_QUIRK(q)

static const request_t  requests[] = {

    { "a turn", NOVA, 0, "\"user\":\"u 1\"", "{" HI ",\"requestMetadata\":"
      "{\"user\":\"u 1\"}}", "" },

    { "system and sampling", NOVA, 0,
      "\"messages\":[{\"role\":\"system\",\"content\":\"a\"}," USER ","
      "{\"role\":\"system\",\"content\":\"b\"}],\"max_tokens\":5,"
      "\"temperature\":1.5,\"top_p\":0.5,\"top_k\":3,\"stop\":\"x\","
      "\"seed\":1",
      "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"Hi\"},"
      "{\"text\":\"b\"}]}],\"system\":[{\"text\":\"a\"}],"
      "\"inferenceConfig\":{\"maxTokens\":5,\"temperature\":1,\"topP\":0.5,"
      "\"stopSequences\":[\"x\"]},\"additionalModelRequestFields\":"
      "{\"inferenceConfig\":{\"topK\":3}}}", "seed" },

    { "Claude", CLAUDE, 0, "\"top_k\":3,\"reasoning_effort\":\"low\"",
      "{" HI ",\"inferenceConfig\":{\"maxTokens\":5120},"
      "\"additionalModelRequestFields\":{\"thinking\":{\"type\":\"enabled\","
      "\"budget_tokens\":1024}}}", "top_k" },

    { "Claude that adapts", CLAUDE, Q(ADAPTIVE),
      "\"reasoning_effort\":\"high\"",
      "{" HI ",\"inferenceConfig\":{\"maxTokens\":4096},"
      "\"additionalModelRequestFields\":{\"thinking\":{\"type\":"
      "\"adaptive\"},\"output_config\":{\"effort\":\"high\"}}}", "" },

    { "Nova that thinks", NOVA2, 0, "\"reasoning_effort\":\"xhigh\","
      "\"temperature\":0.5",
      "{" HI ",\"inferenceConfig\":{\"temperature\":0.5},"
      "\"additionalModelRequestFields\":{\"reasoningConfig\":{\"type\":"
      "\"enabled\",\"maxReasoningEffort\":\"high\"}}}", "" },

    { "gpt-oss", OSS, 0, "\"reasoning_effort\":\"medium\"",
      "{" HI ",\"additionalModelRequestFields\":{\"reasoning_effort\":"
      "\"medium\"}}", "" },

    { "a model that does not think", LLAMA, 0,
      "\"reasoning_effort\":\"medium\",\"top_k\":1", "{" HI "}",
      "top_k,reasoning_effort" },

    { "tools", NOVA, 0, TOOLS ",\"tool_choice\":\"required\","
      "\"parallel_tool_calls\":false",
      "{" HI ",\"toolConfig\":{\"tools\":[" SPEC "],\"toolChoice\":"
      "{\"any\":{}}}}", "parallel_tool_calls" },

    { "one call at a time", CLAUDE, 0,
      TOOLS ",\"parallel_tool_calls\":false",
      "{" HI ",\"toolConfig\":{\"tools\":[" SPEC "]},\"inferenceConfig\":"
      "{\"maxTokens\":4096},\"additionalModelRequestFields\":"
      "{\"tool_choice\":{\"type\":\"auto\",\"disable_parallel_tool_use\":"
      "true}}}", "" },

    { "one tool", NOVA, 0, TOOLS ",\"tool_choice\":{\"type\":\"function\","
      "\"function\":{\"name\":\"f\"}}",
      "{" HI ",\"toolConfig\":{\"tools\":[" SPEC "],\"toolChoice\":"
      "{\"tool\":{\"name\":\"f\"}}}}", "" },

    { "no call, and none before", NOVA, 0, TOOLS ",\"tool_choice\":\"none\"",
      "{" HI "}", "" },

    { "no call, but some before", NOVA, 0,
      CALLS "," TOOLS ",\"tool_choice\":\"none\"",
      "{" CALLED ",\"toolConfig\":{\"tools\":[" SPEC "]}}", "" },

    { "calls without tools", NOVA, 0, CALLS,
      "{" CALLED ",\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":"
      "\"f\",\"inputSchema\":{\"json\":{\"type\":\"object\"}}}}]}}", "" },

    { "a schema natively", NOVA, Q(NATIVE_SCHEMA), FORMAT,
      "{" HI ",\"outputConfig\":{\"textFormat\":{\"type\":\"json_schema\","
      "\"structure\":{\"jsonSchema\":{\"name\":\"answer\",\"schema\":\""
      "{\\\"type\\\":\\\"object\\\",\\\"properties\\\":{\\\"a\\\":{"
      "\\\"type\\\":\\\"integer\\\"}},\\\"required\\\":[\\\"a\\\"],"
      "\\\"additionalProperties\\\":false}\"}}}}}", "" },

    { "a schema by a tool", NOVA, 0, FORMAT,
      "{" HI ",\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":"
      "\"answer\",\"description\":\"Gives the final answer.\","
      "\"inputSchema\":{\"json\":" SCHEMA "}}}],\"toolChoice\":{\"tool\":"
      "{\"name\":\"answer\"}}}}", "" },

    { "media", NOVA, 0, "\"messages\":[{\"role\":\"user\",\"content\":["
      "{\"type\":\"image_url\",\"image_url\":{\"url\":"
      "\"data:image/png;base64,iVBORw0KGgo=\"}},{\"type\":\"file\",\"file\":"
      "{\"filename\":\"a b_c.pdf\",\"file_data\":"
      "\"data:application/pdf;base64,JVBERi0=\"}},{\"type\":\"file\","
      "\"file\":{\"filename\":\"a b_c.pdf\",\"file_data\":"
      "\"data:application/pdf;base64,JVBERi0=\"}}]}]",
      "{\"messages\":[{\"role\":\"user\",\"content\":[{\"image\":{\"format\":"
      "\"png\",\"source\":{\"bytes\":\"iVBORw0KGgo=\"}}},{\"document\":"
      "{\"format\":\"pdf\",\"name\":\"a b c pdf\",\"source\":{\"bytes\":"
      "\"JVBERi0=\"}}},{\"document\":{\"format\":\"pdf\",\"name\":"
      "\"a b c pdf-2\",\"source\":{\"bytes\":\"JVBERi0=\"}}},{\"text\":"
      "\".\"}]}]}", "" },

    { "an object of S3", NOVA, 0, "\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
      "\"s3://b/a.png\"}}]}]",
      "{\"messages\":[{\"role\":\"user\",\"content\":[{\"image\":{\"format\":"
      "\"png\",\"source\":{\"s3Location\":{\"uri\":\"s3://b/a.png\"}}}}]}]}",
      "" },

    { "a breakpoint", NOVA, 0, "\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\",\"cache_control\":"
      "{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}]}]",
      "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"a\"},"
      "{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"1h\"}}]}]}", "" },

    { "a breakpoint that nobody takes", LLAMA, 0, "\"messages\":[{\"role\":"
      "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\","
      "\"cache_control\":{\"type\":\"ephemeral\"}}]}]",
      "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"a\"}]}]}",
      "cache_control" },

    { "metadata", NOVA, 0, "\"metadata\":{\"a\":\"b\",\"c\":\"\\n\"},"
      "\"service_tier\":\"flex\",\"guardrailConfig\":{\"x\":1},\"odd\":1",
      "{" HI ",\"requestMetadata\":{\"a\":\"b\"},\"serviceTier\":{\"type\":"
      "\"flex\"},\"guardrailConfig\":{\"x\":1}}", "metadata,odd" },

    { "a remote image", NOVA, 0, "\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
      "\"https://b/a.png\"}}]}]", NULL, "messages" },

    { "two answers", NOVA, 0, "\"n\":2", NULL, "n" }
};


static void
check_requests(void)
{
    char        body[4096], title[256];
    size_t      i;
    case_t      c;
    request_t   r;

    for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        r = requests[i];

        snprintf(body, sizeof(body), "{\"model\":\"m\",%s%s}", r.members,
                 strstr(r.members, "\"messages\"")
                 ? "" : ",\"messages\":[" USER "]");

        snprintf(title, sizeof(title), "chat to Converse: %s", r.name);

        case_open(&c, LLM_OP_CHAT, body, LLM_DIALECT_CONVERSE, r.quirks);
        c.to.model = unit_str(r.model);
        case_request(&c);

        if (r.want == NULL) {
            is_int(c.rc, LLM_INVALID, "%s: refused", title);
            is_str(c.err.param, r.dropped, "%s: param", title);
            case_close(&c);
            continue;
        }

        is_int(c.rc, LLM_OK, "%s: written", title);
        case_is(&c, r.want, title);
        is_str(llm_translate_dropped(c.x), r.dropped, "%s: dropped", title);
        case_close(&c);
    }
}


/* reasoning of Claude's, to Converse and back */

static void
check_reasoning(void)
{
    case_t  c;

    case_open(&c, LLM_OP_MESSAGES, "{\"max_tokens\":9,\"messages\":[" USER ","
              "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
              "\"thinking\":\"t\",\"signature\":\"s\"},{\"type\":"
              "\"redacted_thinking\",\"data\":\"abc\"},{\"type\":\"tool_use\","
              "\"id\":\"a\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\","
              "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"a\","
              "\"is_error\":true,\"content\":\"no\"}]}]}",
              LLM_DIALECT_CONVERSE, 0);
    c.to.model = unit_str(CLAUDE);
    case_request(&c);
    ok(case_has(&c, "{\"reasoningContent\":{\"reasoningText\":{\"text\":"
                    "\"t\",\"signature\":\"s\"}}},{\"reasoningContent\":"
                    "{\"redactedContent\":\"YWJj\"}},{\"toolUse\":"),
       "thinking goes back to Claude");
    ok(case_has(&c, "\"status\":\"error\""), "a tool that failed");

    c.to.model = unit_str(NOVA);
    c.x->dropped.len = 0;
    case_request(&c);
    ok(!memmem(c.out.data, c.out.len, "reasoningContent", 16),
       "and to nobody else");
    case_close(&c);

    case_open(&c, LLM_OP_MESSAGES, "{\"max_tokens\":9,\"messages\":[" USER
              "]}", LLM_DIALECT_CONVERSE, 0);
    c.to.model = unit_str(CLAUDE);
    case_answer(&c, "{\"output\":{\"message\":{\"role\":\"assistant\","
                "\"content\":[{\"reasoningContent\":{\"reasoningText\":"
                "{\"text\":\"t\",\"signature\":\"s\"}}},{\"reasoningContent\":"
                "{\"redactedContent\":\"YWJj\"}},{\"novel\":{}},{\"text\":"
                "\"x\"}]}},\"stopReason\":\"stop_sequence\"}");
    is_int(c.rc, LLM_OK, "an answer with thinking");
    ok(case_has(&c, "\"content\":[{\"type\":\"thinking\",\"thinking\":\"t\","
                    "\"signature\":\"s\"},{\"type\":\"redacted_thinking\","
                    "\"data\":\"abc\"},{\"type\":\"text\",\"text\":\"x\""),
       "each block, but those nobody knows");
    case_close(&c);
}


static void
open_stream(case_t *c, const char *members)
{
    /* the form points into it */

    static char  body[1024];

    snprintf(body, sizeof(body), "{\"stream\":true,\"messages\":[" USER "]%s}",
             members);

    case_open(c, LLM_OP_CHAT, body, LLM_DIALECT_CONVERSE, 0);
}


static void
check_streams(void)
{
    case_t  c;

    open_stream(&c, "," FORMAT);
    case_event(&c, "messageStart", "{\"role\":\"assistant\"}");
    is_int(llm_translate_begun(c.x), 0, "a start is no answer yet");
    case_event(&c, "contentBlockStart", "{\"contentBlockIndex\":0,\"start\":"
               "{\"toolUse\":{\"toolUseId\":\"a\",\"name\":\"answer\"}}}");
    case_event(&c, "contentBlockDelta", "{\"contentBlockIndex\":0,\"delta\":"
               "{\"toolUse\":{\"input\":\"{\\\"a\\\":1}\"}}}");
    case_event(&c, "contentBlockStop", "{\"contentBlockIndex\":0}");
    case_event(&c, "messageStop", "{\"stopReason\":\"tool_use\"}");
    ok(!memmem(c.out.data, c.out.len, "finish_reason\":\"", 16),
       "the stop waits for usage");
    case_event(&c, "metadata", "{\"usage\":{}}");
    ok(case_has(&c, "\"content\":\"{\\\"a\\\":1}\"")
       && case_has(&c, "\"finish_reason\":\"stop\"")
       && case_has(&c, "data: [DONE]\n\n"),
       "the tool that stands for a schema is the answer");
    case_close(&c);

    open_stream(&c, "");
    case_event(&c, "messageStart", "{\"role\":\"assistant\"}");
    case_event(&c, "contentBlockDelta", "{\"delta\":{\"text\":\"a\"}}");
    case_event(&c, "messageStop", "{\"stopReason\":\"a new one\"}");
    is_int(llm_translate_end(c.x, &c.out), LLM_OK, "usage may be missing");
    ok(case_has(&c, "\"finish_reason\":\"stop\""),
       "a reason that nobody knows is a stop");
    case_close(&c);

    open_stream(&c, "");
    case_event(&c, "messageStart", "{\"role\":\"assistant\"}");
    case_event(&c, "contentBlockDelta", "{\"delta\":{\"text\":\"a\"}}");
    is_int(llm_translate_end(c.x, &c.out), LLM_INVALID, "a stop may not");
    case_close(&c);

    open_stream(&c, "");
    case_event(&c, "messageStart", "{\"role\":\"assistant\"}");
    is_int(case_event(&c, "throttlingException", "{\"message\":\"slow\"}"),
           LLM_DECLINED, "an exception is an error");
    is_int(llm_translate_begun(c.x), 0, "that may be tried elsewhere");
    is_int(llm_translate_fault(c.x)->fault, LLM_FAULT_RATE, "its class");
    is_str(llm_translate_fault(c.x)->message, "slow", "its words");
    case_close(&c);

    open_stream(&c, "");
    is_int(case_event(&c, "messageStop",
                      "{\"stopReason\":\"malformed_tool_use\"}"),
           LLM_DECLINED, "a call that is none is an error");
    case_close(&c);

    open_stream(&c, "");
    case_event(&c, "contentBlockStart", "{\"start\":{\"toolUse\":"
               "{\"toolUseId\":\"a\",\"name\":\"f\"}}}");
    case_event(&c, "messageStop", "{\"stopReason\":\"malformed_tool_use\"}");
    llm_translate_end(c.x, &c.out);
    ok(case_has(&c, "\"finish_reason\":\"tool_calls\"")
       && case_has(&c, "{}"), "but not where there is one");
    case_close(&c);

    open_stream(&c, "");
    is_int(case_event(&c, "novelEvent", "{\"x\":1}"), LLM_OK,
           "events that nobody knows are skipped");
    is_int(case_event(&c, "contentBlockDelta", "{\"delta\":{\"text\":"),
           LLM_INVALID, "what is no JSON is told");
    case_close(&c);
}


static void
check_count(void)
{
    case_t  c;

    case_open(&c, LLM_OP_COUNT_TOKENS, "{\"system\":\"s\",\"messages\":["
              USER "]}", LLM_DIALECT_CONVERSE, 0);
    case_request(&c);
    case_is(&c, "{\"input\":{\"converse\":{" HI ",\"system\":[{\"text\":"
            "\"s\"}]}}}", "a count");

    case_usage(&c, 7, 0, 0, 0);
    case_answer(&c, "{\"inputTokens\":7}");
    case_is(&c, "{\"input_tokens\":7}", "and what it comes to");
    case_close(&c);
}


int
main(void)
{
    plan(0);

    check_requests();
    check_reasoning();
    check_streams();
    check_count();

    return unit_end();
}
