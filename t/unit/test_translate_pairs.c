
/* what packages of one protocol and providers of another stumbled over */


#define _GNU_SOURCE
#include "translate_case.h"


#define CHAT      "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":" \
                  "\"user\",\"content\":\"Hi\"}]}"
#define MESSAGES  "{\"model\":\"m\",\"stream\":true,\"max_tokens\":9," \
                  "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}"
#define SMILE     "\xf0\x9f\x98\x80"
#define BAD       "\xef\xbf\xbd"


/* one delta of a chat provider's stream */

static void
chunk(case_t *c, const char *delta)
{
    char  event[512];

    snprintf(event, sizeof(event), "{\"id\":\"x\",\"choices\":[{\"index\":0,"
             "\"delta\":%s}]}", delta);

    case_event(c, NULL, event);
}


static void
test_halves(void)
{
    size_t  i;
    case_t  c;

    static const struct {
        llm_dialect_e   from;
        const char     *name;
        const char     *before;
        const char     *one;
        const char     *two;
    } t[] = {

        { LLM_DIALECT_CHAT, NULL, NULL,
          "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\\ud83d\"}}]}",
          "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\ude00b\"}}]}"
        },

        { LLM_DIALECT_MESSAGES, NULL,
          "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
          "{\"type\":\"text\",\"text\":\"\"}}",
          "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
          "{\"type\":\"text_delta\",\"text\":\"a\\ud83d\"}}",
          "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
          "{\"type\":\"text_delta\",\"text\":\"\\ude00b\"}}" },

        { LLM_DIALECT_RESPONSES, NULL, NULL,
          "{\"type\":\"response.output_text.delta\",\"output_index\":0,"
          "\"delta\":\"a\\ud83d\"}",
          "{\"type\":\"response.output_text.delta\",\"output_index\":0,"
          "\"delta\":\"\\ude00b\"}" },

        { LLM_DIALECT_GENERATE, NULL, NULL,
          "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":"
          "\"a\\ud83d\"}]}}]}",
          "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":"
          "\"\\ude00b\"}]}}]}" },

        { LLM_DIALECT_CONVERSE, "contentBlockDelta", NULL,
          "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"a\\ud83d\"}}",
          "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"\\ude00b\"}}" }
    };

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        case_open(&c, LLM_OP_CHAT, CHAT, t[i].from, 0);

        if (t[i].before) {
            case_event(&c, t[i].name, t[i].before);
        }

        case_event(&c, t[i].name, t[i].one);
        case_event(&c, t[i].name, t[i].two);

        ok(case_has(&c, "\"content\":\"a\"")
           && case_has(&c, "\"content\":\"" SMILE "\"")
           && case_has(&c, "\"content\":\"b\""),
           "dialect %d: halves of two events are one character", t[i].from);
        case_close(&c);
    }
}


static void
test_lone_halves(void)
{
    case_t  c;

    case_open(&c, LLM_OP_MESSAGES, MESSAGES, LLM_DIALECT_CHAT, 0);
    chunk(&c, "{\"content\":\"a\\ud83d\"}");
    ok(!memmem(c.out.data, c.out.len, BAD, 3), "a first half waits");
    chunk(&c, "{\"content\":\"b\"}");
    ok(case_has(&c, "\"text\":\"" BAD "\"") && case_has(&c, "\"b\""),
       "a text that goes on without the other one");
    c.out.len = 0;
    chunk(&c, "{\"content\":\"\\ude00\\ud83d\"}");
    ok(case_has(&c, "\"text\":\"" BAD "\""), "a second half alone");
    c.out.len = 0;
    chunk(&c, "{\"tool_calls\":[{\"index\":0,\"id\":\"i\",\"function\":"
              "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":\\\"\\ud83d\"}}]}");
    ok(case_has(&c, "\"text\":\"" BAD "\""), "a block that ends by a half");
    chunk(&c, "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
              "\"\\ude00\\\"}\"}}]}");
    ok(case_has(&c, "\"partial_json\":\"" SMILE "\""), "halves in arguments");
    case_close(&c);

    /* all arguments once more: nothing of them is told twice */

    case_open(&c, LLM_OP_CHAT, CHAT, LLM_DIALECT_RESPONSES, 0);
    case_event(&c, NULL, "{\"type\":\"response.output_item.added\","
               "\"output_index\":0,\"item\":{\"type\":\"function_call\","
               "\"call_id\":\"i\",\"name\":\"f\",\"arguments\":\"\"}}");
    case_event(&c, NULL, "{\"type\":\"response.function_call_arguments.delta\""
               ",\"output_index\":0,\"delta\":\"{\\\"a\\\":\\\"\\ud83d\"}");
    case_event(&c, NULL, "{\"type\":\"response.function_call_arguments.delta\""
               ",\"output_index\":0,\"delta\":\"\\ude00\\\"}\"}");
    c.out.len = 0;
    case_event(&c, NULL, "{\"type\":\"response.function_call_arguments.delta\""
               ",\"output_index\":0}");
    is_int(c.rc, LLM_OK, "a delta without one is none");
    case_event(&c, NULL, "{\"type\":\"response.function_call_arguments.done\","
               "\"output_index\":0,\"arguments\":\"{\\\"a\\\":\\\""
               "\\ud83d\\ude00\\\"}\"}");
    is_int(c.out.len, 0, "arguments that came in halves are not told again");
    case_close(&c);
}


