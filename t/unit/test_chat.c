
/*
 * OpenAI chat completions on both sides: where a client's request and what is
 * made of it are of one protocol, nothing that counts may be lost.
 */


#include "translate_case.h"


#define ASK  "{\"model\":\"m\",\"messages\":[{\"role\":\"user\"," \
             "\"content\":\"hi\"}]"


static void
request(const char *name, const char *body, uint64_t quirks, const char *want)
{
    case_t  c;

    case_open(&c, LLM_OP_CHAT, body, LLM_DIALECT_CHAT, quirks);
    case_request(&c);

    is_int(c.rc, LLM_OK, "%s: is translated", name);

    if (c.rc == LLM_OK) {
        case_is(&c, want, name);

    } else {
        printf("# %.*s\n", (int) c.err.message.len,
               (char *) c.err.message.data);
    }

    case_close(&c);
}


static void
refused(const char *body, llm_error_e code, const char *param)
{
    case_t  c;

    case_open(&c, LLM_OP_CHAT, body, LLM_DIALECT_CHAT, 0);
    case_request(&c);

    is_int(c.rc, LLM_INVALID, "refused: %s", param);
    is_int(c.err.code, code, "with a code");
    is_str(c.err.param, param, "and the parameter");
    ok(c.err.message.len > 0, "and a message");

    case_close(&c);
}


