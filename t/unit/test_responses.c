
/*
 * OpenAI's Responses API on both sides, with what Codex and the Agents SDK
 * send: items, tools of every type, state that travels with the client.
 */


#include "translate_case.h"
#include "grammar.h"


static void
request(const char *name, llm_op_e op, const char *body, llm_dialect_e to,
    uint64_t quirks, const char *want)
{
    case_t  c;

    case_open(&c, op, body, to, quirks);
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

    case_open(&c, LLM_OP_RESPONSES, body, LLM_DIALECT_CHAT, 0);
    case_request(&c);

    is_int(c.rc, LLM_INVALID, "refused: %s", param);
    is_int(c.err.code, code, "with a code");
    is_str(c.err.param, param, "and the parameter");

    case_close(&c);
}


static void
test_to_chat(void)
{
    request("a question", LLM_OP_RESPONSES,
            "{\"input\":\"hi\",\"instructions\":\"be brief\",\"store\":true,"
            "\"max_output_tokens\":5,\"reasoning\":{\"effort\":\"xhigh\"},"
            "\"truncation\":\"auto\"}", LLM_DIALECT_CHAT, 0,
            "{\"model\":\"upstream-model\",\"messages\":["
            "{\"role\":\"system\",\"content\":\"be brief\"},"
            "{\"role\":\"user\",\"content\":\"hi\"}],"
            "\"max_completion_tokens\":5,\"reasoning_effort\":\"xhigh\"}");

    request("a tool loop", LLM_OP_RESPONSES,
            "{\"input\":[{\"role\":\"user\",\"content\":\"x\"},"
            "{\"type\":\"reasoning\",\"id\":\"rs\",\"summary\":[]},"
            "{\"type\":\"message\",\"role\":\"assistant\",\"content\":["
            "{\"type\":\"output_text\",\"text\":\"on it\"}]},"
            "{\"type\":\"function_call\",\"id\":\"fc_1\",\"call_id\":\"c1\","
            "\"name\":\"f\",\"arguments\":\"{}\"},"
            "{\"type\":\"function_call\",\"call_id\":\"c2\",\"namespace\":"
            "\"ns\",\"name\":\"g\",\"arguments\":\"{}\"},"
            "{\"type\":\"web_search_call\",\"id\":\"ws\"},"
            "{\"type\":\"function_call_output\",\"call_id\":\"c1\","
            "\"output\":\"r1\"},"
            "{\"type\":\"function_call_output\",\"call_id\":\"c2\","
            "\"output\":[{\"type\":\"input_text\",\"text\":\"r2\"}]},"
            "{\"type\":\"function_call_output\",\"call_id\":\"gone\","
            "\"output\":\"kept\"}],"
            "\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":"
            "{\"type\":\"object\"}},{\"type\":\"namespace\",\"name\":\"ns\","
            "\"tools\":[{\"type\":\"function\",\"name\":\"g\"}]},"
            "{\"type\":\"image_generation\"},{\"type\":\"made_up\"}]}",
            LLM_DIALECT_CHAT, 0,
            "{\"model\":\"upstream-model\",\"messages\":["
            "{\"role\":\"user\",\"content\":\"x\"},"
            "{\"role\":\"assistant\",\"content\":\"on it\",\"tool_calls\":["
            "{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":"
            "\"f\",\"arguments\":\"{}\"}},{\"id\":\"c2\",\"type\":"
            "\"function\",\"function\":{\"name\":\"ns__g\",\"arguments\":"
            "\"{}\"}}]},"
            "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"r1\"},"
            "{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"r2\"},"
            "{\"role\":\"user\",\"content\":\"kept\"}],"
            "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
            "\"parameters\":{\"type\":\"object\"}}},{\"type\":\"function\","
            "\"function\":{\"name\":\"ns__g\",\"parameters\":{\"type\":"
            "\"object\",\"properties\":{}}}}]}");
}