/* a provider that wants its own words back, and clients that drop what has no
   signature */

static void
test_text_state(void)
{
    case_t  c;

    static const char  *body =
        "{\"model\":\"m\",\"max_tokens\":9,\"messages\":["
        "{\"role\":\"user\",\"content\":\"Hi\"},"
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
        "\"thinking\":\"hm\",\"signature\":\"gw1:text:Cg==\"},"
        "{\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":{}}]},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
        "\"tool_use_id\":\"i\",\"content\":\"1\"}]}]}";

    case_open(&c, LLM_OP_MESSAGES, MESSAGES, LLM_DIALECT_CHAT,
              LLM_QUIRK(REPLAY_REASONING));
    chunk(&c, "{\"reasoning_content\":\"hm\"}");
    chunk(&c, "{\"tool_calls\":[{\"index\":0,\"id\":\"i\",\"function\":"
              "{\"name\":\"f\",\"arguments\":\"{}\"}}]}");
    ok(case_has(&c, "\"signature_delta\",\"signature\":\"gw1:text:Cg==\""),
       "reasoning without a state gets one");
    case_close(&c);

    case_open(&c, LLM_OP_MESSAGES, MESSAGES, LLM_DIALECT_CHAT, 0);
    chunk(&c, "{\"reasoning_content\":\"hm\"}");
    chunk(&c, "{\"content\":\"Hi\"}");
    ok(!memmem(c.out.data, c.out.len, "gw1:", 4), "but where none is wanted");
    case_close(&c);

    case_open(&c, LLM_OP_MESSAGES, body, LLM_DIALECT_CHAT,
              LLM_QUIRK(REPLAY_REASONING));
    case_request(&c);
    ok(case_has(&c, "\"reasoning_content\":\"hm\""), "its text comes back");
    case_close(&c);

    case_open(&c, LLM_OP_MESSAGES, body, LLM_DIALECT_CONVERSE, 0);
    case_request(&c);
    ok(c.rc == LLM_OK && !memmem(c.out.data, c.out.len, "\"hm\"", 4),
       "but not to one that wants signatures of its own");
    case_close(&c);
}


