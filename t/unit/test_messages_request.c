
/* requests of and to Anthropic's protocol */


#define _GNU_SOURCE
#include "translate_case.h"


#define USER   "{\"role\":\"user\",\"content\":\"Hi\"}"
#define HI     "\"messages\":[{\"role\":\"user\",\"content\":[" \
               "{\"type\":\"text\",\"text\":\"Hi\"}]}]"
#define FRAME  "\"model\":\"upstream-model\",\"max_tokens\":4096"
#define BODY   "{" FRAME "," HI
#define TOOL   "{\"type\":\"function\",\"function\":{\"name\":\"f\"," \
               "\"parameters\":{\"type\":\"object\",\"properties\":{}}}}"
#define TOOLS  "\"tools\":[" TOOL "]"
#define FUNCTION "{\"name\":\"f\",\"input_schema\":" \
               "{\"type\":\"object\",\"properties\":{}}}"
#define FUNCTIONS  "\"tools\":[" FUNCTION "]"
#define SCHEMA "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":" \
               "\"integer\"}},\"required\":[\"a\"],\"additionalProperties\":" \
               "false}"
#define FORMAT "\"response_format\":{\"type\":\"json_schema\"," \
               "\"json_schema\":" \
               "{\"name\":\"answer\",\"schema\":" SCHEMA "}}"
#define PNG    "iVBORw0KGgoAAAANSUhEUg=="


/* what a chat client asks for, and what Anthropic is asked for */

typedef struct {
    const char    *name;
    uint64_t       quirks;
    const char    *members;       /* beside "model" and, if not told, a turn */
    const char    *want;          /* NULL: refused */
    const char    *dropped;       /* or the parameter that is refused */
} request_t;

#define Q(q)  LLM_QUIRK(q)

