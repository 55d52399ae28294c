
/* answers of Anthropic's protocol, and for its clients */


#define _GNU_SOURCE
#include "translate_case.h"
#include "llm_base64.h"


#define ASK     "{\"model\":\"m\",\"stream\":true,\"max_tokens\":9," \
                "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}"
#define SCHEMA  "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":" \
                "\"user\",\"content\":\"Hi\"}],\"response_format\":" \
                "{\"type\":\"json_schema\",\"json_schema\":{\"name\":" \
                "\"answer\",\"schema\":{\"type\":\"object\"}}},\"tools\":[" \
                "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}"

#define START(id)                                                             \
    "event: message_start\n"                                                  \
    "data: {\"type\":\"message_start\",\"message\":{\"id\":\"" id "\","       \
    "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"asked-model\","  \
    "\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"             \
    "\"usage\":{\"input_tokens\":0,\"cache_creation_input_tokens\":0,"        \
    "\"cache_read_input_tokens\":0,\"output_tokens\":0}}}\n\n" PING
#define PING    "event: ping\ndata: {\"type\":\"ping\"}\n\n"
#define BLOCK(n, block)                                                       \
    "event: content_block_start\n"                                            \
    "data: {\"type\":\"content_block_start\",\"index\":" n ","                \
    "\"content_block\":" block "}\n\n"
#define DELTA(n, delta)                                                       \
    "event: content_block_delta\n"                                            \
    "data: {\"type\":\"content_block_delta\",\"index\":" n ",\"delta\":"      \
    delta "}\n\n"
#define CLOSE(n)                                                              \
    "event: content_block_stop\n"                                             \
    "data: {\"type\":\"content_block_stop\",\"index\":" n "}\n\n"
#define STOP(reason, input, cached, output)                                   \
    "event: message_delta\n"                                                  \
    "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" reason  \
    "\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":" input ","       \
    "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":" cached   \
    ",\"output_tokens\":" output "}}\n\n"                                     \
    "event: message_stop\n"                                                   \
    "data: {\"type\":\"message_stop\"}\n\n"
#define TEXT      "{\"type\":\"text\",\"text\":\"\"}"
#define THINKING  "{\"type\":\"thinking\",\"thinking\":\"\"," \
                  "\"signature\":\"\"}"
#define CALL(id)  "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"f\"," \
                  "\"input\":{}}"


static void
chunk(case_t *c, const char *delta)
{
    char  event[512];

    snprintf(event, sizeof(event), "{\"id\":\"x\",\"model\":\"u\",\"choices\":"
             "[{\"index\":0,\"delta\":%s}]}", delta);

    case_event(c, NULL, event);
}


/* one block is open at a time, whatever order the chunks have */

static void
check_from_chat(void)
{
    case_t     c;
    llm_str_t  id;

    case_open(&c, LLM_OP_MESSAGES, ASK, LLM_DIALECT_CHAT, 0);

    chunk(&c, "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[]}");
    is_int(c.out.len, 0, "nothing is said before there is content");

    chunk(&c, "{\"reasoning_content\":\"so\"}");
    chunk(&c, "{\"content\":\"Hi\",\"reasoning_content\":null}");
    chunk(&c, "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":"
              "{\"name\":\"f\",\"arguments\":\"\"}}]}");
    chunk(&c, "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
              "\"{\\\"x\\\":1}\"}}]}");
    chunk(&c, "{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"function\":"
              "{\"name\":\"f\",\"arguments\":\"\"}}]}");
    case_event(&c, NULL, "{\"choices\":[{\"index\":0,\"delta\":{},"
               "\"finish_reason\":\"stop\"}]}");
    case_usage(&c, 3, 2, 4, 0);
    case_event(&c, NULL, "[DONE]");

    llm_id_make(c.x, "msg_", 0, &id);

    ok(id.len == 28 && memmem(c.out.data, c.out.len, id.data, id.len),
       "an id of this protocol");

    /* it is known by now: the rest can be compared */

    {
        char  want[8192];

        snprintf(want, sizeof(want), START("%.*s")
                 BLOCK("0", THINKING)
                 DELTA("0", "{\"type\":\"thinking_delta\",\"thinking\":"
                            "\"so\"}")
                 CLOSE("0") BLOCK("1", TEXT)
                 DELTA("1", "{\"type\":\"text_delta\",\"text\":\"Hi\"}")
                 CLOSE("1") BLOCK("2", CALL("a"))
                 DELTA("2", "{\"type\":\"input_json_delta\","
                            "\"partial_json\":\"{\\\"x\\\":1}\"}")
                 CLOSE("2") BLOCK("3", CALL("b"))
                 DELTA("3", "{\"type\":\"input_json_delta\","
                            "\"partial_json\":\"{}\"}")
                 CLOSE("3") STOP("tool_use", "3", "2", "4"),
                 (int) id.len, (char *) id.data);

        is_str(case_out(&c), want, "chunks of chat, as events");
    }

    case_close(&c);

    case_open(&c, LLM_OP_MESSAGES, ASK, LLM_DIALECT_CHAT, 0);
    chunk(&c, "{\"content\":\"Hi\"}");
    is_int(case_event(&c, NULL, "{\"error\":{\"message\":\"full\",\"type\":"
                      "\"server_error\",\"code\":503}}"), LLM_DECLINED,
           "an error in a stream");
    c.out.len = 0;
    llm_translate_break(c.x, NULL, &c.out);
    ok(case_has(&c, "event: error\ndata: {\"type\":\"error\",\"error\":"
                    "{\"type\":") && case_has(&c, "\"message\":\"full\""),
       "is one of this protocol");
    case_close(&c);
}


