
/* Gemini's dialect: answers of its models, answers to its clients */


#include "generate_case.h"


#define HI  "{\"contents\":\"hi\"}"
#define THINK                                                                 \
    "{\"contents\":\"hi\",\"generationConfig\":{\"thinkingConfig\":"          \
    "{\"includeThoughts\":true}}}"


#define TAIL  ",\"modelVersion\":\"m\",\"responseId\":\"r\"}"


static void
start(llm_op_e op, const char *body)
{
    case_init(LLM_DIALECT_GENERATE, 0, "gemini-2.5-flash");
    is_int(case_read(op, body), LLM_OK, "request is read");
}


static void
test_unary(void)
{
    llm_str_t    s;
    llm_usage_t  usage;

    start(LLM_OP_GENERATE, THINK);

    memset(&usage, 0, sizeof(usage));
    llm_usage_set(&usage, LLM_USAGE_INPUT, 7);
    llm_usage_set(&usage, LLM_USAGE_CACHE_READ, 3);
    llm_usage_set(&usage, LLM_USAGE_OUTPUT, 5);
    llm_usage_set(&usage, LLM_USAGE_REASONING, 2);
    llm_translate_usage(x, &usage);

    s = case_answer("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":"
                    "\"hm\",\"thought\":true},{\"text\":\"Yes\"},{\"text\":"
                    "\" no\"},{\"text\":\"\",\"thoughtSignature\":\"c2ln\"}],"
                    "\"role\":\"model\"},\"finishReason\":\"STOP\"}],"
                    "\"modelVersion\":\"m\",\"responseId\":\"r\"}");
    is_str(s, "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hm\","
              "\"thought\":true},{\"text\":\"Yes no\",\"thoughtSignature\":"
              "\"c2ln\"}],\"role\":\"model\"},\"finishReason\":\"STOP\","
              "\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":10,"
              "\"candidatesTokenCount\":5,\"totalTokenCount\":17,"
              "\"cachedContentTokenCount\":3,\"thoughtsTokenCount\":2}" TAIL,
           "thoughts, text, signature, usage");

    start(LLM_OP_GENERATE, HI);
    s = case_answer("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":"
                    "\"hm\",\"thought\":true},{\"functionCall\":{\"name\":"
                    "\"f\",\"args\":{\"a\" :\n1}}}]},\"finishReason\":"
                    "\"MAX_TOKENS\"}],\"modelVersion\":\"m\",\"responseId\":"
                    "\"r\"}");
    has(s, "\"name\":\"f\",\"args\":{\"a\" : 1}}", "arguments on one line");
    has(s, "\"finishReason\":\"MAX_TOKENS\"", "cut");
    has_not(s, "\"hm\"", "thoughts are not shown unless they were asked for");
}


static void
test_stops(void)
{
    unsigned   i;
    char       body[512];
    llm_str_t  s;

    static const struct {
        const char  *members;
        const char  *answer;
    } cases[] = {
        { "\"finishReason\":\"STOP\"", "STOP" },
        { "\"finishReason\":\"RECITATION\"", "SAFETY" },
        { "\"finishReason\":\"MODEL_ARMOR\"", "SAFETY" },
        { "\"finishReason\":\"SOMETHING_NEW\"", "STOP" },
        { "\"finishReason\":\"UNEXPECTED_TOOL_CALL\",\"content\":{\"parts\":"
          "[{\"functionCall\":{\"name\":\"f\"}}]}", "STOP" },
        { "\"index\":0", "STOP" },
        { NULL, NULL }
    };

    for (i = 0; cases[i].members; i++) {
        start(LLM_OP_GENERATE, HI);

        snprintf(body, sizeof(body), "{\"candidates\":[{%s}]}",
                 cases[i].members);
        s = case_answer(body);

        snprintf(body, sizeof(body), "\"finishReason\":\"%s\"",
                 cases[i].answer);
        has(s, body, "end of %s", cases[i].members);
    }

    start(LLM_OP_GENERATE, HI);
    s = case_answer("{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}");
    has(s, "{\"text\":\"blocked: SAFETY\"}", "a prompt that was blocked");
    has(s, "\"finishReason\":\"SAFETY\"", "is told");

    start(LLM_OP_GENERATE, HI);
    s = case_answer("{\"candidates\":[{\"finishReason\":"
                    "\"MALFORMED_FUNCTION_CALL\",\"finishMessage\":\"bad\"}]}");
    is_str(s, "-3", "a malformed call is an error");
    ok(llm_translate_fault(x)
       && llm_str_is(&llm_translate_fault(x)->code, "malformed_function_call")
       && llm_str_is(&llm_translate_fault(x)->message, "bad"),
       "whose words are kept");

    start(LLM_OP_GENERATE, HI);
    is_str(case_answer("{\"usageMetadata\":{}}"), "-3", "nothing is no answer");

    start(LLM_OP_GENERATE, HI);
    is_str(case_answer("[]"), "-3", "nor is an empty list");

    start(LLM_OP_GENERATE, HI);
    is_str(case_answer("[{\"error\":{\"code\":429,\"message\":\"slow\","
                       "\"status\":\"RESOURCE_EXHAUSTED\"}}]"), "-3",
           "an error inside of an answer");
    ok(llm_translate_fault(x)
       && llm_translate_fault(x)->fault == LLM_FAULT_RATE, "is read");
}