static const request_t  requests[] = {

    { "a turn", 0, "\"messages\":[" USER "]", BODY "}", "" },

    { "system at the front, and later", 0,
      "\"messages\":[{\"role\":\"system\",\"content\":\"a\"},"
      "{\"role\":\"developer\",\"content\":\"b\"}," USER ","
      "{\"role\":\"system\",\"content\":\"c\"}]",
      "{" FRAME ",\"system\":[{\"type\":\"text\",\"text\":\"a\"},"
      "{\"type\":\"text\",\"text\":\"b\"}],\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"Hi\"},"
      "{\"type\":\"text\",\"text\":\"c\"}]}]}", "" },

    { "system anywhere", Q(MID_SYSTEM),
      "\"messages\":[" USER ",{\"role\":\"system\",\"content\":\"c\"}]",
      "{" FRAME ",\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}]},"
      "{\"role\":\"system\",\"content\":[{\"type\":\"text\","
      "\"text\":\"c\"}]}]}", "" },

    { "system alone", 0,
      "\"messages\":[{\"role\":\"system\",\"content\":\"a\"}]",
      "{" FRAME ",\"system\":[{\"type\":\"text\",\"text\":\"a\"}],"
      "\"messages\":[{\"role\":\"user\",\"content\":\".\"}]}", "" },

    { "an assistant that begins, and goes on", 0,
      "\"messages\":[{\"role\":\"assistant\",\"content\":\"a\"}," USER ","
      "{\"role\":\"assistant\",\"content\":\"Well, \"}]",
      "{" FRAME ",\"messages\":[{\"role\":\"user\",\"content\":\".\"},"
      "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\","
      "\"text\":\"a\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"text\","
      "\"text\":\"Hi\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":"
      "\"text\",\"text\":\"Well,\"}]}]}", "" },

    { "turns that say nothing", 0,
      "\"messages\":[" USER ",{\"role\":\"assistant\",\"content\":\" \"},"
      "{\"role\":\"user\",\"content\":\"there\"}]",
      "{" FRAME ",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
      "\"text\",\"text\":\"Hi\"},{\"type\":\"text\",\"text\":\"there\"}]}]}",
      "" },

    { "results of tools, first and in one turn", 0,
      "\"messages\":[" USER ",{\"role\":\"assistant\",\"content\":null,"
      "\"tool_calls\":[{\"id\":\"a.1\",\"type\":\"function\",\"function\":"
      "{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1.50}\"}},{\"id\":\"b\","
      "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}"
      "]},{\"role\":\"tool\",\"tool_call_id\":\"a.1\",\"content\":\"one\"},"
      "{\"role\":\"user\",\"content\":\"and?\"},"
      "{\"role\":\"tool\",\"tool_call_id\":\"b\",\"content\":\"\"}]," TOOLS,
      "{" FRAME ",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
      "\"text\",\"text\":\"Hi\"}]},{\"role\":\"assistant\",\"content\":["
      "{\"type\":\"tool_use\",\"id\":\"call_lh6cFC4pcSIbJZ9E2BPIpF\","
      "\"name\":\"f\",\"input\":{\"x\":1.50}},{\"type\":\"tool_use\","
      "\"id\":\"b\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\","
      "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
      "\"call_lh6cFC4pcSIbJZ9E2BPIpF\",\"content\":\"one\"},{\"type\":"
      "\"tool_result\",\"tool_use_id\":\"b\"},{\"type\":\"text\",\"text\":"
      "\"and?\"}]}]," FUNCTIONS "}", "" },

    { "images and documents", 0,
      "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
      "\"image_url\":{\"url\":\"data:image/jpeg;base64," PNG "\"}},"
      "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y\"}},"
      "{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":"
      "\"data:application/pdf;base64,JVBERi0=\"}},"
      "{\"type\":\"text\",\"text\":\"?\"}]}]",
      "{" FRAME ",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
      "\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\","
      "\"data\":\"" PNG "\"}},{\"type\":\"image\",\"source\":{\"type\":"
      "\"url\",\"url\":\"https://x/y\"}},{\"type\":\"document\",\"source\":"
      "{\"type\":\"base64\",\"media_type\":\"application/pdf\",\"data\":"
      "\"JVBERi0=\"},\"title\":\"a.pdf\"},{\"type\":\"text\",\"text\":"
      "\"?\"}]}]}", "" },

    { "a remote image where none is fetched", Q(VERTEX),
      "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
      "\"image_url\":{\"url\":\"https://x/y\"}}]}]", NULL, "messages" },

    { "sampling", 0, "\"temperature\":1.7,\"top_p\":0.5,\"seed\":1,"
      "\"stop\":[\"a\",\" \"],\"logit_bias\":{},\"user\":\"u1\"",
      BODY ",\"temperature\":1,\"stop_sequences\":[\"a\"],\"metadata\":"
      "{\"user_id\":\"u1\"}}", "seed,logit_bias,top_p,stop" },

    { "top_p alone", 0, "\"top_p\":0.50", BODY ",\"top_p\":0.50}", "" },

    { "no sampling", Q(NO_SAMPLING), "\"temperature\":0,\"top_p\":0.5",
      BODY "}", "temperature,top_p" },

    { "a mail address as user", 0, "\"user\":\"a@b.c\"",
      BODY ",\"metadata\":{\"user_id\":\"d648b243a3e817eaa3309e00e183483f2867"
      "baadf522099f0c2121770536b25a\"}}", "" },

    { "a limit", 0, "\"max_tokens\":7",
      "{\"model\":\"upstream-model\",\"max_tokens\":7," HI "}", "" },

    { "effort as a budget", 0, "\"reasoning_effort\":\"medium\","
      "\"temperature\":1",
      "{\"model\":\"upstream-model\",\"max_tokens\":12288," HI ","
      "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":8192}}",
      "temperature" },

    { "effort within the limit", 0, "\"reasoning_effort\":\"high\","
      "\"max_completion_tokens\":3000",
      "{\"model\":\"upstream-model\",\"max_tokens\":3000," HI ","
      "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1976}}", "" },

    { "no room for thinking", 0, "\"reasoning_effort\":\"high\","
      "\"max_completion_tokens\":2000",
      "{\"model\":\"upstream-model\",\"max_tokens\":2000," HI "}",
      "reasoning_effort" },

    { "adaptive effort", Q(ADAPTIVE), "\"reasoning_effort\":\"xhigh\"",
      BODY ",\"output_config\":{\"effort\":\"max\"},\"thinking\":{\"type\":"
      "\"adaptive\"}}", "" },

    { "more of it", Q(ADAPTIVE)|Q(XHIGH), "\"reasoning_effort\":\"xhigh\"",
      BODY ",\"output_config\":{\"effort\":\"xhigh\"},\"thinking\":{\"type\":"
      "\"adaptive\"}}", "" },

    { "no thinking", Q(ADAPTIVE), "\"reasoning_effort\":\"none\"",
      BODY ",\"thinking\":{\"type\":\"disabled\"}}", "" },

    { "a model that cannot think", Q(NO_THINKING),
      "\"reasoning_effort\":\"low\"", BODY "}", "reasoning_effort" },

    { "a forced call leaves no room for thinking", 0,
      "\"reasoning_effort\":\"low\",\"tool_choice\":\"required\"," TOOLS,
      BODY "," FUNCTIONS ",\"tool_choice\":{\"type\":\"any\"}}",
      "reasoning_effort" },

    { "tools", 0, TOOLS ",\"tool_choice\":\"auto\"",
      BODY "," FUNCTIONS ",\"tool_choice\":{\"type\":\"auto\"}}", "" },

    { "one call at a time", 0, TOOLS ",\"parallel_tool_calls\":false",
      BODY "," FUNCTIONS ",\"tool_choice\":{\"type\":\"auto\","
      "\"disable_parallel_tool_use\":true}}", "" },

    { "no call", 0, TOOLS ",\"tool_choice\":\"none\"",
      BODY "," FUNCTIONS ",\"tool_choice\":{\"type\":\"none\"}}", "" },

    { "one tool", 0, TOOLS ",\"tool_choice\":{\"type\":\"function\","
      "\"function\":{\"name\":\"f\"}}",
      BODY "," FUNCTIONS ",\"tool_choice\":{\"type\":\"tool\",\"name\":"
      "\"f\"}}", "" },

    { "a schema, natively", Q(NATIVE_SCHEMA), FORMAT,
      BODY ",\"output_config\":{\"format\":{\"type\":\"json_schema\","
      "\"schema\":" SCHEMA "}}}", "" },

    { "a schema by a tool", 0, FORMAT,
      BODY ",\"tools\":[{\"name\":\"answer\",\"description\":"
      "\"Gives the final answer.\",\"input_schema\":" SCHEMA "}],"
      "\"tool_choice\":{\"type\":\"tool\",\"name\":\"answer\"}}", "" },

    { "a schema by a tool beside tools", 0, FORMAT "," TOOLS,
      BODY ",\"tools\":[" FUNCTION ",{\"name\":\"answer\",\"description\":"
      "\"Gives the final answer.\",\"input_schema\":" SCHEMA "}],"
      "\"tool_choice\":{\"type\":\"any\"}}", "" },

    { "any JSON", 0, "\"response_format\":{\"type\":\"json_object\"}",
      "{" FRAME ",\"system\":[{\"type\":\"text\",\"text\":\"Respond with a "
      "single JSON object and nothing else.\"}]," HI "}", "" },

    { "extensions", 0, "\"thinking\":{\"type\":\"enabled\","
      "\"budget_tokens\":2000},\"frobnicate\":1,\"temperature\":1",
      "{\"model\":\"upstream-model\",\"max_tokens\":6096," HI ","
      "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}}",
      "temperature,frobnicate" },

    { "on Vertex", Q(VERTEX), "\"stream\":true,\"service_tier\":\"default\"",
      "{\"anthropic_version\":\"vertex-2023-10-16\",\"stream\":true,"
      "\"max_tokens\":4096," HI "}", "service_tier" },

    { "on Bedrock", Q(BEDROCK), "\"stream\":true,\"betas\":["
      "\"context-1m-2025-08-07\",\"unheard-of\"]",
      "{\"anthropic_version\":\"bedrock-2023-05-31\",\"max_tokens\":4096," HI
      ",\"anthropic_beta\":[\"context-1m-2025-08-07\"]}", "" },

    { "text alone", 0, "\"modalities\":[\"text\"]", BODY "}", "" },

    { "two answers", 0, "\"n\":2", NULL, "n" },
    { "logprobs", 0, "\"logprobs\":true", NULL, "logprobs" },
    { "sounds", 0, "\"modalities\":[\"text\",\"audio\"]", NULL, "modalities" }
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

        snprintf(title, sizeof(title), "chat to Messages: %s", r.name);

        case_open(&c, LLM_OP_CHAT, body, LLM_DIALECT_MESSAGES, r.quirks);
        case_request(&c);

        if (r.want == NULL) {
            is_int(c.rc, LLM_INVALID, "%s: refused", title);
            is_str(c.err.param, r.dropped, "%s: param", title);
            case_close(&c);
            continue;
        }

        is_int(c.rc, LLM_OK, "%s: written", title);

        if (c.rc != LLM_OK) {
            printf("# %.*s: %.*s\n", (int) c.err.param.len,
                   (char *) c.err.param.data, (int) c.err.message.len,
                   (char *) c.err.message.data);
        }

        case_is(&c, r.want, title);
        is_str(llm_translate_dropped(c.x), r.dropped, "%s: dropped", title);
        case_close(&c);
    }
}