static void
test_requests(void)
{
    request("a question", ASK "}", 0,
            "{\"model\":\"upstream-model\",\"messages\":[{\"role\":\"user\","
            "\"content\":\"hi\"}]}");

    request("parameters", ASK ",\"temperature\":0.70,\"top_p\":1,\"top_k\":5,"
            "\"seed\":12345678901234567890,\"stop\":\"x\",\"max_tokens\":9,"
            "\"stream\":true,\"user\":\"u\",\"n\":1,\"logit_bias\":{\"1\":2}}",
            LLM_QUIRK(MAX_TOKENS),
            "{\"model\":\"upstream-model\",\"messages\":[{\"role\":\"user\","
            "\"content\":\"hi\"}],\"temperature\":0.70,\"top_p\":1,"
            "\"seed\":12345678901234567890,\"stop\":[\"x\"],\"max_tokens\":9,"
            "\"stream\":true,\"stream_options\":{\"include_usage\":true},"
            "\"user\":\"u\",\"logit_bias\":{\"1\":2}}");

    request("models that reason", ASK ",\"temperature\":1,\"stop\":[\"x\"],"
            "\"max_tokens\":3,\"max_completion_tokens\":7,"
            "\"reasoning_effort\":\"low\"}",
            LLM_QUIRK(NO_SAMPLING)|LLM_QUIRK(NO_STOP),
            "{\"model\":\"upstream-model\",\"messages\":[{\"role\":\"user\","
            "\"content\":\"hi\"}],\"max_completion_tokens\":7,"
            "\"reasoning_effort\":\"low\"}");

    request("a tool loop",
            "{\"model\":\"m\",\"messages\":["
            "{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":"
            "\"a\"},{\"type\":\"text\",\"text\":\"b\"}]},"
            "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
            "\"see\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
            "\"https://x/y.png\"}}]},"
            "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
            "{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":"
            "\"a.b\",\"arguments\":\"{\\\"n\\\":1e400}\"}},"
            "{\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":"
            "\"f\",\"arguments\":\"\"}}]},"
            "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"r1\"},"
            "{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":"
            "[{\"type\":\"text\",\"text\":\"r2\"}]}],"
            "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a.b\""
            ",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}},"
            "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],"
            "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":"
            "\"a.b\"}},\"parallel_tool_calls\":false}", 0,
            "{\"model\":\"upstream-model\",\"messages\":["
            "{\"role\":\"system\",\"content\":\"a\\n\\nb\"},"
            "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
            "\"see\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
            "\"https://x/y.png\"}}]},"
            "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
            "{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":"
            "\"a_b_e4a38ec4\",\"arguments\":\"{\\\"n\\\":1e400}\"}},"
            "{\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":"
            "\"f\",\"arguments\":\"{}\"}}]},"
            "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"r1\"},"
            "{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"r2\"}],"
            "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":"
            "\"a_b_e4a38ec4\",\"description\":\"d\",\"parameters\":{\"type\":"
            "\"object\"}}},{\"type\":\"function\",\"function\":{\"name\":"
            "\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}}],"
            "\"parallel_tool_calls\":false,"
            "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":"
            "\"a_b_e4a38ec4\"}}}");

    request("an image that a tool returned",
            "{\"model\":\"m\",\"messages\":["
            "{\"role\":\"user\",\"content\":\"look\"},"
            "{\"role\":\"assistant\",\"tool_calls\":["
            "{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":"
            "\"f\",\"arguments\":\"{}\"}}]},"
            "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":"
            "[{\"type\":\"image_url\",\"image_url\":{\"url\":"
            "\"data:image/png;base64,iVBORw0KGgo=\"}}]}]}", 0,
            "{\"model\":\"upstream-model\",\"messages\":["
            "{\"role\":\"user\",\"content\":\"look\"},"
            "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
            "{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":"
            "\"f\",\"arguments\":\"{}\"}}]},"
            "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":"
            "\"[image: see next message]\"},"
            "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
            "\"Image returned by tool call c1:\"},{\"type\":\"image_url\","
            "\"image_url\":{\"url\":"
            "\"data:image/png;base64,iVBORw0KGgo=\"}}]}]}");

    request("functions of old",
            "{\"model\":\"m\",\"messages\":["
            "{\"role\":\"user\",\"content\":\"x\"},"
            "{\"role\":\"assistant\",\"content\":null,\"function_call\":"
            "{\"name\":\"f\",\"arguments\":\"{}\"}},"
            "{\"role\":\"function\",\"name\":\"f\",\"content\":\"r\"}],"
            "\"functions\":[{\"name\":\"f\"}],\"function_call\":\"auto\"}", 0,
            "{\"model\":\"upstream-model\",\"messages\":["
            "{\"role\":\"user\",\"content\":\"x\"},"
            "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":"
            "[{\"id\":\"call_fn0\",\"type\":\"function\",\"function\":"
            "{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
            "{\"role\":\"tool\",\"tool_call_id\":\"call_fn0\",\"content\":"
            "\"r\"}],\"tools\":[{\"type\":\"function\",\"function\":{\"name\""
            ":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}}]"
            ",\"tool_choice\":\"auto\"}");

    request("what Mistral wants",
            "{\"model\":\"m\",\"messages\":["
            "{\"role\":\"user\",\"content\":\"x\"},"
            "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
            "{\"id\":\"abcdefghi\",\"type\":\"function\",\"function\":"
            "{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
            "{\"role\":\"tool\",\"tool_call_id\":\"abcdefghi\",\"content\":"
            "\"r\"}],\"tools\":[{\"type\":\"function\",\"function\":{\"name\""
            ":\"f\"}}],\"tool_choice\":\"required\",\"seed\":1,\"user\":"
            "\"u\"}", LLM_QUIRK(MISTRAL),
            "{\"model\":\"upstream-model\",\"messages\":["
            "{\"role\":\"user\",\"content\":\"x\"},"
            "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
            "{\"id\":\"abcdefghi\",\"type\":\"function\",\"function\":"
            "{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
            "{\"role\":\"tool\",\"tool_call_id\":\"abcdefghi\",\"name\":"
            "\"f\",\"content\":\"r\"}],\"tools\":[{\"type\":\"function\","
            "\"function\":{\"name\":\"f\",\"parameters\":{\"type\":"
            "\"object\",\"properties\":{}}}}],\"tool_choice\":\"any\","
            "\"random_seed\":1}");

    request("what DeepSeek wants",
            "{\"model\":\"m\",\"reasoning_effort\":\"high\",\"messages\":["
            "{\"role\":\"user\",\"content\":\"x\"},"
            "{\"role\":\"assistant\",\"content\":\"old\","
            "\"reasoning_content\":\"not again\"},"
            "{\"role\":\"user\",\"content\":\"y\"},"
            "{\"role\":\"assistant\",\"content\":\"\",\"reasoning_content\":"
            "\"again\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\","
            "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
            "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"r\"}],"
            "\"response_format\":{\"type\":\"json_object\"}}",
            LLM_QUIRK(REPLAY_REASONING)|LLM_QUIRK(DEEPSEEK)
            |LLM_QUIRK(STRING_CONTENT),
            "{\"model\":\"upstream-model\",\"messages\":["
            "{\"role\":\"user\",\"content\":\"x\"},"
            "{\"role\":\"assistant\",\"content\":\"old\"},"
            "{\"role\":\"user\",\"content\":\"y\"},"
            "{\"role\":\"assistant\",\"content\":\"\",\"reasoning_content\":"
            "\"again\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\","
            "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
            "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"r\"}],"
            "\"response_format\":{\"type\":\"json_object\"},"
            "\"thinking\":{\"type\":\"enabled\"}}");

    request("a schema",
            ASK ",\"response_format\":{\"type\":\"json_schema\","
            "\"json_schema\":{\"name\":\"s\",\"strict\":true,\"schema\":"
            "{\"type\":\"object\",\"properties\":{},"
            "\"additionalProperties\":false}}}}", 0,
            "{\"model\":\"upstream-model\",\"messages\":[{\"role\":\"user\","
            "\"content\":\"hi\"}],\"response_format\":{\"type\":"
            "\"json_schema\",\"json_schema\":{\"name\":\"s\",\"strict\":true,"
            "\"schema\":{\"type\":\"object\",\"properties\":{},"
            "\"additionalProperties\":false}}}}");
}