static void
test_gemini(void)
{
    case_t  c;

    case_open(&c, LLM_OP_RESPONSES, "{\"model\":\"m\",\"stream\":true,"
              "\"input\":\"Hi\"}", LLM_DIALECT_GENERATE, 0);
    case_event(&c, NULL, "{\"candidates\":[{\"content\":{\"parts\":["
               "{\"functionCall\":{\"name\":\"f\",\"args\":{}},"
               "\"thoughtSignature\":\"c2ln\"}]}}]}");
    ok(case_has(&c, "\"encrypted_content\":\"gw1:gemini:"),
       "a call's signature goes before it, in a stream too");
    case_close(&c);

    case_open(&c, LLM_OP_GENERATE, "{\"contents\":[{\"parts\":[{\"text\":"
              "\"Hi\"}]},{\"role\":\"model\",\"parts\":[{\"functionCall\":"
              "{\"name\":\"f\",\"args\":{}}}]},{\"parts\":["
              "{\"functionResponse\":{\"name\":\"f\",\"response\":"
              "{\"name\":\"f\",\"content\":\"it rains\"}}}]}]}",
              LLM_DIALECT_CHAT, 0);
    case_request(&c);
    ok(case_has(&c, "\"content\":\"it rains\""),
       "a result with its function's name beside it");
    case_close(&c);

    case_open(&c, LLM_OP_GENERATE, "{\"contents\":[{\"parts\":[{\"text\":"
              "\"Hi\"}]}],\"generationConfig\":{\"responseMimeType\":"
              "\"application/json\",\"responseSchema\":{\"type\":\"OBJECT\","
              "\"properties\":{\"a\":{\"type\":\"STRING\",\"maxLength\":3}}}}}",
              LLM_DIALECT_MESSAGES, LLM_QUIRK(NATIVE_SCHEMA));
    case_request(&c);
    ok(case_has(&c, "\"type\":\"object\"")
       && case_has(&c, "\"additionalProperties\":false"),
       "a schema in Google's words, as strict as Claude wants it");
    ok(!memmem(c.out.data, c.out.len, "\"maxLength\":", 12),
       "without what it refuses");
    case_close(&c);
}


static void
test_thread(void)
{
    case_t  c;

    case_open(&c, LLM_OP_MESSAGES, "{\"model\":\"m\",\"max_tokens\":9,"
              "\"thread\":{\"type\":\"create\"},\"messages\":[{\"role\":"
              "\"user\",\"content\":\"Hi\"}]}", LLM_DIALECT_CHAT, 0);
    is_int(c.rc, LLM_INVALID, "turns that others keep");
    is_int(c.err.code, LLM_ERROR_UNSUPPORTED_PARAMETER, "are refused");
    is_str(c.err.param, "thread", "by their name");
    case_close(&c);

    case_open(&c, LLM_OP_MESSAGES, "{\"model\":\"m\",\"max_tokens\":9,"
              "\"thread\":null,\"messages\":[{\"role\":\"user\",\"content\":"
              "\"Hi\"}]}", LLM_DIALECT_CHAT, 0);
    is_int(c.rc, LLM_OK, "unless there are none");
    case_close(&c);
}


/* what is lost on the way, by the client's own words for it */