static void
test_stream(void)
{
    llm_str_t  s;

    static const char *const  events[] = {
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"h\","
        "\"thought\":true}]}}],\"modelVersion\":\"m\",\"responseId\":\"r\"}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},"
        "\"finishReason\":\"MAX_TOKENS\"}]}",
        "{\"usageMetadata\":{\"trafficType\":\"ON_DEMAND\"}}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"b\"},"
        "{\"functionCall\":{\"id\":\"i\",\"name\":\"f\",\"args\":{}}}]}}]}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}]},"
        "\"finishReason\":\"STOP\"}]}",
        NULL
    };

    static const char *const  cut[] = {
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}",
        NULL
    };

    static const char *const  failed[] = {
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}",
        "{\"error\":{\"code\":503,\"message\":\"busy\"}}",
        NULL
    };

    static const char *const  garbage[] = { "{\"candidates\":[", NULL };

    start(LLM_OP_GENERATE_STREAM, THINK);
    s = case_stream(events);
    is_str(s, "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"h\""
              ",\"thought\":true}],\"role\":\"model\"},\"index\":0}]" TAIL
              "\r\n\r\n"
              "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\""
              "}],\"role\":\"model\"},\"index\":0}]" TAIL "\r\n\r\n"
              "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"b\""
              "}],\"role\":\"model\"},\"index\":0}]" TAIL "\r\n\r\n"
              "data: {\"candidates\":[{\"content\":{\"parts\":[{\"function"
              "Call\":{\"id\":\"i\",\"name\":\"f\",\"args\":{}}}],\"role\":"
              "\"model\"},\"index\":0}]" TAIL "\r\n\r\n"
              "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\""
              "}],\"role\":\"model\"},\"finishReason\":\"MAX_TOKENS\","
              "\"index\":0}]" TAIL "\r\n\r\n",
           "the end comes at the end, and a trailing STOP takes nothing back");

    start(LLM_OP_GENERATE_STREAM, HI);
    conf.array = 1;
    s = case_stream(events);
    ok(s.len > 4 && s.data[0] == '[' && s.data[s.len - 1] == ']',
       "a stream may be an array");
    has(s, "},\r\n{", "of chunks");
    has_not(s, "\"thought\"", "thoughts are not shown unless asked for");
    has_not(s, "data:", "without the words of an event stream");

    start(LLM_OP_GENERATE_STREAM, HI);
    has(case_stream(cut), "!-3", "a stream without a reason to end was cut");

    start(LLM_OP_GENERATE_STREAM, HI);
    has(case_stream(failed), "!-2", "an error in a stream ends it");
    ok(llm_translate_fault(x)->fault == LLM_FAULT_OVERLOADED, "and is read");

    start(LLM_OP_GENERATE_STREAM, HI);
    is_str(case_stream(garbage), "!-3", "no JSON is no event");
}


static void
test_break(void)
{
    llm_buf_t  out;
    llm_str_t  s;

    start(LLM_OP_GENERATE_STREAM, HI);
    conf.array = 1;

    llm_buf_init(&out, arena);

    error.code = LLM_ERROR_UPSTREAM_ERROR;
    error.message = unit_str("gone");

    llm_translate_break(x, &error, &out);

    s.data = out.data;
    s.len = out.len;

    ok(s.len > 9 && memcmp(s.data, "[{\"error\"", 9) == 0
       && s.data[s.len - 1] == ']', "an array that fails at once is one");
}


static void
test_fragments(void)
{
    llm_str_t  s;

    static const char *const  events[] = {
        "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":"
        "{\"name\":\"f\",\"willContinue\":true},\"thoughtSignature\":"
        "\"c2ln\"}]}}]}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":"
        "{\"partialArgs\":[{\"jsonPath\":\"$.a\",\"stringValue\":\"x\\\"\","
        "\"willContinue\":true}],\"willContinue\":true}}]}}]}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":"
        "{\"partialArgs\":[{\"jsonPath\":\"$.a\",\"stringValue\":\"y\"},"
        "{\"jsonPath\":\"$.b[1].c\",\"numberValue\":12345678901234567890},"
        "{\"jsonPath\":\"$.b[0].c\",\"boolValue\":true},{\"jsonPath\":"
        "\"$['d e']\",\"nullValue\":null},{\"jsonPath\":\"nonsense\"}],"
        "\"willContinue\":true}}]}}]}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{}}]},"
        "\"finishReason\":\"STOP\"}]}",
        NULL
    };

    start(LLM_OP_GENERATE_STREAM, HI);
    s = case_stream(events);
    has(s, "\"name\":\"f\",\"args\":{\"a\":\"x\\\"y\",\"b\":[{\"c\":true},"
           "{\"c\":12345678901234567890}],\"d e\":null}},"
           "\"thoughtSignature\":\"c2ln\"}",
        "arguments by their paths become one object");
}