static void
test_refusals(void)
{
    refused("{\"model\":\"m\"}", LLM_ERROR_MISSING_PARAMETER, "messages");
    refused("{\"messages\":[{\"role\":\"user\"},{\"role\":\"robot\"}]}",
            LLM_ERROR_UNSUPPORTED_PARAMETER, "messages[1].role");
    refused("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
            "\"text\",\"text\":\"a\"},{\"type\":\"smell\"}]}]}",
            LLM_ERROR_UNSUPPORTED_PARAMETER, "messages[0].content[1].type");
    refused("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
            "\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,"
            "*\"}}]}]}", LLM_ERROR_UNSUPPORTED_PARAMETER,
            "messages[0].content[0].image_url.url");
    refused("{\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}",
            LLM_ERROR_MISSING_PARAMETER, "messages[0].tool_call_id");
    refused(ASK ",\"n\":2}", LLM_ERROR_UNSUPPORTED_PARAMETER, "n");
    refused(ASK ",\"logprobs\":true}", LLM_ERROR_UNSUPPORTED_PARAMETER,
            "logprobs");
    refused(ASK ",\"temperature\":\"hot\"}", LLM_ERROR_UNSUPPORTED_PARAMETER,
            "temperature");
    refused(ASK ",\"max_tokens\":-1}", LLM_ERROR_UNSUPPORTED_PARAMETER,
            "max_tokens");
    refused(ASK ",\"modalities\":[\"text\",\"audio\"]}",
            LLM_ERROR_UNSUPPORTED_PARAMETER, "modalities");
    refused(ASK ",\"tools\":[{\"type\":\"function\",\"function\":{}}]}",
            LLM_ERROR_MISSING_PARAMETER, "tools[0].function.name");
    refused(ASK ",\"tool_choice\":\"maybe\"}",
            LLM_ERROR_UNSUPPORTED_PARAMETER, "tool_choice");
    refused(ASK ",\"reasoning_effort\":\"huge\"}",
            LLM_ERROR_UNSUPPORTED_PARAMETER, "reasoning_effort");
}