/* headers, and what is no member of its own */

static void
check_betas(void)
{
    case_t  c;

    case_open(&c, LLM_OP_CHAT, "{\"messages\":[" USER "],\"betas\":[\"a\","
              "\"b\\r\\nx: y\",\"a\"],\"reasoning_effort\":\"low\"," TOOLS
              "}", LLM_DIALECT_MESSAGES, 0);
    c.conf.betas = unit_str("z, a");
    case_request(&c);
    is_str(llm_translate_headers(c.x), "anthropic-beta: z,a,"
           "interleaved-thinking-2025-05-14,y\r\n",
           "betas of header, body and need, once each and safe");
    case_close(&c);

    case_open(&c, LLM_OP_CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":"
              "[{\"type\":\"file\",\"file\":{\"file_id\":\"file_1\"}}]}]}",
              LLM_DIALECT_MESSAGES, 0);
    case_request(&c);
    is_int(c.rc, LLM_OK, "a file of Anthropic's");
    is_str(llm_translate_headers(c.x), "anthropic-beta: "
           "files-api-2025-04-14\r\n", "needs its beta");
    case_close(&c);

    case_open(&c, LLM_OP_CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":"
              "[{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}}]}]}",
              LLM_DIALECT_MESSAGES, 0);
    case_request(&c);
    is_int(c.rc, LLM_INVALID, "one of another provider is refused");
    case_close(&c);
}