static void
check_whole(void)
{
    case_t  c;

    case_open(&c, LLM_OP_MESSAGES, ASK, LLM_DIALECT_CHAT, 0);
    case_usage(&c, 3, 2, 4, 1);
    case_answer(&c, "{\"id\":\"x\",\"choices\":[{\"message\":{\"role\":"
                "\"assistant\",\"content\":\"Hi\",\"tool_calls\":[{\"id\":"
                "\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
                "\"arguments\":\"not JSON\"}}]},\"finish_reason\":"
                "\"length\"}]}");
    is_int(c.rc, LLM_OK, "a completion");
    ok(case_has(&c, "\"content\":[{\"type\":\"text\",\"text\":\"Hi\"},"
                    "{\"type\":\"tool_use\",\"id\":\"a\","
                    "\"name\":\"f\",\"input\":{\"_raw\":\"not JSON\"}}],"
                    "\"stop_reason\":\"max_tokens\",\"stop_sequence\":null,"
                    "\"usage\":{\"input_tokens\":3,"
                    "\"cache_creation_input_tokens\":0,"
                    "\"cache_read_input_tokens\":2,\"output_tokens\":5}"),
       "as a message");
    case_close(&c);

    case_open(&c, LLM_OP_MESSAGES, ASK, LLM_DIALECT_CHAT, 0);
    is_int(case_answer(&c, "{\"choices\":[]}"), LLM_INVALID,
           "no choice is no answer");
    case_close(&c);
}


/* what another provider wants back travels as a signature */

static void
check_state(void)
{
    case_t  c;

    case_open(&c, LLM_OP_MESSAGES, ASK, LLM_DIALECT_GENERATE, 0);
    case_event(&c, NULL, "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":"
               "\"so\",\"thought\":true},{\"functionCall\":{\"name\":\"f\","
               "\"args\":{}},\"thoughtSignature\":\"sig\"}]},"
               "\"finishReason\":\"STOP\"}]}");
    llm_translate_end(c.x, &c.out);
    ok(case_has(&c, "\"signature\":\"gw1:gemini:CnNpZw==\"}}\n\n" CLOSE("0")
                    "event: content_block_start\ndata: {\"type\":"
                    "\"content_block_start\",\"index\":1,\"content_block\":"
                    "{\"type\":\"tool_use\""),
       "Gemini's signature ends the thinking before its call");
    case_close(&c);

    case_open(&c, LLM_OP_MESSAGES, ASK, LLM_DIALECT_GENERATE, 0);
    case_answer(&c, "{\"candidates\":[{\"content\":{\"parts\":["
                "{\"functionCall\":{\"name\":\"f\",\"args\":{}},"
                "\"thoughtSignature\":\"sig\"}]},\"finishReason\":"
                "\"STOP\"}]}");
    ok(case_has(&c, "\"content\":[{\"type\":\"thinking\",\"thinking\":\"\","
                    "\"signature\":\"gw1:gemini:CnNpZw==\"},"
                    "{\"type\":\"tool_use\""),
       "or stands in one made for it");
    case_close(&c);
}


static const char  *events[] = {
    "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":"
    "\"c\"}}",
    "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
    "{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\","
    "\"input\":{}}}",
    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
    "\"input_json_delta\",\"partial_json\":\"{}\"}}",
    "{\"type\":\"content_block_stop\",\"index\":0}",
    "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":"
    "{\"type\":\"text\",\"text\":\"H\"}}",
    "{\"type\":\"ping\"}",
    "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
    "\"text_delta\",\"text\":\"i \\ud83d\\ude00\"}}",
    "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
    "\"novel_delta\",\"x\":1}}",
    "{\"type\":\"content_block_stop\",\"index\":1}",
    "{\"type\":\"content_block_start\",\"index\":2,\"content_block\":"
    "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":"
    "{\"x\":1}}}",
    "{\"type\":\"content_block_stop\",\"index\":2}",
    "{\"type\":\"novel\"}",
    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"pause_turn\"}}",
    "{\"type\":\"message_stop\"}"
};