static void
test_to_responses(void)
{
    request("a chat", LLM_OP_CHAT,
            "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
            "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
            "\"see\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
            "\"https://x\"}}]},{\"role\":\"assistant\",\"content\":null,"
            "\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"t\","
            "\"signature\":\"gw1:openai:cnNfMQpFTkM=\"}],\"tool_calls\":["
            "{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":"
            "\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]},{\"role\":\"tool\","
            "\"tool_call_id\":\"c\",\"content\":\"r\"},{\"role\":\"system\","
            "\"content\":\"later\"}],\"tools\":[{\"type\":\"function\","
            "\"function\":{\"name\":\"f\"}}],\"reasoning_effort\":\"low\","
            "\"max_tokens\":3,\"seed\":1,\"temperature\":0.5,\"stream\":true,"
            "\"response_format\":{\"type\":\"json_object\"}}",
            LLM_DIALECT_RESPONSES, LLM_QUIRK(NO_SAMPLING),
            "{\"model\":\"upstream-model\",\"instructions\":\"s\",\"input\":["
            "{\"type\":\"message\",\"role\":\"user\",\"content\":["
            "{\"type\":\"input_text\",\"text\":\"see\"},{\"type\":"
            "\"input_image\",\"detail\":\"auto\",\"image_url\":"
            "\"https://x\"}]},"
            "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[],"
            "\"encrypted_content\":\"ENC\"},"
            "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\","
            "\"arguments\":\"{\\\"a\\\":1}\"},"
            "{\"type\":\"function_call_output\",\"call_id\":\"c\","
            "\"output\":\"r\"},"
            "{\"type\":\"message\",\"role\":\"developer\",\"content\":"
            "\"later\"}],\"tools\":[{\"type\":\"function\",\"name\":\"f\","
            "\"parameters\":{\"type\":\"object\",\"properties\":{}},"
            "\"strict\":false}],\"max_output_tokens\":16,"
            "\"text\":{\"format\":{\"type\":\"json_object\"}},"
            "\"reasoning\":{\"effort\":\"low\",\"summary\":\"auto\"},"
            "\"include\":[\"reasoning.encrypted_content\"],"
            "\"store\":false,\"stream\":true}");
}


static void
test_refusals(void)
{
    refused("{}", LLM_ERROR_MISSING_PARAMETER, "input");
    refused("{\"input\":[]}", LLM_ERROR_MISSING_PARAMETER, "input");
    refused("{\"input\":\"x\",\"previous_response_id\":\"resp_1\"}",
            LLM_ERROR_UNSUPPORTED_PARAMETER, "previous_response_id");
    refused("{\"input\":\"x\",\"conversation\":\"c\"}",
            LLM_ERROR_UNSUPPORTED_PARAMETER, "conversation");
    refused("{\"input\":\"x\",\"prompt\":{\"id\":\"p\"}}",
            LLM_ERROR_UNSUPPORTED_PARAMETER, "prompt");
    refused("{\"input\":\"x\",\"background\":true}",
            LLM_ERROR_UNSUPPORTED_PARAMETER, "background");
    refused("{\"input\":[{\"role\":\"user\",\"content\":\"x\"},{\"type\":"
            "\"item_reference\",\"id\":\"x\"}]}",
            LLM_ERROR_UNSUPPORTED_PARAMETER, "input[1]");
    refused("{\"input\":[{\"role\":\"robot\",\"content\":\"x\"}]}",
            LLM_ERROR_UNSUPPORTED_PARAMETER, "input[0].role");
    refused("{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":"
            "\"input_smell\"}]}]}", LLM_ERROR_UNSUPPORTED_PARAMETER,
            "input[0].content[0].type");
    refused("{\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\"}]}",
            LLM_ERROR_MISSING_PARAMETER, "input[0].name");
    refused("{\"input\":[{\"type\":\"function_call_output\",\"output\":"
            "\"x\"}]}", LLM_ERROR_MISSING_PARAMETER, "input[0].call_id");
    refused("{\"input\":\"x\",\"include\":[\"message.output_text.logprobs\"]}"
            , LLM_ERROR_UNSUPPORTED_PARAMETER, "top_logprobs");
    refused("{\"input\":\"x\",\"tool_choice\":{\"type\":\"function\"}}",
            LLM_ERROR_MISSING_PARAMETER, "tool_choice.name");
    refused("{\"input\":\"x\",\"reasoning\":{\"effort\":\"huge\"}}",
            LLM_ERROR_UNSUPPORTED_PARAMETER, "reasoning.effort");
}


static int
holds(case_t *c, const char *text)
{
    llm_buf_add(&c->out, "", 1);
    c->out.len--;

    return strstr((char *) c->out.data, text) != NULL;
}