/* cache breakpoints: four, and those at the end */

static void
check_caches(void)
{
    unsigned  n;
    case_t    c;
    size_t    i;

    static const char  part[] = "{\"type\":\"text\",\"text\":\"a\","
                                "\"cache_control\":{\"type\":\"ephemeral\"}}";
    char  body[2048];

    snprintf(body, sizeof(body), "{\"messages\":[{\"role\":\"system\","
             "\"content\":[%s,%s]},{\"role\":\"user\",\"content\":"
             "[%s,%s,%s,{\"type\":\"text\",\"text\":\"z\","
             "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}]}]}",
             part, part, part, part, part);

    case_open(&c, LLM_OP_CHAT, body, LLM_DIALECT_MESSAGES, 0);
    case_request(&c);

    n = 0;

    for (i = 0; i + 13 < c.out.len; i++) {
        n += memcmp(c.out.data + i, "cache_control", 13) == 0;
    }

    is_int(n, 4, "four breakpoints are kept");
    ok(case_has(&c, "\"system\":[{\"type\":\"text\",\"text\":\"a\"},"
                    "{\"type\":\"text\",\"text\":\"a\"}]"),
       "those at the front are not");
    ok(case_has(&c, "\"text\":\"z\",\"cache_control\":{\"type\":"
                    "\"ephemeral\",\"ttl\":\"1h\"}"),
       "an hour stays one");
    case_close(&c);
}


/* what a client of Anthropic's asks for, read and written as chat */