static void
test_dropped(void)
{
    case_t  c;

    case_open(&c, LLM_OP_CHAT, ASK ",\"top_k\":1,\"seed\":2,"
              "\"made_up\":{},\"metadata\":{\"a\":\"b\"},\"bad\\nname\":1}",
              LLM_DIALECT_CHAT, LLM_QUIRK(NO_SAMPLING));
    case_request(&c);

    is_str(llm_translate_dropped(c.x), "top_k,seed,metadata,made_up",
           "what is dropped is told, each name once");

    case_close(&c);
}


static void
test_unary(void)
{
    case_t  c;

    case_open(&c, LLM_OP_CHAT, ASK ",\"tools\":[{\"type\":\"function\","
              "\"function\":{\"name\":\"a.b\"}}]}", LLM_DIALECT_CHAT, 0);
    case_request(&c);
    case_usage(&c, 10, 5, 7, 3);

    case_answer(&c, "{\"id\":\"chatcmpl-1\",\"model\":\"told\",\"choices\":"
        "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
        "\"t\\u00e9\",\"reasoning\":\"why\",\"tool_calls\":[{\"id\":\"c\","
        "\"type\":\"function\",\"function\":{\"name\":\"a_b_e4a38ec4\","
        "\"arguments\":\"{\\\"x\\\":12345678901234567890}\"}}],"
        "\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":"
        "{\"url\":\"http://u\",\"title\":\"T\"}}]},\"finish_reason\":"
        "\"stop\"}]}");

    is_int(c.rc, LLM_OK, "an answer");
    case_is(&c, "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\","
        "\"created\":1700000000,\"model\":\"told\",\"choices\":[{\"index\":0,"
        "\"message\":{\"role\":\"assistant\",\"content\":\"t\xc3\xa9\","
        "\"refusal\":null,\"reasoning_content\":\"why\",\"tool_calls\":["
        "{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"a.b\","
        "\"arguments\":\"{\\\"x\\\":12345678901234567890}\"}}],"
        "\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":"
        "{\"url\":\"http://u\",\"title\":\"T\",\"start_index\":0,"
        "\"end_index\":2}}]},\"logprobs\":null,\"finish_reason\":"
        "\"tool_calls\"}],\"usage\":{\"prompt_tokens\":15,"
        "\"completion_tokens\":10,\"total_tokens\":25,"
        "\"prompt_tokens_details\":{\"cached_tokens\":5,\"audio_tokens\":0},"
        "\"completion_tokens_details\":{\"reasoning_tokens\":3,"
        "\"audio_tokens\":0}},\"system_fingerprint\":null}",
        "is printed, with the tool's own name");

    case_close(&c);

    case_open(&c, LLM_OP_CHAT, ASK "}", LLM_DIALECT_CHAT, 0);
    is_int(case_answer(&c, "{\"choices\":[]}"), LLM_INVALID, "no choices");
    is_int(case_answer(&c, "{\"choices\":"), LLM_INVALID, "a cut answer");
    is_int(case_answer(&c, "[]"), LLM_INVALID, "an array");
    is_int(c.out.len, 0, "nothing is printed of them");
    is_int(case_answer(&c, "{\"error\":{\"message\":\"busy\",\"type\":"
                       "\"overloaded_error\"}}"), LLM_INVALID,
           "an error of status 200");
    is_str(llm_translate_fault(c.x)->message, "busy", "tells its words");
    is_int(llm_translate_fault(c.x)->fault, LLM_FAULT_OVERLOADED,
           "and its class");
    case_close(&c);
}


#define CHUNK(delta)  "{\"id\":\"i\",\"model\":\"told\",\"choices\":[{" \
                      "\"index\":0,\"delta\":" delta ",\"finish_reason\":" \
                      "null}]}"