static void
test_grounding(void)
{
    llm_str_t   s;

    start(LLM_OP_GENERATE, "{\"contents\":\"a\",\"tools\":[{\"googleSearch\":"
                           "{}}]}");

    s = case_answer("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":"
                    "\"\xc3\xa4\xc3\xa4 claim.\"}]},\"finishReason\":\"STOP\","
                    "\"groundingMetadata\":{\"groundingChunks\":[{\"web\":"
                    "{\"uri\":\"https://a\",\"title\":\"A\"}}],\"grounding"
                    "Supports\":[{\"segment\":{\"startIndex\":5,\"endIndex\":"
                    "10,\"text\":\"claim\"},\"groundingChunkIndices\":[0,9]}]"
                    "}}]}");
    has(s, "\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":"
           "\"https://a\",\"title\":\"A\"}}]}", "sources");
    ok(x->message->notes && x->message->notes->from == 3
       && x->message->notes->to == 8,
       "their places are told in code points");
}


/* reasoning of others, through a client that has no place of its own for it */

static void
test_carried(void)
{
    unsigned            shown;
    char                body[1024], signature[512];
    llm_str_t           s;
    llm_buf_t           out;
    llm_part_t          part;
    llm_str_t           text, name, id, none;
    const llm_block_t  *block;

    none.len = 0;
    none.data = NULL;

    for (shown = 0; shown < 2; shown++) {
        start(LLM_OP_GENERATE_STREAM, shown ? THINK : HI);

        llm_buf_init(&out, arena);
        x->out = &out;

        llm_translate_start(x, &none, &none);
        llm_translate_open(x, LLM_BLOCK_THINKING, NULL, NULL);

        text = unit_str("I think\nso");
        llm_translate_delta(x, &text);

        memset(&part, 0, sizeof(part));
        part.type = LLM_PART_STATE;
        part.state.kind = LLM_STATE_ANTHROPIC;
        part.state.data = unit_str("signed");
        llm_translate_part(x, &part);

        id = unit_str("toolu_1");
        name = unit_str("f");
        llm_translate_open(x, LLM_BLOCK_TOOL_CALL, &id, &name);
        llm_translate_stop(x, LLM_STOP_TOOL, NULL);
        llm_translate_done(x);

        s.data = out.data;
        s.len = out.len;

        has(s, "\"thoughtSignature\":\"Z3cxO", "state is carried");

        if (shown) {
            has(s, "{\"text\":\"I think\\nso\",\"thought\":true,"
                "\"thoughtSignature\":", "with the thought's last words");
        } else {
            has(s, "\"args\":{}},\"thoughtSignature\":", "with the call");
        }

        llm_buf_puts(&out, "");
        s.data = (unsigned char *) strstr((char *) s.data, "Signature\":\"")
                 + 12;
        snprintf(signature, sizeof(signature), "%.*s",
                 (int) strcspn((char *) s.data, "\""), (char *) s.data);

        snprintf(body, sizeof(body), "{\"contents\":[{\"parts\":[{\"text\":"
                 "\"a\"}]},{\"role\":\"model\",\"parts\":[%s{\"functionCall\":"
                 "{\"id\":\"toolu_1\",\"name\":\"f\"}%s%s%s}]}]}",
                 shown ? "{\"text\":\"I think\\nso\",\"thought\":true,"
                         "\"thoughtSignature\":\"" : "",
                 shown ? "" : ",\"thoughtSignature\":\"",
                 shown ? "" : signature, shown ? "" : "\"");

        if (shown) {
            snprintf(body, sizeof(body), "{\"contents\":[{\"parts\":[{\"text"
                     "\":\"a\"}]},{\"role\":\"model\",\"parts\":[{\"text\":"
                     "\"I think\\nso\",\"thought\":true,\"thoughtSignature\":"
                     "\"%s\"},{\"functionCall\":{\"id\":\"toolu_1\",\"name\":"
                     "\"f\"}}]}]}", signature);
        }

        start(LLM_OP_GENERATE, body);

        block = x->form->turns->next->blocks;

        ok(block->kind == LLM_BLOCK_THINKING
           && block->state.kind == LLM_STATE_ANTHROPIC, "and comes back");
        is_str(block->state.data, "signed", "as it was");
        is_str(block->text, "I think\nso", "with what was thought");
        ok(block->next && block->next->kind == LLM_BLOCK_TOOL_CALL
           && block->next->state.kind == LLM_STATE_NONE,
           "before its call");
    }
}


int
main(void)
{
    plan(0);

    test_unary();
    test_stops();
    test_stream();
    test_break();
    test_fragments();
    test_grounding();
    test_carried();

    llm_arena_free(arena);

    return unit_end();
}