/* what is streamed keeps the grammar; told holds what was said */

static void
told_stream(case_t *c, told_t *t, const char *name)
{
    char  *body;

    body = malloc(c->out.len + 1);
    llm_buf_add(&c->out, "", 1);
    memcpy(body, c->out.data, c->out.len--);

    told_init(t);
    responses_stream(t, body);
    free(body);

    ok(t->wrong[0] == '\0', "%s: by the grammar", name);

    if (t->wrong[0]) {
        printf("# %s\n", t->wrong);
    }
}


#define ASK    "{\"model\":\"m\",\n\"input\":\"hi\",\"stream\":true"
#define CHUNK(delta)  "{\"id\":\"i\",\"choices\":[{\"index\":0,\"delta\":" \
                      delta "}]}"
#define FINISH(why)   "{\"id\":\"i\",\"choices\":[{\"index\":0,\"delta\":" \
                      "{},\"finish_reason\":\"" why "\"}]}"


static void
test_stream(void)
{
    case_t  c;
    told_t  t;

    case_open(&c, LLM_OP_RESPONSES, ASK ",\"tools\":[{\"type\":\"custom\","
              "\"name\":\"sh\"},{\"type\":\"namespace\",\"name\":\"ns\","
              "\"tools\":[{\"type\":\"function\",\"name\":\"g\"}]},{\"type\":"
              "\"local_shell\"}]}", LLM_DIALECT_CHAT, 0);
    case_request(&c);
    c.out.len = 0;

    case_event(&c, NULL, CHUNK("{\"reasoning\":\"hm\"}"));
    case_event(&c, NULL, CHUNK("{\"content\":\"a\"}"));
    case_event(&c, NULL, CHUNK("{\"annotations\":[{\"type\":"
        "\"url_citation\",\"url_citation\":{\"url\":\"u\",\"title\":\"t\"}}]"
        "}"));
    case_event(&c, NULL, CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"x\","
        "\"function\":{\"name\":\"sh\",\"arguments\":\"{\\\"input\\\":"
        "\\\"ls\\\"}\"}},{\"index\":1,\"id\":\"y\",\"function\":{\"name\":"
        "\"ns__g\",\"arguments\":\"\"}},{\"index\":2,\"id\":\"z\","
        "\"function\":{\"name\":\"local_shell\",\"arguments\":"
        "\"{\\\"command\\\":[\\\"ls\\\"]}\"}}]}"));
    case_event(&c, NULL, FINISH("tool_calls"));
    case_usage(&c, 1, 2, 3, 4);
    case_event(&c, NULL, "[DONE]");

    ok(case_has(&c, "\"type\":\"custom_tool_call\",\"status\":\"completed\","
                "\"call_id\":\"x\",\"name\":\"sh\",\"input\":\"ls\""),
       "a custom tool gets its text");
    ok(case_has(&c, "\"namespace\":\"ns\",\"name\":\"g\",\"arguments\":"
                "\"{}\""), "a namespace is told apart again");
    ok(case_has(&c, "\"type\":\"local_shell_call\",\"status\":\"completed\","
                "\"call_id\":\"z\",\"action\":{\"type\":\"exec\",\"env\":{},"
                "\"command\":[\"ls\"]}"), "the client's own shell");
    ok(case_has(&c, "\"annotation\":{\"type\":\"url_citation\",\"url\":\"u\","
                "\"title\":\"t\",\"start_index\":0,\"end_index\":1}"),
       "a citation");
    ok(case_has(&c, "\"usage\":{\"input_tokens\":3,\"input_tokens_details\":"
                "{\"cached_tokens\":2,"), "usage");
    ok(!holds(&c, "[DONE]"), "no [DONE]");

    case_close(&c);

    case_open(&c, LLM_OP_RESPONSES, ASK "}", LLM_DIALECT_CHAT, 0);
    c.out.len = 0;

    case_event(&c, NULL, CHUNK("{\"content\":\"a\"}"));
    case_event(&c, NULL, CHUNK("{\"refusal\":\"no\"}"));
    case_event(&c, NULL, FINISH("stop"));
    is_int(llm_translate_end(c.x, &c.out), LLM_OK, "an end");
    told_stream(&c, &t, "text and a refusal");
    ok(strcmp(t.text, "a") == 0, "its text");
    ok(strcmp(t.refusal, "no") == 0, "and its refusal");
    ok(strcmp(t.finish, "completed") == 0, "is an answer");
    told_free(&t);
    case_close(&c);

    case_open(&c, LLM_OP_RESPONSES, ASK "}", LLM_DIALECT_CHAT, 0);
    c.out.len = 0;

    case_event(&c, NULL, FINISH("content_filter"));
    llm_translate_end(c.x, &c.out);
    told_stream(&c, &t, "nothing but a filter");
    ok(strcmp(t.finish, "content_filter") == 0, "its end");
    told_free(&t);
    case_close(&c);
}