#define FINISH(why)   "{\"id\":\"i\",\"choices\":[{\"index\":0,\"delta\":" \
                      "{\"content\":\"\"},\"finish_reason\":\"" why "\"}]}"


static void
test_stream(void)
{
    case_t  c;

    case_open(&c, LLM_OP_CHAT, ASK ",\"stream\":true,\"stream_options\":"
              "{\"include_usage\":true}}", LLM_DIALECT_CHAT, 0);
    case_request(&c);

    c.out.len = 0;

    case_event(&c, NULL, "{\"choices\":[],\"prompt_filter_results\":[]}");
    case_event(&c, NULL, CHUNK("{\"role\":\"assistant\",\"content\":\"\","
                               "\"tool_calls\":[]}"));

    is_int(c.out.len, 0, "no content, nothing to tell");
    is_int(llm_translate_begun(c.x), 0, "the stream has not begun");

    case_event(&c, NULL, CHUNK("{\"reasoning_content\":\"r\",\"reasoning\":"
                               "\"r\"}"));
    ok(case_has(&c, "\"delta\":{\"role\":\"assistant\",\"content\":\"\"}"),
       "the role comes first");
    ok(case_has(&c, "{\"reasoning_content\":\"r\"}"), "reasoning");
    is_int(llm_translate_begun(c.x), 1, "it has begun");

    c.out.len = 0;
    case_event(&c, NULL, "{\"choices\":[{\"index\":0,\"content_filter\":"
                         "{}}]}");
    is_int(c.out.len, 0, "a choice without a delta");

    /* two calls whose chunks are mixed */

    case_event(&c, NULL, CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\","
        "\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":\"}},"
        "{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\","
        "\"arguments\":\"{\"}}]}"));
    ok(case_has(&c, "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":"
                "\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
                "\"\"}}]}"), "a call opens");

    c.out.len = 0;
    case_event(&c, NULL, CHUNK("{\"tool_calls\":[{\"index\":1,\"function\":"
                               "{\"arguments\":\"}\"}}]}"));
    is_int(c.out.len, 0, "another one waits");

    case_event(&c, NULL, CHUNK("{\"tool_calls\":[{\"index\":0,\"function\":"
                               "{\"arguments\":\"1}\"}}]}"));
    ok(case_has(&c, "{\"index\":0,\"function\":{\"arguments\":\"1}\"}}"),
       "the first one is complete");
    ok(case_has(&c, "{\"index\":1,\"id\":\"b\""), "and the other follows");
    ok(case_has(&c, "{\"index\":1,\"function\":{\"arguments\":\"{}\"}}"),
       "with all that it had");

    c.out.len = 0;
    case_event(&c, NULL, FINISH("stop"));
    is_int(c.out.len, 0, "the finish waits for usage");

    case_usage(&c, 1, 0, 2, 0);
    case_event(&c, NULL, "{\"choices\":[],\"usage\":{}}");
    case_event(&c, NULL, "[DONE]");

    ok(case_has(&c, "\"finish_reason\":\"tool_calls\"}],\"usage\":null}"),
       "tools were called, whatever the provider says");
    ok(case_has(&c, "\"choices\":[],\"usage\":{\"prompt_tokens\":1,"),
       "usage");
    ok(case_has(&c, "}\n\ndata: [DONE]\n\n"), "the end");
    is_int(llm_translate_end(c.x, &c.out), LLM_OK, "a proper end");

    case_close(&c);
}