static void
check_to_chat(void)
{
    case_t  c;

    case_open(&c, LLM_OP_MESSAGES, "{\"model\":\"claude\",\"max_tokens\":9,"
              "\"system\":[{\"type\":\"text\",\"text\":"
              "\"x-anthropic-billing-header: cc=1\"},{\"type\":\"text\","
              "\"text\":\"Be good.\"}],\"metadata\":{\"user_id\":\"u\"},"
              "\"stop_sequences\":[\"a\"],\"temperature\":0.50,"
              "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},"
              "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
              "\"thinking\":\"hm\",\"signature\":\"s\"},{\"type\":\"text\","
              "\"text\":\"Yes\"},{\"type\":\"server_tool_use\",\"id\":\"x\","
              "\"name\":\"web_search\",\"input\":{}},{\"type\":\"tool_use\","
              "\"id\":\"t1\",\"name\":\"f\",\"input\":{\"n\":1e400}}]},"
              "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
              "\"and\"},{\"type\":\"tool_result\",\"tool_use_id\":\"t1\","
              "\"is_error\":true,\"content\":[{\"type\":\"text\",\"text\":"
              "\"no\"},{\"type\":\"image\",\"source\":{\"type\":\"base64\","
              "\"media_type\":\"image/png\",\"data\":\"" PNG "\"}}]}]}],"
              "\"tools\":[{\"name\":\"f\",\"description\":\"d\","
              "\"input_schema\":{\"type\":\"object\",\"properties\":{}},"
              "\"defer_loading\":true},{\"type\":\"bash_20250124\","
              "\"name\":\"bash\"},{\"type\":\"web_fetch_20250910\",\"name\":"
              "\"web_fetch\"}],\"tool_choice\":{\"type\":\"any\","
              "\"disable_parallel_tool_use\":true},\"context_management\":{}}",
              LLM_DIALECT_CHAT, 0);
    is_int(c.rc, LLM_OK, "Messages to chat: read");
    case_request(&c);
    is_int(c.rc, LLM_OK, "Messages to chat: written");

    ok(!memmem(c.out.data, c.out.len, "billing", 7),
       "Messages to chat: the billing block goes to Anthropic alone");
    ok(case_has(&c, "\"Be good.\""), "the other ones stay");
    ok(case_has(&c, "Error: no"), "a tool that failed says so");
    ok(case_has(&c, "{\\\"n\\\":1e400}"), "arguments are as they were");
    ok(case_has(&c, "\"name\":\"bash\""), "a tool that Claude knows is told");
    ok(!memmem(c.out.data, c.out.len, "web_fetch", 9),
       "one that Anthropic runs is not");
    ok(case_has(&c, "\"required\""), "any tool is \"required\"");
    ok(case_has(&c, "\"parallel_tool_calls\":false"), "one at a time");
    ok(case_has(&c, "data:image/png;base64," PNG), "an image of a result");
    ok(case_has(&c, "0.50"), "numbers are as they were");
    ok(memmem(llm_translate_dropped(c.x).data, llm_translate_dropped(c.x).len,
              "context_management", 18) != NULL,
       "what is dropped is told");
    case_close(&c);

    case_open(&c, LLM_OP_MESSAGES, "{\"messages\":[" USER "],\"max_tokens\":"
              "5000,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":"
              "4000},\"output_config\":{\"format\":{\"type\":\"json_schema\","
              "\"schema\":" SCHEMA "}}}", LLM_DIALECT_CHAT, 0);
    case_request(&c);
    ok(case_has(&c, "\"reasoning_effort\":\"medium\""),
       "a budget is an effort");
    ok(case_has(&c, "\"json_schema\""), "a schema is a schema");
    case_close(&c);
}


typedef struct {
    const char  *members;
    const char  *param;
} refused_t;