static void
test_stream_errors(void)
{
    case_t       c;
    told_t       t;
    llm_error_t  err;

    case_open(&c, LLM_OP_RESPONSES, ASK "}", LLM_DIALECT_CHAT, 0);
    c.out.len = 0;

    case_event(&c, NULL, CHUNK("{\"content\":\"a\"}"));
    is_int(llm_translate_end(c.x, &c.out), LLM_INVALID, "a cut stream");

    memset(&err, 0, sizeof(llm_error_t));
    err.code = LLM_ERROR_UPSTREAM_ERROR;
    err.message = unit_str("cut");
    llm_translate_break(c.x, &err, &c.out);

    told_stream(&c, &t, "a failure in mid-stream");
    ok(t.error && t.complete, "an error, and a failed response");
    ok(case_has(&c, "\"status\":\"failed\""), "its status");
    told_free(&t);
    case_close(&c);

    case_open(&c, LLM_OP_RESPONSES, ASK "}", LLM_DIALECT_CHAT, 0);
    c.out.len = 0;

    is_int(case_event(&c, NULL, "{\"error\":{\"message\":\"busy\",\"code\":"
                      "429}}"), LLM_DECLINED, "an error first");
    is_int(llm_translate_begun(c.x), 0, "nothing was told");
    llm_translate_break(c.x, NULL, &c.out);
    told_stream(&c, &t, "a failure at once");
    ok(case_has(&c, "\"code\":\"rate_limit_exceeded\",\"message\":\"busy\""),
       "in the provider's words");
    told_free(&t);
    case_close(&c);
}


static void
test_state(void)
{
    case_t  c;

    /* Claude's signature through a Responses client, and back */

    case_open(&c, LLM_OP_RESPONSES, "{\"input\":\"hi\"}",
              LLM_DIALECT_MESSAGES, 0);
    case_answer(&c, "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":"
        "\"assistant\",\"model\":\"m\",\"content\":[{\"type\":\"thinking\","
        "\"thinking\":\"\",\"signature\":\"SIG\"},{\"type\":"
        "\"redacted_thinking\",\"data\":\"RED\"},{\"type\":\"tool_use\","
        "\"id\":\"t\",\"name\":\"f\",\"input\":{}}],\"stop_reason\":"
        "\"tool_use\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}");
    is_int(c.rc, LLM_OK, "Claude's answer");
    ok(case_has(&c, "\"encrypted_content\":\"gw1:anthropic:ClNJRw==\""),
       "a signature is carried");
    ok(case_has(&c, "\"encrypted_content\":"
                "\"gw1:anthropic:cmVkYWN0ZWQKUkVE\""), "and what is hidden");
    case_close(&c);

    case_open(&c, LLM_OP_RESPONSES, "{\"input\":[{\"role\":\"user\","
        "\"content\":\"hi\"},{\"type\":\"reasoning\",\"summary\":[],"
        "\"encrypted_content\":\"gw1:anthropic:ClNJRw==\"},{\"type\":"
        "\"reasoning\",\"summary\":[],\"encrypted_content\":"
        "\"gw1:anthropic:cmVkYWN0ZWQKUkVE\"},{\"type\":\"function_call\","
        "\"call_id\":\"t\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":"
        "\"function_call_output\",\"call_id\":\"t\",\"output\":\"r\"}],"
        "\"tools\":[{\"type\":\"function\",\"name\":\"f\"}],\"reasoning\":"
        "{\"effort\":\"low\"},\"max_output_tokens\":4000}",
        LLM_DIALECT_MESSAGES, 0);
    case_request(&c);
    is_int(c.rc, LLM_OK, "the next request");
    ok(case_has(&c, "\"signature\":\"SIG\""), "the signature is back");
    ok(case_has(&c, "{\"type\":\"redacted_thinking\",\"data\":\"RED\"}"),
       "and what is hidden");
    case_close(&c);

    /* to another provider it never goes */

    case_open(&c, LLM_OP_RESPONSES, "{\"input\":[{\"role\":\"user\","
        "\"content\":\"hi\"},{\"type\":\"reasoning\",\"summary\":[],"
        "\"encrypted_content\":\"gw1:anthropic:ClNJRw==\"},{\"role\":"
        "\"assistant\",\"content\":\"a\"}]}", LLM_DIALECT_RESPONSES, 0);
    case_request(&c);
    ok(!holds(&c, "gw1") && !holds(&c, "SIG"),
       "state of one provider stays from others");
    case_close(&c);
}