static void
test_stream_calls(void)
{
    case_t  c;

    /* every call has index 0, as of some servers */

    case_open(&c, LLM_OP_CHAT, ASK ",\"stream\":true}", LLM_DIALECT_CHAT, 0);
    c.out.len = 0;

    case_event(&c, NULL, CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\","
        "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"index\":0,"
        "\"id\":\"b\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}"));
    case_event(&c, NULL, CHUNK("{\"content\":\"late\"}"));
    is_int(llm_translate_end(c.x, &c.out), LLM_INVALID,
           "no finish: the stream was cut");
    case_event(&c, NULL, FINISH("tool_calls"));
    is_int(llm_translate_end(c.x, &c.out), LLM_OK, "no [DONE] is no harm");

    ok(case_has(&c, "{\"index\":0,\"id\":\"a\""), "the first call");
    ok(case_has(&c, "{\"index\":1,\"id\":\"b\""), "the second one");
    ok(case_has(&c, "{\"index\":1,\"function\":{\"arguments\":\"{}\"}}"),
       "no arguments are an empty object");
    ok(case_has(&c, "{\"content\":\"late\"}"), "text amid a call comes late");

    case_close(&c);

    /* Mistral's content, and its name of a limit */

    case_open(&c, LLM_OP_CHAT, ASK ",\"stream\":true}", LLM_DIALECT_CHAT, 0);
    c.out.len = 0;

    case_event(&c, NULL, CHUNK("{\"content\":[{\"type\":\"thinking\","
        "\"thinking\":[{\"type\":\"text\",\"text\":\"hm\"}]},{\"type\":"
        "\"text\",\"text\":\"so\"}]}"));
    case_event(&c, NULL, FINISH("model_length"));
    case_event(&c, NULL, "[DONE]");

    ok(case_has(&c, "{\"reasoning_content\":\"hm\"}"), "thinking");
    ok(case_has(&c, "{\"content\":\"so\"}"), "text");
    ok(case_has(&c, "\"finish_reason\":\"length\""), "the limit");

    case_close(&c);
}


static void
test_stream_errors(void)
{
    case_t       c;
    llm_error_t  err;

    case_open(&c, LLM_OP_CHAT, ASK ",\"stream\":true}", LLM_DIALECT_CHAT, 0);
    c.out.len = 0;

    is_int(case_event(&c, NULL, "{\"error\":{\"message\":\"slow down\","
                      "\"code\":429}}"), LLM_DECLINED, "an error first");
    is_int(c.out.len, 0, "nothing is told of it");
    is_int(llm_translate_begun(c.x), 0, "so that others may be tried");
    is_int(llm_translate_fault(c.x)->fault, LLM_FAULT_RATE, "its class");
    case_close(&c);

    case_open(&c, LLM_OP_CHAT, ASK ",\"stream\":true}", LLM_DIALECT_CHAT, 0);
    c.out.len = 0;

    case_event(&c, NULL, CHUNK("{\"content\":\"x\"}"));
    c.out.len = 0;
    is_int(case_event(&c, "error", "{\"error\":{\"message\":\"gone\"}}"),
           LLM_DECLINED, "an error in mid-stream");
    llm_translate_break(c.x, NULL, &c.out);
    is_str(case_out(&c), "data: {\"error\":{\"message\":\"gone\",\"type\":"
           "\"server_error\",\"param\":null,\"code\":\"upstream_error\"},"
           "\"request_id\":\"00112233445566778899aabbccddeeff\"}\n\n",
           "is told without [DONE]");
    is_int(case_event(&c, NULL, "[DONE]"), LLM_OK, "and nothing after it");
    case_close(&c);

    case_open(&c, LLM_OP_CHAT, ASK ",\"stream\":true}", LLM_DIALECT_CHAT, 0);
    c.out.len = 0;

    is_int(case_event(&c, NULL, "{\"choices\":[{"), LLM_INVALID, "no JSON");
    is_int(case_event(&c, NULL, "[1]"), LLM_INVALID, "no object");
    memset(&err, 0, sizeof(llm_error_t));
    err.code = LLM_ERROR_UPSTREAM_ERROR;
    err.message = unit_str("cut");
    llm_translate_break(c.x, &err, &c.out);
    ok(case_has(&c, "\"code\":\"upstream_error\""), "our own error");
    case_close(&c);

    case_open(&c, LLM_OP_CHAT, ASK ",\"stream\":true}", LLM_DIALECT_CHAT, 0);
    c.out.len = 0;

    case_event(&c, NULL, CHUNK("{\"content\":\"x\"}"));
    llm_translate_length(c.x, &c.out);
    ok(case_has(&c, "\"finish_reason\":\"length\"")
       && case_has(&c, "[DONE]"), "an answer that is cut short");
    case_close(&c);
}