static const refused_t  refused[] = {
    { "\"x\":1", "messages" },
    { "\"messages\":[]", "messages" },
    { "\"messages\":{}", "messages" },
    { "\"messages\":[{\"content\":\"a\"}]", "messages[0].role" },
    { "\"messages\":[3]", "messages[0].role" },
    { "\"messages\":[{\"role\":\"tool\",\"content\":\"a\"}]",
      "messages[0].role" },
    { "\"messages\":[" USER ",{\"role\":\"user\"}]", "messages[1].content" },
    { "\"messages\":[{\"role\":\"user\",\"content\":3}]",
      "messages[0].content" },
    { "\"messages\":[{\"role\":\"user\",\"content\":[3]}]",
      "messages[0].content" },
    { "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]",
      "messages[0].content" },
    { "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\","
      "\"source\":{\"type\":\"base64\",\"data\":\"?\"}}]}]",
      "messages[0].content" },
    { "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\"}]}]",
      "messages[0].content" },
    { "\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":"
      "\"tool_use\",\"id\":\"a\"}]}]", "messages[0].content" },
    { "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
      "\"tool_result\"}]}]", "messages[0].content" },
    { "\"messages\":[" USER "],\"max_tokens\":0", "max_tokens" },
    { "\"messages\":[" USER "],\"max_tokens\":\"9\"", "max_tokens" },
    { "\"messages\":[" USER "],\"temperature\":\"1\"", "temperature" },
    { "\"messages\":[" USER "],\"stop_sequences\":\"a\"", "stop_sequences" },
    { "\"messages\":[" USER "],\"stop_sequences\":[1]", "stop_sequences" },
    { "\"messages\":[" USER "],\"stream\":1", "stream" },
    { "\"messages\":[" USER "],\"tools\":{}", "tools" },
    { "\"messages\":[" USER "],\"tools\":[1]", "tools" },
    { "\"messages\":[" USER "],\"tools\":[{}]", "tools[0].name" },
    { "\"messages\":[" USER "],\"tools\":[{\"name\":\"a\",\"input_schema\":"
      "1}]", "tools[0].input_schema" },
    { "\"messages\":[" USER "],\"tools\":[{\"type\":\"computer_20250124\","
      "\"name\":\"computer\"}]", "tools[0].type" },
    { "\"messages\":[" USER "],\"tool_choice\":\"auto\"", "tool_choice" },
    { "\"messages\":[" USER "],\"tool_choice\":{\"type\":\"any\"}",
      "tool_choice" },
    { "\"messages\":[" USER "],\"tool_choice\":{\"type\":\"tool\",\"name\":"
      "\"a\"}", "tool_choice.name" },
    { "\"messages\":[" USER "],\"tool_choice\":{\"type\":\"some\"}",
      "tool_choice.type" },
    { "\"messages\":[" USER "],\"thinking\":{}", "thinking.type" },
    { "\"messages\":[" USER "],\"thinking\":{\"type\":\"enabled\"}",
      "thinking" },
    { "\"messages\":[" USER "],\"output_config\":{\"format\":{}}",
      "output_config.format" },
    { "\"messages\":[" USER "],\"metadata\":\"u\"", "metadata" }
};


static void
check_refused(void)
{
    char    body[1024];
    size_t  i;
    case_t  c;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        snprintf(body, sizeof(body), "{%s}", refused[i].members);

        case_open(&c, LLM_OP_MESSAGES, body, LLM_DIALECT_CHAT, 0);

        is_int(c.rc, LLM_INVALID, "refused: %s", body);
        is_str(c.err.param, refused[i].param, "its param");
        ok(c.err.message.len > 0, "and why");

        case_close(&c);
    }
}


/* the same protocol at another host: members go as they are */