static void
test_upstream_stream(void)
{
    case_t  c;
    told_t  t;

    case_open(&c, LLM_OP_RESPONSES, ASK "}", LLM_DIALECT_RESPONSES, 0);
    c.out.len = 0;

    /* pieces of the two calls are mixed, the text comes only when it ends */

    case_event(&c, NULL, "{\"type\":\"response.created\",\"response\":"
               "{\"id\":\"r\",\"model\":\"m\"}}");
    case_event(&c, NULL, "{\"type\":\"response.output_item.added\","
               "\"output_index\":0,\"item\":{\"type\":\"message\"}}");
    case_event(&c, NULL, "{\"type\":\"response.output_text.done\","
               "\"output_index\":0,\"text\":\"late\"}");
    case_event(&c, NULL, "{\"type\":\"response.output_item.done\","
               "\"output_index\":0,\"item\":{\"type\":\"message\","
               "\"content\":[{\"type\":\"output_text\",\"text\":\"late\"}]}}");
    case_event(&c, NULL, "{\"type\":\"response.output_item.added\","
               "\"output_index\":1,\"item\":{\"type\":\"function_call\","
               "\"call_id\":\"a\",\"name\":\"f\",\"arguments\":\"\"}}");
    case_event(&c, NULL, "{\"type\":\"response.output_item.added\","
               "\"output_index\":2,\"item\":{\"type\":\"function_call\","
               "\"call_id\":\"b\",\"name\":\"g\",\"arguments\":\"\"}}");
    case_event(&c, NULL, "{\"type\":\"response.function_call_arguments."
               "delta\",\"output_index\":2,\"delta\":\"{\\\"y\\\":\"}");
    case_event(&c, NULL, "{\"type\":\"response.function_call_arguments."
               "delta\",\"output_index\":1,\"delta\":\"{\"}");
    case_event(&c, NULL, "{\"type\":\"response.function_call_arguments."
               "done\",\"output_index\":1,\"arguments\":\"{}\"}");
    case_event(&c, NULL, "{\"type\":\"response.output_item.done\","
               "\"output_index\":1,\"item\":{\"type\":\"function_call\","
               "\"call_id\":\"a\",\"name\":\"f\",\"arguments\":\"{}\"}}");
    case_event(&c, NULL, "{\"type\":\"response.output_item.done\","
               "\"output_index\":2,\"item\":{\"type\":\"function_call\","
               "\"call_id\":\"b\",\"name\":\"g\",\"arguments\":"
               "\"{\\\"y\\\":1}\"}}");
    is_int(llm_translate_end(c.x, &c.out), LLM_INVALID, "no end yet");
    case_event(&c, NULL, "{\"type\":\"response.completed\",\"response\":"
               "{\"status\":\"completed\",\"output\":[]}}");
    is_int(llm_translate_end(c.x, &c.out), LLM_OK, "an end");

    told_stream(&c, &t, "a stream of the same protocol");
    ok(strcmp(t.text, "late") == 0, "its text, once");
    is_int(t.ncalls, 2, "two calls");

    if (t.ncalls == 2) {
        ok(strcmp(t.arguments[0], "{}") == 0, "of the first the arguments");
        ok(strcmp(t.arguments[1], "{\"y\":1}") == 0, "and of the second");
    }

    told_free(&t);
    case_close(&c);
}


int
main(void)
{
    plan(0);

    test_to_chat();
    test_to_responses();
    test_refusals();
    test_stream();
    test_stream_errors();
    test_state();
    test_upstream_stream();

    return unit_end();
}