static void
test_custom(void)
{
    case_t  c;

    case_open(&c, LLM_OP_CHAT, ASK ",\"stream\":true,\"tools\":[{\"type\":"
              "\"custom\",\"custom\":{\"name\":\"sh\",\"description\":\"d\","
              "\"format\":{\"type\":\"grammar\",\"grammar\":{\"syntax\":"
              "\"lark\",\"definition\":\"start: x\"}}}}]}",
              LLM_DIALECT_CHAT, 0);
    case_request(&c);

    ok(case_has(&c, "\"description\":\"d\\n\\nThe input must follow this "
                "grammar:\\nstart: x\""), "a grammar is described");

    c.out.len = 0;
    case_event(&c, NULL, CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\","
        "\"function\":{\"name\":\"sh\",\"arguments\":\"{\\\"input\\\":"
        "\\\"l\"}}]}"));
    case_event(&c, NULL, CHUNK("{\"tool_calls\":[{\"index\":0,\"function\":"
        "{\"arguments\":\"s\\\"}\"}}]}"));
    case_event(&c, NULL, FINISH("tool_calls"));
    case_event(&c, NULL, "[DONE]");

    ok(case_has(&c, "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":"
                "\"custom\",\"custom\":{\"name\":\"sh\",\"input\":\"ls\"}}]"),
       "a custom tool's text comes whole");

    case_close(&c);

    case_open(&c, LLM_OP_CHAT, ASK ",\"functions\":[{\"name\":\"f\"}]}",
              LLM_DIALECT_CHAT, 0);
    case_request(&c);
    case_answer(&c, "{\"choices\":[{\"message\":{\"content\":null,"
        "\"tool_calls\":[{\"id\":\"x\",\"function\":{\"name\":\"f\","
        "\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}");
    ok(case_has(&c, "\"function_call\":{\"name\":\"f\",\"arguments\":"
                "\"{}\"}"), "functions of old get calls of old");
    ok(case_has(&c, "\"finish_reason\":\"function_call\""), "and their end");
    case_close(&c);
}


static void
test_gemini_state(void)
{
    case_t  c;

    case_open(&c, LLM_OP_CHAT, "{\"messages\":[{\"role\":\"user\","
              "\"content\":\"x\"},{\"role\":\"assistant\",\"tool_calls\":["
              "{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":"
              "\"{}\"},\"extra_content\":{\"google\":{\"thought_signature\":"
              "\"sig\"}}}]},{\"role\":\"tool\",\"tool_call_id\":\"c\","
              "\"content\":\"\"}],\"stream\":true}", LLM_DIALECT_CHAT,
              LLM_QUIRK(GOOGLE));
    case_request(&c);

    ok(case_has(&c, "\"extra_content\":{\"google\":{\"thought_signature\":"
                "\"sig\"}}"), "a signature goes back to where it came from");

    c.out.len = 0;
    case_event(&c, NULL, CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"d\","
        "\"extra_content\":{\"google\":{\"thought_signature\":\"s2\"}},"
        "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}"));
    ok(case_has(&c, "\"arguments\":\"\"},\"extra_content\":{\"google\":"
                "{\"thought_signature\":\"s2\"}}}"), "and to the client");

    case_close(&c);
}


int
main(void)
{
    plan(0);

    test_requests();
    test_refusals();
    test_dropped();
    test_unary();
    test_stream();
    test_stream_calls();
    test_stream_errors();
    test_custom();
    test_gemini_state();

    return unit_end();
}