static void
check_rehost(void)
{
    case_t  c;

    static const char  body[] =
        "{\"model\":\"m\",\"stream\":true,\"max_tokens\":1e3, \"system\":["
        "{\"type\":\"text\",\"text\":\"x-anthropic-billing-header: a\"},"
        "{\"type\":\"text\",\"text\":\"b\"}],\"tools\":[{\"type\":"
        "\"web_search_20250305\",\"name\":\"web_search\"},{\"type\":"
        "\"bash_20250124\",\"name\":\"bash\"}],\"messages\":[{\"role\":"
        "\"user\",\"content\":[{\"type\":\"novel\",\"x\":-0}]}],"
        "\"context_management\":{\"edits\":[]},\"container\":\"c\","
        "\"output_config\":{\"effort\":\"low\"},\"unheard_of\":[1]}";

    case_open(&c, LLM_OP_MESSAGES, body, LLM_DIALECT_MESSAGES, Q(BEDROCK));
    c.conf.betas = unit_str("context-management-2025-06-27,odd-2026");
    case_request(&c);
    is_int(c.rc, LLM_OK, "Messages on Bedrock");
    case_is(&c, "{\"anthropic_version\":\"bedrock-2023-05-31\","
            "\"max_tokens\":1000,\"system\":[{\"type\":\"text\",\"text\":"
            "\"b\"}],\"tools\":[{\"type\":\"bash_20250124\",\"name\":"
            "\"bash\"}],\"messages\":[{\"role\":\"user\",\"content\":["
            "{\"type\":\"novel\",\"x\":0}]}],\"context_management\":"
            "{\"edits\":[]},\"unheard_of\":[1],\"anthropic_beta\":["
            "\"context-management-2025-06-27\"]}",
            "Messages on Bedrock: what the host has");
    ok(case_has(&c, "\"max_tokens\":1e3") && case_has(&c, "\"x\":-0"),
       "Messages on Bedrock: as it was spelled");
    is_str(llm_translate_dropped(c.x),
           "messages.content,tools,container,output_config",
           "Messages on Bedrock: dropped");
    is_int(llm_translate_headers(c.x).len, 0, "no header for Bedrock");
    case_close(&c);

    case_open(&c, LLM_OP_MESSAGES, body, LLM_DIALECT_MESSAGES,
              Q(VERTEX)|Q(ADAPTIVE));
    c.conf.betas = unit_str("context-1m-2025-08-07,odd-2026");
    case_request(&c);
    ok(case_has(&c, "{\"anthropic_version\":\"vertex-2023-10-16\","
                    "\"stream\":true,"), "Messages on Vertex");
    ok(case_has(&c, "\"output_config\":{\"effort\":\"low\"}"),
       "effort goes where the model has it");
    ok(!memmem(c.out.data, c.out.len, "context_management", 18),
       "no member without its beta");
    is_str(llm_translate_headers(c.x),
           "anthropic-beta: context-1m-2025-08-07\r\n", "betas it knows");
    case_close(&c);

    case_open(&c, LLM_OP_COUNT_TOKENS, "{\"model\":\"m\",\"messages\":["
              USER "]}", LLM_DIALECT_MESSAGES, Q(VERTEX));
    case_request(&c);
    case_is(&c, "{\"anthropic_version\":\"vertex-2023-10-16\",\"model\":"
            "\"upstream-model\",\"messages\":[" USER "]}",
            "a count on Vertex names the model");
    case_close(&c);

    case_open(&c, LLM_OP_COUNT_TOKENS, "{\"model\":\"m\",\"messages\":["
              USER "]}", LLM_DIALECT_MESSAGES, Q(BEDROCK));
    case_request(&c);
    ok(case_has(&c, "{\"input\":{\"invokeModel\":{\"body\":\"eyJ"),
       "a count on Bedrock wraps the request");
    is_int(case_answer(&c, "{\"inputTokens\":5}"), LLM_OK, "and its answer");
    case_close(&c);
}


/* state that another provider gave goes back to it alone */