#define NEVENTS  (sizeof(events) / sizeof(events[0]))


static void
frame(llm_buf_t *b, const char *type, const char *event)
{
    llm_buf_puts(b, "event: ");
    llm_buf_puts(b, type);
    llm_buf_puts(b, "\ndata: ");
    llm_buf_puts(b, event);
    llm_buf_puts(b, "\n\n");
}


static void
check_events(void)
{
    size_t    i, n;
    case_t    c;
    unsigned  wrong, op;

    static const llm_op_e  ops[] = { LLM_OP_CHAT, LLM_OP_MESSAGES };

    case_open(&c, LLM_OP_CHAT, ASK, LLM_DIALECT_MESSAGES, 0);

    for (i = 0; i < NEVENTS; i++) {
        case_event(&c, NULL, events[i]);
    }

    is_int(llm_translate_ended(c.x), 1, "a stream that ends");
    ok(!memmem(c.out.data, c.out.len, "web_search", 10),
       "tools that the provider ran are left out");
    ok(case_has(&c, "\"content\":\"H\"")
       && case_has(&c, "\"content\":\"i \xf0\x9f\x98\x80\""), "texts are not");
    ok(case_has(&c, "\"tool_calls\":[{\"index\":0,\"id\":\"a\"")
       && case_has(&c, "\"arguments\":\"{\\\"x\\\":1}\""),
       "a call that came at once");
    ok(case_has(&c, "\"finish_reason\":\"tool_calls\""), "the end");
    case_close(&c);

    wrong = 0;

    for (op = 0; op < 2; op++) {

        for (n = 0; n < NEVENTS; n++) {
            case_open(&c, ops[op], ASK, LLM_DIALECT_MESSAGES, 0);

            for (i = 0; i < n; i++) {
                case_event(&c, NULL, events[i]);
            }

            wrong += (llm_translate_end(c.x, &c.out) != LLM_INVALID);
            case_close(&c);
        }

        case_open(&c, ops[op], ASK, LLM_DIALECT_MESSAGES, 0);
        case_event(&c, NULL, events[0]);
        is_int(case_event(&c, "error", "{\"type\":\"error\",\"error\":"
                          "{\"type\":\"overloaded_error\",\"message\":"
                          "\"Overloaded\"}}"),
               LLM_DECLINED, "an error");
        is_int(llm_translate_fault(c.x)->fault, LLM_FAULT_OVERLOADED,
               "its class");
        is_int(llm_translate_begun(c.x), 0, "nothing was said before");
        case_close(&c);
    }

    is_int(wrong, 0, "cut anywhere it has no good end");
}


/* another host of the same protocol: events are passed as they are */

static void
check_same(void)
{
    size_t     i;
    case_t     c;
    llm_buf_t  want;

    static const char  *types[NEVENTS] = {
        "message_start", "content_block_start", "content_block_delta",
        "content_block_stop", "content_block_start", "ping",
        "content_block_delta", "content_block_delta", "content_block_stop",
        "content_block_start", "content_block_stop", NULL, "message_delta",
        "message_stop"
    };

    case_open(&c, LLM_OP_MESSAGES, ASK, LLM_DIALECT_MESSAGES, 0);
    llm_buf_init(&want, c.arena);

    for (i = 0; i < NEVENTS; i++) {
        case_event(&c, NULL, events[i]);

        if (types[i]) {
            frame(&want, types[i], events[i]);
        }

        if (i == 0) {
            is_int(c.out.len, 0, "a start waits for content");
        }
    }

    llm_buf_add(&want, "", 1);

    is_int(llm_translate_ended(c.x), 1, "a stream that ends");
    is_str(case_out(&c), (char *) want.data, "each event as it was");
    case_close(&c);

    case_open(&c, LLM_OP_MESSAGES, ASK, LLM_DIALECT_MESSAGES, 0);

    for (i = 0; i < 7; i++) {
        case_event(&c, NULL, events[i]);
    }

    c.out.len = 0;
    llm_translate_length(c.x, &c.out);
    is_str(case_out(&c), CLOSE("1") STOP("max_tokens", "0", "0", "0"),
           "an end by the gateway's own limit");
    case_close(&c);

    case_open(&c, LLM_OP_MESSAGES, ASK, LLM_DIALECT_MESSAGES, 0);
    is_int(case_event(&c, NULL, events[4]), LLM_INVALID,
           "a block before the start");
    case_close(&c);

    case_open(&c, LLM_OP_MESSAGES, ASK, LLM_DIALECT_MESSAGES, 0);
    case_answer(&c, "{\"type\":\"message\", \"content\":[{\"type\":"
                "\"novel\",\"x\":1e400}]}");
    is_str(case_out(&c), "{\"type\":\"message\", \"content\":[{\"type\":"
           "\"novel\",\"x\":1e400}]}", "a message as it was");
    case_close(&c);
}