static void
test_lost(void)
{
    int     d;
    size_t  i;
    case_t  c;

    static const struct {
        llm_op_e        op;
        const char     *body;
        const char     *lost[LLM_DIALECT_N];
    } t[] = {

        { LLM_OP_CHAT,
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
          "\"Hi\"}],\"temperature\":1.5,\"top_p\":0.9,\"top_k\":5,\"seed\":7,"
          "\"presence_penalty\":0.1,\"frequency_penalty\":0.2,\"logit_bias\":"
          "{\"1\":2},\"user\":\"u\",\"metadata\":{\"a\":\"b\"},\"verbosity\":"
          "\"low\",\"service_tier\":\"flex\",\"prompt_cache_key\":\"k\","
          "\"parallel_tool_calls\":false,\"tools\":[{\"type\":\"function\","
          "\"function\":{\"name\":\"f\"}}],\"stop\":[\"1\",\"2\",\"3\",\"4\"],"
          "\"max_completion_tokens\":5000,\"reasoning_effort\":\"high\","
          "\"modalities\":[\"text\"],\"web_search_options\":{},\"odd\":1}",
          { NULL,
            "web_search_options,top_k,prompt_cache_key,verbosity,"
            "service_tier,metadata,odd",
            "stop,seed,top_k,logit_bias,presence_penalty,frequency_penalty,"
            "metadata,odd",
            "seed,presence_penalty,frequency_penalty,logit_bias,verbosity,"
            "prompt_cache_key,temperature,top_p,top_k,service_tier,metadata,"
            "odd",
            "web_search_options,logit_bias,verbosity,parallel_tool_calls,user,"
            "prompt_cache_key,metadata,odd",
            "seed,presence_penalty,frequency_penalty,logit_bias,verbosity,"
            "prompt_cache_key,web_search_options,top_k,reasoning_effort,"
            "parallel_tool_calls,odd" } },

        { LLM_OP_RESPONSES,
          "{\"model\":\"m\",\"input\":\"Hi\",\"user\":\"u\",\"metadata\":"
          "{\"a\":\"b\"},\"text\":{\"verbosity\":\"low\"},\"service_tier\":"
          "\"flex\",\"store\":true,\"prompt_cache_key\":\"k\",\"tools\":["
          "{\"type\":\"function\",\"name\":\"f\",\"parameters\":{\"type\":"
          "\"object\"}},{\"type\":\"file_search\"},{\"type\":\"odd\"}],"
          "\"reasoning\":{\"effort\":\"high\"},\"max_output_tokens\":5000}",
          { NULL,
            "tools,prompt_cache_key,text,service_tier,metadata",
            "tools,metadata",
            "tools,text,prompt_cache_key,service_tier,metadata",
            "tools,text,user,prompt_cache_key,metadata",
            "tools,text,prompt_cache_key,reasoning" } },

        { LLM_OP_MESSAGES,
          "{\"model\":\"m\",\"max_tokens\":5000,\"messages\":[{\"role\":"
          "\"user\",\"content\":\"Hi\"}],\"top_k\":5,\"metadata\":{\"user_id\":"
          "\"u\"},\"service_tier\":\"standard_only\",\"stop_sequences\":[\"1\","
          "\"2\",\"3\",\"4\",\"5\",\"6\"],\"tools\":[{\"name\":\"f\","
          "\"input_schema\":{\"type\":\"object\"}},{\"type\":"
          "\"web_search_20250305\",\"name\":\"web_search\"}],\"tool_choice\":"
          "{\"type\":\"auto\",\"disable_parallel_tool_use\":true},"
          "\"container\":\"c\",\"thinking\":{\"type\":\"enabled\","
          "\"budget_tokens\":2000}}",
          { NULL,
            "web_search,top_k,stop_sequences,service_tier,container",
            "stop_sequences,top_k,container",
            "",
            "web_search,disable_parallel_tool_use,metadata,stop_sequences,"
            "container",
            "web_search,top_k,thinking,disable_parallel_tool_use,container" }
        },

        { LLM_OP_GENERATE,
          "{\"contents\":[{\"parts\":[{\"text\":\"Hi\"}]}],"
          "\"generationConfig\":{\"topP\":0.9,\"topK\":5,\"seed\":1,"
          "\"presencePenalty\":0.1,\"stopSequences\":[\"1\",\"2\",\"3\","
          "\"4\",\"5\"],\"temperature\":1,\"maxOutputTokens\":5000},"
          "\"safetySettings\":[],\"tools\":[{\"functionDeclarations\":["
          "{\"name\":\"f\"}]},{\"googleSearch\":{}},{\"codeExecution\":{}}]}",
          { NULL,
            "safetySettings,codeExecution,googleSearch,topK,stopSequences",
            "safetySettings,codeExecution,stopSequences,seed,topK,"
            "presencePenalty",
            "safetySettings,codeExecution,seed,presencePenalty,topP",
            "safetySettings,codeExecution,googleSearch",
            "safetySettings,codeExecution,seed,presencePenalty,googleSearch,"
            "topK" } }
    };

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {

        for (d = LLM_DIALECT_CHAT; d < LLM_DIALECT_N; d++) {
            case_open(&c, t[i].op, t[i].body, d, 0);
            case_request(&c);

            if (c.rc != LLM_OK) {
                ok(0, "%d to %d: is refused for %.*s", t[i].op, d,
                   (int) c.err.param.len, c.err.param.data);

            } else {
                is_str(llm_translate_dropped(c.x), t[i].lost[d],
                       "%d to %d: what is lost", t[i].op, d);
            }

            case_close(&c);
        }
    }
}


static void
test_host(void)
{
    size_t     i;
    llm_str_t  host;

    static const struct {
        const char  *name;
        uint64_t     want;
    } t[] = {
        { "api.openai.com", LLM_QUIRK(SAFETY_ID) },
        { "eu.api.openai.com", LLM_QUIRK(SAFETY_ID) },
        { "notapi.openai.com", 0 },
        { "api.openai.com.evil.test", 0 },
        { "", 0 }
    };

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        host = unit_str(t[i].name);
        ok(llm_quirk_of_host(&host) == t[i].want, "host \"%s\"", t[i].name);
    }
}


int
main(void)
{
    plan(0);

    test_halves();
    test_lone_halves();
    test_text_state();
    test_gemini();
    test_thread();
    test_lost();
    test_host();

    return unit_end();
}