static void
check_state(void)
{
    case_t  c;

    static const char  body[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},"
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
        "\"thinking\":\"hm\",\"signature\":\"gw1:gemini:CnNpZw==\"},"
        "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}]},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
        "\"tool_use_id\":\"a\"}]}]}";
    const llm_block_t  *block;

    case_open(&c, LLM_OP_MESSAGES, body, LLM_DIALECT_CHAT, 0);

    block = c.form->turns->next->blocks;

    is_int(block->kind, LLM_BLOCK_THINKING, "Gemini's state: the thinking");
    is_int(block->state.kind, LLM_STATE_NONE, "has none of it");
    is_int(block->next->state.kind, LLM_STATE_GEMINI, "the call has");
    is_str(block->next->state.data, "sig", "as it was");
    is_str(c.form->end->blocks->name, "f", "a result knows its tool");
    case_close(&c);

    case_open(&c, LLM_OP_CHAT, "{\"messages\":[" USER ",{\"role\":"
              "\"assistant\",\"content\":\"a\",\"thinking_blocks\":["
              "{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":"
              "\"s\"},{\"type\":\"redacted_thinking\",\"data\":\"d\"}],"
              "\"reasoning_content\":\"t\",\"tool_calls\":[{\"id\":\"a\","
              "\"type\":\"function\",\"function\":{\"name\":\"f\","
              "\"arguments\":\"{}\"}}]},{\"role\":\"tool\","
              "\"tool_call_id\":\"a\",\"content\":\"x\"}],"
              "\"reasoning_effort\":\"low\"," TOOLS "}",
              LLM_DIALECT_MESSAGES, 0);
    case_request(&c);
    ok(case_has(&c, "\"content\":[{\"type\":\"thinking\",\"thinking\":\"t\","
                    "\"signature\":\"s\"},{\"type\":\"redacted_thinking\","
                    "\"data\":\"d\"},{\"type\":\"text\",\"text\":\"a\"},"
                    "{\"type\":\"tool_use\""),
       "thinking comes back first");
    ok(case_has(&c, "\"budget_tokens\":1024"), "and goes on");
    case_close(&c);

    case_open(&c, LLM_OP_CHAT, "{\"messages\":[" USER ",{\"role\":"
              "\"assistant\",\"content\":null,\"reasoning_content\":\"t\","
              "\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\","
              "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
              "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"x\"}],"
              "\"reasoning_effort\":\"low\"," TOOLS "}",
              LLM_DIALECT_MESSAGES, 0);
    case_request(&c);
    ok(!memmem(c.out.data, c.out.len, "thinking", 8),
       "without its signature it is over for this round");
    is_str(llm_translate_dropped(c.x), "reasoning_effort", "which is told");
    case_close(&c);
}


/* long lists: the time that they take grows with their length, no faster */

static void
check_long(void)
{
    unsigned    i;
    case_t      c;
    llm_buf_t   b;

    c.arena = llm_arena_create(64 * 1024 * 1024);
    llm_buf_init(&b, c.arena);

    llm_buf_puts(&b, "{\"messages\":[" USER "],\"stop\":[\"a\"");

    for (i = 0; i < 100000; i++) {
        llm_buf_puts(&b, ",\"a\"");
    }

    llm_buf_puts(&b, "]}");
    llm_buf_add(&b, "", 1);

    {
        case_t  chat;

        case_open(&chat, LLM_OP_CHAT, (char *) b.data, LLM_DIALECT_MESSAGES,
                  0);
        case_request(&chat);
        is_int(chat.rc, LLM_OK, "many stop sequences");
        case_close(&chat);
    }

    b.len = 0;
    llm_buf_puts(&b, "{\"max_tokens\":9,\"messages\":[" USER ",{\"role\":"
                     "\"assistant\",\"content\":[");

    for (i = 0; i < 30000; i++) {
        llm_buf_puts(&b, i ? "," : "");
        llm_buf_puts(&b, "{\"type\":\"tool_use\",\"id\":\"a.");
        llm_buf_int(&b, i);
        llm_buf_puts(&b, "\",\"name\":\"f.");
        llm_buf_int(&b, i);
        llm_buf_puts(&b, "\",\"input\":{}}");
    }

    llm_buf_puts(&b, "]},{\"role\":\"user\",\"content\":[");

    for (i = 0; i < 30000; i++) {
        llm_buf_puts(&b, i ? "," : "");
        llm_buf_puts(&b, "{\"type\":\"tool_result\",\"tool_use_id\":\"a.");
        llm_buf_int(&b, i);
        llm_buf_puts(&b, "\"}");
    }

    llm_buf_puts(&b, "]}]}");
    llm_buf_add(&b, "", 1);

    {
        case_t  messages;

        case_open(&messages, LLM_OP_MESSAGES, (char *) b.data,
                  LLM_DIALECT_CONVERSE, 0);
        case_request(&messages);
        is_int(messages.rc, LLM_OK, "many calls and results");
        case_close(&messages);
    }

    llm_arena_free(c.arena);
}


int
main(void)
{
    plan(0);

    check_requests();
    check_betas();
    check_caches();
    check_to_chat();
    check_refused();
    check_rehost();
    check_state();
    check_long();

    return unit_end();
}