/* the tool that stands for a schema */

static void
check_forced(void)
{
    case_t  c;

    case_open(&c, LLM_OP_CHAT, SCHEMA, LLM_DIALECT_MESSAGES, 0);
    case_answer(&c, "{\"id\":\"msg_1\",\"content\":[{\"type\":\"tool_use\","
                "\"id\":\"a\",\"name\":\"answer\",\"input\":{\"a\":1}}],"
                "\"stop_reason\":\"tool_use\"}");
    ok(case_has(&c, "\"content\":\"{\\\"a\\\":1}\"")
       && case_has(&c, "\"finish_reason\":\"stop\""),
       "its input is the answer");
    case_close(&c);

    case_open(&c, LLM_OP_CHAT, SCHEMA, LLM_DIALECT_MESSAGES, 0);
    case_answer(&c, "{\"id\":\"msg_1\",\"content\":[{\"type\":\"tool_use\","
                "\"id\":\"a\",\"name\":\"f\",\"input\":{\"a\":1}}],"
                "\"stop_reason\":\"tool_use\"}");
    ok(case_has(&c, "\"finish_reason\":\"tool_calls\""),
       "other tools are tools");
    case_close(&c);

    case_open(&c, LLM_OP_CHAT, SCHEMA, LLM_DIALECT_MESSAGES, 0);
    case_event(&c, NULL, events[0]);
    case_event(&c, NULL, "{\"type\":\"content_block_start\",\"content_block\":"
               "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"answer\","
               "\"input\":{}}}");
    case_event(&c, NULL, "{\"type\":\"content_block_delta\",\"delta\":"
               "{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}}");
    case_event(&c, NULL, "{\"type\":\"message_delta\",\"delta\":"
               "{\"stop_reason\":\"tool_use\"}}");
    case_event(&c, NULL, "{\"type\":\"message_stop\"}");
    ok(case_has(&c, "\"content\":\"{}\"")
       && case_has(&c, "\"finish_reason\":\"stop\""), "in a stream, too");
    case_close(&c);
}


/* Claude's events inside of Bedrock's */

static int
bedrock(case_t *c, const char *event)
{
    int        rc;
    llm_buf_t  b;

    llm_buf_init(&b, c->arena);
    llm_buf_puts(&b, "{\"bytes\":\"");
    llm_base64_encode(&b, event, strlen(event));
    llm_buf_puts(&b, "\",\"p\":\"ab\"}");
    llm_buf_add(&b, "", 1);

    rc = case_event(c, "chunk", (char *) b.data);

    return rc;
}


static void
check_bedrock(void)
{
    size_t  i;
    case_t  c;

    case_open(&c, LLM_OP_MESSAGES, ASK, LLM_DIALECT_MESSAGES,
              LLM_QUIRK(BEDROCK));

    for (i = 0; i < NEVENTS; i++) {
        bedrock(&c, events[i]);
    }

    is_int(llm_translate_ended(c.x), 1, "chunks of Bedrock");
    ok(case_has(&c, "event: message_stop\ndata: {\"type\":"
                    "\"message_stop\"}\n\n"), "and their end");
    case_close(&c);

    case_open(&c, LLM_OP_MESSAGES, ASK, LLM_DIALECT_MESSAGES,
              LLM_QUIRK(BEDROCK));
    is_int(bedrock(&c, "{\"type\":"), LLM_INVALID, "one that is no JSON");
    is_int(case_event(&c, "chunk", "{\"bytes\":\"?\"}"), LLM_INVALID,
           "or no base64");
    is_int(case_event(&c, "chunk", "{}"), LLM_INVALID, "or nothing");
    is_int(case_event(&c, "initial-response", "{}"), LLM_OK,
           "other events are skipped");
    is_int(case_event(&c, "modelStreamErrorException", "{\"message\":\"m\"}"),
           LLM_DECLINED, "an exception is an error");
    is_int(llm_translate_fault(c.x)->fault, LLM_FAULT_SERVER, "its class");
    case_close(&c);
}


int
main(void)
{
    plan(0);

    check_from_chat();
    check_whole();
    check_state();
    check_events();
    check_same();
    check_forced();
    check_bedrock();

    return unit_end();
}
